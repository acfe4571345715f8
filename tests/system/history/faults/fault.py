"""One thing that goes wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """`pause_seconds` is how long it waits before it begins, `seconds` how long it lasts; `dice` is in [0, 1)."""

    kind: str
    pause_seconds: float
    seconds: float
    worker: int
    dice: float
