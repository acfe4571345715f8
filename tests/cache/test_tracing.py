"""The steps that a program's tracer is told of."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mina_api.cache.policy import CachePolicy
from mina_api.cache.tracing import install_tracer
from tests.cache.services import a_cache, complete_register

POLICY = CachePolicy(60, tags=("meeting:1",))
Step = tuple[str, dict[str, Any]]


@pytest.fixture
def steps() -> Iterator[list[Step]]:
    """What is told, each step where it ends."""
    told: list[Step] = []

    @contextmanager
    def trace(name: str, attributes: dict[str, Any]) -> Iterator[None]:
        yield
        told.append((name, attributes))

    install_tracer(trace)
    yield told
    install_tracer(None)


async def one() -> int:
    return 1


class TestATracer:
    async def test_is_told_of_every_step_of_a_miss_a_hit_and_a_write(self, valkey_url: str, steps: list[Step]) -> None:
        async with a_cache(valkey_url) as cache:
            await complete_register(valkey_url)
            await cache.get_or_load("k", one, POLICY)
            of_a_miss = [name for name, _ in steps]
            steps.clear()
            await cache.get_or_load("k", one, POLICY)
            of_a_hit = list(steps)
            steps.clear()
            await (await cache.hold(["meeting:1"])).lift()

        assert of_a_miss == ["cache.look_up", "cache.load", "cache.store"]
        assert of_a_hit == [("cache.look_up", {"key": "mina:temp:k"})]
        assert [(name, attributes["phase"]) for name, attributes in steps] == [
            ("cache.invalidate", "hold"),
            ("cache.invalidate", "lift"),
        ]

    async def test_is_told_nothing_once_nobody_listens(self, valkey_url: str, steps: list[Step]) -> None:
        install_tracer(None)
        async with a_cache(valkey_url) as cache:
            await cache.get_or_load("k", one, POLICY)

        assert steps == []
