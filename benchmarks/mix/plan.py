"""The requests of the mix in their order: endless, the same for the same seed, with the cache and without it."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.mix.sessions import (
    CHANGE,
    CREATE,
    DASHBOARD,
    ENGAGEMENT,
    IMPORT,
    LIST,
    LISTS,
    MEASURES,
    MEETING,
    MEMBERS,
    OVERVIEW,
    PAGES,
    PERIODS,
    TASK,
    TASKS,
    TRANSCRIPT,
    WRITES,
    ZIPF_OF_MEETINGS,
    ZIPF_OF_MEMBERS,
    looks_per_page,
)

# As many as a meeting of the demo has.
SEGMENTS = 560


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: `what` is an endpoint's name, or a write's; `meeting` is the one that it is about."""

    what: str
    member: int
    method: str
    path: str
    body: bytes = b""
    meeting: int | None = None

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.method != "GET"


class Zipf:
    """Draws of `count` things, the first most often: the k-th as often as 1/k to the power of `exponent`."""

    def __init__(self, count: int, exponent: float) -> None:
        self._every = range(count)
        self._weights = list(itertools.accumulate((rank + 1) ** -exponent for rank in self._every))

    def draw(self, chance: random.Random) -> int:
        """A rank, from 0."""
        return chance.choices(self._every, cum_weights=self._weights)[0]


class Plan:
    """What members of a workspace ask for; `meetings`: ids, the latest first."""

    def __init__(self, meetings: Sequence[int], reads_per_write: float, seed: int) -> None:
        self._meetings = meetings
        self._chance = random.Random(seed)
        self._members = Zipf(MEMBERS, ZIPF_OF_MEMBERS)
        self._recent = Zipf(len(meetings), ZIPF_OF_MEETINGS)
        self._write_share = 1 / reads_per_write
        self._leaving_share = 1 / looks_per_page(reads_per_write)

    def __iter__(self) -> Iterator[Ask]:
        pages: dict[int, list[Ask]] = {}
        for read in self._reads(pages):
            yield read
            if self._chance.random() < self._write_share:
                yield self._write(self._members.draw(self._chance))

    def _reads(self, pages: dict[int, list[Ask]]) -> Iterator[Ask]:
        while True:
            member = self._members.draw(self._chance)
            if member not in pages or self._chance.random() < self._leaving_share:
                pages[member], opening = self._page(member)
                yield from opening
            yield from pages[member]

    def _page(self, member: int) -> tuple[list[Ask], list[Ask]]:
        """What a page asks for at each look, and what only now."""
        kind = PAGES[self._of({name: page.weight for name, page in PAGES.items()})]
        query, meeting = self._of(PERIODS), self._meeting()
        paths = {
            DASHBOARD: f"/api/analytics/dashboard{query}",
            OVERVIEW: f"/api/analytics/overview{query}",
            ENGAGEMENT: f"/api/analytics/engagement{query}",
            LIST: f"/api/meetings/{self._of(LISTS)}",
            MEETING: f"/api/meetings/{meeting}",
            MEASURES: f"/api/analytics/meetings/{meeting}",
            TASKS: f"/api/meetings/{meeting}/tasks/",
            TRANSCRIPT: f"/api/meetings/{meeting}/transcript",
        }

        def asks(names: Sequence[str]) -> list[Ask]:
            about = (MEETING, MEASURES, TASKS, TRANSCRIPT)
            return [Ask(name, member, "GET", paths[name], meeting=meeting if name in about else None) for name in names]

        return asks(kind.looks_at), asks(kind.opens)

    def _write(self, member: int) -> Ask:
        what, meeting = self._of(WRITES), self._meeting()
        number = self._chance.randrange(10**9)
        if what == CREATE:
            fields = {"title": f"Planning {number}", "scheduled_at": "2026-01-15T09:00:00Z"}
            return Ask(what, member, "POST", "/api/meetings/", _json(fields))
        path = f"/api/meetings/{meeting}"
        if what == CHANGE:
            return Ask(what, member, "PATCH", path, _json({"description": f"Agenda {number}"}), meeting)
        if what == TASK:
            return Ask(what, member, "POST", f"{path}/tasks/", _json({"title": f"Follow up {number}"}), meeting)
        assert what == IMPORT, what
        return Ask(what, member, "PUT", f"{path}/transcript", _transcript(number), meeting)

    def _meeting(self) -> int:
        return self._meetings[self._recent.draw(self._chance)]

    def _of(self, weights: Mapping[str, float]) -> str:
        return self._chance.choices(list(weights), weights=list(weights.values()))[0]


def _json(fields: object) -> bytes:
    return json.dumps(fields).encode()


def _transcript(number: int) -> bytes:
    """A transcript as long as those that are there, by four who take turns."""
    text = f"We looked at number {number} and agreed on what comes next."
    segments = [
        {"speaker": f"Speaker {each % 4}", "start": each * 4.0, "end": each * 4.0 + 3.5, "text": text}
        for each in range(SEGMENTS)
    ]
    return _json({"segments": segments})
