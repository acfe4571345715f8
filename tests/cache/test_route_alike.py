"""Answers that everybody in a scope gets alike: loaded once for all of them, kept for each of them apart."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, HTTPException, Request, Response
from redis.asyncio import Redis

from mina_api.cache.fastapi import Identity, cache_of, cache_response, identify
from mina_api.cache.tags import scope_tag, user_tag
from mina_api.cache.testing import FakeClock
from tests.cache.conftest import Serving
from tests.cache.routers import Calls, a_router, as_user, bearer
from tests.cache.services import until

TTL = 60


def get_member(request: Request, token: Annotated[str | None, Depends(bearer)]) -> str:
    """`ada@7` is Ada, in workspace 7."""
    if token is None:
        raise HTTPException(401)
    name, _, workspace = token.partition("@")
    identify(request, Identity(name, f"ws:{workspace}"))
    return workspace


Workspace = Annotated[str, Depends(get_member)]


def a_scoped_router(calls: Calls, **caching: Any) -> APIRouter:
    router = a_router()

    @router.get("/n")
    @cache_response(ttl=TTL, prefix="analytics", same_in_scope=True, **caching)
    async def get_number(workspace: Workspace, response: Response, q: int = 0, cookie: bool = False) -> str:
        if cookie:
            response.set_cookie("a", "b")
        return f"{workspace}: {calls.next()}"

    @router.post("/write")
    async def write(request: Request, workspace: Workspace) -> None:
        await cache_of(request).invalidate_tags(scope_tag(f"ws:{workspace}", "analytics"))

    @router.post("/forget")
    async def forget(request: Request, user: str) -> None:
        await cache_of(request).invalidate_tags(user_tag(user))

    @router.post("/drop")
    async def drop(request: Request, name: str) -> None:
        await cache_of(request).drop(name)

    @router.get("/audits")
    async def get_audits(request: Request) -> dict[str, int]:
        return cache_of(request).totals()

    return router


async def ask(client: httpx.AsyncClient, who: str, target: str = "/n", **headers: str) -> tuple[str, str]:
    """The answer, and what of it its Cache-Status says first."""
    answer = await client.get(target, headers=as_user(who, **headers))
    return answer.json(), answer.headers["cache-status"].split("; ")[1]


class TestAScope:
    async def test_is_loaded_for_once_and_kept_for_each_of_its_members(self, serving: Serving, valkey_url: str) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client, Redis.from_url(valkey_url) as redis:
            answers = [await ask(client, who) for who in ("ada@7", "bob@7", "ada@7", "bob@7")]
            names = sorted([name.decode().partition("#")[0] async for name in redis.scan_iter("mina:analytics:*")])

        miss, hit = ("7: 1", "fwd=uri-miss"), ("7: 1", "hit")
        assert answers == [miss, miss, hit, hit]
        # An entry for each, and none beside them.
        endpoint = "mina:analytics:test_route_alike.get_number"
        assert names == [f"{endpoint}:user:{user}:cookie=false&q=0" for user in ("ada", "bob")]

    async def test_has_nothing_of_another(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            found = [(await ask(client, who))[0] for who in ("ada@7", "eve@8", "ada@8", "eve@7")]

        assert found == ["7: 1", "8: 2", "8: 2", "7: 1"]

    async def test_is_one_load_for_all_who_ask_at_once(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            answers = await asyncio.gather(*(ask(client, f"member{number}@7") for number in range(30)))

        assert {answer for answer, _ in answers} == {"7: 1"}

    async def test_is_loaded_anew_after_a_write_for_all(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            before = [(await ask(client, who))[0] for who in ("ada@7", "bob@7")]
            await client.post("/write", headers=as_user("bob@7"))
            after = [(await ask(client, who))[0] for who in ("ada@7", "bob@7")]

        assert (before, after) == (["7: 1"] * 2, ["7: 2"] * 2)

    async def test_keeps_what_was_loaded_when_a_members_answers_are_cleared(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            await ask(client, "ada@7")
            await client.post("/forget?user=ada")

            assert [await ask(client, "ada@7") for _ in range(2)] == [("7: 1", "fwd=uri-miss"), ("7: 1", "hit")]

    async def test_gives_answers_of_the_age_that_they_have(self, serving: Serving) -> None:
        calls, clock = Calls(), FakeClock()
        async with serving(a_scoped_router(calls, beta=0.0), clock=clock) as client:
            await ask(client, "ada@7")
            clock.advance(TTL - 10)
            late = await client.get("/n", headers=as_user("bob@7"))
            clock.advance(10)
            anew = [(await ask(client, who))[0] for who in ("ada@7", "bob@7")]

        assert (late.json(), late.headers["age"]) == ("7: 1", str(TTL - 10))
        assert late.headers["cache-status"] == "mina; fwd=uri-miss; stored; ttl=10"
        assert anew == ["7: 2"] * 2

    async def test_is_loaded_anew_for_who_asks_for_that(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            await ask(client, "ada@7")
            fresh = await ask(client, "bob@7", **{"Cache-Control": "no-cache"})
            aside = await ask(client, "cyd@7", **{"Cache-Control": "no-store"})

            assert (fresh[0], aside[0], (await ask(client, "dan@7"))[0]) == ("7: 2", "7: 3", "7: 2")

    async def test_is_loaded_anew_once_a_members_answer_was_deleted(self, serving: Serving, valkey_url: str) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client, Redis.from_url(valkey_url) as redis:
            await ask(client, "ada@7")
            (name,) = [name.decode() async for name in redis.scan_iter("mina:analytics:*")]
            await client.post("/drop", params={"name": name})

            assert [(await ask(client, who))[0] for who in ("ada@7", "bob@7")] == ["7: 2"] * 2

    async def test_shares_nothing_that_is_one_requests_alone(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls)) as client:
            found = [(await ask(client, who, "/n?cookie=true"))[0] for who in ("ada@7", "bob@7")]

        assert found == ["7: 1", "7: 2"]

    async def test_is_audited_by_what_the_endpoint_itself_says(self, serving: Serving) -> None:
        calls = Calls()
        async with serving(a_scoped_router(calls), audit_share=1.0) as client:
            await ask(client, "ada@7")
            await ask(client, "ada@7")

            async def is_audited() -> bool:
                return "audit|mismatch" in (await client.get("/audits")).json()

            # Each load gives another number: what is wrong by that is dropped, and so is what others would get.
            await until(is_audited)
            found = [(await ask(client, who))[0] for who in ("ada@7", "bob@7")]

        assert found == ["7: 3", "7: 3"]


class TestALoadThatAWriteOvertakes:
    async def test_is_given_to_nobody_who_asks_after_the_write(self, serving: Serving) -> None:
        version, started, go = [1], asyncio.Event(), asyncio.Event()
        router = a_router()

        @router.get("/n")
        @cache_response(ttl=TTL, prefix="analytics", same_in_scope=True)
        async def get_version(workspace: Workspace) -> str:
            read = version[0]
            started.set()
            await go.wait()
            return f"{read}"

        @router.post("/write")
        async def write(request: Request, workspace: Workspace) -> None:
            # Both have read their tokens: who reads them after the write is answered as it says.
            await until(lambda: cache_of(request).loads_in_flight == 2)
            version[0] += 1
            await cache_of(request).invalidate_tags(scope_tag(f"ws:{workspace}", "analytics"))

        async with serving(router) as client:
            early = [asyncio.create_task(ask(client, who)) for who in ("ada@7", "bob@7")]
            await started.wait()
            await client.post("/write", headers=as_user("bob@7"))
            late = [asyncio.create_task(ask(client, who)) for who in ("ada@7", "bob@7", "cyd@7")]
            await asyncio.sleep(0)
            go.set()
            before, after = await asyncio.gather(*early), await asyncio.gather(*late)
            again = [(await ask(client, who))[0] for who in ("ada@7", "bob@7", "cyd@7")]

        assert {answer for answer, _ in before} == {"1"}
        assert {answer for answer, _ in after} == set(again) == {"2"}


class TestTheMark:
    def test_is_refused_for_what_is_not_kept_by_user(self) -> None:
        with pytest.raises(ValueError, match="same_in_scope"):
            cache_response(ttl=TTL, same_in_scope=True, shared=True)
        with pytest.raises(ValueError, match="same_in_scope"):
            cache_response(ttl=TTL, same_in_scope=True, vary_on_user=False)
