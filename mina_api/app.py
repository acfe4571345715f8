"""The composition root: an application from settings; its lifespan owns every pool and every task."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute
from redis.asyncio import BlockingConnectionPool

from mina_api import logs
from mina_api.analytics.rollups import store_rollup
from mina_api.analytics.routes import router as analytics_router
from mina_api.auth.passwords import Passwords
from mina_api.auth.routes import router as auth_router
from mina_api.auth.throttling import SignInThrottle
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.clock import Clock, SystemClock
from mina_api.cache.config import CacheConfig
from mina_api.cache.fastapi import PendingInvalidation, Shortcuts, cached_endpoints
from mina_api.cache.no_tier import NoTier
from mina_api.cache.redis_tier import RedisTier, TlsFiles, parse_target
from mina_api.cache.redis_tier.ledger import RedisLedger
from mina_api.cache.sealing import Sealer
from mina_api.cache.serializers import JSON, MsgpackSerializer, Serializer, SignedPickleSerializer
from mina_api.cache.service import CacheService, install_cache_service
from mina_api.cache.source import Source
from mina_api.cache.tier import Tier
from mina_api.db.conflicts import is_conflict
from mina_api.db.key_locks import PostgresKeyLock
from mina_api.db.outbox import Outbox, OutboxRelay
from mina_api.db.peers import PostgresPeers
from mina_api.db.session import Database
from mina_api.meetings.routes import router as meetings_router
from mina_api.meetings.tasks.routes import router as tasks_router
from mina_api.ops import dashboard, health
from mina_api.ops.access import OpsToken
from mina_api.ops.cookies import Cookies
from mina_api.ops.experiments import router as experiments_router
from mina_api.ops.log_routes import router as log_levels_router
from mina_api.ops.metrics import Metrics
from mina_api.ops.metrics import router as metrics_router
from mina_api.ops.operations import Operations
from mina_api.ops.routes import operations_router
from mina_api.ops.routes import router as ops_router
from mina_api.ops.telemetry import Telemetry, Traced
from mina_api.ops.warming import Warmer
from mina_api.sessions.fingerprints.routes import router as fingerprints_router
from mina_api.sessions.live import Live, LiveConfig
from mina_api.sessions.page.routes import router as page_router
from mina_api.sessions.routes import router as sessions_router
from mina_api.sessions.socket import router as live_router
from mina_api.settings import Settings, SettingsError, keys_of, load_settings
from mina_api.transcripts.routes import router as transcripts_router
from mina_api.transcripts.uploads import Uploads
from mina_api.web import docs_page, openapi, problems
from mina_api.web.application import Application
from mina_api.web.body_limits import LimitBodies
from mina_api.web.commit import CoherentCommit, CoherentJournal
from mina_api.web.connections import ConnectionLimits
from mina_api.web.middleware import HeadFromGet, RequestContext
from mina_api.web.rate_limits import CONNECTIONS, RateLimiter
from mina_api.web.timing import HIT_IN_MEMORY, measure_queries
from mina_api.workspaces.routes import router as workspaces_router

DESCRIPTION = """
Meetings, transcripts, analytics. Register, or press *Authorize* with an account you have.

