"""Conflicts between transactions: Postgres ended one so that others can go on, and it may succeed when run again."""

from sqlalchemy.exc import DBAPIError

# Serialization failure, of a read on a replica too whose rows were needed; deadlock detected (Postgres, appendix A).
SQLSTATES = frozenset({"40001", "40P01"})


def is_conflict(failure: BaseException) -> bool:
    """Whether `failure` is one: nothing of the transaction was kept."""
    return isinstance(failure, DBAPIError) and getattr(failure.orig, "sqlstate", None) in SQLSTATES
