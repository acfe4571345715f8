"""The fast path: the slow one's answers, and none that the slow one would not give."""

from collections.abc import AsyncIterator

import pytest

from mina_api.cache.fastapi.sampling import Sampling
from tests.cache.services import until
from tests.cache.short_ways import TOKEN_SECONDS, Served, served

IN_MEMORY = "; detail=l1"


@pytest.fixture
async def program(valkey_url: str) -> AsyncIterator[Served]:
    async with served(valkey_url) as started:
        yield started


class TestAnswers:
    @pytest.mark.parametrize("path", ["/text", "/text?part=1", "/public"])
    async def test_are_those_of_the_slow_path(self, program: Served, path: str) -> None:
        loaded = await program.get(path)
        slow = await program.get(path, Pragma="the-long-way")

        short = await program.shortened(path)

        assert short.content == slow.content == loaded.content
        assert short.headers["cache-status"] == slow.headers["cache-status"]
        assert short.headers["cache-status"].endswith(IN_MEMORY)
        assert set(short.headers) == {*slow.headers, "server-timing"}

    async def test_run_neither_the_endpoint_nor_its_dependencies(self, program: Served) -> None:
        await program.shortened("/text")
        program.program.users.clear()
        loads = program.program.loads

        again = await program.get("/text")

        assert (again.status_code, program.program.loads) == (200, loads)

    async def test_are_304_for_who_has_them(self, program: Served) -> None:
        whole = await program.shortened("/text")

        had = await program.shortened("/text", **{"If-None-Match": whole.headers["etag"]})
        other = await program.shortened("/text", **{"If-None-Match": '"another"'})

        assert (had.status_code, had.content) == (304, b"")
        assert had.headers["etag"] == whole.headers["etag"]
        assert (other.status_code, other.content) == (200, whole.content)

    async def test_are_zstd_for_who_takes_it(self, valkey_url: str) -> None:
        async with served(valkey_url, compress_over_bytes=100) as program:
            program.program.text = "again and " * 100
            whole = await program.shortened("/text")

            packed = await program.shortened("/text", **{"Accept-Encoding": "zstd"})
            plain = await program.shortened("/text", **{"Accept-Encoding": "gzip, zstd;q=0"})

        assert packed.content == plain.content == whole.content
        assert packed.headers["content-encoding"] == "zstd"
        assert int(packed.headers["content-length"]) < len(whole.content)
        assert "content-encoding" not in plain.headers

    async def test_grow_older(self, program: Served) -> None:
        first = await program.shortened("/text")
        program.program.clock.advance(41)
        later = await program.shortened("/text")

        assert (first.headers["age"], later.headers["age"]) == ("0", "41")
        assert later.headers["cache-status"] == f"mina; hit; ttl=19{IN_MEMORY}"


class TestAShortcut:
    async def test_ends_with_the_answers_time(self, program: Served) -> None:
        await program.shortened("/text")
        program.program.clock.advance(60)

        stale = await program.get("/text")

        assert stale.headers["cache-status"].startswith("mina; fwd=")
        assert len(program.shortcuts) == 0

    async def test_ends_with_the_credentials(self, valkey_url: str) -> None:
        async with served(valkey_url, endpoint_ttls={"short_ways.get_text": 600}) as program:
            await program.shortened("/text")
            program.program.clock.advance(TOKEN_SECONDS)

            late = await program.get("/text", **{"X-Request-ID": "one"})

            assert late.headers["cache-status"].startswith("mina; hit")
            assert "server-timing" not in late.headers

    async def test_ends_with_a_write(self, program: Served) -> None:
        for version in ("b", "c", "d"):
            await program.shortened("/text")
            await program.client.put(f"/text/{version}")

            assert (await program.get("/text")).json()["text"] == version
            assert (await program.shortened("/text")).json()["text"] == version

    async def test_ends_with_who_asks(self, program: Served) -> None:
        await program.shortened("/text")
        program.program.users.discard("ada")
        await program.cache.invalidate_tags("who:ada")

        assert (await program.get("/text")).status_code == 401

    async def test_ends_where_its_key_would_be_another(self, program: Served) -> None:
        await program.shortened("/today", None)
        program.program.day = "tuesday"
        program.program.clock.advance(1)

        later = await program.get("/today", None)

        assert later.json() == {"day": "tuesday"}

    async def test_is_replaced_by_a_newer_one_of_the_same_request(self, program: Served) -> None:
        for _ in range(3):
            await program.shortened("/text")
            await program.get("/text", Pragma="the-long-way")
            program.program.clock.advance(1)

        assert len(program.shortcuts) == 1

    async def test_is_of_memory_again_once_that_may_be_used_though_others_have_copies_of_who_asks(
        self, program: Served
    ) -> None:
        """As after Redis was away: requests ask it for who asks, each for itself, and each makes a shortcut."""
        paths = ("/text?part=1", "/text?part=2")
        for path in paths:
            await program.get(path)
        program.cache.memory.clear()
        program.shortcuts.clear()
        for path in paths:
            while len(program.shortcuts) <= paths.index(path):
                await program.get(path)

        await until(lambda: program.cache.serves_from_memory)
        for path in paths * 2:
            await program.get(path)

        answers = [await program.get(path) for path in paths * 2]
        assert all(answer.headers["cache-status"].endswith(IN_MEMORY) for answer in answers)

    async def test_is_nobody_elses(self, program: Served) -> None:
        await program.shortened("/text")
        before = program.shortcuts.answered

        bob, nobody = await program.get("/text", "bob"), await program.get("/text", None)

        assert (bob.json()["user"], nobody.status_code) == ("bob", 401)
        assert program.shortcuts.answered == before

    async def test_goes_where_there_is_no_room(self, valkey_url: str) -> None:
        async with served(valkey_url, max_bytes=20_000) as program:
            for part in range(20):
                await program.shortened(f"/text?part={part}")

            assert 0 < len(program.shortcuts) < 10
            assert program.cache.get_cache_stats()["hits"] >= 20

    async def test_is_not_made_where_nobody_vouches_for_who_asks(self, program: Served) -> None:
        program.program.vouches = False
        for _ in range(5):
            await program.get("/text")

        assert len(program.shortcuts) == 0


