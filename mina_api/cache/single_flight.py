"""One load per key in this process, however many ask for it.

A load runs in a task of its own: a caller that goes away cancels nothing for the others, and the task is
cancelled only when nobody waits for it any more.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Load = Callable[[], Coroutine[Any, Any, T]]


def _nothing() -> None:
    return


def _as_it_is(result: T) -> T:
    return result


class _Flight(Generic[T]):
    """One load and those who wait for it, each by a future of their own: who goes away takes nobody's answer along."""

    __slots__ = ("_waiting", "is_abandoned", "task", "waiters")

    def __init__(self) -> None:
        self.task: asyncio.Task[T]
        self.waiters = 0
        self._waiting: list[asyncio.Future[T]] = []
        # Nobody waits any more: it is being cancelled, and who comes now must not be.
        self.is_abandoned = False

    async def join(self) -> T:
        waiting: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self.waiters += 1
        try:
            return await waiting
        finally:
            self.waiters -= 1
            if self.waiters == 0 and not self.task.done():
                self.is_abandoned = True
                self.task.cancel()

    def land(self, task: "asyncio.Task[T]") -> None:
        failure = None if task.cancelled() else task.exception()
        for waiting in self._waiting:
            if waiting.done():
                continue
            if task.cancelled():
                waiting.cancel()
            elif failure is not None:
                waiting.set_exception(failure)
            else:
                waiting.set_result(task.result())


class SingleFlight(Generic[T]):
    """The loads in flight by key.

    The key has to name what the result is valid for: with tag tokens in it, nobody can join a load that
    began before a write that they know of. Who has no tokens calls `run_fresh`. `shared` makes of a load's result what
    those get who did not begin it.
    """

    def __init__(self, shared: Callable[[T], T] = _as_it_is) -> None:
        self._shared = shared
        self._running: dict[Hashable, _Flight[T]] = {}
        self._queued: dict[Hashable, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._running) + len(self._queued)

    def waiters(self, key: Hashable) -> int:
        """How many wait for the load of `key` that is running."""
        flight = self._running.get(key)
        return 0 if flight is None else flight.waiters

    async def run(
        self,
        key: Hashable,
        load: Load[T],
        *,
        patience_seconds: float | None = None,
        on_end: Callable[[], None] = _nothing,
    ) -> T:
        """The result of `load`, shared with all who ask for `key` while it runs; raises what it raises.

        Who has waited for another's load for `patience_seconds` goes over to a new one, with all who have. `on_end` is
        called when `load` has ended, or is not run as yet because another's is waited for.
        """
        while (flight := _joinable(self._running, key)) is not None:
            on_end()
            try:
                async with asyncio.timeout(patience_seconds) as patience:
                    return self._shared(await flight.join())
            except TimeoutError:
                if not patience.expired():
                    raise
                if self._running.get(key) is flight:
                    break
        return await self._launch(self._running, key, load, on_end).join()

    async def run_fresh(self, key: Hashable, load: Load[T], *, patience_seconds: float | None = None) -> T:
        """The result of a load that began after this call: of the next one, if one is running now.

        The next one begins when the running one ends, or after `patience_seconds`.
        """
        if (queued := _joinable(self._queued, key)) is not None:
            return self._shared(await queued.join())
        if (running := _joinable(self._running, key)) is None:
            return await self._launch(self._running, key, load).join()

        async def after_the_running_one() -> T:
            await asyncio.wait((running.task,), timeout=patience_seconds)
            self._running[key] = self._queued.pop(key)
            return await load()

        return await self._launch(self._queued, key, after_the_running_one).join()

    def _launch(
        self,
        table: dict[Hashable, _Flight[T]],
        key: Hashable,
        load: Load[T],
        on_end: Callable[[], None] = _nothing,
    ) -> _Flight[T]:
        """Begin a load, or what waits to do that, of those in `table`."""
        flight: _Flight[T] = _Flight()
        table[key] = flight

        def leave(task: asyncio.Task[T]) -> None:
            if self._running.get(key) is flight:
                del self._running[key]
            elif table.get(key) is flight:
                del table[key]
            on_end()
            flight.land(task)

        flight.task = asyncio.get_running_loop().create_task(load(), name="load")
        flight.task.add_done_callback(leave)
        return flight


def _joinable(table: dict[Hashable, _Flight[T]], key: Hashable) -> _Flight[T] | None:
    flight = table.get(key)
    return None if flight is None or flight.is_abandoned else flight
