"""A working day of one workspace, in numbers that can be argued with: who looks at what, and who changes what.

10,000 meetings in a year of 250 working days are 40 a day. Each is created, changed once, gets its transcript and
two tasks. Members leave a page open, and it asks anew at an interval, as pages with live figures do. How many reads
come to a write follows from that interval alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MEMBERS = 20
VISIBLE_HOURS = 6.0
PAGES_A_DAY = 40
MEETINGS_A_DAY = 40
ZIPF_OF_MEMBERS = 1.0
ZIPF_OF_MEETINGS = 1.0

DASHBOARD = "dashboard"
OVERVIEW = "overview"
ENGAGEMENT = "engagement"
LIST = "list"
MEETING = "meeting"
MEASURES = "meeting's analytics"
TASKS = "meeting's tasks"
TRANSCRIPT = "transcript"
READS = (DASHBOARD, OVERVIEW, LIST, MEETING, MEASURES, TASKS, ENGAGEMENT, TRANSCRIPT)


@dataclass(frozen=True, slots=True)
class PageKind:
    """What a member goes to with this weight, what it asks for at each look, and what only when it is opened."""

    weight: float
    looks_at: tuple[str, ...]
    opens: tuple[str, ...] = ()


PAGES: Mapping[str, PageKind] = {
    "home": PageKind(0.50, (DASHBOARD, OVERVIEW)),
    "list": PageKind(0.20, (LIST,)),
    "meeting": PageKind(0.25, (MEETING, MEASURES, TASKS), opens=(TRANSCRIPT,)),
    "engagement": PageKind(0.05, (ENGAGEMENT,)),
}

# Of one meeting, in its life.
CREATE, CHANGE, IMPORT, TASK = "create", "change", "import", "task"
WRITES: Mapping[str, int] = {CREATE: 1, CHANGE: 1, IMPORT: 1, TASK: 2}

# The default periods and the first page are what nearly everybody leaves as it is.
PERIODS: Mapping[str, float] = {"": 0.85, "?days=14": 0.05, "?days=30": 0.05, "?days=90": 0.05}
LISTS: Mapping[str, float] = {
    "": 0.75,
    "?page=2": 0.12,
    "?page=3": 0.05,
    "?status=completed": 0.05,
    "?sort=title": 0.03,
}


def writes_a_day() -> int:
    """All changes of a day."""
    return MEETINGS_A_DAY * sum(WRITES.values())


def reads_per_look() -> float:
    """Requests each time that a page asks anew, on the average."""
    return sum(page.weight * len(page.looks_at) for page in PAGES.values())


def refresh_seconds(reads_per_write: float) -> float:
    """The interval at which open pages ask anew that makes so many reads of each write."""
    looks_a_day = reads_per_write * writes_a_day() / reads_per_look()
    return MEMBERS * VISIBLE_HOURS * 3600 / looks_a_day


def looks_per_page(reads_per_write: float) -> float:
    """How often a page asks until its member goes to another one, on the average; the first time too."""
    return max(1.0, VISIBLE_HOURS * 3600 / PAGES_A_DAY / refresh_seconds(reads_per_write))
