"""`make bench-mix`: the published table, measured; exit code 1 where one of its rows is not beaten."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from benchmarks.mix.bounds import bounds
from benchmarks.mix.measuring import Mix, Subject, measure
from benchmarks.mix.report import markdown
from benchmarks.mix.serving import copied, recent_meetings, signed_in
from benchmarks.mix.sessions import MEMBERS
from benchmarks.servers import DIRECTORY, filled_postgres
from mina_api.dev.valkey import PrivateValkey
from mina_api.settings import new_secret

RESULTS = Path(__file__).resolve().parents[1] / "results"
MEETINGS = 10_000
# Open pages that ask anew every 5, 10 and 30 s.
READS_PER_WRITE = "864,432,144"
# Of requests a second, which the side without the cache can answer: about two thirds of all that it could.
RATE = 120.0


def main() -> int:
    """Fill, copy, measure, report; whether every bound holds."""
    arguments = argparse.ArgumentParser(prog="make bench-mix", description=__doc__)
    arguments.add_argument("--reads-per-write", default=READS_PER_WRITE, help="one or more, the first is judged")
    arguments.add_argument("--rate", type=float, default=RATE, help="requests a second that both sides get alike")
    arguments.add_argument("--meetings", type=int, default=MEETINGS)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--connections", type=int, default=8)
    given = arguments.parse_args()
    console = Console()
    ratios = [float(each) for each in given.reads_per_write.split(",")]
    mixes = [Mix(ratios[0], given.rate), *(Mix(each) for each in ratios)]
    secret, valkey = new_secret(), PrivateValkey(DIRECTORY / "valkey-mix")
    with filled_postgres(given.meetings, console) as filled, copied(filled) as url:
        tokens = signed_in(url, secret, MEMBERS)
        valkey.start()
        try:
            subject = Subject(url, valkey.url, secret, tokens, recent_meetings(url), given.workers, given.connections)
            _rounds(mixes, subject, given.rounds, given.seconds, console)
        finally:
            valkey.stop()
    command = f"make bench-mix ROUNDS={given.rounds} SECONDS={given.seconds:g} READS_PER_WRITE={given.reads_per_write}"
    page = markdown(
        mixes,
        command,
        meetings=given.meetings,
        rounds=given.rounds,
        seconds=given.seconds,
        workers=given.workers,
    )
    (RESULTS if given.meetings == MEETINGS else DIRECTORY).joinpath("mix.md").write_text(page)
    print(page)
    return 0 if all(bound.holds for bound in bounds(mixes[0])) else 1


def _rounds(mixes: list[Mix], subject: Subject, rounds: int, seconds: float, console: Console) -> None:
    with Progress(console=console) as progress:
        task = progress.add_task("measuring", total=rounds * len(mixes) * 2)
        for number in range(rounds):
            for mix in mixes:
                for is_cached in (False, True) if number % 2 == 0 else (True, False):
                    run = measure(mix, subject, is_cached=is_cached, seconds=seconds, seed=number)
                    progress.advance(task)
                    side = "with" if is_cached else "without"
                    text = f"{mix.reads_per_write:g} reads of a write, {side}: {run.requests / run.seconds:,.0f}/s"
                    progress.console.print(text)


if __name__ == "__main__":
    sys.exit(main())
