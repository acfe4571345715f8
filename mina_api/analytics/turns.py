"""Turns: who has the floor, from when to when; and who took it from somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from mina_api.transcripts.segments import Utterance

PAUSE_MS = 3000
INTERRUPTION_MS = 500


@dataclass(slots=True)
class Turn:
    """A run of one speaker's utterances; `end_ms` is their latest end."""

    speaker: str
    first: Utterance
    end_ms: int

    @property
    def length_ms(self) -> int:
        """From its first start to its latest end."""
        return self.end_ms - self.first.start_ms


def turns_of(utterances: Iterable[Utterance]) -> list[Turn]:
    """The turns of utterances ordered by (start, end), backchannels left out by the caller.

    A turn ends with another's utterance, or with a pause of more than three seconds.
    """
    turns: list[Turn] = []
    for each in utterances:
        last = turns[-1] if turns else None
        if last is not None and last.speaker == each.speaker and each.start_ms - last.end_ms <= PAUSE_MS:
            last.end_ms = max(last.end_ms, each.end_ms)
        else:
            turns.append(Turn(each.speaker, each, each.end_ms))
    return turns


def patience_of(turns: Sequence[Turn]) -> float | None:
    """The median wait, in milliseconds, between turns of different speakers; None where there are none."""
    waits = [
        max(0, later.first.start_ms - earlier.end_ms)
        for earlier, later in pairwise(turns)
        if earlier.speaker != later.speaker
    ]
    return float(median(waits)) if waits else None


def interruptions_of(turns: Sequence[Turn], utterances: Sequence[Utterance]) -> list[str]:
    """The speakers of the turns that began while another's utterance ran, overlapping it by half a second.

    `utterances`: all that have a length, backchannels too, ordered by start. It is enough to know, among those
    that have begun, the latest end of any speaker and the latest end of any other one.
    """
    interrupting: list[str] = []
    latest, latest_of_others = ("", 0), ("", 0)
    following = iter(utterances)
    upcoming = next(following, None)
    for turn in turns:
        first = turn.first
        while upcoming is not None and upcoming.start_ms <= first.start_ms:
            ending = (upcoming.speaker, upcoming.end_ms)
            if ending[1] > latest[1]:
                latest, latest_of_others = ending, latest if latest[0] != ending[0] else latest_of_others
            elif ending[0] != latest[0] and ending[1] > latest_of_others[1]:
                latest_of_others = ending
            upcoming = next(following, None)
        running = latest_of_others if latest[0] == turn.speaker else latest
        if min(running[1], first.end_ms) - first.start_ms >= INTERRUPTION_MS:
            interrupting.append(turn.speaker)
    return interrupting
