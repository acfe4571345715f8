"""How much memory a block has taken at its worst, as the kernel has it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Taken:
    """Bytes over what was held before; known after the block."""

    bytes: int = 0


@contextmanager
def peak() -> Iterator[Taken]:
    """Measure this process's peak within the block (proc(5): VmHWM, which clear_refs resets)."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, taken = _high_water(), Taken()
    yield taken
    taken.bytes = _high_water() - before


def _high_water() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
