"""The time, as endpoints ask for it: the application's clock, so that tests can set it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request


class Clock(Protocol):
    """A source of wall-clock time."""

    def now(self) -> float:
        """Seconds since the epoch."""


async def get_now(request: Request) -> Callable[[], datetime]:
    """What tells the present moment in UTC.

    A cached endpoint asks inside its load: its key was made before, so a key of a new day never holds an
    answer about the old one.
    """
    clock: Clock = request.app.state.clock
    return lambda: datetime.fromtimestamp(clock.now(), UTC)


Now = Annotated[Callable[[], datetime], Depends(get_now)]
