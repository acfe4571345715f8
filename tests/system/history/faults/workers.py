"""Workers that end or stop, also in the midst of a write."""

import asyncio
import re
import signal

from mina_api.cache.redis_tier.scripts import HOLD
from tests.system.history.faults.fault import Fault
from tests.system.history.fleet import Fleet
from tests.system.history.proxy import Way
from tests.system.history.servers import Worker

NO_WRITE = "no write came"
WRITE_SECONDS = 5.0
COMMIT_SECONDS = 5.0
OWNER = re.compile(rb"outbox:(\d+)")
COMMIT = b"COMMIT"
IS_COMMITTED = "SELECT count(*) FROM invalidation_outbox WHERE id = $1"
POLL_SECONDS = 0.001


async def kill(fleet: Fleet, fault: Fault) -> str:
    """SIGKILL, and a new start."""
    worker = fleet.workers[fault.worker]
    worker.kill()
    await asyncio.sleep(fault.seconds * 0.2)
    await worker.start()
    return ""


async def end(fleet: Fleet, fault: Fault) -> str:
    """SIGTERM, and a new start."""
    worker = fleet.workers[fault.worker]
    await worker.end()
    await worker.start()
    return ""


async def stop(fleet: Fleet, fault: Fault) -> str:
    """SIGSTOP, and SIGCONT."""
    await _stopped(fleet.workers[fault.worker], fault.seconds)
    return ""


async def kill_after_commit(fleet: Fleet, fault: Fault) -> str:
    """SIGKILL between a COMMIT and what tells Redis of it, which comes late or never."""
    worker = fleet.workers[fault.worker]
    committed = await _committed(fleet, worker)
    if committed:
        worker.kill()
    worker.redis.heal(deliver=fault.dice < 0.5)
    if committed:
        await worker.start()
    return committed or NO_WRITE


async def stop_after_commit(fleet: Fleet, fault: Fault) -> str:
    """SIGSTOP between a COMMIT and what tells Redis of it, for longer than a hold lasts or less."""
    worker = fleet.workers[fault.worker]
    committed = await _committed(fleet, worker)
    if committed:
        await _stopped(worker, 2 * fault.seconds)
    worker.redis.heal()
    return committed or NO_WRITE


async def kill_before_commit(fleet: Fleet, fault: Fault) -> str:
    """SIGKILL when its COMMIT is on the way, which comes late or never."""
    worker = fleet.workers[fault.worker]
    trapped = await _trapped(worker, passing=False)
    if trapped:
        worker.kill()
    worker.postgres.heal(deliver=fault.dice < 0.5)
    if trapped:
        await worker.start()
    return trapped or NO_WRITE


async def delay_commit(fleet: Fleet, fault: Fault) -> str:
    """A COMMIT that takes as long as it is allowed to, or longer."""
    worker = fleet.workers[fault.worker]
    trapped = await _trapped(worker, passing=False)
    await asyncio.sleep(2 * fault.seconds)
    worker.postgres.heal()
    return trapped or NO_WRITE


async def lose_commit(fleet: Fleet, fault: Fault) -> str:
    """A COMMIT that is done and whose writer does not learn of it for long."""
    worker = fleet.workers[fault.worker]
    trapped = await _trapped(worker, passing=True)
    await asyncio.sleep(fault.seconds)
    worker.postgres.heal(deliver=fault.dice < 0.5)
    return trapped or NO_WRITE


async def _stopped(worker: Worker, seconds: float) -> None:
    worker.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        worker.signal(signal.SIGCONT)


async def _committed(fleet: Fleet, worker: Worker) -> str:
    """Which row of the outbox was committed by a worker that cannot say so to Redis; empty where none was."""
    sprung = worker.redis.trap(HOLD.sha.encode(), passing=True)
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            owner = OWNER.search(await sprung)
        if owner is None:
            return ""
        async with asyncio.timeout(COMMIT_SECONDS):
            row = int(owner[1])
            while not await fleet.database.fetchval(IS_COMMITTED, row):  # noqa: ASYNC110  (another process does it)
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        return ""
    return f"outbox row {row}"


async def _trapped(worker: Worker, *, passing: bool) -> str:
    sprung = worker.postgres.trap(COMMIT, passing=passing, way=Way.TO_CLIENT if passing else Way.TO_SERVER)
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await sprung
    except TimeoutError:
        return ""
    return "in a COMMIT"
