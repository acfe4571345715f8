"""A primary with two replicas, and three Sentinels that watch them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.topologies.nodes import Node
from tests.topologies.waiting import until_said

SERVICE = "mina"


class Sentinels:
    """The trio, and the servers that it watches; the first of them begins as the primary."""

    def __init__(self, program: Path, directory: Path) -> None:
        self.servers = [Node(program, directory / "primary")]
        for number in (1, 2):
            primary = f"127.0.0.1 {self.servers[0].port}"
            self.servers.append(Node(program, directory / f"replica-{number}", replicaof=primary))
        self.sentinels = [Node(program, directory / f"sentinel-{number}", "--sentinel") for number in range(3)]

    @property
    def url(self) -> str:
        """The address, as the application is given it."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/0"

    async def start(self) -> None:
        """Start all; returns once a failover is possible."""
        for server in self.servers:
            server.start()
        await until_said(lambda: self.servers[0].says("connected_slaves", "replication") == "2", "two replicas")
        for replica in self.servers[1:]:
            await until_said(lambda r=replica: r.says("master_link_status", "replication") == "up", "a link")  # type: ignore[misc]
        for sentinel in self.sentinels:
            sentinel.start()
            sentinel.ask("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", self.servers[0].port, 2)
            for option, value in (("down-after-milliseconds", 1000), ("failover-timeout", 4000)):
                sentinel.ask("SENTINEL", "SET", SERVICE, option, value)
        for sentinel in self.sentinels:
            await until_said(lambda s=sentinel: self._knows_all(s), "every Sentinel knows all")  # type: ignore[misc]

    async def until_another_is_primary(self, before: Node) -> Node:
        """The server that the Sentinels name in the place of `before`, once it is the primary."""

        def promoted() -> list[Node]:
            _, port = self.sentinels[0].ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
            return [
                each
                for each in self.servers
                if each is not before and each.port == int(port) and each.says("role", "replication") == "master"
            ]

        await until_said(lambda: bool(promoted()), "another primary")
        return promoted()[0]

    def kill(self) -> None:
        """End all."""
        for node in (*self.sentinels, *self.servers):
            node.resume()
            node.kill()

    @staticmethod
    def _knows_all(sentinel: Node) -> bool:
        (found,) = sentinel.ask("SENTINEL", "MASTERS")
        state = found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))
        return (state["num-other-sentinels"], state["num-slaves"], state["flags"]) == ("2", "2", "master")


@asynccontextmanager
async def sentinels(program: Path, directory: Path) -> AsyncIterator[Sentinels]:
    """A started trio, ended after the block."""
    trio = Sentinels(program, directory)
    try:
        await trio.start()
        yield trio
    finally:
        trio.kill()
