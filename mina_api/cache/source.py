"""Where loads read from, as far as the cache has to know of it: whose turn it is there, and what passes."""

from collections.abc import Callable
from dataclasses import dataclass, field

from mina_api.cache.key_lock import KeyLock, NoKeyLock


def never(_: Exception) -> bool:
    """Nothing that a load raises passes by itself."""
    return False


@dataclass(frozen=True, slots=True)
class Source:
    """By `key_lock` processes take turns at what many want while the tier is lost.

    A load is run again after what `passes`: it changes nothing, so that running it twice is as good as once.
    """

    key_lock: KeyLock = field(default_factory=NoKeyLock)
    passes: Callable[[Exception], bool] = never
