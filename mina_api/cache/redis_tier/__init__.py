"""The second tier in Redis or Valkey, and the only part of the cache that imports a driver."""

from mina_api.cache.redis_tier.target import TlsFiles, parse_target
from mina_api.cache.redis_tier.tier import OnReturn, RedisTier

__all__ = ["OnReturn", "RedisTier", "TlsFiles", "parse_target"]
