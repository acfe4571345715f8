"""The results as Markdown for readers, and as JSON for whatever draws them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.speed.claims import claims
from benchmarks.speed.machine import described
from benchmarks.speed.measuring import Row
from benchmarks.speed.startup import Resting
from benchmarks.speed.subjects import BODY_BYTES, PEERS_PYTHON
from benchmarks.speed.variants import RAW

RESULTS = Path(__file__).resolve().parents[1] / "results"
HEADS = (
    "variant",
    "pages",
    "requests/s",
    "least–most",
    "of raw ASGI",
    "server CPU µs",
    "Redis CPU µs",
    "p50 ms",
    "p99 ms",
)


def cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    """One line of the table."""
    floor = next((each for each in rows if each.variant.name == RAW and each.keys == (row.keys or 1)), None)
    least, most = row.spread
    return (
        row.variant.name,
        row.pages,
        f"{row.rate:,.0f}",
        f"{least:,.0f}–{most:,.0f}",
        f"{row.rate / floor.rate:.3f}" if floor is not None else "",
        f"{row.cpu_us:.0f}",
        f"{row.redis_cpu_us:.1f}",
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.2f}",
    )


def tables(rows: Sequence[Row], resting: Sequence[Resting]) -> Iterator[str]:
    """The tables of what was measured, of what is claimed, and of starting."""
    if rows:
        yield f"| {' | '.join(HEADS)} |"
        yield f"|{'---|' * 2}{'---:|' * (len(HEADS) - 2)}"
        yield from (f"| {' | '.join(cells(row, rows))} |" for row in rows)
        yield ""
    if found := list(claims(rows)):
        yield from ("## What is claimed", "", "| holds | what | measured | bound |", "|---|---|---:|---:|")
        yield from (f"| {claim} |" for claim in found)
        yield ""
    if resting:
        yield from ("## Start and memory", "", f"| {' | '.join(Resting.HEADS)} |", f"|{'---|' * len(Resting.HEADS)}")
        yield from (f"| {' | '.join(each.cells())} |" for each in resting)
        yield ""


def markdown(rows: Sequence[Row], resting: Sequence[Resting], rounds: int, seconds: float) -> str:
    """The page of results."""
    lines = [
        "# A cached answer, beside the floor of the server and beside other caches",
        "",
        *described(PEERS_PYTHON),
        f"- Medians of {rounds} rounds over all variants by turns, each started anew; {seconds:g} s of load after a"
        " second of warm-up. One uvicorn worker on a core of its own; wrk with 32 connections, Valkey and Postgres off"
        " that core.",
        f"- One page of {BODY_BYTES} bytes, the same to the byte from all but `mina serve`, whose list of meetings is"
        " as near to that size as whole meetings come; one HS256 token, checked in each request by all but raw ASGI;"
        " what it says is recalled by Mina, as long as that is true.",
        "- All that wait for Redis begin with `gc.freeze()` and a threshold of 20,000, as `mina serve` does.",
        "- Every server of a peer makes each page once: a run in which one makes more is refused.",
        "- *new* pages were never asked for before. *by hand* is what one would write for this one page, without"
        " invalidation, time-outs or recovery.",
        "",
        "![requests per second and CPU time](speed.svg)",
        "",
        *tables(rows, resting),
    ]
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> str:
    """What the picture is drawn from."""
    return json.dumps(
        [
            {
                "name": row.variant.name,
                "group": row.variant.group,
                "keys": row.keys,
                "pages": row.pages,
                "rate": row.rate,
                "least": row.spread[0],
                "most": row.spread[1],
                "cpu_us": row.cpu_us,
            }
            for row in rows
        ]
    )
