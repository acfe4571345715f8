"""How workers wake each other: what is told may be lost, and Postgres always knows better."""

from mina_api.sessions.wakeups.failover import FailoverWakeups
from mina_api.sessions.wakeups.postgres import PostgresWakeups
from mina_api.sessions.wakeups.protocol import Heard, Wakeups, WakeupsUnavailable
from mina_api.sessions.wakeups.redis import RedisWakeups

__all__ = ["FailoverWakeups", "Heard", "PostgresWakeups", "RedisWakeups", "Wakeups", "WakeupsUnavailable"]
