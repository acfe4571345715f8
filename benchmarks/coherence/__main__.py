"""Stale reads and slower writes, beside other caches: `python -m benchmarks.coherence`."""

import argparse
import asyncio

from rich.console import Console
from rich.markdown import Markdown

from benchmarks.coherence.measuring import measured
from benchmarks.coherence.report import RESULTS, markdown
from benchmarks.coherence.serving import DIRECTORY
from benchmarks.coherence.strictness import cost_of_strictness
from benchmarks.serving import stores


def main() -> None:
    """Measure, report; exit code 1 where Mina is stale, or costs a writer more than it may."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=15.0)
    chosen = arguments.parse_args()
    console = Console()
    with stores(DIRECTORY) as started, console.status("starting") as status:
        rows = asyncio.run(measured(started, chosen.rounds, chosen.seconds, status.update))
        cost = asyncio.run(cost_of_strictness(started, status.update))
    page = markdown(rows, cost, chosen.rounds, chosen.seconds)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(page)
    console.print(Markdown(page))
    is_strict = all(row.stale == 0 for row in rows if row.variant.module == "mina")
    raise SystemExit(0 if is_strict and cost.is_within_bounds else 1)


if __name__ == "__main__":
    main()
