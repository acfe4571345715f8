"""`make profile`: where a hit's microseconds go. The server's CPU time is measured without the profiler, then shared
out by its samples: each belongs to the innermost Python function, with what that calls in C and in the kernel.
"""

import argparse
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Console

from benchmarks.speed.load import wrk
from benchmarks.speed.machine import described
from benchmarks.speed.measuring import Sample
from benchmarks.speed.report import RESULTS
from benchmarks.speed.running import ROOT, cpu_seconds
from benchmarks.speed.stores import Stores, stores
from benchmarks.speed.subjects import Subject
from benchmarks.speed.variants import RAW, VARIANTS, WHOLE_MEMORY

SPY = ROOT / ".dev/measuring/bin/py-spy"
RATE = 200
OTHERS = 12
# By the beginning of a frame's file, the first that fits.
LAYERS: Mapping[str, str] = {
    "asyncio/runners.py": "uvloop and the kernel: waiting for sockets, reading them, parsing HTTP in C",
    "uvicorn/middleware/proxy_headers.py": "uvicorn: proxy headers",
    "uvicorn/protocols": "uvicorn: the protocol",
    "uvicorn/": "uvicorn: the rest",
    "mina_api/web/sending.py": "Mina: the answer's bytes",
    "mina_api/web/connections": "Mina: the guarded connection, and the kernel's send",
    "mina_api/web/application.py": "Mina: the application",
    "mina_api/web/request_ids.py": "Mina: the request's id",
    "mina_api/cache/fastapi/shortcuts.py": "Mina: the shortcut, found and checked",
    "mina_api/cache/memory.py": "Mina: entries in memory, their lease",
    "mina_api/cache/s3_fifo.py": "Mina: entries in memory, their lease",
    "mina_api/cache/clock.py": "Mina: clocks",
    "mina_api/web/access_log.py": "Mina: samples of hits, logged and timed",
    "structlog/": "Mina: samples of hits, logged and timed",
    "mina_api/": "Mina: the rest, background tasks among it",
}
REST = "the rest: background tasks, the profiler's own pauses"


def layer_of(frame: str) -> str:
    """The layer of a frame, which py-spy writes as `function (file:line)`."""
    file = frame.rpartition("(")[2]
    return next((name for prefix, name in LAYERS.items() if file.startswith(prefix)), REST)


def shares(raw: str) -> Iterator[tuple[str, str, int]]:
    """The layer, the innermost frame and the number of samples of each of py-spy's lines about the event loop."""
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = stack.split(";")
        if any("asyncio/runners.py" in frame for frame in frames):
            yield layer_of(frames[-1]), frames[-1].rpartition(":")[0] + ")", int(count)


def main() -> None:
    """Measure, profile, and keep the page."""
    arguments = argparse.ArgumentParser(prog="make profile", description=__doc__)
    arguments.add_argument("--seconds", type=int, default=20)
    seconds = arguments.parse_args().seconds
    os.environ.pop("DATABASE_URL", None)
    os.environ.pop("REDIS_URL", None)
    with stores(Console()) as opened:
        os.sched_setaffinity(0, opened.cores.load)
        floor, _ = _measured(opened, RAW, seconds, is_profiled=False)
        whole, raw = _measured(opened, WHOLE_MEMORY, seconds, is_profiled=True)
    page = "\n".join(_page(floor, whole, raw, seconds))
    print(page)
    (RESULTS / "profile.md").write_text(page)


def _measured(opened: Stores, name: str, seconds: int, *, is_profiled: bool) -> tuple[Sample, str]:
    variant = next(each for each in VARIANTS if each.name == name)
    with variant.open(opened) as subject:
        subject.check(1)
        wrk(subject.running, subject.target(1), 1, opened.cores.load)
        before = cpu_seconds(subject.running.pid)
        load = wrk(subject.running, subject.target(1), seconds, opened.cores.load)
        sample = Sample(load, cpu_seconds(subject.running.pid) - before)
        return sample, _profiled(subject, opened, seconds) if is_profiled else ""


def _profiled(subject: Subject, opened: Stores, seconds: int) -> str:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "samples"
        spy = subprocess.Popen(
            [
                *(SPY, "record", "--rate", str(RATE), "--duration", str(seconds), "--format", "raw"),
                *("--nonblocking", "--output", output, "--pid", str(subject.running.pid)),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wrk(subject.running, subject.target(1), seconds + 1, opened.cores.load)
        if spy.wait() != 0:
            raise SystemExit("make profile: py-spy could not look into the server (it needs ptrace)")
        return output.read_text()


def _page(floor: Sample, whole: Sample, raw: str, seconds: int) -> Iterator[str]:
    layers: Counter[str] = Counter()
    frames: Counter[str] = Counter()
    for layer, frame, count in shares(raw):
        layers[layer] += count
        frames[frame] += count
    total = layers.total()
    yield from ("# Where a hit's microseconds go", "", *described(), "")
    yield "`make profile`: `mina serve`, one worker, a signed-in user's list of meetings from memory;"
    yield f"{seconds} s, {total:,} samples."
    yield ""
    yield f"A hit costs the server {whole.cpu_us:.1f} µs of CPU at {whole.rate:,.0f} requests a second. Constant bytes"
    yield f"by raw ASGI, without authentication or anything else, cost {floor.cpu_us:.1f} µs at {floor.rate:,.0f}:"
    yield f"the hit has {whole.rate / floor.rate:.3f} of its throughput."
    yield from ("", "| layer | share | µs |", "|---|---:|---:|")
    for name, count in layers.most_common():
        yield f"| {name} | {count / total:.1%} | {count / total * whole.cpu_us:.2f} |"
    yield from ("", f"The {OTHERS} innermost functions with the most of it:", "")
    yield from ("| function | share | µs |", "|---|---:|---:|")
    for frame, count in frames.most_common(OTHERS):
        yield f"| `{frame}` | {count / total:.1%} | {count / total * whole.cpu_us:.2f} |"
    yield ""


if __name__ == "__main__":
    main()
