"""The processes of one database, told of writes by Postgres where Redis cannot: to whom, and by whom.

Each process that serves anything from a cache has a row here, a lease that it renews, with where its answers are
vouched for: `redis`, or, while it has lost Redis, `postgres`. A writer that Redis does not hear, or that has peers
whom Redis does not reach, puts its tags on hold here before its COMMIT: it goes on once each of those peers has
acknowledged that it neither serves nor keeps anything under them, or has not renewed its lease for its length.
(Gray and Cheriton: Leases, SOSP 1989; the argument is in docs/coherence.md.)
"""

import asyncio
import contextlib
import logging
import math
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from mina_api.db.asked_holds import AskedHolds, acknowledgements_of
from mina_api.db.entering import register, wait_for_writers
from mina_api.db.epochs import DOUBTED, AnotherServer
from mina_api.db.notify import LOST, ListenerConnection, listening
from mina_api.db.outbox import Lift
from mina_api.db.own_holds import OwnHolds
from mina_api.db.peer_tables import LEAVE, LOOK, REGISTERED, RENEW
from mina_api.db.peering import DRIFT, Drain, Local, Mode, PeersUnreachable, Registered
from mina_api.db.session import Database

logger = logging.getLogger(__name__)

HELD = "mina_held"


def _nobody_to_tell() -> None:
    return


