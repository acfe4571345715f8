"""Making entries of what was loaded, and their way into the tier and out of it."""

import logging

from mina_api.cache.adaptive import Observations, TtlExplanation
from mina_api.cache.clock import Clock
from mina_api.cache.compression import compress
from mina_api.cache.config import CacheConfig
from mina_api.cache.entry import Entry, encode
from mina_api.cache.freshness import Chance
from mina_api.cache.keys import CacheKey
from mina_api.cache.lease import Lease
from mina_api.cache.outcome import Loaded
from mina_api.cache.policy import CachePolicy
from mina_api.cache.screening import screen
from mina_api.cache.sealing import Sealer, unsealed
from mina_api.cache.stats import Counters
from mina_api.cache.tier import Tier, TierUnavailable
from mina_api.cache.tracing import traced

logger = logging.getLogger(__name__)


class EntryStore:
    """The way into the tier, within the size limit, sealed where a sealer is given, and out of it."""

    def __init__(
        self,
        tier: Tier,
        config: CacheConfig,
        clock: Clock,
        counters: Counters,
        chance: Chance,
        sealer: Sealer | None = None,
    ) -> None:
        self._tier = tier
        self._config = config
        self._clock = clock
        self._counters = counters
        self._chance = chance
        self._observations = Observations()
        self._sealer = sealer

    def make(
        self,
        key: CacheKey,
        policy: CachePolicy,
        loaded: Loaded,
        tokens: tuple[bytes, ...],
        epoch: bytes,
        load_seconds: float = 0.0,
    ) -> Entry:
        """An entry of now, under `tokens` that were read before `loaded` was; without any it is not to be stored."""
        now, freshness = self._clock.now(), policy.freshness
        if freshness.adaptive is not None:
            self._observations.loaded(key.canonical, loaded.body, now)
        ttl = policy.ttl if freshness.adaptive is None else self.explain_ttl(key, policy).ttl
        created = now if loaded.created is None else loaded.created
        fresh_until = created + freshness.ttl_of(ttl, loaded.status, self._chance)
        return Entry(
            key=key.canonical,
            body=loaded.body,
            status=loaded.status,
            headers=loaded.headers,
            created=created,
            fresh_until=fresh_until,
            stale_until=fresh_until + freshness.stale_seconds,
            load_seconds=load_seconds,
            epoch=epoch,
            tags=policy.tags,
            tokens=tokens,
            compressed=False,
            size=len(loaded.body),
            codec=loaded.codec,
        )

    def used(self, key: CacheKey, policy: CachePolicy) -> None:
        """Note that the answer of `key` is asked for, where its TTL follows that."""
        if policy.freshness.adaptive is not None:
            self._observations.used(key.canonical)

    def explain_ttl(self, key: CacheKey, policy: CachePolicy) -> TtlExplanation:
        """The TTL of the next answer of `key`, as this process has seen it, and why."""
        if policy.freshness.adaptive is None:
            return TtlExplanation(policy.ttl, "its policy does not adapt", 0, 0, None, None)
        return self._observations.explain(key.canonical, policy.ttl, policy.freshness.adaptive)

    def read(self, key: CacheKey, data: bytes) -> Entry:
        """The entry in `data`, which the tier had under `key`; raises UndecodableEntry."""
        return self.read_named(key.name, data)

    def read_named(self, name: str, data: bytes) -> Entry:
        """The same by the key's name in the tier."""
        return screen(unsealed(self._sealer, name, data), self._config.max_body_bytes)

    def for_memory_alone(self, entry: Entry) -> Entry:
        """`entry` as it is kept while the tier is lost: compressed as in the tier, and for a shorter time."""
        until = min(entry.fresh_until, entry.created + self._config.memory_ttl_without_tier)
        return self._packed(entry)._replace(fresh_until=until, stale_until=until)

    async def put(self, key: CacheKey, entry: Entry, lease: Lease | None = None) -> Entry | None:
        """`entry` as it is in the tier now; None if it is not. A `lease` is given back with it."""
        if key.prefix in self._config.unstored_prefixes:
            return None
        packed = self._packed(entry)
        data = encode(packed)
        if self._sealer is not None and self._sealer.is_for(key.name):
            data = self._sealer.seal(key.name, data)
        if len(data) > self._config.max_entry_bytes:
            logger.warning("the answer of %s is not stored: %d bytes", key, len(data))
            return None
        seconds = entry.stale_until - self._clock.now()
        try:
            storing = self._tier.store(key.name, data, seconds) if lease is None else lease.store(data, seconds)
            await traced(storing, "cache.store", key=key.name, bytes=len(data))
        except TierUnavailable:
            self._counters.errors += 1
            return None
        self._counters.sets += 1
        logger.debug("set: %s for %.0f seconds", key, entry.fresh_until - entry.created)
        return packed

    def _packed(self, entry: Entry) -> Entry:
        body, compressed = compress(entry.body, self._config.compress_over_bytes)
        return entry._replace(body=body, compressed=True) if compressed else entry
