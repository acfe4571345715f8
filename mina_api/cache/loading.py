"""A limit on loads at once and on those that wait, so that a cold cache does not crush the database."""

import asyncio
import contextvars
import logging
from contextlib import AbstractAsyncContextManager, nullcontext

from mina_api.cache.fair_queue import FairQueue
from mina_api.cache.stats import Counters

logger = logging.getLogger(__name__)

_inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside_a_load", default=False)


class TooManyLoads(Exception):
    """So many loads wait in this process that this one is not let wait; nothing was done, and it may come again."""

    retry_after_seconds = 2


class LoadSlots:
    """At most `limit` loads at once, in turn over those whose they are, while at most `waiting_limit` wait.

    A load within a load takes no slot of its own, or both could wait forever.
    """

    def __init__(self, limit: int, waiting_limit: int, counters: Counters) -> None:
        self._free = limit
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue(waiting_limit)
        self._counters = counters
        self._is_refusing = False

    @property
    def waiting(self) -> int:
        """How many wait for a slot."""
        return len(self._waiting)

    def take(self, owner: str) -> AbstractAsyncContextManager[None]:
        """A slot for the length of the block; raises TooManyLoads."""
        return nullcontext() if _inside.get() else _Slot(self, owner)

    async def enter(self, owner: str) -> None:
        """Have a slot, at once or in turn; raises TooManyLoads."""
        if self._free:
            self._free -= 1
            self._is_refusing = False
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        refused = self._waiting.push(owner, turn)
        if refused is not None:
            self._refuse(refused)
        try:
            await turn
        except asyncio.CancelledError:
            # Who leaves as the slot is handed over hands it on.
            if not self._waiting.remove(owner, turn) and not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Give the slot to the next."""
        turn = self._waiting.pop()
        while turn is not None and turn.done():
            turn = self._waiting.pop()
        if turn is None:
            self._free += 1
        else:
            turn.set_result(None)

    def _refuse(self, turn: "asyncio.Future[None]") -> None:
        self._counters.count("loads", "refused")
        if not self._is_refusing:
            logger.warning("%d loads wait: more are refused until there is a place again", len(self._waiting))
        self._is_refusing = True
        if not turn.done():
            turn.set_exception(TooManyLoads("too many loads wait in this process"))


class _Slot(AbstractAsyncContextManager[None]):
    """A slot from entering to leaving; a class, since each load has one and a generator costs several times as much."""

    __slots__ = ("_owner", "_slots", "_token")

    def __init__(self, slots: LoadSlots, owner: str) -> None:
        self._slots = slots
        self._owner = owner

    async def __aenter__(self) -> None:
        await self._slots.enter(self._owner)
        self._token = _inside.set(True)

    async def __aexit__(self, *_: object) -> None:
        _inside.reset(self._token)
        self._slots.leave()
