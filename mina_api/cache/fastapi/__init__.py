"""The cache's FastAPI side, and the only part of it that imports FastAPI."""

from typing import Annotated

from fastapi import Depends

from mina_api.cache.fastapi.admission import Admission
from mina_api.cache.fastapi.identity import Identity, Voucher, identify
from mina_api.cache.fastapi.pending import PendingInvalidation, get_pending, pending_of
from mina_api.cache.fastapi.recollection import Recollection
from mina_api.cache.fastapi.route import CachedRoute, cached_endpoints, is_cached
from mina_api.cache.fastapi.shortcuts import Shortcuts
from mina_api.cache.fastapi.state import cache_of, get_cache
from mina_api.cache.fastapi.warming import RecordedRequest, Repeater, WarmingFailed, is_repeated
from mina_api.cache.marks import TagContext, cache_response, invalidate_cache
from mina_api.cache.service import CacheService

Cache = Annotated[CacheService, Depends(get_cache)]
Invalidation = Annotated[PendingInvalidation, Depends(get_pending)]

__all__ = [
    "Admission",
    "Cache",
    "CachedRoute",
    "Identity",
    "Invalidation",
    "PendingInvalidation",
    "Recollection",
    "RecordedRequest",
    "Repeater",
    "Shortcuts",
    "TagContext",
    "Voucher",
    "WarmingFailed",
    "cache_of",
    "cache_response",
    "cached_endpoints",
    "identify",
    "invalidate_cache",
    "is_cached",
    "is_repeated",
    "pending_of",
]
