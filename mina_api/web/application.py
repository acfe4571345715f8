"""The application: FastAPI, and before it the shortcuts to what memory has."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from mina_api.cache.experiment import CACHE
from mina_api.cache.fastapi import Shortcuts
from mina_api.cache.fastapi.shortcuts import Fields, Found, Rendering, fields_of, target_of
from mina_api.cache.service import CacheService
from mina_api.web.access_log import has_every_hit, note
from mina_api.web.request_ids import request_id
from mina_api.web.routing import Overrides, Router
from mina_api.web.sending import send_rendering
from mina_api.web.timing import queries_so_far
from mina_api.web.turns import Turns

# FastAPI's own hears of no answer that a shortcut gives, and asks at each request who listens.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


class Application(FastAPI):
    """FastAPI whose hits in memory are answered before any routing, as `Shortcuts` says.

    FastAPI's own `telemetry` is off unless it is asked for.

    What is in `outermost`, each around the one before, is around Starlette's own middleware too: it sees every
    answer of the long way, also that to an unexpected failure.
    """

    outermost: Sequence[Callable[[ASGIApp], ASGIApp]] = ()

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"telemetry": NO_TELEMETRY, **options})
        self.dependency_overrides = Overrides.dependency_overrides
        self._turns = Turns()

    def take(self, router: Router) -> None:
        """Serve what `router` offers, behind all that is served already; raises TypeError for another APIRouter."""
        if not isinstance(router, Router):
            raise TypeError(f"a Router is taken, {type(router).__name__} has to be included")
        self.router.routes.extend(router.routes)

    def build_middleware_stack(self) -> ASGIApp:
        """All middleware around the router."""
        stack = super().build_middleware_stack()
        for wrap in self.outermost:
            stack = wrap(stack)
        return stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection (ASGI 3)."""
        if scope["type"] == "http":
            has_waited = False
            while True:
                shortcuts = self._shortcuts()
                if shortcuts is not None and (found := _find(shortcuts, scope)) is not None:
                    if shortcuts.sampling.is_due(shortcuts.answered):
                        if await self._answer_as_sample(shortcuts, found, scope, send):
                            return
                    elif (rendering := await shortcuts.render(found)) is not None:
                        await send_rendering(rendering, request_id(found.request_id), send)
                        return
                if has_waited or (turn := self._turns.take()) is None:
                    break
                await turn
                # What others wanted too was loaded meanwhile.
                has_waited = True
            cache: CacheService | None = getattr(self.state, "cache", None)
            if cache is not None and cache.experiment is not None:
                await self._observe(cache, scope, receive, send)
                return
        await super().__call__(scope, receive, send)

    def at_once(self, target: bytes, fields: Fields) -> tuple[Rendering, bytes] | None:
        """What `__call__` would answer to a GET of `target`, and the request's id, where memory knows the answer now.

        For a server that can ask before it makes a task of the request. None for the samples among the hits too.
        """
        shortcuts = self._shortcuts()
        if shortcuts is None or shortcuts.sampling.is_due(shortcuts.answered):
            return None
        found = shortcuts.find(target, fields)
        if found is None or not found.is_known or (rendering := shortcuts.render_known(found)) is None:
            return None
        return rendering, request_id(found.request_id)

    def _shortcuts(self) -> Shortcuts | None:
        """Those that are to be used."""
        return None if has_every_hit() else getattr(self.state, "shortcuts", None)

    async def _answer_as_sample(self, shortcuts: Shortcuts, found: Found, scope: Scope, send: Send) -> bool:
        """Answer, timed; now and then not at all, so that the answer is audited on the long way."""
        cache: CacheService = self.state.cache
        if shortcuts.sampling.is_audited(shortcuts.answered, cache.auditor.share, random.random):
            scope.setdefault("state", {})["is_audited"] = True
            return False
        began = time.perf_counter()
        rendering = await shortcuts.render(found)
        if rendering is None:
            return False
        own_id = request_id(found.request_id)
        await send_rendering(rendering, own_id, send)
        seconds = time.perf_counter() - began
        stands_for = shortcuts.sampled(seconds)
        _log(scope, rendering, own_id, seconds, stands_for)
        if cache.experiment is not None:
            cache.experiment.observe(CACHE, seconds, 0, stands_for)
        return True

    async def _observe(self, cache: CacheService, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, and note how long that took for who is in the experiment."""
        began = time.perf_counter()
        await super().__call__(scope, receive, send)
        arm = scope.get("state", {}).get("arm")
        if arm is not None and cache.experiment is not None:
            cache.experiment.observe(arm, time.perf_counter() - began, queries_so_far())


def _find(shortcuts: Shortcuts, scope: Scope) -> Found | None:
    if scope["method"] != "GET" or (fields := fields_of(scope["headers"])) is None:
        return None
    return shortcuts.find(target_of(scope), fields)


def _log(scope: Scope, rendering: Rendering, own_id: bytes, seconds: float, stands_for: int) -> None:
    cache = next((value.decode() for name, value in rendering.headers if name == b"cache-status"), None)
    method, path = scope["method"], scope["path"]
    with structlog.contextvars.bound_contextvars(request_id=own_id.decode(), request=f"{method} {path}"):
        note(
            method=method,
            path=path,
            status=rendering.status,
            seconds=seconds,
            cache=cache,
            stands_for=stands_for,
        )
