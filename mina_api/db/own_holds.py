"""The holds of this process's own writers: when they run out, who was told of them, and who has acknowledged them."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from mina_api.db.acknowledgements import Acknowledgements
from mina_api.db.peer_tables import HOLD, RELEASE
from mina_api.db.peering import DRIFT, Mode, PeersUnreachable

logger = logging.getLogger(__name__)


class OwnHolds:
    """Places holds with peers by `fetch`, which raises PeersUnreachable; each runs out after `hold_seconds`."""

    def __init__(
        self,
        process: str,
        fetch: Callable[..., Awaitable[None]],
        lease_seconds: float,
        hold_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self._process = process
        self._fetch = fetch
        self._lease_seconds = lease_seconds
        self._hold_seconds = hold_seconds
        self._now = now
        self._until: dict[str, float] = {}
        self._told: set[str] = set()
        self._expected: dict[str, Acknowledgements] = {}

    def begin(self, owner: str) -> None:
        """A writer has one from now on."""
        self._until[owner] = self._now() + self._hold_seconds

    async def place(self, owner: str, tags: Sequence[str], peers: Mapping[str, Mode], *, with_all: bool) -> None:
        """Tell `peers`, and wait until each has acknowledged it or has no lease any more; raises PeersUnreachable."""
        self._told.add(owner)
        acknowledgements = self._expected[owner] = Acknowledgements(set(peers))
        try:
            await self._fetch(HOLD, owner, self._process, list(tags), with_all, self._hold_seconds)
            await acknowledgements.wait(self._lease_seconds * (1 + DRIFT))
        finally:
            del self._expected[owner]

    async def end(self, owner: str) -> None:
        """Tell those who were told of it that it has ended."""
        if owner in self._told:
            self._told.discard(owner)
            try:
                await self._fetch(RELEASE, owner)
            except PeersUnreachable as failure:
                logger.warning("a hold runs out by itself: %s", failure)
        self.forget(owner)

    def acknowledged(self, owner: str, process: str) -> None:
        """A peer has."""
        if (expected := self._expected.get(owner)) is not None:
            expected.add(process)

    def running(self, at: float) -> set[str]:
        """Those that have not run out at `at`."""
        return {owner for owner, until in self._until.items() if at < until}

    def forget(self, owner: str) -> None:
        """It has ended."""
        self._until.pop(owner, None)
