"""Every kind of fault, what it takes hold of, and what it excuses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum

from tests.system.history.faults import connections, valkey, workers
from tests.system.history.faults.fault import Fault
from tests.system.history.fleet import Fleet


class Lane(Enum):
    """What breaks on its own: faults of one lane (and of one worker) do not overlap, those of different lanes do."""

    WORKER = "worker"
    VALKEY = "valkey"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Kind:
    """How it is done, and made good.

    `excuses`: whether a question may go without an answer meanwhile; without Redis alone everything is answered.
    `is_of_worker`: whether it takes hold of one worker.
    """

    act: Callable[[Fleet, Fault], Awaitable[str]]
    lane: Lane
    excuses: bool
    is_of_worker: bool


KINDS = {
    "kill a worker": Kind(workers.kill, Lane.WORKER, True, True),
    "end a worker": Kind(workers.end, Lane.WORKER, True, True),
    "stop a worker": Kind(workers.stop, Lane.WORKER, True, True),
    "kill after COMMIT": Kind(workers.kill_after_commit, Lane.WORKER, True, True),
    "stop after COMMIT": Kind(workers.stop_after_commit, Lane.WORKER, True, True),
    "kill before COMMIT": Kind(workers.kill_before_commit, Lane.WORKER, True, True),
    "delay a COMMIT": Kind(workers.delay_commit, Lane.WORKER, True, True),
    "lose a COMMIT's reply": Kind(workers.lose_commit, Lane.WORKER, True, True),
    "stop Valkey": Kind(valkey.stop, Lane.VALKEY, False, False),
    "restart Valkey empty": Kind(valkey.restart_empty, Lane.VALKEY, False, False),
    "restart Valkey with its data": Kind(valkey.restart_with_data, Lane.VALKEY, False, False),
    "restart Valkey with old data": Kind(valkey.restart_with_old_data, Lane.VALKEY, False, False),
    "restart Valkey behind a partition": Kind(valkey.restart_behind_a_partition, Lane.VALKEY, False, True),
    "FLUSHALL": Kind(valkey.flush, Lane.VALKEY, False, False),
    "evict": Kind(valkey.evict, Lane.VALKEY, False, False),
    "cut one worker's Redis": Kind(connections.cut_redis, Lane.WORKER, False, True),
    "refuse one worker's Redis": Kind(connections.refuse_redis, Lane.WORKER, False, True),
    "black-hole one worker's Redis": Kind(connections.black_hole_redis, Lane.WORKER, False, True),
    "mute one worker's Redis": Kind(connections.mute_redis, Lane.WORKER, False, True),
    "deafen one worker's Redis": Kind(connections.deafen_redis, Lane.WORKER, False, True),
    "slow down one worker's Redis": Kind(connections.slow_down_redis, Lane.WORKER, False, True),
    "deafen one worker's subscription": Kind(connections.deafen_subscription, Lane.WORKER, False, True),
    "deafen one worker's listener": Kind(connections.deafen_listener, Lane.WORKER, False, True),
    "cut one worker's Postgres": Kind(connections.cut_postgres, Lane.WORKER, True, True),
    "black-hole one worker's Postgres": Kind(connections.black_hole_postgres, Lane.WORKER, True, True),
    "terminate Postgres connections": Kind(connections.terminate_postgres, Lane.POSTGRES, True, False),
}
