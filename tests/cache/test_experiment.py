"""An experiment: a share of users without the cache, the same users everywhere and always, and what both waited."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, Request

from mina_api.cache.experiment import CACHE, CONTROL, KEPT, Experiment
from mina_api.cache.fastapi import CachedRoute, Identity, cache_response, identify
from tests.cache.conftest import Serving


class TestArms:
    def test_have_the_share_of_users_each_always_in_the_same(self) -> None:
        one, other = Experiment(0.1), Experiment(0.1)
        arms = [one.arm_of(str(user)) for user in range(5000)]

        assert 400 < arms.count(CONTROL) < 600
        assert arms == [other.arm_of(str(user)) for user in range(5000)]

    def test_keep_who_is_in_the_control_when_the_share_grows(self) -> None:
        control = [str(user) for user in range(5000) if Experiment(0.1).arm_of(str(user)) == CONTROL]

        assert {Experiment(0.5).arm_of(user) for user in control} == {CONTROL}

    def test_are_drawn_anew_by_another_salt(self) -> None:
        users = [str(user) for user in range(500)]

        assert [Experiment(0.5).arm_of(user) for user in users] != [
            Experiment(0.5, "another").arm_of(user) for user in users
        ]

    @pytest.mark.parametrize(("share", "arm"), [(0.0, CACHE), (1.0, CONTROL)])
    def test_may_be_everybodys(self, share: float, arm: str) -> None:
        assert {Experiment(share).arm_of(str(user)) for user in range(100)} == {arm}


class TestSamples:
    def test_are_taken_once_in_milliseconds(self) -> None:
        experiment = Experiment(0.5)
        experiment.observe(CACHE, 0.0012345, 3, weight=64)
        experiment.observe(CONTROL, 0.5, 7)

        assert experiment.take() == {CACHE: [(1.2345, 3, 64)], CONTROL: [(500.0, 7, 1)]}
        assert experiment.take() == {}

    def test_are_no_more_than_the_newest(self) -> None:
        experiment = Experiment(0.5)
        for number in range(KEPT + 10):
            experiment.observe(CACHE, number, 0)

        taken = experiment.take()[CACHE]
        assert (len(taken), taken[0][0]) == (KEPT, 10_000.0)


class TestControl:
    async def test_is_served_by_its_endpoint_each_time_and_the_others_by_the_cache(self, serving: Serving) -> None:
        def who(request: Request) -> str:
            identify(request, Identity(request.headers["x-user"], None))
            return request.headers["x-user"]

        router = APIRouter(route_class=CachedRoute)
        calls: list[str] = []

        @router.get("/n")
        @cache_response(ttl=60)
        async def get_number(user: Annotated[str, Depends(who)]) -> int:
            calls.append(user)
            return len(calls)

        share = 0.5
        cached, control = (
            next(str(user) for user in range(100) if Experiment(share).arm_of(str(user)) == arm)
            for arm in (CACHE, CONTROL)
        )
        async with serving(router, control_share=share) as client:
            answers = {
                user: [await client.get("/n", headers={"X-User": user}) for _ in range(3)] for user in (cached, control)
            }

        assert (calls.count(cached), calls.count(control)) == (1, 3)
        assert [answer.headers["cache-status"].split("; ")[1] for answer in answers[cached]] == [
            "fwd=uri-miss",
            "hit",
            "hit",
        ]
        assert {answer.headers["cache-status"] for answer in answers[control]} == {"mina; fwd=bypass; detail=control"}
