"""What an endpoint's marks come to for one request: its key, its policy, and the tags of a write."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache, partial
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import TypeAdapter

from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Headers
from mina_api.cache.fastapi.identity import Identity
from mina_api.cache.fastapi.parameters import CREDENTIALS, Given, Parameters, needs_credentials
from mina_api.cache.fastapi.rendering import rendering_of
from mina_api.cache.keys import CacheKey, canonical_text, endpoint_key, module_label
from mina_api.cache.marks import Caching, Invalidating, Tag, TagContext
from mina_api.cache.policy import CachePolicy
from mina_api.cache.reading import Alike
from mina_api.cache.service import CacheService
from mina_api.cache.tags import prefix_tag, scope_tag, user_tag

# So many are remembered by each endpoint: one for each user who asks it, and more where its tags say more.
POLICIES = 1024


class UnsafeCaching(TypeError):
    """A cached endpoint whose answers could reach the wrong person, or outlive what they were made with."""


def endpoint_label(endpoint: Callable[..., Any]) -> str:
    """The endpoint's part of its keys, and its name in `CacheConfig.endpoint_ttls`: `api_meetings.get_meeting`."""
    return f"{module_label(endpoint.__module__)}.{endpoint.__name__}"


class CachePlan:
    """`cache_response`'s mark, joined to the route that it is on; raises UnsafeCaching at start-up."""

    def __init__(self, caching: Caching, endpoint: Callable[..., Any], route: Any) -> None:
        dependant: Dependant = route.dependant
        self.caching = caching
        self.needs_identity = needs_credentials(dependant) and not caching.shared
        self._endpoint = endpoint_label(endpoint)
        if self.needs_identity and not caching.vary_on_user and caching.key_func is None:
            raise UnsafeCaching(
                f"{self._endpoint} asks for credentials, but its key varies neither on the user nor by a "
                "key_func: say shared=True if everybody gets the same answer"
            )
        self._parameters = Parameters(dependant)
        self.is_repeatable = self._parameters.are_in_target
        # What may look at the time, or wants to hear of each request, is asked each time.
        self.may_be_shortened = (
            self.is_repeatable
            and caching.condition is None
            and caching.key_func is None
            and caching.freshness.adaptive is None
        )
        declared = self._parameters.header_names
        self.vary: Headers = ((b"vary", ", ".join(sorted(declared)).encode()),) if declared else ()
        self.known_headers = declared | {"accept-encoding"} | (set() if caching.shared else CREDENTIALS)
        self._call, self._route = endpoint, route
        self._policy_under = lru_cache(POLICIES)(self._new_policy)

    @cached_property
    def _fingerprint(self) -> str:
        """Made when it is first asked for: a schema takes longer than all else that is done for a route at start-up."""
        return _fingerprint_of(self._call, self._route)

    def context(
        self, request: Request, identity: Identity | None, now_seconds: float, solved: Mapping[str, Any]
    ) -> tuple[TagContext, Given]:
        """What tag, key and condition functions see, and the parameters apart; `solved` is what the endpoint gets."""
        given = self._parameters.read(request, solved)
        return _context(identity, given, now_seconds), given

    def key(self, given: Given, identity: Identity | None, context: TagContext, config: CacheConfig) -> CacheKey:
        """The key of this request's answer."""
        user_id = identity.key_part if identity is not None and self.caching.vary_on_user else None
        return self._key(given, user_id, context, config)

    def alike(self, given: Given, context: TagContext, config: CacheConfig) -> Callable[[], Alike] | None:
        """Says what this request has in common with all in its scope whose answers are the same; None where none are.

        It is asked where a load is due: a hit does not need it.
        """
        is_alike = self.caching.same_in_scope and context.scope is not None
        return partial(self._alike, given, context, config) if is_alike else None

    def _alike(self, given: Given, context: TagContext, config: CacheConfig) -> Alike:
        own_tag = None if context.user_id is None else user_tag(context.user_id)
        return Alike(f"{context.scope} {self._key(given, None, context, config).canonical}", own_tag)

    def _key(self, given: Given, user_id: str | None, context: TagContext, config: CacheConfig) -> CacheKey:
        caching = self.caching
        path: Iterable[Any] = given.path.values()
        others = given.others
        if caching.key_func is not None:
            path, others = [caching.key_func(context)], {}
        if caching.vary:
            others = {**others, **self.varying(context)}
        return endpoint_key(
            namespace=config.namespace,
            prefix=caching.prefix,
            endpoint=self._endpoint,
            user_id=user_id,
            path_values=path,
            parameters=others,
            fingerprint=self._fingerprint,
        )

    def varying(self, context: TagContext) -> dict[str, str]:
        """What `vary` adds to the key's parameters."""
        return {f"vary:{name}": part(context) for name, part in self.caching.vary.items()}

    def policy(self, context: TagContext, config: CacheConfig) -> CachePolicy:
        """TTL and tags of this request's answer: prefix, scope, the user where the key has one, and those declared."""
        caching = self.caching
        declared = caching.ttl if caching.ttl is not None else config.ttl_of(caching.prefix)
        ttl = config.endpoint_ttls.get(self._endpoint, declared)
        tags = tuple([_tag(tag, context) for tag in caching.tags])
        return self._policy_under(ttl, context.scope, context.user_id, tags)

    def _new_policy(self, ttl: int, scope: str | None, user_id: str | None, declared: tuple[str, ...]) -> CachePolicy:
        caching = self.caching
        tags = [prefix_tag(caching.prefix)]
        if not caching.shared and scope is not None:
            tags.append(scope_tag(scope, caching.prefix))
        if caching.vary_on_user and user_id is not None:
            tags.append(user_tag(user_id))
        tags += declared
        return CachePolicy(ttl, caching.prefix, tuple(dict.fromkeys(tags)), caching.freshness, caching.consistency)


class InvalidationPlan:
    """`invalidate_cache`'s marks, joined to the route that they are on."""

    def __init__(self, marks: tuple[Invalidating, ...], dependant: Dependant) -> None:
        self._marks = marks
        self._parameters = Parameters(dependant)

    def tags(
        self, request: Request, identity: Identity | None, cache: CacheService, solved: Mapping[str, Any]
    ) -> Iterable[str]:
        """The tags to invalidate: a prefix in the viewer's scope if there is one, else everybody's."""
        context = _context(identity, self._parameters.read(request, solved), cache.clock.now())
        for mark in self._marks:
            if mark.prefix is not None:
                yield prefix_tag(mark.prefix) if context.scope is None else scope_tag(context.scope, mark.prefix)
            yield from (_tag(tag, context) for tag in mark.tags)


def _context(identity: Identity | None, given: Given, now_seconds: float) -> TagContext:
    if identity is None:
        return TagContext(None, None, given.every, now_seconds)
    return TagContext(identity.user_id, identity.scope, given.every, now_seconds)


def _tag(tag: Tag, context: TagContext) -> str:
    return tag if isinstance(tag, str) else tag(context)


def _fingerprint_of(endpoint: Callable[..., Any], route: Any) -> str:
    """Eight digits that change with the response model's schema and how it is rendered, and from route to route.

    Two endpoints may have one name: what a function defines each time that it is called.
    """
    model = route.response_model
    schema = None if model is None else TypeAdapter(model).json_schema(mode="serialization")
    rendering = rendering_of(route).values()
    where = [endpoint.__module__, endpoint.__qualname__, route.path_format.rstrip("/")]
    told = json.dumps([where, canonical_text([route.status_code, *rendering]), schema], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:8]
