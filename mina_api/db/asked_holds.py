"""The holds that writers ask of this process: done here, and acknowledged to whoever waits for that."""

from collections.abc import Sequence
from typing import Any

from mina_api.db.notify import ListenerConnection
from mina_api.db.peer_tables import TELL
from mina_api.db.peering import Local


class AskedHolds:
    """What the rows of holds ask of `process` is done by `local`; its own writers have done it already."""

    def __init__(self, process: str, local: Local) -> None:
        self._process = process
        self._local = local

    def obey(self, rows: Sequence[Any], *, with_some: bool) -> tuple[set[str], list[Any]]:
        """Hold what `rows` ask for, those of holds with some too where that is us; their owners, and the new ones."""
        asked = {row["owner"]: row for row in rows if row["owner"] and (row["with_all"] or with_some)}
        new = [asked[owner] for owner in asked.keys() - self._local.held]
        for row in new:
            self._local.hold(row["owner"], row["tags"])
        return set(asked), new

    async def acknowledge(self, connection: ListenerConnection, rows: Sequence[Any]) -> None:
        """Tell the writers of these holds that nothing under their tags is served or kept here; raises one of LOST."""
        others = [row for row in rows if row["process"] != self._process]
        if others:
            channels = [acknowledgements_of(row["process"]) for row in others]
            await connection.fetch(TELL, channels, [f"{row['owner']} {self._process}" for row in others])


def acknowledgements_of(process: str) -> str:
    """The channel on which `process` hears who has acknowledged its holds: the owner of one, a space, and who."""
    return f"mina_acknowledged_{process}"
