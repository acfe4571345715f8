"""The results as Markdown for readers, and as JSON for whatever draws them."""

import json
from collections.abc import Iterator, Sequence

from benchmarks.growth.curves import Curve, Point
from benchmarks.growth.engine import BODY, FEW, READS
from benchmarks.growth.entries import TAGS
from benchmarks.speed.claims import Claim
from benchmarks.speed.machine import described


def markdown(curves: Sequence[Curve], claims: Sequence[Claim], command: str, rounds: int) -> str:
    """The page of results."""
    lines = [
        "# What the cache costs as it grows",
        "",
        *described(),
        f"- `{command}`: medians of {rounds} rounds over all sizes by turns, with the least and the most.",
        f"- The engine is asked in one process, one read after another, {READS} of random keys for each sample, the"
        f" body as a client without zstd wants it; bodies of {len(BODY):,} bytes and {len(TAGS)} tags where nothing"
        f" else is said, {FEW} entries where their number is not the question. Redis is a private Valkey for each size;"
        " its hits are round trips, and fetch the tags' tokens with the entry.",
        "- Memory: what the process, or the Valkey, has grown by, for each entry of 1 KB. The cache in memory is"
        " bounded by `MINA_CACHE_MEMORY_BYTES`, 64 MiB unless set; here it is not.",
        "- Invalidating is one round trip whatever is under the tag. What workers forget in memory, before the writer"
        " goes on, is as many entries as they have there under it, which that bound limits.",
        "- `mina serve`: 64 pages of a list of 14 meetings, wrk with 32 connections on the last core, which all workers"
        " but a single one share with it.",
        "",
        "![the same as curves](growth.svg)",
        "",
    ]
    for curve in curves:
        lines += _table(curve)
    lines += ["## Bounds", "", "| holds | what | value | bound |", "|---|---|---:|---:|"]
    lines += [f"| {claim} |" for claim in claims]
    lines.append("")
    return "\n".join(lines)


def _table(curve: Curve) -> Iterator[str]:
    yield f"## {curve.title}"
    yield ""
    yield f"| {curve.x} | {' | '.join(f'{name}, {curve.y} | least–most' for name in curve.series)} |"
    yield f"|---:|{'---:|' * (2 * len(curve.series))}"
    for x in curve.sizes:
        cells = [cell for name in curve.series for cell in _cells(curve.at(name, x))]
        yield f"| {x:,g} | {' | '.join(cells)} |"
    yield ""


def _cells(point: Point | None) -> tuple[str, str]:
    if point is None:
        return "", ""
    if len(point.samples) == 1:
        return _number(point.median), ""
    return _number(point.median), f"{_number(min(point.samples))}–{_number(max(point.samples))}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def as_json(curves: Sequence[Curve]) -> str:
    """What the picture is drawn from."""
    return json.dumps(
        [
            {
                "title": curve.title.replace("`", ""),
                "x": curve.x,
                "y": curve.y,
                "is_linear": curve.is_linear,
                "series": {
                    name: [
                        {"x": point.x, "median": point.median, "least": min(point.samples), "most": max(point.samples)}
                        for point in points
                    ]
                    for name, points in curve.series.items()
                },
            }
            for curve in curves
        ]
    )
