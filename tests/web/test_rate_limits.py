from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import BlockingConnectionPool

from mina_api.dev.valkey import PrivateValkey
from mina_api.web.rate_limits import Quota, RateLimiter

QUOTA = Quota("tries", 3, 60)


@asynccontextmanager
async def a_limiter(url: str, *, is_available: bool = True) -> AsyncIterator[RateLimiter]:
    pool = BlockingConnectionPool.from_url(url, socket_connect_timeout=0.3, socket_timeout=0.3) if url else None
    limiter = RateLimiter(pool, is_redis_available=lambda: is_available)
    yield limiter
    await limiter.close()


class TestRateLimiter:
    @pytest.mark.parametrize("redis", [True, False])
    async def test_allows_an_amount_then_says_how_long_to_wait(self, valkey_url: str, redis: bool) -> None:
        async with a_limiter(valkey_url if redis else "") as limiter:
            tries = [await limiter.hit(QUOTA, "ada") for _ in range(4)]
            looked = await limiter.test(QUOTA, "ada")
            other = await limiter.hit(QUOTA, "grace")

        assert tries[:3] == [None] * 3
        assert tries[3] is not None and 1 <= tries[3] <= 60
        assert looked is not None
        assert other is None

    async def test_counts_over_all_workers(self, valkey_url: str) -> None:
        async with a_limiter(valkey_url) as one, a_limiter(valkey_url) as other:
            tries = [await each.hit(QUOTA, "ada") for each in (one, other, one, other)]

        assert [each is None for each in tries] == [True, True, True, False]

    async def test_forgets_on_demand(self, valkey_url: str) -> None:
        async with a_limiter(valkey_url) as limiter:
            for _ in range(4):
                await limiter.hit(QUOTA, "ada")
            await limiter.clear(QUOTA, "ada")

            assert await limiter.hit(QUOTA, "ada") is None

    @pytest.mark.parametrize("loss", ["killed", "stopped", "known"])
    async def test_counts_alone_while_redis_is_away(self, private_valkey: PrivateValkey, loss: str) -> None:
        async with a_limiter(private_valkey.url, is_available=loss != "known") as limiter:
            await limiter.hit(QUOTA, "grace")
            if loss == "killed":
                private_valkey.kill()
            elif loss == "stopped":
                private_valkey.pause()

            tries = [await limiter.hit(QUOTA, "ada") for _ in range(4)]

        assert [each is None for each in tries] == [True, True, True, False]

    async def test_does_not_take_two_names_for_one(self, valkey_url: str) -> None:
        async with a_limiter(valkey_url) as limiter:
            for _ in range(4):
                await limiter.hit(QUOTA, "a", "b")

            assert await limiter.test(QUOTA, "ab") is None
            assert await limiter.test(QUOTA, "a", "b", "") is None
