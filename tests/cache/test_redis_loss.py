"""What a Redis that goes away and comes back does to us."""

import asyncio
import logging
import secrets

import pytest
from redis.asyncio import Redis

from mina_api.cache.invalidation import CacheUnavailable
from mina_api.cache.policy import CachePolicy
from mina_api.cache.redis_tier.channel import LARGE
from mina_api.cache.service import CacheService
from mina_api.dev.valkey import PrivateValkey
from tests.cache.origin import Origin
from tests.cache.proxy import a_proxy
from tests.cache.services import a_cache, available, until
from tests.measured import Measured

POLICY = CachePolicy(60, tags=("meeting:1",))


async def one() -> int:
    return 1


class TestConnections:
    async def test_are_waited_for_where_there_are_too_few(self, valkey_url: str) -> None:
        loads, go = 0, asyncio.Event()

        async def load() -> int:
            nonlocal loads
            loads += 1
            await go.wait()
            return loads

        async with a_cache(valkey_url, max_connections=1) as cache:
            asking = []
            for _ in range(200):
                asking.append(asyncio.create_task(cache.get_or_load("k", load, POLICY)))
                await asyncio.sleep(0)
            await until(lambda: loads)
            go.set()

            assert set(await asyncio.gather(*asking)) == {1}
            assert (cache.get_cache_stats()["errors"], cache.is_available) == (0, True)

    async def test_are_tried_once_and_not_by_requests(self, valkey_url: str) -> None:
        async with a_proxy(valkey_url) as proxy:
            proxy.is_open = False
            async with a_cache(proxy.url, probe_seconds=60, probe_max_seconds=60) as cache:
                at_start = proxy.accepted
                for _ in range(50):
                    assert await cache.get_or_load("k", one, POLICY) == 1

                assert (at_start, proxy.accepted, cache.is_available) == (1, 1, False)

    async def test_are_found_again_by_one_probe(self, valkey_url: str, measured: Measured) -> None:
        async with a_proxy(valkey_url) as proxy:
            proxy.is_open = False
            async with a_cache(proxy.url) as cache:
                await until(lambda: proxy.accepted > 3)
                with measured.timed("found again in"):
                    proxy.is_open = True
                    await available(cache)

                assert await cache.set("k", 1) and await cache.get("k") == 1

    async def test_from_before_an_outage_trip_nothing_after_it(
        self, private_valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def set_many_at_once(cache: CacheService) -> list[bool]:
            """As many connections as values: each is too large to go before the commands of others."""
            large = secrets.token_hex(2 * LARGE)
            return await asyncio.gather(*(cache.set(f"k{number}", large) for number in range(8)))

        async with a_cache(private_valkey.url) as cache, Redis.from_url(private_valkey.url) as client:
            assert await set_many_at_once(cache) == [True] * 8
            assert (await client.info("clients"))["connected_clients"] > 8
            private_valkey.kill()
            await cache.get("k")
            private_valkey.start()
            await available(cache)

            with caplog.at_level(logging.ERROR):
                caplog.clear()
                assert await set_many_at_once(cache) == [True] * 8

        assert "Redis is lost" not in caplog.text

    async def test_to_a_server_that_does_not_say_which_it_is_are_not_used(self, valkey_url: str) -> None:
        """Without its run_id nothing tells a server that came back with old data from the one that was there."""
        async with a_proxy(valkey_url) as proxy:
            proxy.garble = lambda data: data.replace(b"run_id:", b"no__id:")
            async with a_cache(proxy.url) as cache:
                assert (await cache.get_or_load("k", one, POLICY), cache.is_available) == (1, False)
                proxy.garble = bytes
                await available(cache)


class TestReturn:
    async def test_waits_for_a_drain_that_fails(
        self, private_valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
    ) -> None:
        drains = 0

        async def drain(_: object, __: str) -> None:
            nonlocal drains
            drains += 1
            if drains < 4:
                raise LookupError("no database")

        async with a_cache(private_valkey.url, on_return=drain) as cache:
            unread = cache.is_available, await cache.get_or_load("k", one, POLICY)
            await available(cache)

            assert (unread, drains) == ((False, 1), 4)
        assert "draining the outbox failed" in caplog.text


class TestLosingRedis:
    async def test_costs_speed_and_no_answer(self, private_valkey: PrivateValkey, origin: Origin) -> None:
        async with a_cache(private_valkey.url) as cache:
            await cache.get_or_load("k", origin.load, POLICY)
            private_valkey.kill()

            without = [await cache.get_or_load("k", origin.load, POLICY) for _ in range(3)]
            private_valkey.start()
            await available(cache)
            after = [await cache.get_or_load("k", origin.load, POLICY) for _ in range(2)]

        assert without == [1, 1, 1]
        assert after == [1, 1]
        assert origin.loads == 1 + 3 + 1

    async def test_that_hangs_costs_one_time_out_and_then_nothing(
        self, private_valkey: PrivateValkey, origin: Origin
    ) -> None:
        async with a_cache(private_valkey.url, command_timeout_seconds=0.1, connect_timeout_seconds=0.1) as cache:
            await cache.get_or_load("k", origin.load, POLICY)
            private_valkey.pause()

            await cache.get_or_load("k", origin.load, POLICY)
            tripped = not cache.is_available
            private_valkey.resume()
            await available(cache)

            assert tripped
            assert await cache.get_or_load("k", origin.load, POLICY) == 1

    async def test_that_was_never_there_is_found_when_it_comes(
        self, private_valkey: PrivateValkey, origin: Origin
    ) -> None:
        private_valkey.stop()
        async with a_cache(private_valkey.url) as cache:
            before = await cache.get_or_load("k", origin.load, POLICY)
            private_valkey.start()
            await available(cache)

            assert before == 1
            assert await cache.set("k", 1)

    async def test_drains_what_was_noted_before_anything_is_read(
        self, private_valkey: PrivateValkey, origin: Origin
    ) -> None:
        noted: list[str] = []

        class Notes:
            async def record(self, tags: object, *, lifted_in: bytes | None) -> None:
                if lifted_in is None:
                    noted.extend(tags)  # type: ignore[arg-type]

        async def drain(lift: object, _: object) -> None:
            if noted:
                await lift(noted, ["notes"])  # type: ignore[operator]

        async with (
            a_cache(private_valkey.url, journal=Notes(), on_return=drain, command_timeout_seconds=0.1) as cache,
            a_cache(private_valkey.url) as reader,
        ):
            await reader.get_or_load("k", origin.load, POLICY)
            private_valkey.pause()
            origin.value = 2
            await cache.invalidate_tags("meeting:1")
            private_valkey.resume()
            await available(cache)
            await available(reader)

            assert noted == ["meeting:1"]
            assert await reader.get_or_load("k", origin.load, POLICY) == 2

    async def test_without_anywhere_to_note_it_an_invalidation_fails(self, private_valkey: PrivateValkey) -> None:
        private_valkey.stop()
        async with a_cache(private_valkey.url) as cache:
            with pytest.raises(CacheUnavailable):
                await cache.invalidate_tags("meeting:1")

    async def test_that_restarts_serves_nothing_from_before(
        self, private_valkey: PrivateValkey, origin: Origin
    ) -> None:
        """As after a restart from an old snapshot: entry and tokens agree, but the server is another."""
        async with a_cache(private_valkey.url) as cache:
            await cache.get_or_load("k", origin.load, POLICY)
            async with Redis.from_url(private_valkey.url) as client:
                dumped = {name: await client.dump(name) for name in await client.keys("*")}
            private_valkey.kill()
            await cache.get("k")
            private_valkey.start()
            await available(cache)
            async with Redis.from_url(private_valkey.url) as client:
                for name, value in dumped.items():
                    await client.restore(name, 0, value or b"", replace=True)
            origin.value = 2

            assert await cache.get_or_load("k", origin.load, POLICY) == 2
