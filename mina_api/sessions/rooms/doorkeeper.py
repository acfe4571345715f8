"""Permissions, checked again while somebody is connected: by one query for all of a worker's listeners."""

import asyncio
from datetime import UTC, datetime

from mina_api.db.session import Database
from mina_api.logs import get_logger
from mina_api.sessions.permissions import read_standings
from mina_api.sessions.rooms.listener import Closing, Listener
from mina_api.web.clock import Clock

logger = get_logger(__name__)

CHECK_SECONDS = 0.5

SIGNED_OUT = Closing(4401, "The sign-in has ended.")
REMOVED = Closing(4403, "You are no member of this workspace any more.")


class Doorkeeper:
    """Closes those of `present` who may not be here any more; others may write, or not, as they may now."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.present: set[Listener] = set()
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Check for ever; while Postgres is away nobody's standing changes."""
        is_failing = False
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check(list(self.present))
                is_failing = False
            except Exception as failure:
                if not is_failing:
                    logger.warning("permissions cannot be checked", cause=type(failure).__name__)
                is_failing = True

    async def _check(self, listeners: list[Listener]) -> None:
        participants = list({listener.participant for listener in listeners})
        if not participants:
            return
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        async with self._database.read() as session:
            standings = dict(zip(participants, await read_standings(session, participants, now), strict=True))
        for listener in listeners:
            standing = standings[listener.participant]
            listener.may_write = standing.may_write
            if not standing.is_signed_in:
                listener.close(SIGNED_OUT)
            elif not standing.is_member:
                listener.close(REMOVED)
