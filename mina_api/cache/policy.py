"""How one kind of answer is cached."""

from dataclasses import dataclass
from typing import Literal

from mina_api.cache.freshness import DEFAULT, Freshness

MAX_TAGS = 8

Consistency = Literal["strict", "bounded"]


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """TTL in seconds, the tags that an answer depends on, at most eight, and what goes beyond the TTL.

    A `bounded` answer may be served from memory for a lease's length after it was last current, and no write waits
    for that; None is what the configuration says. Raises ValueError for a TTL that is not positive or for more tags
    than that.
    """

    ttl: int
    prefix: str = "temp"
    tags: tuple[str, ...] = ()
    freshness: Freshness = DEFAULT
    consistency: Consistency | None = None

    def __post_init__(self) -> None:
        if self.ttl <= 0:
            raise ValueError(f"ttl must be positive, not {self.ttl}")
        if len(self.tags) > MAX_TAGS:
            raise ValueError(f"an entry depends on at most {MAX_TAGS} tags, not {len(self.tags)}: {self.tags}")
