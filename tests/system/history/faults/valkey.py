"""A Valkey that stops, forgets, or comes back with what it had some time ago."""

import asyncio
import contextlib
import random
import time

from redis.exceptions import OutOfMemoryError

from tests.system.history.faults.fault import Fault
from tests.system.history.fleet import Fleet
from tests.system.history.proxy import Way

JUNK_BYTES = 20_000
SPARE_BYTES = 200_000
MAXIMUM = "256mb"


async def stop(fleet: Fleet, fault: Fault) -> str:
    """SIGSTOP, and SIGCONT."""
    fleet.valkey.pause()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        fleet.valkey.resume()
    return ""


async def restart_empty(fleet: Fleet, fault: Fault) -> str:
    """Killed and started again without its data."""
    fleet.valkey.come_back(None)
    return ""


async def restart_with_data(fleet: Fleet, fault: Fault) -> str:
    """Killed and started again with the data of a moment ago."""
    fleet.valkey.come_back(await fleet.valkey.dump())
    return ""


async def restart_with_old_data(fleet: Fleet, fault: Fault) -> str:
    """Killed and started again with data that it had some time ago, as a replica that lagged."""
    dump = await fleet.valkey.dump()
    await asyncio.sleep(fault.seconds)
    fleet.valkey.come_back(dump)
    return ""


async def restart_behind_a_partition(fleet: Fleet, fault: Fault) -> str:
    """The same or without data, while one worker hears nothing of it: neither an end nor a beginning."""
    worker = fleet.workers[fault.worker]
    dump = await fleet.valkey.dump() if fault.dice < 0.7 else None
    await asyncio.sleep(fault.seconds * 0.3)
    worker.redis.hold(*Way)
    fleet.valkey.come_back(dump)
    await asyncio.sleep(fault.seconds)
    worker.redis.heal()
    return "without data" if dump is None else "with old data"


async def flush(fleet: Fleet, fault: Fault) -> str:
    """FLUSHALL, once or several times."""
    async with fleet.valkey.client() as client:
        for _ in range(1 + int(fault.dice * 5)):
            await client.flushall()
            await asyncio.sleep(fault.seconds * 0.1)
    return ""


async def evict(fleet: Fleet, fault: Fault) -> str:
    """Memory so short, and so much that wants it, that anything may be evicted at any time."""
    chance, end = random.Random(fault.dice), time.monotonic() + fault.seconds
    async with fleet.valkey.client() as client:
        used = int((await client.info("memory"))["used_memory"])
        await client.config_set("maxmemory", used + SPARE_BYTES)
        try:
            # By the clock: on Python 3.11 a timeout's cancellation may be lost in redis-py.
            while time.monotonic() < end:
                # Refused where nothing is left to evict, as everybody's commands are then.
                with contextlib.suppress(OutOfMemoryError):
                    await client.set(f"junk:{chance.random()}", b"x" * JUNK_BYTES, px=1000)
        finally:
            await client.config_set("maxmemory", MAXIMUM)
        evicted = (await client.info("stats"))["evicted_keys"]
    return f"{evicted} evicted so far"
