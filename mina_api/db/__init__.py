"""Postgres: the declarative base, engines, units of work and the invalidation outbox."""
