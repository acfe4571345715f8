"""Answering a request to a cached endpoint: from the cache, by a 304, or by running the endpoint."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

from mina_api.cache.compression import UndecodableBody
from mina_api.cache.entry import Entry
from mina_api.cache.experiment import CONTROL
from mina_api.cache.fastapi.admission import Admission, admission_of
from mina_api.cache.fastapi.calls import caller
from mina_api.cache.fastapi.documentation import NOT_STORED
from mina_api.cache.fastapi.failures import rendered_failure
from mina_api.cache.fastapi.identity import Identity, identity_of
from mina_api.cache.fastapi.plan import CachePlan
from mina_api.cache.fastapi.rendering import JSON_TYPE, JsonBytes, Renderer, Stored, is_whole
from mina_api.cache.fastapi.responding import Answer, Header, respond
from mina_api.cache.fastapi.state import cache_of, shortcuts_of
from mina_api.cache.fastapi.warming import recipe_of
from mina_api.cache.http import (
    REPLACED_HEADERS,
    STORED_HEADERS,
    answer_headers,
    entity_tag,
    forbids_storing,
    parse_demand,
    varies_on,
)
from mina_api.cache.loading import TooManyLoads
from mina_api.cache.marks import TagContext
from mina_api.cache.outcome import NOTHING_READ, Loaded, Outcome, Served
from mina_api.cache.read_through import MEMORY, TIER
from mina_api.cache.reading import Read
from mina_api.cache.service import CacheService

# By ASGI their names are in lower case.
ASKED = frozenset((b"cache-control", b"if-none-match", b"accept-encoding"))
BUSY = "More is asked for than can be loaded now."


class Answering:
    """The cached answers of one route; `endpoint` is called only where a load is due."""

    def __init__(self, plan: CachePlan, route: Any, endpoint: Any) -> None:
        self.plan = plan
        self.call = caller(endpoint)
        self.renderer = Renderer(route)
        self.keeps_not_found = plan.caching.freshness.negative_ttl is not None

    async def answer(self, request: Request, injected: Response, values: dict[str, Any]) -> Response:
        """The response to `request`, whose dependencies are solved into `values`."""
        cache = cache_of(request)
        identity = identity_of(request)
        context, given = self.plan.context(request, identity, cache.clock.now(), values)
        from_dependencies: list[Header] = list(injected.raw_headers)
        admission = admission_of(request)
        load = _Load(self, request, injected, values, admission)
        is_admitted = admission is None or admission.admits(request)
        condition = self.plan.caching.condition
        if cache.experiment is not None and identity is not None:
            request.state.arm = arm = cache.experiment.arm_of(identity.user_id)
            if arm == CONTROL and is_admitted:
                return _own(await load.response(), Served(None, Outcome.BYPASS, CONTROL), from_dependencies, cache)
        is_outside = self.plan.needs_identity and identity is None
        if is_outside or (condition is not None and not condition(context)):
            if admission is not None and not is_admitted:
                raise admission.refusal(request)
            return _own(await load.response(), Served(None, Outcome.BYPASS), from_dependencies, cache)
        asked = _asked(request)
        demand = parse_demand(asked.get(b"cache-control"))
        if not is_admitted:
            demand = replace(demand, only_if_cached=True)
        read = Read(
            self.plan.key(given, identity, context, cache.config),
            self.plan.policy(context, cache.config),
            load,
            demand,
            identity.seen if identity is not None else NOTHING_READ,
            load.is_failure,
            recipe_of(request, identity) if self.plan.is_repeatable else None,
            # By user, not by scope: whoever asks too much keeps none of their workspace waiting.
            owner=f"user:{identity.user_id}" if identity is not None else "",
            alike=self.plan.alike(given, context, cache.config),
        )
        began = time.perf_counter()
        try:
            try:
                served = await cache.read(read)
                answer = _answer_of(served, cache, asked, from_dependencies)
            except UndecodableBody as failure:
                cache.unreadable(read.key, failure)
                served = await cache.read(read._replace(demand=replace(demand, reload=True)))
                answer = _answer_of(served, cache, asked, from_dependencies)
        except TooManyLoads as refusal:
            raise HTTPException(503, BUSY, {"Retry-After": str(refusal.retry_after_seconds)}) from refusal
        finally:
            load.is_awaited = False
            request.scope.setdefault("state", {})["cache_seconds"] = time.perf_counter() - began - load.seconds
        if served.entry is not None and answer is not None:
            if served.outcome is Outcome.HIT and served.detail in (MEMORY, TIER) and not from_dependencies:
                self._shorten(request, identity, context, read, served.entry)
                cache.auditor.consider(read, served.entry, wanted=getattr(request.state, "is_audited", False))
            return Stored(answer, load.background)
        if admission is not None and not is_admitted:
            raise admission.refusal(request)
        if load.made is None and served.outcome is not Outcome.BYPASS and demand.only_if_cached:
            return JSONResponse(NOT_STORED, 504, media_type="application/problem+json")
        return _own(load.made or await load.response(), served, from_dependencies, cache)

    def _shorten(
        self, request: Request, identity: Identity | None, context: TagContext, read: Read, entry: Entry
    ) -> None:
        """Have the like of `request` answered by a shortcut, where nothing else has a part in the answer."""
        shortcuts = shortcuts_of(request)
        vouched = identity.voucher is not None if identity is not None else not self.plan.needs_identity
        if shortcuts is None or not vouched or not self.plan.may_be_shortened:
            return
        cache, key, recipe = cache_of(request), read.key, recipe_of(request, identity)
        varying = self.plan.varying(context)

        def is_same(now: float) -> bool:
            later = context.at(now)
            return (
                self.plan.varying(later) == varying and self.plan.policy(later, cache.config).tags == read.policy.tags
            )

        shortcuts.add(
            request.scope,
            key.name,
            entry,
            read.policy.freshness,
            identity.voucher if identity is not None else None,
            is_same,
            lambda tier, hits: cache.count_hits(key, tier, hits, recipe),
        )


class _Load:
    """The loader of one request: runs its endpoint once, and keeps a response that only it may have."""

    def __init__(
        self,
        route: Answering,
        request: Request,
        injected: Response,
        values: dict[str, Any],
        admission: Admission | None,
    ) -> None:
        self._route = route
        self._admission = admission
        self._request = request
        self._injected = injected
        self._values = values
        self.made: Response | None = None
        self.seconds = 0.0
        self.background: BackgroundTask | None = None
        # What is loaded when nobody waits for it any more, to be fresh or to be compared, is nobody's cost.
        self.is_awaited = True

    async def __call__(self) -> Loaded | None:
        """What may be shared of the response; None where it is this request's alone."""
        began = time.perf_counter()
        try:
            response = await self._rendered()
        except Exception as failure:
            response = await self._not_found(failure)
        self.seconds = time.perf_counter() - began
        plan = self._route.plan
        if isinstance(response, bytes):
            return Loaded(response, 200, (JSON_TYPE, (b"etag", entity_tag(response)), *plan.vary))
        self.background = response.background
        raw = tuple((name.lower(), value) for name, value in response.raw_headers)
        if not is_whole(response) or forbids_storing(raw) or not varies_on(raw) <= plan.known_headers:
            self.made = response
            return None
        storable = response.status_code == 200 or (response.status_code == 404 and self._route.keeps_not_found)
        kept = [each for each in raw if (each[0] in STORED_HEADERS if storable else each[0] not in REPLACED_HEADERS)]
        body = bytes(response.body)
        if response.status_code == 200 and not any(name == b"etag" for name, _ in kept):
            kept.append((b"etag", entity_tag(body)))
        return Loaded(body, response.status_code, (*kept, *plan.vary), storable=storable)

    async def is_failure(self, failure: Exception) -> bool:
        """Whether the application answers `failure` as a mistake of its own, by a 5xx."""
        rendered = await rendered_failure(self._request, failure)
        return rendered is None or rendered.status_code >= 500

    async def _not_found(self, failure: Exception) -> Response:
        """What the application makes of `failure`, where that is a 404 and is kept; raises any other."""
        rendered = await rendered_failure(self._request, failure) if self._route.keeps_not_found else None
        if rendered is None or rendered.status_code != 404:
            raise failure
        return rendered

    async def response(self) -> Response:
        """The endpoint's response, after `response_model`."""
        rendered = await self._rendered()
        return JsonBytes(rendered) if isinstance(rendered, bytes) else rendered

    async def _rendered(self) -> Response | bytes:
        """The same, by its body alone where all else of it goes without saying: status, media type, no other header."""
        if self._admission is not None and self.is_awaited:
            self._admission.count(self._request)
        before = len(self._injected.raw_headers)
        returned = await self._route.call(**self._values)
        return await self._route.renderer.render(returned, self._injected, self._injected.raw_headers[before:])


def _answer_of(
    served: Served, cache: CacheService, asked: Mapping[bytes, str], from_dependencies: list[Header]
) -> Answer | None:
    """What the entry of `served` comes to, if it has one; raises UndecodableBody."""
    if served.entry is None:
        return None
    return respond(
        served,
        served.entry,
        cache.clock.now(),
        cache.config.max_body_bytes,
        if_none_match=asked.get(b"if-none-match", ""),
        accept_encoding=asked.get(b"accept-encoding", ""),
        from_dependencies=from_dependencies,
    )


def _own(response: Response, served: Served, from_dependencies: list[Header], cache: CacheService) -> Response:
    """A response that the cache keeps no part of; only says so."""
    present = {name for name, _ in response.raw_headers}
    response.raw_headers.extend(
        (name, value) for name, value in answer_headers(served, cache.clock.now()) if name not in present
    )
    response.raw_headers.extend(from_dependencies)
    return response


def _asked(request: Request) -> Mapping[bytes, str]:
    """The list headers that an answer depends on; all lines of one as one (RFC 9110 section 5.3)."""
    found: dict[bytes, str] = {}
    for name, value in request.scope["headers"]:
        if name in ASKED:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found
