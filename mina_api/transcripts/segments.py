"""An utterance: what every importer gives, every exporter takes, and every measure is computed of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Utterance:
    """One segment of a transcript; times are integer milliseconds from the meeting's start."""

    start_ms: int
    end_ms: int
    speaker: str
    text: str
