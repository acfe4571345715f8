"""A Cluster of three primaries, each with a replica or without."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import RedisError

from mina_api.dev.ports import free_port
from tests.topologies.nodes import Node
from tests.topologies.waiting import until_said

TOKENS = key_slot(b"{tags}")


class Cluster:
    """Six servers, of which the first three begin as primaries; without `replicas` these alone."""

    def __init__(self, program: Path, directory: Path, *, replicas: bool = True) -> None:
        self.nodes: list[Node] = []
        self._bus: dict[int, int] = {}
        for number in range(6 if replicas else 3):
            bus = free_port()
            node = Node(
                program,
                directory / f"node-{number}",
                cluster_enabled="yes",
                cluster_port=str(bus),
                cluster_node_timeout="1500",
                cluster_replica_validity_factor="0",
                cluster_allow_replica_migration="no",
            )
            self._bus[node.port] = bus
            self.nodes.append(node)

    @property
    def url(self) -> str:
        """The address, as the application is given it: two of the nodes."""
        return f"redis+cluster://127.0.0.1:{self.nodes[-3].port},127.0.0.1:{self.nodes[1].port}"

    async def start(self) -> None:
        """Start all; returns once every slot is served, and every primary has a replica in step."""
        for node in self.nodes:
            node.start()
        share = REDIS_CLUSTER_HASH_SLOTS // 3 + 1
        for number, node in enumerate(self.nodes[:3]):
            last = min((number + 1) * share, REDIS_CLUSTER_HASH_SLOTS) - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", number * share, last)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self.nodes[0].ask("CLUSTER", "MEET", "127.0.0.1", node.port, self._bus[node.port])
        known = str(len(self.nodes))
        for node in self.nodes:
            await until_said(lambda n=node: self._field(n, "cluster_known_nodes") == known, "every node known")  # type: ignore[misc]
        for primary, replica in zip(self.nodes, self.nodes[3:], strict=False):
            await until_said(lambda p=primary, r=replica: self._replicate(p, r), "a replica")  # type: ignore[misc]
        await self.until_whole(self.nodes)
        for replica in self.nodes[3:]:
            await until_said(lambda r=replica: r.says("master_link_status", "replication") == "up", "a link")  # type: ignore[misc]

    def owner(self, slot: int, *, seen_by: Node) -> Node:
        """Who serves `slot`, as one node sees it."""
        for first, last, primary, *_ in seen_by.ask("CLUSTER", "SLOTS"):
            if int(first) <= slot <= int(last):
                return next(node for node in self.nodes if node.port == int(primary[1]))
        raise AssertionError(f"nobody serves {slot}")

    async def until_another_owns(self, slot: int, before: Node) -> Node:
        """The server of `slot` in the place of `before`, once all the others agree."""
        others = [node for node in self.nodes if node is not before]
        await until_said(lambda: all(self.owner(slot, seen_by=each) is not before for each in others), "another owner")
        await self.until_whole(others)
        return self.owner(slot, seen_by=others[0])

    async def until_whole(self, nodes: list[Node]) -> None:
        """Returns once `nodes` serve every slot."""
        for node in nodes:
            await until_said(lambda n=node: self._field(n, "cluster_state") == "ok", "a whole Cluster")  # type: ignore[misc]

    def begin_to_move(self, slot: int, source: Node, target: Node) -> None:
        """Have `source` send to `target` whoever asks for what it has no more of in `slot`."""
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.ask("CLUSTER", "MYID"))
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.ask("CLUSTER", "MYID"))

    def move(self, slot: int, source: Node, target: Node) -> None:
        """Reshard one slot (Redis documentation, CLUSTER SETSLOT)."""
        self.begin_to_move(slot, source, target)
        name = target.ask("CLUSTER", "MYID")
        while keys := source.ask("CLUSTER", "GETKEYSINSLOT", slot, 10):
            source.ask("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "REPLACE", "KEYS", *keys)
        primaries = [node for node in self.nodes if node.says("role", "replication") == "master"]
        for node in (target, source, *(each for each in primaries if each not in (source, target))):
            node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)

    def kill(self) -> None:
        """End all."""
        for node in self.nodes:
            node.resume()
            node.kill()

    @staticmethod
    def _field(node: Node, name: str) -> str:
        try:
            lines = str(node.ask("CLUSTER", "INFO"))
        except (RedisError, OSError):
            return ""
        found = dict(line.split(":", 1) for line in lines.splitlines() if ":" in line)
        return found.get(name, "")

    @staticmethod
    def _replicate(primary: Node, replica: Node) -> bool:
        try:
            replica.ask("CLUSTER", "REPLICATE", primary.ask("CLUSTER", "MYID"))
        except RedisError:
            return False
        return True


@asynccontextmanager
async def cluster(program: Path, directory: Path, *, replicas: bool = True) -> AsyncIterator[Cluster]:
    """A started Cluster, ended after the block."""
    made = Cluster(program, directory, replicas=replicas)
    try:
        await made.start()
        yield made
    finally:
        made.kill()
