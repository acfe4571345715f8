import asyncio

import httpx
import jwt
import pytest
from fastapi import FastAPI

from mina_api.cache.testing import FakeClock
from tests.api import PASSWORD, SECRET_KEY, SignUp, a_client

REGISTRATION = {"email": "Ada@Example.com", "password": PASSWORD, "name": "Ada Lovelace"}


async def sign_in(client: httpx.AsyncClient, username: str, password: str) -> httpx.Response:
    return await client.post("/api/auth/token", data={"username": username, "password": password})


class TestRegister:
    async def test_makes_a_user_with_a_workspace_of_their_own(self, client: httpx.AsyncClient, app: FastAPI) -> None:
        answer = await client.post("/api/auth/register", json={**REGISTRATION, "workspace": "Engines"})

        tokens = answer.json()
        async with a_client(app, tokens["access_token"]) as ada:
            me = (await ada.get("/api/auth/me")).json()
        assert answer.status_code == 201
        assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 900)
        assert me["workspace"] == {"id": me["workspace"]["id"], "name": "Engines", "role": "owner"}
        assert me["name"] == "Ada Lovelace"

    async def test_takes_an_address_once_in_whatever_case(self, client: httpx.AsyncClient) -> None:
        await client.post("/api/auth/register", json=REGISTRATION)

        again = await client.post("/api/auth/register", json={**REGISTRATION, "email": "ADA@example.com"})

        assert again.status_code == 409

    async def test_takes_an_address_once_also_at_the_same_moment(self, client: httpx.AsyncClient) -> None:
        answers = await asyncio.gather(*(client.post("/api/auth/register", json=REGISTRATION) for _ in range(3)))

        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]

    @pytest.mark.parametrize("change", [{"email": "nobody"}, {"password": "short"}, {"name": " "}, {"name": "\x00"}])
    async def test_refuses_what_is_malformed_and_repeats_no_password(
        self, client: httpx.AsyncClient, change: dict[str, str]
    ) -> None:
        answer = await client.post("/api/auth/register", json={**REGISTRATION, **change})

        assert answer.status_code == 422
        assert PASSWORD not in answer.text and "short" not in answer.json()["detail"]


class TestToken:
    async def test_is_given_for_the_password(self, client: httpx.AsyncClient) -> None:
        await client.post("/api/auth/register", json=REGISTRATION)

        answer = await sign_in(client, "ada@example.com", PASSWORD)

        assert answer.status_code == 200
        assert set(answer.json()) == {"access_token", "token_type", "expires_in", "refresh_token"}

    async def test_does_not_tell_a_wrong_password_from_a_wrong_address(self, client: httpx.AsyncClient) -> None:
        await client.post("/api/auth/register", json=REGISTRATION)

        wrong_password = await sign_in(client, "ada@example.com", "not it, sorry")
        wrong_address = await sign_in(client, "bob@example.com", "not it, sorry")

        assert wrong_password.status_code == wrong_address.status_code == 401
        assert wrong_password.json() == wrong_address.json()
        assert wrong_password.headers["www-authenticate"] == "Bearer"

    async def test_expires(self, ada: httpx.AsyncClient, clock: FakeClock) -> None:
        clock.advance(899)
        before = await ada.get("/api/auth/me")
        clock.advance(1)

        after = await ada.get("/api/auth/me")

        assert (before.status_code, after.status_code) == (200, 401)

    async def test_is_refused_unless_we_signed_it_so(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        good = ada.headers["authorization"].split()[1]
        claims = jwt.decode(good, options={"verify_signature": False})
        forged = [
            jwt.encode(claims, "another key of thirty-two letters", "HS256"),
            jwt.encode(claims, SECRET_KEY, "HS384"),
            jwt.encode(claims, "", "none"),
            jwt.encode({**claims, "aud": "other"}, SECRET_KEY, "HS256"),
            jwt.encode({**claims, "sub": "x"}, SECRET_KEY, "HS256"),
            jwt.encode({key: value for key, value in claims.items() if key != "exp"}, SECRET_KEY, "HS256"),
            good[:-2],
            "nonsense",
        ]

        for token in forged:
            async with a_client(app, token) as client:
                assert (await client.get("/api/auth/me")).status_code == 401, token


class TestRefresh:
    async def test_rotates_and_ends_the_sign_in_when_an_old_one_comes_back(
        self, client: httpx.AsyncClient, app: FastAPI
    ) -> None:
        first = (await client.post("/api/auth/register", json=REGISTRATION)).json()
        second = (await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})).json()
        async with a_client(app, second["access_token"]) as ada:
            before = (await ada.get("/api/auth/me")).status_code

            reused = await client.post("/api/auth/refresh", json={"refresh_token": first["refresh_token"]})

            after = (await ada.get("/api/auth/me")).status_code
        last = await client.post("/api/auth/refresh", json={"refresh_token": second["refresh_token"]})
        assert (before, reused.status_code, after, last.status_code) == (200, 401, 401, 401)

    async def test_refuses_what_is_unknown_or_too_old(self, client: httpx.AsyncClient, clock: FakeClock) -> None:
        tokens = (await client.post("/api/auth/register", json=REGISTRATION)).json()
        clock.advance(31 * 86400)

        answers = [
            await client.post("/api/auth/refresh", json={"refresh_token": token})
            for token in (tokens["refresh_token"], "unknown")
        ]

        assert [answer.status_code for answer in answers] == [401, 401]


class TestLogout:
    async def test_ends_this_sign_in_at_once_and_no_other(self, ada: httpx.AsyncClient, app: FastAPI) -> None:
        other = (await sign_in(ada, "ada@example.com", PASSWORD)).json()["access_token"]
        await ada.get("/api/auth/me")

        answer = await ada.post("/api/auth/logout")

        async with a_client(app, other) as elsewhere:
            assert (await elsewhere.get("/api/auth/me")).status_code == 200
        assert answer.status_code == 204
        assert (await ada.get("/api/auth/me")).status_code == 401


class TestMe:
    async def test_is_cached_for_each_by_themselves(self, sign_up: SignUp) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")

        answers = [await client.get("/api/auth/me") for client in (ada, bob, ada, bob)]

        assert [answer.json()["email"] for answer in answers] == ["ada@example.com", "bob@example.com"] * 2
        assert answers[2].headers["cache-status"].startswith("mina; hit")

    async def test_of_nobody_says_how_to_become_somebody(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/api/auth/me")

        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["instance"] == "/api/auth/me"
