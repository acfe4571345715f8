"""`make bench-growth`: measure, print, draw and keep; exit code 1 where something grows that must not."""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.growth.bounds import all_hold, bounds
from benchmarks.growth.curves import Curve
from benchmarks.growth.engine import DECADES, TAG_COUNTS, Report, bodies, entries, tags, valkeys
from benchmarks.growth.report import as_json, markdown
from benchmarks.growth.workers import throughput
from benchmarks.speed.load import LoadFailed
from benchmarks.speed.running import ROOT, ServerFailed
from benchmarks.speed.stores import stores

RESULTS = Path(__file__).resolve().parents[1] / "results"
DIRECTORY = Path(".dev/bench-growth")
DRAWING_PYTHON = ROOT / ".dev/measuring/bin/python"


def main() -> int:
    """Measure what is asked for; whether every bound holds."""
    arguments = argparse.ArgumentParser(prog="make bench-growth", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument("--entries", type=int, default=DECADES[-1], help="at most; fewer are for trying it out")
    given = arguments.parse_args()
    console = Console()
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    sizes = [size for size in DECADES if size <= given.entries]
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with console.status("starting") as status:
        with valkeys(DIRECTORY, len(TAG_COUNTS)) as urls:
            hits, weights, cleared, tagged, sized = asyncio.run(_engine(urls, sizes, given.rounds, status.update))
        served = _served(console, given.rounds, given.seconds, status.update)
    curves = [each for each in (hits, weights, cleared, tagged, sized, served) if each.series]
    claims = list(bounds(hits, cleared, tagged))
    command = f"make bench-growth ROUNDS={given.rounds} SECONDS={given.seconds:g}"
    page = markdown(curves, claims, command, given.rounds)
    print(page)
    directory = RESULTS if sizes == list(DECADES) else DIRECTORY
    (directory / "growth.md").write_text(page)
    drawn: list[str | Path] = [DRAWING_PYTHON, "-m", "benchmarks.drawing.curves", directory.resolve() / "growth.svg"]
    subprocess.run(drawn, input=as_json(curves), text=True, check=True, cwd=ROOT)
    return 0 if all_hold(claims) else 1


async def _engine(urls: Sequence[str], sizes: Sequence[int], rounds: int, report: Report) -> list[Curve]:
    grown = await entries(urls, sizes, rounds, report)
    return [*grown, await tags(urls, rounds, report), await bodies(urls, rounds, report)]


def _served(console: Console, rounds: int, seconds: float, report: Report) -> Curve:
    before = os.sched_getaffinity(0)
    try:
        with stores(console) as opened:
            os.sched_setaffinity(0, opened.cores.load)
            return throughput(opened, rounds, seconds, report)
    except (ServerFailed, LoadFailed) as failure:
        raise SystemExit(f"bench-growth: {failure}") from None
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    sys.exit(main())
