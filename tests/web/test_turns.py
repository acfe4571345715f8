"""How many requests begin in one turn of the loop, and what those that wait are answered by."""

import asyncio

import httpx
from fastapi import FastAPI

from mina_api.web.turns import Turns


async def entered(turns: Turns, number: int, into: list[int]) -> None:
    if (turn := turns.take()) is not None:
        await turn
    into.append(number)


class TestTurns:
    async def test_let_so_many_begin_in_each_and_keep_their_order(self) -> None:
        turns, begun, counts = Turns(3), list[int](), list[int]()
        work = [asyncio.create_task(entered(turns, number, begun)) for number in range(10)]
        while not all(each.done() for each in work):
            await asyncio.sleep(0)
            counts.append(len(begun))

        assert begun == list(range(10))
        # In each turn three are let in, and are in by the end of the next.
        assert max(later - earlier for earlier, later in zip([0, *counts], counts, strict=False)) == 3

    async def test_keep_nobody_waiting_who_comes_alone(self) -> None:
        turns = Turns(3)
        for _ in range(3):
            assert turns.take() is None
        last = turns.take()
        assert last is not None
        await last
        # Those that follow find the turns over.
        for _ in range(3):
            await asyncio.sleep(0)
        assert turns.take() is None

    async def test_are_not_taken_by_who_has_left(self) -> None:
        turns, begun = Turns(1), list[int]()
        work = [asyncio.create_task(entered(turns, number, begun)) for number in range(4)]
        await asyncio.sleep(0)
        work[1].cancel()
        await asyncio.gather(*work, return_exceptions=True)

        assert begun == [0, 2, 3]

    async def test_let_few_begin_in_each_while_many_wait(self) -> None:
        turns, begun, counts = Turns(8, in_a_rush=2, rush=10), list[int](), list[int]()
        work = [asyncio.create_task(entered(turns, number, begun)) for number in range(30)]
        while not all(each.done() for each in work):
            await asyncio.sleep(0)
            counts.append(len(begun))

        assert begun == list(range(30))
        grown = [later - earlier for earlier, later in zip([0, *counts], counts, strict=False) if later > earlier]
        # 22 wait, of whom two begin in each turn until fewer than ten are left.
        assert grown == [8, 2, 2, 2, 2, 2, 2, 2, 8]


class TestAStampede:
    async def test_is_answered_by_what_its_first_requests_load(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        await ada.get("/api/auth/me")
        before = app.state.cache.get_cache_stats()
        answered = app.state.shortcuts.answered
        answers = await asyncio.gather(*(ada.get("/api/analytics/dashboard?days=9") for _ in range(400)))
        after = app.state.cache.get_cache_stats()

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert after["sets"] - before["sets"] == 1
        assert app.state.shortcuts.answered > answered
