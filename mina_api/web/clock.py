"""The time, as endpoints ask for it: the application's clock, so that tests can set it."""

from datetime import UTC, datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request


class Clock(Protocol):
    """A source of wall-clock time."""

    def now(self) -> float:
        """Seconds since the epoch."""


def get_now(request: Request) -> datetime:
    """The present moment in UTC."""
    clock: Clock = request.app.state.clock
    return datetime.fromtimestamp(clock.now(), UTC)


Now = Annotated[datetime, Depends(get_now)]
