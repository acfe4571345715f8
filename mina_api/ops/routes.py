"""`/ops/cache`: what the cache does, asked and steered."""

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import StreamingResponse

from mina_api.cache.tier import TierUnavailable
from mina_api.errors import Forbidden, Unavailable
from mina_api.ops import events
from mina_api.ops.access import OperatorOf
from mina_api.ops.alerts import Alerts
from mina_api.ops.dependencies import OperationsOf
from mina_api.ops.figures import Stats
from mina_api.ops.inspecting import KEY, Cleared, KeyDetail, KeyList
from mina_api.web.openapi import responses
from mina_api.web.routing import Router

router = Router(prefix="/ops/cache", tags=["Operations"])
operations_router = Router(prefix="/ops", tags=["Operations"])
GUARDED = (401, 403, 503)

PROGRESS = {"total": 40, "answered": 12, "failed": 0}
DONE = {"total": 40, "answered": 40, "failed": 0}

Prefix = Annotated[str, Path(min_length=1, max_length=100, description="a prefix of keys", examples=["analytics"])]
Tag = Annotated[str, Path(min_length=1, max_length=200, description="a tag of entries", examples=["ws:7:analytics"])]
Key = Annotated[str, Path(min_length=1, max_length=2000, description="an entry's key, percent-encoded", examples=[KEY])]


@router.get("/stats", summary="What the cache did", responses=responses(*GUARDED))
async def get_cache_stats(_: OperatorOf, operations: OperationsOf) -> Stats:
    """Over all workers and hosts since the counts began: a worker that ends or starts anew takes nothing away.

    While Redis is away the counts are this worker's own, and say so; what it counts is added once Redis is back.
    """
    return await operations.stats()


@router.post("/stats/reset", summary="Count anew", responses=responses(*GUARDED))
async def reset_cache_stats(_: OperatorOf, operations: OperationsOf) -> Stats:
    """Sets every count of every worker to zero, once each has told what it counted before: a second, or three."""
    try:
        await operations.teller.reset()
    except TierUnavailable:
        raise Unavailable("Redis, which has the counts, cannot answer now.") from None
    return await operations.stats()


@router.get("/keys", summary="List entries", responses=responses(401, 403, 422, 503))
async def list_cache_keys(
    operator: OperatorOf,
    operations: OperationsOf,
    prefix: Annotated[str | None, Query(min_length=1, max_length=100, examples=["session"])] = None,
    match: Annotated[str, Query(max_length=200, description="part of the key; `*` and `?` are wildcards")] = "",
    cursor: Annotated[str | None, Query(max_length=40, description="of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="about how many a page has")] = 100,
) -> KeyList:
    """A page of the entries in Redis, by SCAN: no request waits for it. An admin sees those of their workspace."""
    return await operations.inspector.list(operator, prefix, match, cursor, limit)


@router.get("/keys/{key:path}", summary="Look at an entry", responses=responses(401, 403, 404, 422, 503))
async def get_cache_key(key: Key, operator: OperatorOf, operations: OperationsOf) -> KeyDetail:
    """What is stored, and why the next request is answered by it or is not: each tag's token against its own."""
    return await operations.inspector.look(operator, key)


@router.delete(
    "/keys/{key:path}", status_code=204, summary="Delete an entry", responses=responses(401, 403, 404, 422, 503)
)
async def delete_cache_key(key: Key, operator: OperatorOf, operations: OperationsOf) -> None:
    """No worker answers by it any more."""
    await operations.inspector.delete(operator, key)


@router.delete("/prefixes/{prefix}", summary="Clear a prefix", responses=responses(401, 403, 422, 503))
async def clear_cache_prefix(prefix: Prefix, operator: OperatorOf, operations: OperationsOf) -> Cleared:
    """Every entry of the prefix is unreadable, for every worker; an admin's are those of their workspace."""
    return await operations.inspector.clear(operator, prefix)


@router.delete("/tags/{tag:path}", status_code=204, summary="Invalidate a tag", responses=responses(401, 403, 422, 503))
async def invalidate_cache_tag(tag: Tag, operator: OperatorOf, operations: OperationsOf) -> None:
    """Every entry under the tag is unreadable, for every worker; an admin's tags are those of their workspace."""
    if not operator.may_see((tag,)):
        raise Forbidden(f"The tags of your workspace begin with {operator.scope}: only those are yours to invalidate.")
    await operations.cache.invalidate_tags(tag)


@router.post(
    "/warm",
    summary="Warm the cache",
    response_class=StreamingResponse,
    responses={
        **events.described(
            "how far it is, by server-sent events",
            events.event("progress", PROGRESS) + events.event("done", DONE),
        ),
        **responses(401, 403, 422, 503),
    },
)
async def warm_cache(
    operator: OperatorOf,
    operations: OperationsOf,
    limit: Annotated[int, Query(ge=1, le=1000, description="how many questions are asked")] = 100,
    concurrency: Annotated[int, Query(ge=1, le=16, description="how many at a time")] = 4,
) -> StreamingResponse:
    """Asks again for what was asked for most since yesterday, the most used first: `progress` events, then `done`."""
    recipes = await operations.warmer.recipes(operator, limit)
    return events.events(operations.warmer.progress(recipes, concurrency))


@operations_router.get("/alerts", summary="What is wrong", responses=responses(*GUARDED))
async def get_alerts(_: OperatorOf, operations: OperationsOf) -> Alerts:
    """The rules, over all workers, with what to do about each; evaluated every five seconds by one worker of all."""
    return await operations.watch.alerts()