class PostgresPeers:
    """This process among its peers; `local` does what they ask, `drain` lifts what the outbox has.

    `now` is of the clock that leases are counted on. Where Postgres itself cannot be reached nobody can write, as
    far as can be told from here: with `serves_without_postgres` what Redis vouches for is served on.
    """

    def __init__(
        self,
        url: str,
        database: Database,
        *,
        drain: Drain,
        lease_seconds: float,
        hold_seconds: float,
        timeout_seconds: float,
        serves_without_postgres: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.process = secrets.token_hex(8)
        self._url = url
        self._database = database
        self._drain = drain
        self._lift: Lift | None = None
        self._reign = ""
        self._epoch: str | None = None
        self._look_again: Callable[[], None] = _nobody_to_tell
        self._lose: Callable[[], None] = _nobody_to_tell
        self._lease_seconds = lease_seconds
        self._timeout_seconds = timeout_seconds
        self._serves_without_postgres = serves_without_postgres
        self._now = now
        self._local: Local
        self._asked: AskedHolds
        self._mode: Mode = "postgres"
        self._entered: Mode | None = None
        self._connection: ListenerConnection | None = None
        self._connected = asyncio.Event()
        self._woken = asyncio.Event()
        self._turn = asyncio.Lock()
        self._own = OwnHolds(self.process, self._fetch, lease_seconds, hold_seconds, now)
        self._task: asyncio.Task[None] | None = None

    # Life

    async def start(self, local: Local) -> None:
        """Begin to listen; returns once this process is among its peers, or has found that it cannot be."""
        self._local, self._asked = local, AskedHolds(self.process, local)
        local.permit(-math.inf)
        tried = asyncio.Event()
        self._task = asyncio.create_task(self._run(tried), name="peers")
        await tried.wait()

    async def close(self) -> None:
        """Serve nothing more, leave the others, and hang up."""
        if self._task is None:
            return
        self._local.permit(-math.inf)
        if self._connection is not None:
            with contextlib.suppress(*LOST):
                await self._connection.fetch(LEAVE, self.process)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def use(self, *, look_again: Callable[[], None], lose: Callable[[], None]) -> None:
        """Have Redis looked at again where a peer has found another server, or given up where it is out of force."""
        self._look_again, self._lose = look_again, lose

    async def enter_redis(self, lift: Lift, reign: str) -> str:
        """Redis answers again: be a peer that it vouches for, once the outbox is drained; the epoch.

        Raises what makes that impossible now; the caller goes on without Redis and tries again.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._connected.wait()
            async with self._turn:
                if (connection := self._connection) is None:
                    raise PeersUnreachable("Postgres is lost")
                self._mode, self._lift = "redis", lift
                self._reign, self._epoch = reign, None
                await self._enter(connection)
                assert self._epoch is not None  # noqa: S101  (it entered)
                return self._epoch
        except BaseException:
            self.leave_redis()
            raise

    def leave_redis(self) -> None:
        """Redis is lost: soon only the peers vouch for anything."""
        self._mode = "postgres"
        self._woken.set()

    # Writing

    async def registered(self, session: AsyncSession) -> Registered:
        """The other processes that may serve, read in a transaction that has noted its tags in the outbox."""
        rows = (await session.execute(REGISTERED, {"lease": self._lease_seconds})).all()
        found = Registered({row.process: row.mode for row in rows if row.process not in (None, self.process)})
        found.epoch = rows[0].epoch.encode() if rows[0].epoch is not None else None
        return found

    async def hold(self, owner: str, tags: Sequence[str], peers: Mapping[str, Mode], *, with_all: bool) -> None:
        """Have neither `peers` nor this process serve or keep anything under `tags` until `release`.

        `peers` are all of them where `with_all`, else those without Redis. Raises PeersUnreachable.
        """
        self._own.begin(owner)
        self._local.hold(owner, tags)
        if peers:
            await self._own.place(owner, tags, peers, with_all=with_all)

    async def release(self, owner: str, *, is_lifted: bool) -> None:
        """End a hold; where Redis could not be told by the writer, those who reach it drain the outbox first."""
        await self._own.end(owner)
        if is_lifted or self._mode == "postgres":
            self._local.drop(owner)
        else:
            self._woken.set()

    async def _fetch(self, query: str, *arguments: object) -> None:
        if (connection := self._connection) is None:
            raise PeersUnreachable("Postgres does not let us speak to our peers")
        try:
            await connection.fetch(query, *arguments)
        except LOST as failure:
            raise PeersUnreachable(str(failure)) from failure

    # Listening

    async def _run(self, tried: asyncio.Event) -> None:
        was_lost = False
        while True:
            try:
                channels = (HELD, DOUBTED, acknowledgements_of(self.process))
                async with listening(self._url, channels, self._hear, self._timeout_seconds) as connection:
                    if was_lost:
                        logger.info("peers can be told again")
                    was_lost, self._connection = False, connection
                    self._local.permit(-math.inf)
                    await self._stay(connection, tried)
            except LOST as failure:
                if not was_lost:
                    logger.warning("peers cannot be told, and tell nothing: %s", failure)
                was_lost = True
            finally:
                self._connection, self._entered = None, None
                self._connected.clear()
                tried.set()
            if self._serves_without_postgres and self._mode == "redis":
                self._local.permit(math.inf)
            await asyncio.sleep(self._lease_seconds * random.uniform(0.05, 0.3))  # noqa: S311  (jitter)

    async def _stay(self, connection: ListenerConnection, tried: asyncio.Event) -> None:
        """Be a peer for as long as the connection lasts; ends by one of LOST."""
        while not connection.lost.is_set():
            self._woken.clear()
            async with self._turn:
                try:
                    await self._renew(connection) if self._entered == self._mode else await self._enter(connection)
                    self._connected.set()
                except AnotherServer as failure:
                    self._entered = None
                    logger.warning("Redis is given up: %s", failure)
                    self._lose()
                except LOST:
                    raise
                except Exception as failure:
                    self._entered = None
                    logger.warning("not among the peers yet: %s", failure)
            tried.set()
            await self._rest()
        raise ConnectionError("the connection has ended")

    async def _rest(self) -> None:
        """Until somebody wakes us, or a third of a lease: a call that is lost delays, and stops nothing."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._lease_seconds / 3):
                await self._woken.wait()

    async def _enter(self, connection: ListenerConnection) -> None:
        """Become a peer in the present mode: known to every writer that has yet to look, and aware of the others."""
        mode, self._entered = self._mode, None
        self._local.permit(-math.inf)
        self._local.start_over()
        await register(connection, self.process, mode)
        reign = self._reign if mode == "redis" else None
        waiting = wait_for_writers(self._database, self.process, reign, self._lease_seconds)
        entering = asyncio.create_task(waiting, name="wait for writers")
        entering.add_done_callback(lambda _: self._woken.set())
        try:
            # Some of those writers wait for this process to acknowledge their holds.
            while not entering.done():
                self._woken.clear()
                _, new = self._asked.obey(await connection.fetch(LOOK), with_some=True)
                await self._asked.acknowledge(connection, new)
                await self._rest()
        finally:
            entering.cancel()
            await asyncio.wait((entering,))
        epoch = entering.result()
        # From here on the row is a lease: what is committed after the drain has looked was held by a writer that waits
        # for our acknowledgement, or for the end of this lease, which the last renewal finds then.
        await self._renew(connection)
        if mode == "redis" and self._lift is not None:
            if epoch is None or self._epoch not in (None, epoch):
                raise AnotherServer("peers keep answers in another server of Redis, or did since")
            await self._drain(self._lift, epoch=epoch)
        self._epoch = epoch
        self._entered = mode
        await self._renew(connection)

    async def _renew(self, connection: ListenerConnection) -> None:
        """Prolong the lease, and do what holds ask that began or ended since."""
        began, entered = self._now(), self._entered
        rows = await connection.fetch(RENEW, self.process, self._lease_seconds)
        asked, new = self._asked.obey(rows, with_some=entered == "postgres")
        if not rows[0]["renewed"]:
            self._entered = None
            self._woken.set()
        elif entered == "postgres":
            self._local.permit_memory(began + self._lease_seconds * (1 - DRIFT))
        elif entered == "redis":
            self._local.permit(began + self._lease_seconds * (1 - DRIFT))
        await self._asked.acknowledge(connection, new)
        if ended := self._local.held - asked - self._own.running(began):
            await self._settle(ended)

    async def _settle(self, owners: Iterable[str]) -> None:
        """End holds: what was written under them is what Redis vouches for from now on, too."""
        if self._entered == "redis" and self._lift is not None and self._epoch is not None:
            try:
                await self._drain(self._lift, epoch=self._epoch)
            except Exception as failure:
                logger.warning("tags stay on hold until the outbox is drained: %s", failure)
                return
        for owner in owners:
            self._local.drop(owner)
            self._own.forget(owner)

    def _hear(self, channel: str, payload: str) -> None:
        if channel == HELD:
            self._woken.set()
            return
        if channel == DOUBTED:
            if self._entered == "redis":
                self._look_again()
            return
        owner, _, process = payload.rpartition(" ")
        self._own.acknowledged(owner, process)
