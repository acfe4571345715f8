"""How long an answer is fresh, when it is loaded anew before that ends, and when it may be served after it.

None of it weakens coherence: what is served stale has outlived its TTL, never a write (DESIGN section 3).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from mina_api.cache.adaptive import Adaptive
from mina_api.cache.entry import Entry

Chance = Callable[[], float]
# −ln of the smallest chance there is.
LONGEST_CHANCE = 37.0


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds and shares of a policy beside its TTL.

    `soft_ttl`: from this age on an answer, still fresh, is loaded anew in the background at its next use.
    `stale_while_revalidate`, `stale_if_error`: how long after its TTL an answer is served while it is loaded in
    the background, or because loading it failed (RFC 5861). `negative_ttl`: the TTL of a 404; None keeps none.
    `jitter`: the share of the TTL, 0 to 1, by which it is shortened at random, so that what was stored together
    does not end together. `beta`: how eagerly an answer is loaded before its TTL ends; 0 never, 1 the optimum of
    XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention, VLDB 2015).
    `adaptive`: bounds within which the TTL follows what is seen of each key; None leaves it as it is.

    Raises ValueError for what is negative, for a TTL of nothing, and for a jitter of 1 or more.
    """

    soft_ttl: float | None = None
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    negative_ttl: float | None = None
    jitter: float = 0.0
    beta: float = 1.0
    adaptive: Adaptive | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter is a share from 0 to below 1, not {self.jitter}")
        for name in ("stale_while_revalidate", "stale_if_error", "beta"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must not be negative, but is {getattr(self, name)}")
        for name in ("soft_ttl", "negative_ttl"):
            if (ttl := getattr(self, name)) is not None and not 0 < ttl < math.inf:
                raise ValueError(f"{name} must be positive, not {ttl}")

    @property
    def stale_seconds(self) -> float:
        """How long after its TTL an answer may be of use."""
        return max(self.stale_while_revalidate, self.stale_if_error)

    def ttl_of(self, ttl: float, status: int, chance: Chance) -> float:
        """The TTL of one answer of a policy with `ttl`; `chance` gives numbers of [0, 1)."""
        chosen = self.negative_ttl if status == 404 and self.negative_ttl is not None else ttl
        return chosen * (1 - self.jitter * chance()) if self.jitter else chosen

    def is_due(self, entry: Entry, now: float, chance: Chance) -> bool:
        """Whether this request should have a fresh `entry` loaded anew: past its soft TTL, or by a growing chance."""
        if self.soft_ttl is not None and now >= entry.created + self.soft_ttl:
            return True
        if not self.beta or entry.load_seconds <= 0:
            return False
        # 1 − chance() is in (0, 1]: its logarithm exists.
        return now - entry.load_seconds * self.beta * math.log(1 - chance()) >= entry.fresh_until

    def is_due_from(self, entry: Entry) -> float:
        """Until when (seconds since the epoch) no request has a fresh `entry` loaded anew, whatever its chance."""
        until = entry.fresh_until - LONGEST_CHANCE * self.beta * entry.load_seconds
        return until if self.soft_ttl is None else min(until, entry.created + self.soft_ttl)

    def serves_while_revalidating(self, entry: Entry, now: float) -> bool:
        """Whether a stale `entry` is served at `now` while it is loaded anew."""
        return now < entry.fresh_until + self.stale_while_revalidate

    def serves_on_error(self, entry: Entry, now: float) -> bool:
        """Whether a stale `entry` is served at `now` where loading it anew failed."""
        return now < entry.fresh_until + self.stale_if_error


DEFAULT = Freshness()
