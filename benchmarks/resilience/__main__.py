"""`make bench-resilience`: stampedes and outages of Redis, beside other caches."""

import argparse
from collections.abc import Callable

import uvloop
from rich.console import Console

from benchmarks.resilience.bounds import bounds
from benchmarks.resilience.outage import Outages, outages
from benchmarks.resilience.report import RESULTS, markdown
from benchmarks.resilience.serving import DIRECTORY
from benchmarks.resilience.stampede import Stampedes, stampedes
from benchmarks.resilience.variants import IN_A_STAMPEDE, IN_AN_OUTAGE, chosen
from benchmarks.serving import PEERS_PYTHON, Stores, stores


def main() -> None:
    """Measure, report; exit code 1 where Mina misses a bound."""
    arguments = argparse.ArgumentParser(prog="make bench-resilience", description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=12.0, help="that Redis is away; 4 or more")
    arguments.add_argument("--only", default="", help="words of variants' names, by commas")
    given = arguments.parse_args()
    if not PEERS_PYTHON.exists():
        raise SystemExit("the peers are not installed: `make bench-resilience` does it")
    console = Console()
    with stores(DIRECTORY) as started, console.status("starting") as status:
        stampeded, lost = uvloop.run(_measured(started, given, status.update))
    page = markdown(stampeded, lost, given.rounds, given.seconds)
    directory = DIRECTORY if given.only else RESULTS
    directory.mkdir(exist_ok=True)
    (directory / "resilience.md").write_text(page)
    print(page)
    missed = [bound.text for bound in bounds(stampeded, lost) if not bound.holds]
    for text in missed:
        console.print(f"missed: {text}", markup=False)
    raise SystemExit(1 if missed else 0)


async def _measured(
    stores: Stores, given: argparse.Namespace, report: Callable[[str], None]
) -> tuple[list[Stampedes], list[Outages]]:
    return (
        await stampedes(stores, chosen(IN_A_STAMPEDE, given.only), given.rounds, report),
        await outages(stores, chosen(IN_AN_OUTAGE, given.only), given.rounds, given.seconds, report),
    )


if __name__ == "__main__":
    main()
