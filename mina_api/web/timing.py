"""Where a request's time goes: the cache's share, the database's, and the number of queries (Server-Timing)."""

import contextvars
import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event


@dataclass(slots=True)
class Timing:
    """Seconds of one request; what it has loaded in tasks of their own counts too."""

    database_seconds: float = 0.0
    queries: int = 0

    def header(self, cache_seconds: float) -> bytes:
        """The Server-Timing header (W3C Server Timing), in milliseconds."""
        queries = "1 query" if self.queries == 1 else f"{self.queries} queries"
        return (
            f'cache;dur={cache_seconds * 1000:.1f}, db;dur={self.database_seconds * 1000:.1f};desc="{queries}"'
        ).encode()


# To a tenth of a millisecond.
HIT_IN_MEMORY = Timing().header(0.0)
_current: contextvars.ContextVar[Timing | None] = contextvars.ContextVar("timing", default=None)


def begin() -> Timing:
    """A new request's timing, which everything that is done for it adds to."""
    timing = Timing()
    _current.set(timing)
    return timing


def queries_so_far() -> int:
    """How many the request that is being answered, or was last, has taken."""
    timing = _current.get()
    return timing.queries if timing is not None else 0


def measure_queries(engine: Engine) -> None:
    """Count and time the queries of `engine`."""

    def before(*arguments: Any) -> None:
        arguments[4]._mina_began = time.perf_counter()

    def after(*arguments: Any) -> None:
        if (timing := _current.get()) is not None:
            timing.queries += 1
            timing.database_seconds += time.perf_counter() - arguments[4]._mina_began

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
