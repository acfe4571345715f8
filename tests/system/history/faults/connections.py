"""Connections that one worker loses while the others keep theirs."""

import asyncio

from tests.system.history.faults.fault import Fault
from tests.system.history.fleet import Fleet
from tests.system.history.proxy import Proxy, Way

LEAST_DELAY_SECONDS, MORE_DELAY_SECONDS = 0.005, 0.1
TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'mina%'"


async def cut_redis(fleet: Fleet, fault: Fault) -> str:
    """All at once, several times; new ones can be made."""
    for _ in range(1 + int(fault.dice * 4)):
        fleet.workers[fault.worker].redis.cut()
        await asyncio.sleep(fault.seconds * 0.2)
    return ""


async def refuse_redis(fleet: Fleet, fault: Fault) -> str:
    """Cut, and each new one refused."""
    await _refused(fleet.workers[fault.worker].redis, fault)
    return ""


async def black_hole_redis(fleet: Fleet, fault: Fault) -> str:
    """Nothing passes; what was sent arrives later, or never."""
    await _held(fleet.workers[fault.worker].redis, fault, *Way)
    return ""


async def mute_redis(fleet: Fleet, fault: Fault) -> str:
    """The worker hears and is not heard."""
    await _held(fleet.workers[fault.worker].redis, fault, Way.TO_SERVER)
    return ""


async def deafen_redis(fleet: Fleet, fault: Fault) -> str:
    """The worker is heard and hears nothing: its commands are done, unknown to it."""
    await _held(fleet.workers[fault.worker].redis, fault, Way.TO_CLIENT)
    return ""


async def deafen_subscription(fleet: Fleet, fault: Fault) -> str:
    """The worker's commands are answered, and what others publish does not reach it."""
    fleet.workers[fault.worker].redis.hold(Way.TO_CLIENT, marker=b"SUBSCRIBE")
    await asyncio.sleep(fault.seconds)
    fleet.workers[fault.worker].redis.heal(deliver=fault.dice < 0.7)
    return ""


async def deafen_listener(fleet: Fleet, fault: Fault) -> str:
    """The same with Postgres: queries are answered, and notifications do not come."""
    fleet.workers[fault.worker].postgres.hold(Way.TO_CLIENT, marker=b"mina listener")
    await asyncio.sleep(fault.seconds)
    fleet.workers[fault.worker].postgres.heal(deliver=fault.dice < 0.7)
    return ""


async def slow_down_redis(fleet: Fleet, fault: Fault) -> str:
    """Everything passes, later: often enough in time."""
    fleet.workers[fault.worker].redis.slow_down(LEAST_DELAY_SECONDS + fault.dice * MORE_DELAY_SECONDS)
    await asyncio.sleep(2 * fault.seconds)
    fleet.workers[fault.worker].redis.heal()
    return ""


async def cut_postgres(fleet: Fleet, fault: Fault) -> str:
    """All at once, and refused for a time."""
    await _refused(fleet.workers[fault.worker].postgres, fault)
    return ""


async def black_hole_postgres(fleet: Fleet, fault: Fault) -> str:
    """Nothing passes; what was sent arrives later, or never."""
    await _held(fleet.workers[fault.worker].postgres, fault, *Way)
    return ""


async def terminate_postgres(fleet: Fleet, fault: Fault) -> str:
    """Every worker's connections, ended by Postgres."""
    await fleet.database.execute(TERMINATE)
    return ""


async def _refused(proxy: Proxy, fault: Fault) -> None:
    proxy.refuse()
    await asyncio.sleep(fault.seconds)
    proxy.heal()


async def _held(proxy: Proxy, fault: Fault, *ways: Way) -> None:
    proxy.hold(*ways)
    await asyncio.sleep(fault.seconds)
    proxy.heal(deliver=fault.dice < 0.7)
