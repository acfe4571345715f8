"""The results as Markdown."""

from collections.abc import Callable, Iterator, Sequence

from benchmarks.mix.bounds import bounds
from benchmarks.mix.database import DatabaseWork
from benchmarks.mix.load import Taken
from benchmarks.mix.measuring import THINNED, WARM_UP_SHARE, Mix, Side, percentile, queries_each
from benchmarks.mix.sessions import (
    MEETINGS_A_DAY,
    MEMBERS,
    READS,
    VISIBLE_HOURS,
    WRITES,
    looks_per_page,
    refresh_seconds,
    writes_a_day,
)
from benchmarks.speed.machine import described

HEADS = (
    *("request", "share", "without: p50 / p95 ms", "with: p50 / p95 ms", "mean faster", "median faster", "hit rate"),
    *("ideal", "hit p50 ms", "miss p50 ms", "hits faster", "queries without", "with"),
)
WORK: Sequence[tuple[str, Callable[[DatabaseWork], float]]] = (
    ("ms in statements", lambda work: 1000 * work.statement_seconds),
    ("transactions", lambda work: work.transactions),
    ("blocks looked at", lambda work: work.blocks),
    ("rows read", lambda work: work.rows),
)


def markdown(mixes: Sequence[Mix], command: str, *, meetings: int, rounds: int, seconds: float, workers: int) -> str:
    """The page of results."""
    lines = [
        "# A realistic mix of reads and writes, with the cache and without it",
        "",
        *described(),
        f"- `{command}`: {rounds} rounds of {seconds:g} s by turns, each after {WARM_UP_SHARE * seconds:g} s that are"
        f" not counted, which begin with nothing cached. `mina serve`, workers: {workers}, defaults; a Postgres that"
        " syncs to disk, a Valkey. *Without* is `MINA_CACHE_ENABLED=false`.",
        f"- One workspace of {meetings:,} meetings. The same requests by the same seed on both sides. First at one"
        " rate, which both can answer: that compares response times, from when a request is due, without a timer's"
        " own millisecond. Then without a pause:"
        f" that compares throughput, and times hold the waiting for a machine that is full; the side without the cache,"
        f" to which their order is nothing, gets every {THINNED}th there. The load runs on the same cores.",
        "",
        *_model(mixes),
    ]
    for mix in mixes:
        lines += _mix(mix)
    return "\n".join(lines)


def _model(mixes: Sequence[Mix]) -> Iterator[str]:
    kinds = ", ".join(f"{count} × {name}" for name, count in WRITES.items())
    yield "## Who asks for what"
    yield ""
    yield f"- {MEETINGS_A_DAY} meetings on a working day, each with {kinds}: {writes_a_day()} writes a day. Each of"
    yield "  them makes everybody's analytics of the workspace unreadable, and all but tasks its lists: entries are"
    yield "  one member's alone, and none is kept longer than what it shows."
    yield f"- {MEMBERS} members, by Zipf, have a page open for {VISIBLE_HOURS:g} hours a day: half of the time the"
    yield "  dashboard with the overview, else the list, a meeting with its analytics and tasks, or the engagement."
    yield "  Meetings by Zipf, the latest first. Most leave periods and the page as they are."
    yield "- An open page asks anew at an interval. Reads of each write follow from it, and the first of these is what"
    yield "  decides whether the published table is beaten:"
    for reads in dict.fromkeys(mix.reads_per_write for mix in mixes):
        yield f"  {reads:g} at every {refresh_seconds(reads):.0f} s, {looks_per_page(reads):.0f} times a page;"
    yield "- *Ideal* is the hit rate of a cache that forgets nothing but what a write may have changed, on these"
    yield "  requests. The run does in seconds what members do in hours: a member asks for the same again once it was"
    yield "  answered; no TTL runs out, which in a day they seldom would, as writes clear most of it sooner."
    yield "- *Faster* is time without the cache to time with it: of means, hits and misses together; of medians; and of"
    yield "  the mean without it to the mean of hits. Where misses took as long as without the cache, the first could"
    yield "  not exceed 1 / (1 − hit rate); they take less, as they meet a machine that has less to do."
    yield ""


def _mix(mix: Mix) -> Iterator[str]:
    pace = "as fast as they are answered" if mix.rate is None else f"{mix.rate:g} requests a second on both sides"
    yield f"## {mix.reads_per_write:g} reads of each write, {pace}"
    yield ""
    yield f"| {' | '.join(HEADS)} |"
    yield f"|---|{'---:|' * (len(HEADS) - 1)}"
    total = sum(len(each.seconds) for each in mix.cached.taken.values())
    for name in [*READS, *WRITES]:
        if name in mix.names:
            yield f"| {' | '.join(_cells(mix, name, total))} |"
    yield ""
    yield f"- All requests, in this mix: {mix.speed_up_of_all:.1f} times faster in the mean;"
    yield f"  {mix.without.rate:,.0f} requests a second without, {mix.cached.rate:,.0f} with the cache."
    yield f"- Queries saved, as `Server-Timing` counts them: {mix.queries_saved:.1%}."
    yield "- By Postgres's own counters (pg_stat_database), for each request:"
    yield ""
    yield "| | without | with | saved |"
    yield "|---|---:|---:|---:|"
    for name, of in WORK:
        without, cached = (_work(side, of) for side in (mix.without, mix.cached))
        yield f"| {name} | {without:,.2f} | {cached:,.2f} | {mix.work_saved(of):.1%} |"
    yield ""
    yield "The published table, held to that:"
    yield ""
    yield "| holds | what | value | bound |"
    yield "|---|---|---:|---:|"
    yield from (f"| {bound} |" for bound in bounds(mix))
    yield ""


def _work(side: Side, of: Callable[[DatabaseWork], float]) -> float:
    return of(side.work) / side.sent


def _cells(mix: Mix, name: str, total: int) -> Iterator[str]:
    without, cached = mix.without.taken[name], mix.cached.taken[name]
    yield name
    yield f"{len(cached.seconds) / total:.1%}"
    yield f"{_ms(without.seconds, 0.5)} / {_ms(without.seconds, 0.95)}"
    yield f"{_ms(cached.seconds, 0.5)} / {_ms(cached.seconds, 0.95)}"
    yield f"{mix.speed_up(name):.1f}×"
    yield f"{mix.speed_up_of_median(name):.1f}×"
    is_read = name in READS
    yield f"{mix.hit_rate(name):.1%}" if is_read else ""
    yield f"{mix.ideal[name].rate:.1%}" if is_read else ""
    yield from _hits_and_misses(cached) if is_read else ("", "")
    yield f"{mix.speed_up_of_hits(name):.0f}×" if cached.hits else ""
    yield f"{queries_each(without):.1f}"
    yield f"{queries_each(cached):.1f}"


def _hits_and_misses(taken: Taken) -> Iterator[str]:
    for seconds in (taken.hits, taken.misses):
        yield _ms(seconds, 0.5) if seconds else ""


def _ms(seconds: Sequence[float], share: float) -> str:
    return f"{percentile(seconds, share):.2f}"
