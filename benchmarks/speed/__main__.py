"""`make bench`: measure, print and keep the table; exit code 1 where a claim does not hold."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.speed.claims import claims
from benchmarks.speed.load import LoadFailed
from benchmarks.speed.measuring import Row, measure, rows_of
from benchmarks.speed.report import RESULTS, as_json, markdown, tables
from benchmarks.speed.running import LOGS, ROOT, ServerFailed
from benchmarks.speed.startup import Resting, resting
from benchmarks.speed.stores import Stores, stores
from benchmarks.speed.subjects import PEERS_PYTHON
from benchmarks.speed.variants import chosen

DRAWING_PYTHON = ROOT / ".dev/measuring/bin/python"
STARTING = "start"


def main() -> int:
    """Measure what is asked for; whether every claim holds."""
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=5)
    arguments.add_argument(
        "--only", default="", help=f"words of variants' names, by commas; {STARTING}: start-up alone"
    )
    given = arguments.parse_args()
    console = Console()
    variants = [] if given.only == STARTING else chosen(given.only)
    if any(each.needs_peers for each in variants) and not PEERS_PYTHON.exists():
        raise SystemExit("the peers are not installed: `make bench` does it")
    rows, rested = rows_of(variants), []
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    with stores(console) as opened:
        os.sched_setaffinity(0, opened.cores.load)
        try:
            _rounds(rows, opened, given.rounds, given.seconds, console)
            if given.only in ("", STARTING):
                rested = resting(opened, given.rounds)
        except (ServerFailed, LoadFailed) as failure:
            raise SystemExit(f"bench: {failure}") from None
    print("\n".join(tables(rows, rested)))
    _keep(rows, rested, given.rounds, given.seconds, RESULTS if not given.only else LOGS)
    return 0 if all(claim.holds for claim in claims(rows)) else 1


def _rounds(rows: list[Row], opened: Stores, rounds: int, seconds: float, console: Console) -> None:
    with Progress(console=console) as progress:
        task = progress.add_task("measuring", total=rounds * len(rows))
        for _ in range(rounds):
            for variant in dict.fromkeys(row.variant for row in rows):
                progress.update(task, description=variant.name)
                own = [row for row in rows if row.variant is variant]
                measure(variant, own, opened, seconds)
                progress.advance(task, len(own))
                for row in own:
                    last = row.samples[-1]
                    progress.console.print(f"{variant.name}, {row.pages}: {last.rate:,.0f}/s, {last.cpu_us:.0f} µs")


def _keep(rows: list[Row], rested: list[Resting], rounds: int, seconds: float, directory: Path) -> None:
    """The committed page for a whole run; a narrowed one leaves its page beside the logs."""
    directory.mkdir(exist_ok=True)
    (directory / "speed.md").write_text(markdown(rows, rested, rounds, seconds))
    if rows and DRAWING_PYTHON.exists():
        drawn: list[str | Path] = [DRAWING_PYTHON, "-m", "benchmarks.drawing.bars", directory / "speed.svg"]
        subprocess.run(drawn, input=as_json(rows), text=True, check=True, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
