"""The composition root: an application from settings; its lifespan owns every pool and every task."""

import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from redis.asyncio import BlockingConnectionPool
from starlette.types import ASGIApp

from mina_api import logs
from mina_api.analytics.rollups import store_rollup
from mina_api.auth.passwords import Passwords
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.fastapi import PendingInvalidation, Recollection, Shortcuts, cached_endpoints
from mina_api.cache.installed import install_cache_service
from mina_api.cache.no_tier import NoTier
from mina_api.cache.redis_tier import RedisTier
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.service import CacheService
from mina_api.cache.source import Source
from mina_api.cache.tier import Tier
from mina_api.composition.caching import cache_config, check_redis_url, tls_files
from mina_api.composition.databases import database as database_of
from mina_api.composition.databases import key_lock
from mina_api.composition.databases import peers as peers_of
from mina_api.composition.keys import Keys
from mina_api.composition.limits import request_limits, sign_in_throttle
from mina_api.composition.routers import ROUTERS
from mina_api.db.conflicts import is_conflict
from mina_api.db.outbox import Outbox, OutboxRelay
from mina_api.ops import dashboard
from mina_api.ops.access import OpsToken
from mina_api.ops.cookies import Cookies
from mina_api.ops.metrics import Metrics
from mina_api.ops.operations import Operations
from mina_api.ops.telemetry import Telemetry, Traced
from mina_api.ops.warming import Warmer
from mina_api.sessions.live import Live, LiveConfig
from mina_api.settings import Settings, SettingsError, load_settings
from mina_api.transcripts.uploads import Uploads
from mina_api.web import docs_page, openapi, problems
from mina_api.web.answer_headers import EXPOSED, AnswerHeaders, security_headers
from mina_api.web.application import Application
from mina_api.web.body_limits import LimitBodies
from mina_api.web.budgets import Budgets
from mina_api.web.commit import CoherentCommit, CoherentJournal
from mina_api.web.connections import ConnectionLimits
from mina_api.web.middleware import HeadFromGet, RequestContext
from mina_api.web.rate_limits import CONNECTIONS, RateLimiter
from mina_api.web.routing import OF_EVERY_ROUTE
from mina_api.web.timing import HIT_IN_MEMORY, measure_queries

DESCRIPTION = """
Meetings, transcripts, analytics. Register, or press *Authorize* with an account you have.

Cached answers say so in `Cache-Status` (RFC 9211) and are never older than the last acknowledged write.
Errors are problems (RFC 9457).
"""
# What a page of another origin may send, beside what it always may; credentials go by Authorization, never by a cookie.
CORS_HEADERS = (
    *("Authorization", "X-API-Key", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "Cache-Control"),
    *("X-Request-ID", "traceparent"),
)
# Of one worker: parsing is Python, a second import would only take turns with the first.
IMPORTS_AT_ONCE = 2


def create_app(
    settings: Settings | None = None, *, clock: Clock | None = None, owns_process: bool = False
) -> Application:
    """An application; nothing is connected before its lifespan starts. Raises SettingsError.

    One that owns its process has the garbage collector leave alone what there is once it has started.
    """
    settings = settings or load_settings()
    check_redis_url(settings)
    logs.configure(settings.log.level, settings.log.format, settings.log.levels)
    app = Application(
        title="Mina API",
        version=version("mina-api"),
        description=DESCRIPTION,
        lifespan=partial(_lifespan, settings, owns_process),
        docs_url=None,
        redoc_url=None,
        **OF_EVERY_ROUTE,
    )
    app.outermost = _outermost(settings, app)
    app.state.clock = clock or SystemClock()
    app.state.keys = keys = Keys(settings)
    app.state.access_tokens = AccessTokens(keys.signing, settings.auth.access_token_seconds, app.state.clock)
    ops_token = settings.auth.ops_token.get_secret_value() if settings.auth.ops_token else None
    app.state.metrics = Metrics()
    app.state.ops_token = OpsToken(ops_token)
    app.state.ops_cookies = Cookies(keys.signing, ops_token, app.state.clock)
    app.state.refresh_token_days = settings.auth.refresh_token_days
    app.state.transcript_observers = (store_rollup,)
    app.state.uploads = Uploads(IMPORTS_AT_ONCE)
    app.state.connection_limits = ConnectionLimits(**settings.connections.model_dump())
    problems.install(app)
    openapi.install(app)
    docs_page.install(app)
    dashboard.install(app)
    app.add_middleware(LimitBodies)
    app.add_middleware(HeadFromGet)
    app.add_middleware(Traced)
    app.add_middleware(RequestContext)
    for router in ROUTERS:
        app.take(router)
    if unknown := settings.cache.endpoint_ttls.keys() - cached_endpoints(app):
        raise SettingsError([f"MINA_CACHE_ENDPOINT_TTLS names no cached endpoint: {', '.join(sorted(unknown))}"])
    return app


