"""A TTL that follows what was seen of a key: how often its answer changes, and how often it is asked for.

The rate of change is estimated from loads at uneven times, each of which tells only whether the answer had changed
(Cho and Garcia-Molina: Estimating frequency of change, ACM TOIT 3(3), 2003). Each process learns from its own.
"""

import math
import zlib
from collections import OrderedDict
from dataclasses import dataclass

KEYS = 4096
# Rates are those of about so many loads: what was before counts for less and less.
MEMORY_OF_LOADS = 32


@dataclass(frozen=True, slots=True)
class Adaptive:
    """Bounds in seconds of a TTL that adapts, and the `risk`, 0 to 1, that an answer changes before it ends.

    Raises ValueError for bounds that are not in order and for a risk outside (0, 1).
    """

    minimum: float
    maximum: float
    risk: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.minimum <= self.maximum < math.inf:
            raise ValueError(f"an adaptive TTL needs 0 < minimum <= maximum, not {self.minimum} and {self.maximum}")
        if not 0 < self.risk < 1:
            raise ValueError(f"risk is a share between 0 and 1, not {self.risk}")


@dataclass(frozen=True, slots=True)
class TtlExplanation:
    """The TTL in seconds that a key's next answer gets, why, and what that rests on; rates None where unknown."""

    ttl: float
    why: str
    loads: float
    changes: float
    changes_per_hour: float | None
    uses_per_hour: float | None


@dataclass(slots=True)
class _Seen:
    """What is known of one key since its first load; the counts fade."""

    digest: int
    loaded_at: float
    loads: float = 0.0
    changes: float = 0.0
    seconds: float = 0.0
    uses: float = 0.0
    counted_uses: float = 0.0


class Observations:
    """What one process has seen of its `KEYS` most recently loaded keys."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, _Seen] = OrderedDict()

    def used(self, key: str) -> None:
        """The answer of `key` was asked for."""
        if (seen := self._seen.get(key)) is not None:
            seen.uses += 1

    def loaded(self, key: str, body: bytes, now: float) -> None:
        """The answer of `key` was loaded at `now`, in seconds, and is `body`."""
        digest = zlib.crc32(body)
        seen = self._seen.get(key)
        if seen is None:
            self._seen[key] = _Seen(digest, now)
            while len(self._seen) > KEYS:
                self._seen.popitem(last=False)
            return
        self._seen.move_to_end(key)
        fade = 1 - 1 / MEMORY_OF_LOADS
        seen.loads = seen.loads * fade + 1
        seen.changes = seen.changes * fade + (digest != seen.digest)
        seen.seconds = seen.seconds * fade + max(0.0, now - seen.loaded_at)
        seen.counted_uses = seen.counted_uses * fade + seen.uses
        seen.uses = 0
        seen.digest, seen.loaded_at = digest, now

    def explain(self, key: str, ttl: float, adaptive: Adaptive) -> TtlExplanation:
        """The TTL that `key` gets in the place of `ttl`, and why."""
        seen = self._seen.get(key)
        if seen is None or seen.seconds <= 0:
            return TtlExplanation(_within(ttl, adaptive), "loaded once at most: the policy's TTL", 0, 0, None, None)
        rate = -math.log((seen.loads - seen.changes + 0.5) / (seen.loads + 0.5)) * seen.loads / seen.seconds
        uses = seen.counted_uses / seen.seconds
        found, why = _chosen(rate, uses, adaptive)
        return TtlExplanation(found, why, seen.loads, seen.changes, rate * 3600, uses * 3600)


def _chosen(rate: float, uses: float, adaptive: Adaptive) -> tuple[float, str]:
    if uses * adaptive.maximum < 1:
        return adaptive.minimum, "not asked for again within the longest TTL: the shortest"
    if rate * adaptive.maximum < -math.log(1 - adaptive.risk):
        return adaptive.maximum, "changes so rarely that the longest TTL holds: the longest"
    wanted = -math.log(1 - adaptive.risk) / rate
    if wanted < adaptive.minimum:
        return adaptive.minimum, "changes more often than the shortest TTL can follow: the shortest"
    return wanted, f"the time in which it changes with a probability of {adaptive.risk:.0%}"


def _within(ttl: float, adaptive: Adaptive) -> float:
    return min(max(ttl, adaptive.minimum), adaptive.maximum)
