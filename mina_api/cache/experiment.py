"""An experiment: a share of users is served without the cache, and how long their answers take is compared."""

import hashlib
from collections import deque

CACHE, CONTROL = "cache", "control"
KEPT = 1000

# Milliseconds, queries, and how many answers the sample stands for.
Sample = tuple[float, int, int]


class Experiment:
    """The arms of an experiment in one process; who is in which depends on nothing but their id and the salt."""

    def __init__(self, share: float, salt: str = "mina") -> None:
        self.share = share
        self._salt = salt
        self._samples: dict[str, deque[Sample]] = {arm: deque(maxlen=KEPT) for arm in (CACHE, CONTROL)}

    def arm_of(self, user_id: str) -> str:
        """The user's arm, the same in every process and at any time."""
        digest = hashlib.blake2b(f"{self._salt}:{user_id}".encode(), digest_size=8).digest()
        return CONTROL if int.from_bytes(digest) < self.share * 2**64 else CACHE

    def observe(self, arm: str, seconds: float, queries: int, weight: int = 1) -> None:
        """An answer to somebody of `arm`."""
        self._samples[arm].append((round(seconds * 1000, 4), queries, weight))

    def take(self) -> dict[str, list[Sample]]:
        """The samples since the last call."""
        taken = {arm: list(samples) for arm, samples in self._samples.items() if samples}
        for samples in self._samples.values():
            samples.clear()
        return taken
