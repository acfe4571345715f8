"""Health: alive, ready, and how database and cache are."""

import asyncio
import time
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel, Field
from sqlalchemy import text

from mina_api.cache.fastapi import Cache
from mina_api.ops.dependencies import OperationsOf
from mina_api.web.openapi import unavailable_as
from mina_api.web.problems import RETRY_AFTER_SECONDS
from mina_api.web.routing import Router

RETRY_AFTER = str(RETRY_AFTER_SECONDS)
router = Router(prefix="/ops/health", tags=["Operations"])

PATIENCE_SECONDS = 2.0


class DatabaseHealth(BaseModel):
    """Postgres: one round trip."""

    status: Literal["healthy", "unavailable"]
    latency_ms: float | None = Field(examples=[0.4])


class MemoryUsage(BaseModel):
    """Redis's memory, in its own words; `0B` as the maximum means no limit."""

    used_memory_human: str | None = Field(examples=["1.20M"])
    maxmemory_human: str | None = Field(examples=["256.00M"])


class HitStats(BaseModel):
    """How often the cache could answer."""

    hit_rate: float = Field(examples=[0.87])
    total_requests: int = Field(examples=[1234])


class CacheHealthOut(BaseModel):
    """Redis: one round trip, its memory, and what the cache made of it."""

    status: Literal["healthy", "degraded", "unavailable"]
    available: bool
    latency_ms: float | None = Field(examples=[0.2])
    memory_usage: MemoryUsage
    stats: HitStats


class Health(BaseModel):
    """The whole: `degraded` without Redis, `unavailable` without Postgres."""

    status: Literal["healthy", "degraded", "unavailable"]
    database: DatabaseHealth
    cache: CacheHealthOut


class Alive(BaseModel):
    """A plain yes."""

    status: Literal["ok"] = "ok"


@router.get("", summary="How the service is", responses=unavailable_as(Health))
async def get_health(request: Request, response: Response, cache: Cache, operations: OperationsOf) -> Health:
    """200 as long as Postgres answers; 503 otherwise, with the same body."""
    database, found, stats = await asyncio.gather(_database_health(request), cache.health(), operations.stats())
    whole: Literal["healthy", "degraded", "unavailable"] = "healthy" if found.status == "healthy" else "degraded"
    if database.status == "unavailable":
        whole, response.status_code = "unavailable", 503
        response.headers["Retry-After"] = RETRY_AFTER
    return Health(
        status=whole,
        database=database,
        cache=CacheHealthOut(
            status=found.status,
            available=found.available,
            latency_ms=found.latency_ms,
            memory_usage=MemoryUsage(used_memory_human=found.used_memory_human, maxmemory_human=found.maxmemory_human),
            stats=HitStats(hit_rate=stats.hit_rate, total_requests=stats.total_requests),
        ),
    )


@router.get("/live", summary="Whether the process answers")
async def get_liveness() -> Alive:
    """Nothing but that this process takes requests."""
    return Alive()


@router.get("/ready", summary="Whether requests can be served", responses=unavailable_as(DatabaseHealth))
async def get_readiness(request: Request, response: Response) -> DatabaseHealth:
    """200 if Postgres answers."""
    database = await _database_health(request)
    if database.status == "unavailable":
        response.status_code = 503
        response.headers["Retry-After"] = RETRY_AFTER
    return database


async def _database_health(request: Request) -> DatabaseHealth:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), request.app.state.database.read() as session:
            await session.execute(text("SELECT 1"))
    except Exception:
        return DatabaseHealth(status="unavailable", latency_ms=None)
    return DatabaseHealth(status="healthy", latency_ms=round((time.perf_counter() - started) * 1000, 3))
