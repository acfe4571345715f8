"""One load per key over all processes, whatever happens to the one that loads and to those who wait for it.

Leases and waits are minutes long where a test is about being told: who were not told would run into its time-out.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from mina_api.cache.keys import manual_key
from mina_api.cache.lease import Leases, new_owner
from mina_api.cache.policy import CachePolicy
from mina_api.cache.service import CacheService
from tests.cache.services import a_cache, a_faulty_cache, until
from tests.measured import Measured

POLICY = CachePolicy(60, tags=("meeting:1",))
LEASE = f"mina:lease:{{{manual_key(namespace='mina', prefix='temp', key='k').name}}}"
WAIT = LEASE.replace("lease", "wait", 1)
LONG: dict[str, Any] = {"lease_seconds": 600.0, "wait_seconds": 600.0}


class Load:
    """A loader that runs until it is let go, and then gives a value or fails."""

    def __init__(self, value: int = 1, failure: Exception | None = None) -> None:
        self.value = value
        self.failure = failure
        self.calls = 0
        self.running = 0
        self.most_running = 0
        self.started = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self) -> int:
        self.calls += 1
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.started.set()
        try:
            await self.go.wait()
        finally:
            self.running -= 1
        if self.failure is not None:
            raise self.failure
        return self.value


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[CacheService, CacheService]]:
    async with a_cache(url, **LONG) as one, a_cache(url, **LONG) as other:
        yield one, other


async def a_follower(cache: CacheService, load: Load, client: Redis) -> "asyncio.Task[int]":
    """One who waits for another process's load."""
    follower = asyncio.create_task(cache.get_or_load("k", load, POLICY))
    await until(lambda: client.exists(WAIT))
    return follower


class TestFollowers:
    async def test_are_woken_by_the_leaders_word(self, valkey_url: str, client: Redis) -> None:
        leading, following = Load(), Load(2)
        async with two_processes(valkey_url) as (one, other):
            leader = asyncio.create_task(one.get_or_load("k", leading, POLICY))
            await leading.started.wait()
            follower = await a_follower(other, following, client)
            leading.go.set()

            assert (await leader, await follower, following.calls) == (1, 1, 0)

    async def test_load_themselves_once_the_leaders_loader_has_raised(self, valkey_url: str, client: Redis) -> None:
        leading, following = Load(failure=LookupError("gone")), Load(2)
        following.go.set()
        async with two_processes(valkey_url) as (one, other):
            leader = asyncio.create_task(one.get_or_load("k", leading, POLICY))
            await leading.started.wait()
            follower = await a_follower(other, following, client)
            leading.go.set()

            with pytest.raises(LookupError):
                await leader
            assert (await follower, following.calls) == (2, 1)

    async def test_load_themselves_once_the_leader_was_cancelled(self, valkey_url: str, client: Redis) -> None:
        leading, following = Load(), Load(2)
        following.go.set()
        async with two_processes(valkey_url) as (one, other):
            leader = asyncio.create_task(one.get_or_load("k", leading, POLICY))
            await leading.started.wait()
            follower = await a_follower(other, following, client)
            leader.cancel()

            assert (await follower, following.calls) == (2, 1)
            with pytest.raises(asyncio.CancelledError):
                await leader

    async def test_that_go_away_leave_the_load_and_the_others_alone(self, valkey_url: str, client: Redis) -> None:
        leading, following = Load(), Load(2)
        async with two_processes(valkey_url) as (one, other):
            leader = asyncio.create_task(one.get_or_load("k", leading, POLICY))
            await leading.started.wait()
            beside = asyncio.create_task(one.get_or_load("k", following, POLICY))
            afar, stays = await a_follower(other, following, client), await a_follower(other, following, client)
            for leaver in (beside, afar):
                leaver.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await leaver
            leading.go.set()

            assert (await leader, await stays, leading.calls, following.calls) == (1, 1, 1, 0)

    async def test_load_once_when_the_leading_process_is_killed(self, valkey_url: str, measured: Measured) -> None:
        following = Load(2)
        following.go.set()
        async with (
            a_cache(valkey_url, lease_seconds=0.5, wait_seconds=600) as one,
            a_leading_process(valkey_url) as process,
        ):
            followers = [asyncio.create_task(one.get_or_load("k", following, POLICY)) for _ in range(50)]
            await asyncio.sleep(0)
            with measured.timed("with a lease of 0.5 s answered after"):
                process.kill()
                await process.wait()
                answers = await asyncio.gather(*followers)

        assert set(answers) == {2}
        assert following.calls == 1

    async def test_do_without_redis_when_it_is_lost_while_they_wait(self, valkey_url: str, client: Redis) -> None:
        leading, following = Load(), Load(2)
        following.go.set()
        async with a_cache(valkey_url, **LONG) as one, a_faulty_cache(valkey_url, **LONG) as (other, tier):
            leader = asyncio.create_task(one.get_or_load("k", leading, POLICY))
            await leading.started.wait()
            follower = await a_follower(other, following, client)
            tier.fail("claim")
            leader.cancel()

            assert (await follower, following.calls) == (2, 1)


