"""Uncached answers over a workspace of 10,000 meetings and 5 million segments: how long each takes.

No Redis and no cache: every request runs its queries. One request at a time, over HTTP, endpoints interleaved,
parameters drawn anew each time. `make bench-analytics`.
"""

import argparse
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.servers import filled_postgres, served

RESULTS = Path(__file__).parent / "results" / "analytics.md"
PER_PAGE = 20
WORDS = ("outage", "quarter", "onboarding", "planning")

Draw = Callable[[random.Random], str]


@dataclass(slots=True)
class Endpoint:
    """One row of the table; `p50_ms` and `p99_ms` are its targets, where it has them."""

    name: str
    draw: Draw
    p50_ms: float | None = None
    p99_ms: float | None = None
    taken_ms: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """The time that `share` of the requests did not exceed."""
        return statistics.quantiles(self.taken_ms, n=1000, method="inclusive")[round(share * 1000) - 1]

    @property
    def is_met(self) -> bool:
        """Whether both targets hold."""
        targets = ((0.5, self.p50_ms), (0.99, self.p99_ms))
        return all(target is None or self.percentile(share) < target for share, target in targets)

    @property
    def targets(self) -> str:
        """The targets as the table shows them."""
        return " / ".join("-" if each is None else f"{each:.0f}" for each in (self.p50_ms, self.p99_ms))


def endpoints(ids: list[int]) -> list[Endpoint]:
    """Every analytics endpoint over short and long periods, and the list in all its ways; `ids`: the meetings."""
    pages = len(ids) // PER_PAGE
    zones = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata")

    def analytics(name: str, days: int) -> Endpoint:
        return Endpoint(
            f"analytics/{name}?days={days}",
            lambda chance: f"/api/analytics/{name}?days={days}&tz={chance.choice(zones)}",
            150,
            500,
        )

    def listed(label: str, draw: Draw) -> Endpoint:
        return Endpoint(f"meetings/{label}", lambda chance: f"/api/meetings/{draw(chance)}", p50_ms=20)

    return [
        Endpoint("analytics/meetings/{id}", lambda chance: f"/api/analytics/meetings/{chance.choice(ids)}", 150, 500),
        *(analytics("dashboard", days) for days in (7, 30, 365)),
        *(analytics("overview", days) for days in (7, 30, 365)),
        *(analytics("engagement", days) for days in (7, 30, 365)),
        listed("?page=1", lambda _: "?page=1"),
        listed("?page=deep", lambda chance: f"?page={chance.randint(pages - 50, pages)}"),
        listed("?page=any", lambda chance: f"?page={chance.randint(1, pages)}"),
        listed("?sort=title", lambda chance: f"?sort=title&page={chance.randint(1, pages)}"),
        listed("?sort=-created_at", lambda chance: f"?sort=-created_at&page={chance.randint(1, pages)}"),
        listed("?sort=-updated_at", lambda chance: f"?sort=-updated_at&page={chance.randint(1, pages)}"),
        listed("?status=cancelled", lambda chance: f"?status=cancelled&page={chance.randint(1, 20)}"),
        Endpoint("meetings/?q=word", lambda chance: f"/api/meetings/?q={chance.choice(WORDS)}"),
    ]


def run(client: httpx.Client, measured: list[Endpoint], rounds: int) -> None:
    """Ask each endpoint `rounds` times, in turns, after a round that is not counted."""
    chance = random.Random(1)
    for number in range(rounds + 1):
        for each in measured:
            path = each.draw(chance)
            started = time.perf_counter()
            answer = client.get(path)
            taken = (time.perf_counter() - started) * 1000
            if answer.status_code != 200:
                raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
            if number:
                each.taken_ms.append(taken)


def all_ids(client: httpx.Client) -> list[int]:
    """The ids of the workspace's meetings."""
    ids: list[int] = []
    page = 1
    while True:
        found = client.get("/api/meetings/", params={"page": page, "per_page": 100}).json()
        ids += [each["id"] for each in found["items"]]
        if page >= found["pages"]:
            return ids
        page += 1


def report(measured: list[Endpoint], title: str, console: Console) -> None:
    """The table, printed and kept."""
    table = Table(title=title)
    heads = ("endpoint", "p50 ms", "p99 ms", "max ms", "target p50 / p99", "met")
    rows = [
        (
            each.name,
            f"{each.percentile(0.5):.1f}",
            f"{each.percentile(0.99):.1f}",
            f"{max(each.taken_ms):.1f}",
            each.targets,
            "yes" if each.is_met else "no",
        )
        for each in measured
    ]
    for head in heads:
        table.add_column(head)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = [f"# {title}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]))


def main() -> None:
    """Fill, serve, measure, report; exit code 1 where a target is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--meetings", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=200)
    chosen = arguments.parse_args()
    console = Console()
    with (
        filled_postgres(chosen.meetings, console) as url,
        served(url, MINA_CACHE_ENABLED="false") as client,
        console.status("measuring"),
    ):
        measured = endpoints(all_ids(client))
        run(client, measured, chosen.rounds)
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    title = f"Uncached, {chosen.meetings} meetings, {chosen.rounds} requests each, {machine}"
    report(measured, title, console)
    raise SystemExit(0 if all(each.is_met for each in measured) else 1)


if __name__ == "__main__":
    main()
