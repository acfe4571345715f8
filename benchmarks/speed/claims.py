"""What the measurements have to show (DESIGN section 6), each as one line that holds or does not."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.speed.measuring import Row
from benchmarks.speed.variants import (
    MINA_MEMORY,
    MINA_MISS,
    MINA_REDIS,
    MULTIPLEXED,
    NEVER_TWICE,
    RAW,
    SEVERAL,
    UNCACHED,
    WHOLE_MEMORY,
    WHOLE_MISS,
    WHOLE_OFF,
)


@dataclass(frozen=True, slots=True)
class Claim:
    """`value` has to be at least `bound`, or at most, where `is_ceiling`."""

    text: str
    value: float
    bound: float
    is_ceiling: bool = False

    @property
    def holds(self) -> bool:
        """Whether the measurement shows it."""
        return self.value <= self.bound if self.is_ceiling else self.value >= self.bound

    def __str__(self) -> str:
        sign = "≤" if self.is_ceiling else "≥"
        return f"{'yes' if self.holds else '**no**'} | {self.text} | {self.value:.2f} | {sign} {self.bound:.2f}"


def claims(rows: Sequence[Row]) -> Iterator[Claim]:
    """Every claim for which there are rows; ratios of medians."""
    find = _finder(rows)
    for ours in (MINA_MEMORY, WHOLE_MEMORY):
        for keys in (1, SEVERAL):
            if (mine := find(ours, keys)) and (floor := find(RAW, keys)):
                yield Claim(f"throughput of {_of(mine)}: raw ASGI", mine.rate / floor.rate, 0.80)
            if (mine := find(ours, keys)) and (peer := _best_peer(rows, keys)):
                yield Claim(f"throughput of {_of(mine)}: best peer, {peer.variant.name}", mine.rate / peer.rate, 6.0)
    redis = find(MINA_REDIS, SEVERAL)
    if redis and (peer := _best_peer(rows, SEVERAL, on_redis=True)):
        yield Claim(f"throughput of {_of(redis)}: best peer on Redis, {peer.variant.name}", redis.rate / peer.rate, 2.5)
    if redis and (by_hand := find(MULTIPLEXED, SEVERAL)):
        yield Claim(f"throughput of {_of(redis)}: {_of(by_hand)}", redis.rate / by_hand.rate, 1.0)
    for miss, plain in ((MINA_MISS, UNCACHED), (WHOLE_MISS, WHOLE_OFF)):
        if (mine := find(miss, NEVER_TWICE)) and (uncached := find(plain, NEVER_TWICE)):
            text = f"server CPU of {_of(mine)}: {_of(uncached)}"
            yield Claim(text, mine.cpu_us / uncached.cpu_us, 1.15, is_ceiling=True)


def _finder(rows: Iterable[Row]) -> Callable[[str, int], Row | None]:
    by_name = {(row.variant.name, row.keys): row for row in rows if row.samples}
    return lambda name, keys: by_name.get((name, keys))


def _best_peer(rows: Iterable[Row], keys: int, *, on_redis: bool = False) -> Row | None:
    peers = [row for row in rows if row.variant.group == "peer" and row.keys == keys and row.samples]
    if on_redis:
        peers = [row for row in peers if not row.variant.is_in_process]
    return max(peers, key=lambda row: row.rate, default=None)


def _of(row: Row) -> str:
    return f"{row.variant.name} ({row.pages})"
