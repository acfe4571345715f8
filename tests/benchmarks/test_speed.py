"""The measured servers that need nothing but Mina's environment: each starts, and gives the page that all give."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks.speed import startup
from benchmarks.speed.claims import Claim, claims
from benchmarks.speed.load import Load
from benchmarks.speed.measuring import Row, Sample
from benchmarks.speed.profiling import REST, layer_of, shares
from benchmarks.speed.running import LOGS, Cores, cpu_seconds, pin
from benchmarks.speed.servers.page import body_of
from benchmarks.speed.stores import Stores
from benchmarks.speed.subjects import Subject
from benchmarks.speed.variants import MINA_MEMORY, RAW, UNCACHED, VARIANTS, WHOLE_MEMORY, WHOLE_REDIS, Variant, chosen
from mina_api.dev.demo import fill

OURS = [each for each in VARIANTS if not each.needs_peers and "serve" not in each.name]
WHOLE = [each for each in VARIANTS if each.name in (WHOLE_MEMORY, WHOLE_REDIS)]

Open = Callable[[Variant], AbstractContextManager[Subject]]


def named(variant: Variant) -> str:
    """What pytest calls the case."""
    return variant.name


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey_url: str, database_url: str) -> Open:
    """Starts variants over the suite's servers, with their logs in the test's directory."""
    monkeypatch.chdir(tmp_path)
    stores = Stores(Cores.of_this_machine(), valkey_url, lambda: database_url)
    return lambda variant: variant.open(stores)


def a_row(name: str, rate: int, *, keys: int = 1, cpu_us: float = 20.0) -> Row:
    """A row of one sample."""
    load = Load(requests=rate, seconds=1.0, failed=0, p50_ms=1.0, p99_ms=2.0, max_ms=3.0)
    return Row(next(each for each in VARIANTS if each.name == name), keys, [Sample(load, rate * cpu_us / 1e6)])


class TestServers:
    @pytest.mark.parametrize("variant", OURS, ids=named)
    async def test_give_the_same_pages_and_make_each_once(self, opened: Open, variant: Variant) -> None:
        with opened(variant) as subject:
            before = subject.loads()
            subject.check(2)

            made = subject.loads()
            answers = [subject.running.get(subject.target(2).page(number)) for number in (1, 2)]

            assert [answer.content for answer in answers] == [body_of(1), body_of(2)]
            assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
            assert cpu_seconds(subject.running.pid) > 0
            if before is not None and made is not None:
                assert made - before == (4 if subject.is_uncached else 2)

    @pytest.mark.parametrize("variant", WHOLE, ids=named)
    async def test_the_whole_application_answers_as_without_a_cache(
        self, opened: Open, database_url: str, variant: Variant
    ) -> None:
        await fill(database_url, meetings=40)

        with opened(variant) as subject:
            subject.check(2)
            page = subject.running.get(subject.target(0).page(123_456))

        assert len(page.content) > 5000


class TestChosen:
    def test_takes_the_variants_that_hold_a_word(self) -> None:
        assert [each.name for each in chosen("raw, no cache")] == [RAW, UNCACHED]

    def test_takes_all_without_a_word(self) -> None:
        assert chosen("") == list(VARIANTS)


class TestClaims:
    def test_compare_medians(self) -> None:
        rows = [a_row(RAW, 1000), a_row("cashews", 100), a_row("fastapi-cachex", 120), a_row(MINA_MEMORY, 790)]

        found = list(claims(rows))

        assert [(round(each.value, 2), each.holds) for each in found] == [(0.79, False), (6.58, True)]
        assert "fastapi-cachex" in found[1].text

    def test_of_cost_have_a_ceiling(self) -> None:
        assert [Claim("", value, 1.15, is_ceiling=True).holds for value in (1.1, 1.2)] == [True, False]


class TestStart:
    def test_is_measured_beside_the_libraries_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey_url: str, database_url: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        LOGS.mkdir(parents=True)
        monkeypatch.setattr(startup, "WORKERS", (1,))
        monkeypatch.setattr(startup, "REST_SECONDS", 0.0)

        libraries, whole = startup.resting(Stores(Cores.of_this_machine(), valkey_url, lambda: database_url), 1)

        imported = set((LOGS / "libraries").read_text().split())
        assert {"fastapi", "sqlalchemy", "redis.asyncio.client", "asyncpg", "uvicorn"} <= imported
        assert not any(name.startswith(("mina_api", "benchmarks", "json")) for name in imported)
        assert len(libraries.seconds) == len(whole.seconds) == 1
        assert 0 < libraries.rss_mib < whole.rss_mib
        assert whole.cells()[4] == f"{whole.median / libraries.median:.2f}"


class TestProfile:
    def test_shares_out_the_event_loops_samples_by_their_innermost_function(self) -> None:
        loop = "run (uvicorn/server.py:86);Runner.run (asyncio/runners.py:118)"
        raw = f"{loop} 3\n{loop};Shortcuts.find (mina_api/cache/fastapi/shortcuts.py:151) 2\nmain (threading.py:1) 9\n"

        assert list(shares(raw)) == [
            (layer_of("Runner.run (asyncio/runners.py:118)"), "Runner.run (asyncio/runners.py)", 3),
            ("Mina: the shortcut, found and checked", "Shortcuts.find (mina_api/cache/fastapi/shortcuts.py)", 2),
        ]
        assert layer_of("wait (threading.py:1)") == REST


def test_a_process_is_pinned_unless_it_has_ended() -> None:
    core = frozenset(sorted(os.sched_getaffinity(0))[:1])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        pin(process.pid, core)
        pinned = os.sched_getaffinity(process.pid)
        process.communicate(b"\n")

    assert pinned == core
    pin(process.pid, core)
