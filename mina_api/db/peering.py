"""What processes of one database are to each other, and what each has to do for the others."""

from collections.abc import Awaitable, Iterable, Mapping
from typing import Literal, Protocol

from mina_api.db.outbox import Lift

# By whom a process's answers are vouched for.
Mode = Literal["redis", "postgres"]

# What the rates of two processes' clocks may differ by.
DRIFT = 0.01


def without_redis(peers: Mapping[str, Mode]) -> dict[str, Mode]:
    """Those of `peers` whom Redis tells nothing."""
    return {process: mode for process, mode in peers.items() if mode == "postgres"}


class Registered(dict[str, Mode]):
    """The other processes that may serve, and the epoch in force."""

    epoch: bytes | None = None


class PeersUnreachable(ConnectionError):
    """Peers may serve what a write changes, and cannot be told."""


class Drain(Protocol):
    """Lifts what the outbox has; raises if `epoch` is not in force."""

    def __call__(self, lift: Lift, *, epoch: str) -> Awaitable[object]:
        """Returns once the outbox is empty."""


class Local(Protocol):
    """What peers have this process do."""

    @property
    def held(self) -> frozenset[str]:
        """The owners of the holds that are in force here."""

    def hold(self, owner: str, tags: Iterable[str]) -> None:
        """Neither serve nor keep anything under `tags` until `drop`."""

    def drop(self, owner: str) -> None:
        """End a hold."""

    def permit(self, until: float) -> None:
        """Serve until then what Redis vouches for."""

    def permit_memory(self, until: float) -> None:
        """Serve from memory until then, without Redis."""

    def start_over(self) -> None:
        """Forget what is in memory."""
