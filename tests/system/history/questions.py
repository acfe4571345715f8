"""What readers ask, and how versions are read off the answers.

A meeting has three registers: its title's version, that of who speaks (`voice`), and that of how long it lasts, in
milliseconds (`length`). A workspace has one more, the sum of its meetings' lengths, which is all that the overview
shows of them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.system.history.history import Shape

TITLE, VOICE, LENGTH = range(3)
PER_MEETING = 3

MS_PER_HOUR = 3_600_000
MARKS = re.compile(rb"\b(title|voice)~(\d+)~(\d+)")
DETAILS = re.compile(rb'"title":"title~(\d+)~\d+".*?"duration_seconds":([\d.]+)', re.DOTALL)
HOURS = re.compile(rb'"hours":([^,}]+)')

Versions: TypeAlias = tuple[int, ...]


@dataclass(slots=True)
class Meeting:
    """A meeting that one writer changes: `number` is the run's, `id` the server's."""

    number: int
    id: int = 0

    def register(self, which: int) -> int:
        """The register of its TITLE, VOICE or LENGTH."""
        return self.number * PER_MEETING + which

    def title(self, version: int) -> str:
        """A title that shows a version."""
        return f"title~{self.number}~{version}"

    def voice(self, version: int) -> str:
        """A speaker's name that shows a version."""
        return f"voice~{self.number}~{version}"


@dataclass(slots=True)
class Workspace:
    """Meetings that share lists and analytics, and who may read and write them."""

    total: int
    meetings: list[Meeting] = field(default_factory=list)
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A GET whose 200 shows `registers`; what an answer lacks of them counts as version 0."""

    endpoint: str
    path: str
    registers: tuple[int, ...]
    workspace: Workspace
    reading: Callable[[bytes], Mapping[int, int]]

    @property
    def shape(self) -> Shape:
        """The question as the record knows it."""
        return Shape(self.endpoint, self.registers)

    def versions(self, body: bytes) -> Versions:
        """The version of each register in an answer's body."""
        found = self.reading(body)
        return tuple(found.get(register, 0) for register in self.registers)


def marked(body: bytes) -> Mapping[int, int]:
    """The versions in titles and speakers' names."""
    return {
        int(number) * PER_MEETING + (TITLE if kind == b"title" else VOICE): int(version)
        for kind, number, version in MARKS.findall(body)
    }


def detailed(body: bytes) -> Mapping[int, int]:
    """Those, and the lengths beside titles."""
    lengths = {
        int(number) * PER_MEETING + LENGTH: round(float(seconds) * 1000) for number, seconds in DETAILS.findall(body)
    }
    return {**marked(body), **lengths}


def summed(total: int) -> Callable[[bytes], Mapping[int, int]]:
    """The sum of all lengths, in an overview's hours."""

    def read(body: bytes) -> Mapping[int, int]:
        found = HOURS.search(body)
        return {total: round(float(found[1]) * MS_PER_HOUR)} if found else {}

    return read


def workspaces(count: int, meetings: int) -> list[Workspace]:
    """So many workspaces of so many meetings each, at most the five that a dashboard shows."""
    first_total = count * meetings * PER_MEETING
    return [
        Workspace(first_total + number, [Meeting(number * meetings + each) for each in range(meetings)])
        for number in range(count)
    ]


def names(spaces: Sequence[Workspace]) -> list[str]:
    """What to call each register."""
    of_meetings = [
        f"{which} of meeting {meeting.number}"
        for space in spaces
        for meeting in space.meetings
        for which in ("title", "voice", "length")
    ]
    return [*of_meetings, *(f"sum of lengths of workspace {number}" for number in range(len(spaces)))]


def questions(spaces: Sequence[Workspace]) -> list[Question]:
    """Every cached endpoint that shows a register, of every workspace and meeting."""
    return [question for space in spaces for question in _of_workspace(space)]


def _of_workspace(space: Workspace) -> list[Question]:
    def of_all(*which: int) -> tuple[int, ...]:
        return tuple(meeting.register(each) for meeting in space.meetings for each in which)

    def ask(endpoint: str, path: str, *which: int) -> Question:
        return Question(endpoint, path, of_all(*which), space, detailed if LENGTH in which else marked)

    analytics = "/api/analytics"
    return [
        ask("list", "/api/meetings/", TITLE, LENGTH),
        ask("list, sorted", "/api/meetings/?sort=-updated_at&per_page=50", TITLE, LENGTH),
        ask("dashboard", f"{analytics}/dashboard", TITLE, VOICE, LENGTH),
        ask("engagement", f"{analytics}/engagement", VOICE),
        Question("overview", f"{analytics}/overview", (space.total,), space, summed(space.total)),
        *(question for meeting in space.meetings for question in _of_meeting(space, meeting)),
    ]


def _of_meeting(space: Workspace, meeting: Meeting) -> list[Question]:
    title, voice, length = (meeting.register(which) for which in (TITLE, VOICE, LENGTH))
    path = f"/api/meetings/{meeting.id}"
    return [
        Question("meeting", path, (title, length), space, detailed),
        Question("transcript", f"{path}/transcript", (voice,), space, marked),
        Question("transcript, as vtt", f"{path}/transcript?format=vtt", (voice,), space, marked),
        Question("analytics", f"/api/analytics/meetings/{meeting.id}", (voice,), space, marked),
    ]