class TestNoShortcut:
    @pytest.mark.parametrize(
        "headers",
        [
            {"Cache-Control": "no-cache"},
            {"Cache-Control": "no-store"},
            {"Cookie": "a=b"},
            {"Range": "bytes=0-1"},
            {"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
        ],
    )
    async def test_is_taken_or_made_where_another_header_could_matter(
        self, program: Served, headers: dict[str, str]
    ) -> None:
        for _ in range(4):
            await program.get("/text?part=2", **headers)
        made = len(program.shortcuts)
        await program.shortened("/text")

        assert await program.comes_the_long_way(lambda: program.get("/text", **headers))
        assert made == 0

    async def test_is_taken_or_made_with_two_authorizations(self, program: Served) -> None:
        twice = [("Authorization", "Bearer ada"), ("Authorization", "Bearer bob")]
        for _ in range(4):
            await program.client.get("/text?part=2", headers=twice)
        made = len(program.shortcuts)
        await program.shortened("/text")

        assert await program.comes_the_long_way(lambda: program.client.get("/text", headers=twice))
        assert made == 0

    async def test_is_taken_by_another_method(self, program: Served) -> None:
        await program.shortened("/public", None)

        assert await program.comes_the_long_way(lambda: program.client.post("/public"))

    async def test_is_made_for_an_answer_whose_time_is_over(self, program: Served) -> None:
        """A request that takes an answer past its TTL gets it, and nobody else."""
        await program.get("/public", None)
        program.program.clock.advance(60)
        await program.get("/public", None, **{"Cache-Control": "max-stale=100"})

        assert len(program.shortcuts) == 0


class TestCounts:
    async def test_hits_are_counted_by_tier_as_on_the_slow_path(self, program: Served) -> None:
        await program.shortened("/text")
        before = program.cache.totals()

        for _ in range(5):
            await program.shortened("/text")

        after = program.cache.totals()
        assert after["hits"] - before["hits"] == after["tier|l1|hits"] - before["tier|l1|hits"] == 5

    async def test_hits_of_a_shortcut_that_has_ended_are_not_lost(self, program: Served) -> None:
        await program.shortened("/text")
        before = program.cache.get_cache_stats()["hits"]
        for _ in range(5):
            await program.get("/text")
        await program.client.put("/text/b")
        await program.get("/text")

        assert program.cache.get_cache_stats()["hits"] == before + 5

    async def test_uses_are_noted_for_warming(self, program: Served) -> None:
        for _ in range(5):
            await program.shortened("/text?part=7")

        assert any("part=7" in recipe for recipe in await program.cache.most_used())

    async def test_a_timed_answer_stands_for_those_that_were_not(self, program: Served) -> None:
        program.shortcuts.sampling = Sampling()
        program.shortcuts.answered = 100
        before = _latencies(program)

        first = program.shortcuts.sampled(0.0002)
        program.shortcuts.answered = 170
        second = program.shortcuts.sampled(0.0002)

        assert (first, second) == (100, 70)
        assert _latencies(program) == before + 170


def _latencies(program: Served) -> int:
    return sum(count for name, count in program.cache.totals().items() if name.startswith("latency|hit|"))