LEADER = """
import asyncio, sys
from mina_api.cache.policy import CachePolicy
from tests.cache.services import a_cache

async def load():
    print("loading", flush=True)
    await asyncio.sleep(600)

async def main():
    async with a_cache(sys.argv[1], lease_seconds=0.5) as cache:
        await cache.get_or_load("k", load, CachePolicy(60, tags=("meeting:1",)))

asyncio.run(main())
"""


@asynccontextmanager
async def a_leading_process(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of its own that is loading `k`, and that would do so for ten minutes."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LEADER, url, stdout=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"loading\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class TestLoads:
    async def test_are_so_many_at_once_and_no_more(self, valkey_url: str) -> None:
        load = Load()
        async with a_cache(valkey_url, max_concurrent_loads=3) as cache:
            asking = [asyncio.create_task(cache.get_or_load(f"{number}", load, POLICY)) for number in range(20)]
            await until(lambda: load.running == 3)
            queued = cache.loads_in_flight
            load.go.set()
            await asyncio.gather(*asking)

        assert (load.most_running, queued, load.calls) == (3, 20, 20)

    async def test_are_so_many_at_once_also_without_redis(self, valkey_url: str) -> None:
        load = Load()
        async with a_cache(valkey_url, max_concurrent_loads=3, enabled=False) as cache:
            asking = [asyncio.create_task(cache.get_or_load(f"{number}", load, POLICY)) for number in range(20)]
            await until(lambda: load.running == 3)
            load.go.set()
            await asyncio.gather(*asking)

        assert (load.most_running, load.calls) == (3, 20)

    async def test_that_hang_in_this_process_are_not_waited_for_for_ever(self, valkey_url: str) -> None:
        hung, new = Load(), Load(2)
        new.go.set()
        async with a_cache(valkey_url, wait_seconds=0.05, lease_seconds=0.2) as cache:
            first = asyncio.create_task(cache.get_or_load("k", hung, POLICY))
            await hung.started.wait()

            assert await cache.get_or_load("k", new, POLICY) == 2
            hung.go.set()
            assert await first == 1


class TestLease:
    async def test_is_kept_for_as_long_as_its_loader_runs(self, valkey_url: str, client: Redis) -> None:
        load = Load()
        async with a_cache(valkey_url, lease_seconds=6.0) as cache:
            leader = asyncio.create_task(cache.get_or_load("k", load, POLICY))
            await load.started.wait()
            owner, left = await client.get(LEASE), [await client.pttl(LEASE)]

            async def is_renewed() -> bool:
                left.append(await client.pttl(LEASE))
                return left[-1] > left[-2]

            await until(is_renewed)
            assert owner is not None and await client.get(LEASE) == owner
            load.go.set()
            await leader
        assert not await client.exists(LEASE)

    async def test_is_neither_renewed_nor_given_back_by_who_does_not_own_it(
        self, valkey_url: str, client: Redis
    ) -> None:
        async with a_faulty_cache(valkey_url) as (_, tier):
            mine, theirs = new_owner(), new_owner()
            assert (await tier.claim("k", (), mine, 60)).left_seconds == 0
            assert 0 < ((await tier.claim("k", (), theirs, 60)).left_seconds or 0) <= 60
            assert not await tier.renew("k", theirs, 600)
            await tier.release("k", theirs)
            assert 0 < await client.pttl("mina:lease:{k}") <= 60_000

            await tier.release("k", mine)
            assert (await tier.claim("k", (), theirs, 60)).left_seconds == 0
            await tier.release("k", mine)
            assert await client.get("mina:lease:{k}") == theirs.encode()

    async def test_that_is_lost_while_loading_is_left_to_its_new_owner(
        self, valkey_url: str, client: Redis, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "mina_api.cache.lease")
        load = Load()
        async with a_cache(valkey_url, lease_seconds=0.06) as cache:
            leader = asyncio.create_task(cache.get_or_load("k", load, POLICY))
            await load.started.wait()
            await client.set(LEASE, "another process", px=60_000)
            await until(lambda: "was lost while loading" in caplog.text)
            load.go.set()

            assert await leader == 1
        assert await client.get(LEASE) == b"another process"

    async def test_runs_out_where_redis_cannot_be_told(self, valkey_url: str) -> None:
        async with a_faulty_cache(valkey_url) as (_, tier):
            leases = Leases(tier, 0.03)
            lease = leases.of("k")
            await lease.claim(())
            tier.fail("renew", "release")
            with lease:
                await until(lambda: tier.calls["renew"])
            lease.give_back()
            await leases.close()

            async def is_free() -> bool:
                return (await tier.claim("k", (), "another", 60)).left_seconds == 0

            await until(is_free)
