import asyncio

import pytest

from mina_api.cache.single_flight import SingleFlight
from tests.cache.services import until


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

    @pytest.mark.parametrize("run", ["run", "run_fresh"])
    async def test_takes_nobody_along_who_comes_while_a_load_that_nobody_wanted_ends(self, run: str) -> None:
        flights: SingleFlight[str] = SingleFlight()
        started, rolled_back = asyncio.Event(), asyncio.Event()

        async def end_slowly() -> str:
            started.set()
            try:
                await asyncio.Event().wait()
            finally:
                await rolled_back.wait()
            raise AssertionError

        only = asyncio.create_task(getattr(flights, run)("k", end_slowly))
        await started.wait()
        only.cancel()
        await asyncio.sleep(0)
        new = Load("new")
        new.go.set()
        later = asyncio.create_task(getattr(flights, run)("k", new))
        await asyncio.wait((later,), timeout=0.1)
        rolled_back.set()

        assert await later == "new"
        with pytest.raises(asyncio.CancelledError):
            await only

    async def test_gives_a_failure_to_all_and_keeps_nothing_of_it(self) -> None:
        flights: SingleFlight[str] = SingleFlight()

        async def fail() -> str:
            raise LookupError("gone")

        failures = await asyncio.gather(*(flights.run("k", fail) for _ in range(3)), return_exceptions=True)

        assert [type(failure) for failure in failures] == [LookupError] * 3
        assert len(flights) == 0

    async def test_is_not_waited_for_for_ever_and_begun_anew_once(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        hung, new = Load("hung"), Load("new")
        first = asyncio.create_task(flights.run("k", hung))
        await hung.started.wait()

        # Their patience ends one after the other, and lasts for longer than that takes.
        others = [asyncio.create_task(flights.run("k", new, patience_seconds=1.0)) for _ in range(20)]
        await until(lambda: flights._running["k"].waiters == len(others))
        for load in (new, hung):
            load.go.set()

        assert (set(await asyncio.gather(*others)), new.calls, await first) == ({"new"}, 1, "hung")
        assert len(flights) == 0

    async def test_of_a_load_that_times_out_by_itself_raises_that(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        started, go = asyncio.Event(), asyncio.Event()

        async def time_out() -> str:
            started.set()
            await go.wait()
            raise TimeoutError("the database")

        asking = [asyncio.create_task(flights.run("k", time_out, patience_seconds=60)) for _ in range(2)]
        await started.wait()
        go.set()

        assert [str(each) for each in await asyncio.gather(*asking, return_exceptions=True)] == ["the database"] * 2


class TestRunFresh:
    async def test_does_not_wait_for_ever_for_a_load_before_it(self) -> None:
        flights: SingleFlight[str] = SingleFlight()
        hung, new = Load("hung"), Load("new")
        new.go.set()
        earlier = asyncio.create_task(flights.run_fresh("k", hung))
        await hung.started.wait()

        assert await flights.run_fresh("k", new, patience_seconds=0.01) == "new"
        hung.go.set()
        assert await earlier == "hung"
        assert len(flights) == 0

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
