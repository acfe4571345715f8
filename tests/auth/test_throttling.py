import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from mina_api.web.addresses import network_of
from tests.api import PASSWORD, a_client, register, running

ATTEMPTS, ACCOUNT_ATTEMPTS, ADDRESS_FAILURES = 3, 6, 8


@pytest.fixture
async def app(settings: Settings, clock: FakeClock) -> AsyncIterator[FastAPI]:
    """An application that is soon tired of guesses."""
    limits = {
        "sign_in_attempts": ATTEMPTS,
        "sign_in_account_attempts": ACCOUNT_ATTEMPTS,
        "sign_in_address_failures": ADDRESS_FAILURES,
    }
    tired = settings.model_copy(update={"auth": settings.auth.model_copy(update=limits)})
    async with running(create_app(tired, clock=clock)) as started:
        for email in ("ada@example.com", "grace@example.com"):
            await (await register(started, email)).aclose()
        yield started


async def sign_in(app: FastAPI, email: str, password: str, address: str = "10.0.0.1") -> httpx.Response:
    async with a_client(app, address=address) as client:
        return await client.post("/api/auth/token", data={"username": email, "password": password})


async def statuses(app: FastAPI, email: str, password: str, times: int, address: str = "10.0.0.1") -> list[int]:
    return [(await sign_in(app, email, password, address)).status_code for _ in range(times)]


class TestSignInThrottle:
    @pytest.mark.parametrize("email", ["ada@example.com", "ADA@example.com", "nobody@example.com"])
    async def test_refuses_more_guesses_at_an_account_whether_there_is_one_or_not(
        self, app: FastAPI, email: str
    ) -> None:
        guesses = await statuses(app, email, "wrong", ATTEMPTS)

        refused = await sign_in(app, email.lower(), PASSWORD)

        assert guesses == [401] * ATTEMPTS
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert 1 <= int(refused.headers["retry-after"]) <= 900

    async def test_counts_guesses_that_are_made_at_once(self, app: FastAPI) -> None:
        answers = await asyncio.gather(*(sign_in(app, "ada@example.com", "wrong") for _ in range(12)))

        assert sorted(answer.status_code for answer in answers) == [401] * ATTEMPTS + [429] * (12 - ATTEMPTS)

    async def test_locks_out_the_guesser_and_neither_the_owner_nor_others(self, app: FastAPI) -> None:
        await statuses(app, "ada@example.com", "wrong", ATTEMPTS + 1)

        assert await statuses(app, "ada@example.com", PASSWORD, 1, "10.0.0.2") == [200]
        assert await statuses(app, "grace@example.com", PASSWORD, 1) == [200]

    async def test_starts_anew_after_the_right_password(self, app: FastAPI) -> None:
        for _ in range(2):
            assert await statuses(app, "ada@example.com", "wrong", ATTEMPTS - 1) == [401] * (ATTEMPTS - 1)
            assert await statuses(app, "ada@example.com", PASSWORD, 1) == [200]

    async def test_refuses_an_account_that_many_addresses_guess_at(self, app: FastAPI) -> None:
        for number in range(ACCOUNT_ATTEMPTS):
            assert await statuses(app, "ada@example.com", "wrong", 1, f"10.0.1.{number}") == [401]

        assert await statuses(app, "ada@example.com", "wrong", 1, "10.0.1.99") == [429]

    async def test_refuses_an_address_that_guesses_at_many_accounts(self, app: FastAPI) -> None:
        for number in range(ADDRESS_FAILURES):
            assert await statuses(app, f"user{number}@example.com", "wrong", 1) == [401]

        assert await statuses(app, "ada@example.com", PASSWORD, 1) == [429]
        assert await statuses(app, "ada@example.com", PASSWORD, 1, "10.0.0.2") == [200]


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("10.1.2.3", "10.1.2.3"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::"),
            ("", ""),
            ("testclient", "testclient"),
        ],
    )
    def test_is_what_one_client_can_move_within(self, address: str, network: str) -> None:
        assert network_of(address) == network
