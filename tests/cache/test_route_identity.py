"""Who asks, as it was read before the look-up."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from mina_api.cache.fastapi import Identity, cache_of, cache_response, identify
from mina_api.cache.policy import CachePolicy
from mina_api.cache.tags import user_tag
from mina_api.dev.valkey import PrivateValkey
from tests.cache.conftest import Serving
from tests.cache.routers import User, a_router, as_user
from tests.cache.services import available


class TestIdentitySeen:
    """Who asks is read before the look-up: what is made of an older reading must reach nobody else."""

    @staticmethod
    def a_router_over(roles: dict[str, str], meanwhile: list[Callable[[Request], Awaitable[None]]]) -> APIRouter:
        """`/role` answers the role that a dependency read; `meanwhile` runs once, between that and the look-up."""
        router = a_router()

        async def get_role(request: Request, user: User) -> str:
            async def load() -> str:
                return roles[user]

            policy = CachePolicy(60, "session", (user_tag(user),))
            seen = await cache_of(request).get_or_load_seen(f"role:{user}", load, policy)
            identify(request, Identity(user, "ws:1", seen=seen.vintage))
            while meanwhile:
                await meanwhile.pop()(request)
            return str(seen.value)

        @router.get("/role")
        @cache_response(ttl=60)
        async def get_my_role(role: Annotated[str, Depends(get_role)]) -> str:
            return role

        return router

    async def test_that_changed_before_the_look_up_is_not_kept(self, serving: Serving) -> None:
        roles = {"ada": "admin"}

        async def demote(request: Request) -> None:
            roles["ada"] = "viewer"
            await cache_of(request).invalidate_tags(user_tag("ada"))

        async with serving(self.a_router_over(roles, [demote])) as client:
            answers = [await client.get("/role", headers=as_user("ada")) for _ in range(3)]

        assert [answer.json() for answer in answers] == ["admin", "viewer", "viewer"]
        assert [answer.headers["cache-status"].split("; ", 1)[1] for answer in answers] == [
            "fwd=bypass; detail=changed",
            "fwd=uri-miss; stored; ttl=60",
            "hit; ttl=60; detail=l2",
        ]

    async def test_that_changed_goes_to_nobody_who_asks_at_the_same_time(self, serving: Serving) -> None:
        roles = {"ada": "admin"}
        answered: list[str] = []

        async with serving(self.a_router_over(roles, meanwhile := [])) as client:

            async def demote_and_ask_anew(request: Request) -> None:
                roles["ada"] = "viewer"
                await cache_of(request).invalidate_tags(user_tag("ada"))
                answered.append((await client.get("/role", headers=as_user("ada"))).json())

            meanwhile.append(demote_and_ask_anew)
            first = await client.get("/role", headers=as_user("ada"))
            last = await client.get("/role", headers=as_user("ada"))

        assert (first.json() in ("admin", "viewer"), answered, last.json()) == (True, ["viewer"], "viewer")

    async def test_without_redis_at_first_is_not_kept_either(
        self, private_valkey: PrivateValkey, serving: Serving
    ) -> None:
        roles = {"ada": "admin"}
        private_valkey.stop()

        async def come_back(request: Request) -> None:
            private_valkey.start()
            await available(cache_of(request))

        async with serving(self.a_router_over(roles, [come_back]), url=private_valkey.url) as client:
            answer = await client.get("/role", headers=as_user("ada"))

        assert answer.headers["cache-status"] == "mina; fwd=bypass; detail=changed"
