"""The soak test: `python -m tests.system.history --minutes 20 --seed 7`; exit code 1 where anything is violated."""

import argparse
import asyncio
import secrets
import tempfile
from pathlib import Path

import uvloop

from mina_api.db.migrations import upgrade
from mina_api.dev.postgres import PrivatePostgres
from tests.system.history.evidence import evidence
from tests.system.history.faults import KINDS
from tests.system.history.fleet import SERVE
from tests.system.history.runs import Plan, Result, run
from tests.system.history.summary import summary

OUTPUT = Path(".dev/history")


def main() -> None:
    """Run, print, and keep what explains a violation."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=float, default=20.0)
    arguments.add_argument("--seed", type=int, default=None, help="any, where none is given")
    arguments.add_argument("--workers", type=int, default=2)
    arguments.add_argument("--readers", type=int, default=4, help="of each worker")
    arguments.add_argument(
        "--pause", type=float, default=10.0, help="seconds from one fault to the next of a lane; 0: no faults"
    )
    arguments.add_argument("--reads-per-write", type=int, default=400)
    arguments.add_argument("--only", action="append", choices=list(KINDS), help="this kind of fault; may be repeated")
    arguments.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="in the workers' environment"
    )
    arguments.add_argument("--variant", default=None, help="a weaker cache: see tests.system.history.variants")
    chosen = arguments.parse_args()
    seed = secrets.randbelow(2**31) if chosen.seed is None else chosen.seed
    program = ["tests.system.history.variants", chosen.variant] if chosen.variant else SERVE
    plan = Plan(
        chosen.minutes * 60,
        seed,
        pause_between_faults_seconds=chosen.pause,
        kinds=chosen.only or list(KINDS),
        workers=chosen.workers,
        readers=chosen.readers,
        reads_per_write=chosen.reads_per_write,
        program=program,
        environment=dict(each.split("=", 1) for each in chosen.set),
    )
    print(f"SEED={seed} MINUTES={chosen.minutes:g}", flush=True)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mina-history-") as directory:
        postgres = PrivatePostgres(Path(directory) / "postgres", durable=False)
        url = postgres.start()
        try:
            upgrade(url)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                result = runner.run(run(plan, OUTPUT, url))
        finally:
            postgres.stop()
    print("\n".join(summary(result)))
    raise SystemExit(0 if _is_right(result, seed) else 1)


def _is_right(result: Result, seed: int) -> bool:
    """Whether nothing was violated; else it is written down."""
    if not result.verdict.is_clean:
        report = OUTPUT / f"violations-{seed}.txt"
        report.write_text(
            "\n\n".join("\n".join(evidence(result.history, each)) for each in result.verdict.examples) + "\n"
        )
        print(f"the events around the first violations are in {report}")
    return result.verdict.is_clean


if __name__ == "__main__":
    main()