def _outermost(settings: Settings, app: Application) -> Sequence[Callable[[ASGIApp], ASGIApp]]:
    """Other origins' rights, where there are any, and the header fields of every answer."""
    given = settings.http
    headers = partial(AnswerHeaders, headers=security_headers(given.hsts_seconds), state=app.state)
    if not given.cors_origins:
        return (headers,)
    cors = partial(
        CORSMiddleware,
        allow_origins=given.cors_origins,
        allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=CORS_HEADERS,
        expose_headers=EXPOSED,
    )
    return (cors, headers)


@asynccontextmanager
async def _lifespan(settings: Settings, owns_process: bool, app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        app.state.database = database = database_of(settings)
        stack.push_async_callback(database.close)
        for engine in database.engines:
            measure_queries(engine.sync_engine)
        app.state.passwords = passwords = Passwords(settings.auth.password_hashers)
        stack.callback(passwords.close)
        app.state.outbox = outbox = Outbox(database)
        app.state.peers = peers = peers_of(settings, database, outbox)
        config, keys = cache_config(settings), app.state.keys
        tier: Tier = NoTier()
        redis: RedisTier | None = None
        ledger: RedisLedger | None = None
        if url := settings.redis.url.get_secret_value():
            tier = redis = RedisTier(url, config, peers.enter_redis, peers.leave_redis, tls=tls_files(settings))
            ledger = RedisLedger(redis)
            peers.use(look_again=redis.look_again, lose=redis.lose)
        app.state.cache = cache = CacheService(
            tier,
            config,
            clock=app.state.clock,
            journal=CoherentJournal(database, outbox, peers),
            serializer=keys.serializer,
            sealer=keys.sealer,
            source=Source(key_lock(settings, database), is_conflict),
        )
        stack.push_async_callback(peers.close)
        await peers.start(cache.coherence)
        stack.push_async_callback(cache.close)
        await cache.start()
        app.state.operations = operations = Operations(
            cache,
            ledger,
            Warmer(app, cache, database, app.state.access_tokens),
            warms_on_start=settings.cache.warm_on_start,
        )
        stack.push_async_callback(operations.close)
        counting = redis.pool(CONNECTIONS) if redis is not None else None
        limiter = RateLimiter(counting, is_redis_available=lambda: cache.is_available)
        stack.push_async_callback(limiter.close)
        app.state.sign_in_throttle = sign_in_throttle(settings, limiter)
        app.state.admission = limits = request_limits(settings, budgets := Budgets(limiter), app.state.ops_token)
        if limits is not None:
            stack.push_async_callback(budgets.close)
            budgets.start()
        relay = OutboxRelay(outbox, cache.lift, epoch=lambda: cache.epoch)
        relay.start()
        stack.push_async_callback(relay.close)
        app.state.viewers = Recollection(cache)
        if settings.cache.shortcut_bytes:
            own_headers = ((b"server-timing", HIT_IN_MEMORY), *security_headers(settings.http.hsts_seconds))
            app.state.shortcuts = Shortcuts(cache, settings.cache.shortcut_bytes, own_headers)
            keys.forget = app.state.shortcuts.clear
        keys.files.count = partial(cache.counters.count, "key_files")
        stack.push_async_callback(keys.files.close)
        keys.files.start()
        hooks = partial(CoherentCommit, cache, outbox, peers)
        app.state.live = live = _live(settings, app, hooks, redis.pool if redis is not None else None)
        await live.start()
        stack.push_async_callback(live.close)
        await operations.start()
        app.state.telemetry = None
        if settings.telemetry.endpoint:
            app.state.telemetry = telemetry = Telemetry(settings.telemetry.endpoint, operations.teller.process)
            stack.callback(telemetry.close)
            telemetry.start(operations.teller.own)
        install_cache_service(cache)
        stack.callback(install_cache_service, None)
        if owns_process:
            # What lives as long as the process need not be looked through at each collection.
            gc.collect()
            gc.freeze()
        yield


def _live(
    settings: Settings,
    app: FastAPI,
    hooks: Callable[[PendingInvalidation], CoherentCommit],
    redis_pool: Callable[[int], BlockingConnectionPool] | None,
) -> Live:
    given = settings.live
    config = LiveConfig(
        database_url=settings.database.plain_listen_url,
        redis_timeout_seconds=settings.redis.command_timeout_seconds,
        database_timeout_seconds=settings.database.connect_timeout_seconds,
        most_connections=given.connections_per_user,
        most_messages=given.queue_messages,
        most_bytes=given.queue_bytes,
        gather_seconds=given.gather_seconds,
        idle_seconds=given.idle_seconds,
        sweep_seconds=given.sweep_seconds,
    )
    observers = app.state.transcript_observers
    return Live(config, app.state.database, hooks, observers, app.state.clock, redis_pool)
