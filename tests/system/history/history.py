"""What happened in a run: versions that were written, answers that showed them, all on one monotonic clock.

A *register* is a number that one writer alone raises, such as the version in a meeting's title. A *question* is
what a client asks; its answer shows the version of each of the question's registers. Kept in arrays: a read of eight
registers takes 60 bytes.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Shape:
    """A question as the record knows it: the endpoint's name, and the registers that its answer shows."""

    endpoint: str
    registers: tuple[int, ...]


@dataclass(slots=True)
class Marks:
    """Moments at which a register's version was sent to a server, or acknowledged by it."""

    times: "array[float]" = field(default_factory=lambda: array("d"))
    registers: "array[int]" = field(default_factory=lambda: array("H"))
    versions: "array[int]" = field(default_factory=lambda: array("I"))

    def __len__(self) -> int:
        return len(self.times)

    def add(self, time: float, register: int, version: int) -> None:
        """Note one."""
        self.times.append(time)
        self.registers.append(register)
        self.versions.append(version)

    def in_order(self) -> list[tuple[float, int, int]]:
        """Time, register and version of each, by time."""
        return sorted(zip(self.times, self.registers, self.versions, strict=True))


@dataclass(frozen=True, slots=True)
class WriteSpan:
    """One write: `status` is 0 where no answer came, and whether it was done is not known."""

    sent: float
    ended: float
    worker: int
    what: str
    status: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that was not answered by a 200 or a 304."""

    start: float
    end: float
    worker: int
    endpoint: str
    reason: str


@dataclass(slots=True)
class FaultSpan:
    """A fault from when it began to when its cause was gone; `worker` is None where it concerns all."""

    kind: str
    worker: int | None
    began: float
    ended: float = float("inf")
    note: str = ""


class History:
    """The record of a run over `shapes`, whose registers are numbered from 0, and called by `names`."""

    def __init__(self, shapes: Sequence[Shape], names: Sequence[str]) -> None:
        self.shapes = list(shapes)
        self.names = list(names)
        self.sent = Marks()
        self.acknowledged = Marks()
        self.writes: list[WriteSpan] = []
        self.failures: list[Failure] = []
        self.faults: list[FaultSpan] = []
        self.starts = array("d")
        self.ends = array("d")
        self.asked = array("H")
        self.workers = array("B")
        self.outcomes = array("B")
        self.outcome_names: list[str] = []
        self._outcome_numbers: dict[str, int] = {}
        self._offsets = array("Q")
        self._versions = array("I")

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, start: float, end: float, question: int, worker: int, outcome: str, versions: Sequence[int]) -> None:
        """Note an answer: its outcome as the cache words it, and the version of each of the question's registers."""
        self.starts.append(start)
        self.ends.append(end)
        self.asked.append(question)
        self.workers.append(worker)
        number = self._outcome_numbers.get(outcome)
        if number is None:
            number = self._outcome_numbers[outcome] = len(self.outcome_names)
            self.outcome_names.append(outcome)
        self.outcomes.append(number)
        self._offsets.append(len(self._versions))
        self._versions.extend(versions)

    def shown(self, read: int) -> Iterator[tuple[int, int]]:
        """Register and version of all that an answer showed."""
        registers = self.shapes[self.asked[read]].registers
        offset = self._offsets[read]
        return zip(registers, self._versions[offset : offset + len(registers)], strict=True)

    def version_shown(self, read: int, register: int) -> int | None:
        """The version of one register in an answer, if it showed it."""
        return next((version for each, version in self.shown(read) if each == register), None)
