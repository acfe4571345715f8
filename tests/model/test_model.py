"""The protocol of docs/coherence, checked in every state that it can reach: whole it never serves what is stale.

Without any one of its parts it does: so each is needed, and the specification sees what it is there to see.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.model import memory_leases, postgres_leases, postgres_modes, redis_epochs, redis_tokens
from tests.model.explorer import explore
from tests.model.memory_leases import MemoryLeases
from tests.model.postgres_leases import PostgresLeases
from tests.model.postgres_modes import PostgresModes
from tests.model.redis_epochs import RedisEpochs
from tests.model.redis_tokens import RedisTokens

# Larger bounds are for a run by hand: `explore(PostgresModes(faults=2))` has 134,307 states.
WHOLE: dict[str, Callable[[], Any]] = {
    "tokens in Redis": RedisTokens,
    "leases on memory": MemoryLeases,
    "leases of peers without Redis": PostgresLeases,
    "leases of peers with Redis": lambda: PostgresLeases(mode="redis"),
    "changes of mode": lambda: PostgresModes(faults=1),
    "epochs of servers": RedisEpochs,
}


def _redis_epochs(part: redis_epochs.Part) -> RedisEpochs:
    """Without `part`, and with no more than shows that it is needed."""
    return RedisEpochs(part, lapses=part.name.endswith("_IN_FORCE"))


LEFT_OUT: list[tuple[Callable[[Any], Any], Any]] = [
    *((RedisTokens, part) for part in redis_tokens.Part),
    *((MemoryLeases, part) for part in memory_leases.Part),
    *((PostgresModes, part) for part in postgres_modes.Part),
    *((_redis_epochs, part) for part in redis_epochs.Part),
]


class TestTheProtocol:
    @pytest.mark.parametrize("name", WHOLE)
    def test_whole_serves_nothing_stale_and_always_comes_back(self, name: str) -> None:
        explored = explore(WHOLE[name]())

        print(f"{name}: {explored}")
        assert not explored.wrong, str(explored)
        assert not explored.stuck, explored.stuck
        assert explored.states > 1000

    @pytest.mark.parametrize(("specification", "part"), LEFT_OUT, ids=lambda value: getattr(value, "name", None))
    def test_without_one_part_serves_what_is_stale(self, specification: Callable[[Any], Any], part: Any) -> None:
        explored = explore(specification(part))

        assert explored.wrong, f"nobody needs that {part}"
        assert len(explored.trace) > 3

    @pytest.mark.parametrize("part", postgres_leases.Part, ids=lambda part: part.name)
    def test_of_peers_without_one_part_serves_what_is_stale_with_redis_or_without(
        self, part: postgres_leases.Part
    ) -> None:
        found = [explore(PostgresLeases(part, mode=mode)) for mode in ("postgres", "redis")]

        assert any(explored.wrong for explored in found), f"nobody needs that {part}"
