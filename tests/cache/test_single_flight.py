import asyncio

import pytest

from mina_api.cache.single_flight import SingleFlight


class Load:
    """A loader that runs until it is let go."""

    def __init__(self, value: str = "v") -> None:
        self.value = value
        self.calls = 0
        self.cancelled = False
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self) -> str:
        self.calls += 1
        self.started.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return self.value


class TestRun:
    async def test_loads_once_for_all_who_ask_meanwhile(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        load = Load()

        waiting = [asyncio.create_task(flights.run("k", load)) for _ in range(1000)]
        await load.started.wait()
        load.go.set()

        assert set(await asyncio.gather(*waiting)) == {"v"}
        assert load.calls == 1
        assert len(flights) == 0

    async def test_goes_on_for_the_others_when_its_first_caller_leaves(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        load = Load()
        first = asyncio.create_task(flights.run("k", load))
        await load.started.wait()
        second = asyncio.create_task(flights.run("k", load))
        await asyncio.sleep(0)

        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        load.go.set()

        assert await second == "v"
        assert not load.cancelled

    async def test_ends_when_nobody_waits_any_more(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        load = Load()
        only = asyncio.create_task(flights.run("k", load))
        await load.started.wait()

        only.cancel()
        with pytest.raises(asyncio.CancelledError):
            await only
        await asyncio.sleep(0)

        assert load.cancelled
        assert len(flights) == 0

    async def test_gives_a_failure_to_all_and_keeps_nothing_of_it(self) -> None:
        flights: SingleFlight[str] = SingleFlight()

        async def fail() -> str:
            raise LookupError("gone")

        failures = await asyncio.gather(*(flights.run("k", fail) for _ in range(3)), return_exceptions=True)

        assert [type(failure) for failure in failures] == [LookupError] * 3
        assert len(flights) == 0


class TestRunFresh:
    async def test_never_joins_a_load_that_began_before_the_call(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        old, new = Load("old"), Load("new")
        earlier = asyncio.create_task(flights.run_fresh("k", old))
        await old.started.wait()

        later = [asyncio.create_task(flights.run_fresh("k", new)) for _ in range(10)]
        await asyncio.sleep(0)
        assert not new.started.is_set()
        old.go.set()
        new.go.set()

        assert await earlier == "old"
        assert set(await asyncio.gather(*later)) == {"new"}
        assert new.calls == 1
        assert len(flights) == 0

    async def test_survives_the_failure_of_the_load_it_waited_for(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        old, new = Load(), Load("new")
        new.go.set()
        earlier = asyncio.create_task(flights.run_fresh("k", old))
        await old.started.wait()
        later = asyncio.create_task(flights.run_fresh("k", new))
        await asyncio.sleep(0)

        earlier.cancel()

        assert await later == "new"
