"""The results as Markdown."""

import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.resilience.bounds import bounds
from benchmarks.resilience.outage import CONNECTIONS, PAGES, SHARE_AROUND, SIGNALS, Outages
from benchmarks.resilience.outage import LOAD_SECONDS as LOAD_SECONDS_OF_OUTAGES
from benchmarks.resilience.stampede import LOAD_SECONDS, REQUESTS, WORKERS, Stampedes
from benchmarks.resilience.timeline import OPENING_SECONDS, RECOVERED, WINDOW_SECONDS
from benchmarks.resilience.variants import LIMIT, MINA

RESULTS = Path(__file__).resolve().parents[1] / "results"
OUTAGE_HEADS = (
    "cache",
    "healthy req/s",
    "Redis away req/s",
    "ratio",
    "slowest ms",
    "5xx",
    "other errors",
    "recovery s",
)


def markdown(stampeded: Sequence[Stampedes], lost: Sequence[Outages], rounds: int, seconds: float) -> str:
    """The page of results."""
    return "\n".join(
        [
            "# Many cold requests at once, and Redis away",
            "",
            f"- {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; load"
            f" {os.getloadavg()[0]:.1f} at the end. `make bench-resilience`.",
            f"- A page of 7 KB for one signed-in user, on FastAPI under uvicorn; its load takes"
            f" {1000 * LOAD_SECONDS:g} ms in stampedes, {1000 * LOAD_SECONDS_OF_OUTAGES:g} ms in outages.",
            "- Mina is whole, with its Postgres and its default time-outs, but without audits."
            f" {rounds} rounds by turns.",
            "",
            *(_stampedes(stampeded) if stampeded else ()),
            *(_outages(lost, seconds) if lost else ()),
            *(_bounds(stampeded, lost)),
        ]
    )


def _stampedes(stampeded: Sequence[Stampedes]) -> Iterator[str]:
    settings = [(workers, requests) for workers in WORKERS for requests in REQUESTS]
    heads = [f"{requests:,} over {workers}" for workers, requests in settings]
    yield "## Stampedes"
    yield ""
    yield "How often the handler ran for so many cold requests at once over so many workers: the median, and the most;"
    yield "the slowest answer in ms, of all rounds; what was not answered with 200. *Redis away*: stopped before."
    yield ""
    yield f"| cache | {' | '.join(f'{head}: loads | slowest' for head in heads)} | failed |"
    yield f"|---|{'---:|' * (2 * len(heads) + 1)}"
    for each in stampeded:
        cells = [each.variant.name]
        for setting in settings:
            median, most = each.loads(*setting)
            cells += [f"{median:,g} ({most:,})", f"{each.slowest_ms(*setting):,.0f}"]
        yield f"| {' | '.join(cells)} | {each.failed} |"
    yield ""


def _outages(lost: Sequence[Outages], seconds: float) -> Iterator[str]:
    for signal in SIGNALS:
        yield f"## Redis away by {signal}"
        yield ""
        yield f"| {' | '.join(OUTAGE_HEADS)} |"
        yield f"|---|{'---:|' * (len(OUTAGE_HEADS) - 1)}"
        yield from (f"| {' | '.join(_cells(each))} |" for each in lost if each.signal == signal)
        yield ""
    around = f"{seconds * SHARE_AROUND:.1f} s"
    yield f"- {CONNECTIONS} connections without a pause, {PAGES} warmed pages, one worker: {around} healthy,"
    yield f"  {seconds:g} s without Redis, {around} after. SIGSTOP: it is continued; SIGKILL: it is"
    yield "  started again, empty, on its port."
    yield f"- *Redis away*: from {OPENING_SECONDS:g} s on; it, *healthy* and *ratio* are medians of the rounds."
    yield "- *Slowest*: of all that ended, or was still waiting, after Redis went, in any round."
    yield "- *Recovery*: from Redis's return until a time of"
    yield f"  {1000 * WINDOW_SECONDS:g} ms with {RECOVERED:g} of the healthy throughput begins, in the worst round."
    yield f"- The load is one process of Python, whose own limit on this machine is the line of {LIMIT.name}: constant"
    yield f"  bytes to anybody. {MINA.name} comes near it, so that its server is not as busy as those of others."
    yield ""


def _cells(outages: Outages) -> Sequence[str]:
    recovery = outages.recovery_seconds
    return (
        outages.variant.name,
        f"{outages.median(lambda each: each.healthy_rate):,.0f}",
        f"{outages.median(lambda each: each.outage_rate):,.0f}",
        f"{outages.median(lambda each: each.ratio):.3f}",
        f"{outages.slowest_ms:,.0f}",
        f"{outages.server_errors:,}",
        f"{outages.other_errors:,}",
        "not seen" if recovery is None else f"{recovery:.2f}",
    )


def _bounds(stampeded: Sequence[Stampedes], lost: Sequence[Outages]) -> Iterator[str]:
    yield "## Bounds"
    yield ""
    yield "| holds | what | value | bound |"
    yield "|---|---|---:|---:|"
    yield from (f"| {bound} |" for bound in bounds(stampeded, lost))
    yield ""