Cached answers say so in `Cache-Status` (RFC 9211) and are never older than the last acknowledged write.
Errors are problems (RFC 9457).
"""
# Of one worker: parsing is Python, a second import would only take turns with the first.
IMPORTS_AT_ONCE = 2
# Of one worker, each a connection beside that of its load; fewer where the pool is small.
KEY_LOCKS_AT_ONCE = 4


def create_app(settings: Settings | None = None, *, clock: Clock | None = None, owns_process: bool = False) -> FastAPI:
    """An application; nothing is connected before its lifespan starts. Raises SettingsError.

    One that owns its process has the garbage collector leave alone what there is once it has started.
    """
    settings = settings or load_settings()
    _check_redis_url(settings)
    logs.configure(settings.log.level, settings.log.format, settings.log.levels)
    app = Application(
        title="Mina API",
        version=version("mina-api"),
        description=DESCRIPTION,
        lifespan=partial(_lifespan, settings, owns_process),
        generate_unique_id_function=_operation_id,
        docs_url=None,
        redoc_url=None,
    )
    app.state.clock = clock or SystemClock()
    app.state.access_tokens = AccessTokens(
        settings.auth.secret_key.get_secret_value(), settings.auth.access_token_seconds, app.state.clock
    )
    ops_token = settings.auth.ops_token.get_secret_value() if settings.auth.ops_token else None
    app.state.metrics = Metrics()
    app.state.ops_token = OpsToken(ops_token)
    app.state.ops_cookies = Cookies(settings.auth.secret_key.get_secret_value(), ops_token, app.state.clock)
    app.state.refresh_token_days = settings.auth.refresh_token_days
    app.state.transcript_observers = (store_rollup,)
    app.state.uploads = Uploads(IMPORTS_AT_ONCE)
    app.state.connection_limits = ConnectionLimits(**settings.http.model_dump())
    problems.install(app)
    openapi.install(app)
    docs_page.install(app)
    dashboard.install(app)
    app.add_middleware(LimitBodies)
    app.add_middleware(HeadFromGet)
    app.add_middleware(Traced)
    app.add_middleware(RequestContext)
    for router in (
        auth_router,
        meetings_router,
        tasks_router,
        transcripts_router,
        sessions_router,
        fingerprints_router,
        live_router,
        page_router,
        analytics_router,
        workspaces_router,
        ops_router,
        log_levels_router,
        operations_router,
        metrics_router,
        experiments_router,
        dashboard.router,
        health.router,
    ):
        app.include_router(router)
    if unknown := settings.cache.endpoint_ttls.keys() - cached_endpoints(app):
        raise SettingsError([f"MINA_CACHE_ENDPOINT_TTLS names no cached endpoint: {', '.join(sorted(unknown))}"])
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


@asynccontextmanager
async def _lifespan(settings: Settings, owns_process: bool, app: FastAPI) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        app.state.database = database = _database(settings)
        stack.push_async_callback(database.close)
        for engine in database.engines:
            measure_queries(engine.sync_engine)
        app.state.passwords = passwords = Passwords(settings.auth.password_hashers)
        stack.callback(passwords.close)
        app.state.outbox = outbox = Outbox(database)
        app.state.peers = peers = _peers(settings, database, outbox)
        config = _cache_config(settings)
        tier: Tier = NoTier()
        redis: RedisTier | None = None
        ledger: RedisLedger | None = None
        if url := settings.redis.url.get_secret_value():
            tier = redis = RedisTier(url, config, peers.enter_redis, peers.leave_redis, tls=_tls_files(settings))
            ledger = RedisLedger(redis)
            peers.use(look_again=redis.look_again, lose=redis.lose)
        app.state.cache = cache = CacheService(
            tier,
            config,
            clock=app.state.clock,
            journal=CoherentJournal(database, outbox, peers),
            serializer=_serializer(settings),
            sealer=_sealer(settings),
            source=Source(_key_lock(settings, database), is_conflict),
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
        app.state.sign_in_throttle = _sign_in_throttle(settings, limiter)
        relay = OutboxRelay(outbox, cache.lift, epoch=lambda: cache.epoch)
        relay.start()
        stack.push_async_callback(relay.close)
        if settings.cache.shortcut_bytes:
            own_headers = ((b"server-timing", HIT_IN_MEMORY),)
            app.state.shortcuts = Shortcuts(cache, settings.cache.shortcut_bytes, own_headers)
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


def _database(settings: Settings) -> Database:
    given = settings.database
    return Database(
        given.sqlalchemy_url,
        pool_size=given.pool_size,
        pool_overflow=given.pool_overflow,
        pool_timeout_seconds=given.pool_timeout_seconds,
        connect_timeout_seconds=given.connect_timeout_seconds,
        statement_timeout_seconds=given.statement_timeout_seconds,
        pools_transactions=given.listen_url is not None,
        replica_url=given.sqlalchemy_replica_url,
        replica_wait_seconds=given.replica_wait_seconds,
    )


def _tls_files(settings: Settings) -> TlsFiles:
    given = settings.redis
    return TlsFiles(str(given.ca_file or ""), str(given.certificate_file or ""), str(given.key_file or ""))


def _check_redis_url(settings: Settings) -> None:
    if url := settings.redis.url.get_secret_value():
        try:
            parse_target(url, _tls_files(settings))
        except ValueError as failure:
            raise SettingsError([f"REDIS_URL is wrong: {failure}"]) from None


def _peers(settings: Settings, database: Database, outbox: Outbox) -> PostgresPeers:
    return PostgresPeers(
        settings.database.plain_listen_url,
        database,
        drain=outbox.drain,
        lease_seconds=settings.cache.peer_lease_seconds,
        hold_seconds=_hold_seconds(settings),
        timeout_seconds=settings.database.connect_timeout_seconds,
        serves_without_postgres=settings.cache.serve_without_postgres,
        now=SystemClock().monotonic,
    )


def _key_lock(settings: Settings, database: Database) -> PostgresKeyLock:
    given = settings.database
    most = min((given.pool_size + given.pool_overflow) // 4, KEY_LOCKS_AT_ONCE)
    return PostgresKeyLock(database.engine, most=most, wait_seconds=settings.cache.wait_seconds)


def _hold_seconds(settings: Settings) -> float:
    """Longer than any COMMIT takes."""
    return 2 * settings.database.statement_timeout_seconds


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


def _sign_in_throttle(settings: Settings, limiter: RateLimiter) -> SignInThrottle:
    given = settings.auth
    return SignInThrottle(
        limiter,
        attempts=given.sign_in_attempts,
        account_attempts=given.sign_in_account_attempts,
        address_failures=given.sign_in_address_failures,
        seconds=given.sign_in_window_seconds,
    )


def _serializer(settings: Settings) -> Serializer:
    given = settings.cache
    if given.serializer == "pickle":
        return SignedPickleSerializer(keys_of(given.signing_keys), given.signing_algorithm)
    return MsgpackSerializer() if given.serializer == "msgpack" else JSON


def _sealer(settings: Settings) -> Sealer | None:
    keys = keys_of(settings.cache.encryption_keys)
    return Sealer(keys) if keys else None


def _cache_config(settings: Settings) -> CacheConfig:
    cache, redis = settings.cache, settings.redis
    return CacheConfig(
        enabled=cache.enabled,
        audit_share=cache.audit_share,
        control_share=cache.control_share,
        default_ttl=cache.default_ttl,
        session_ttl=cache.session_ttl,
        transcription_ttl=cache.transcription_ttl,
        analytics_ttl=cache.analytics_ttl,
        temp_cache_ttl=cache.temp_ttl,
        endpoint_ttls=cache.endpoint_ttls,
        max_connections=redis.max_connections,
        connect_timeout_seconds=redis.connect_timeout_seconds,
        command_timeout_seconds=redis.command_timeout_seconds,
        memory_bytes=cache.memory_bytes,
        memory_lease_seconds=cache.memory_lease_seconds,
        memory_ttl_without_tier=cache.without_redis_ttl,
        max_entry_bytes=cache.max_entry_bytes,
        compress_over_bytes=cache.compress_over_bytes,
        lease_seconds=cache.lease_seconds,
        wait_seconds=cache.wait_seconds,
        max_concurrent_loads=cache.max_concurrent_loads,
        max_waiting_loads=cache.max_waiting_loads,
        hold_seconds=_hold_seconds(settings),
    )
