"""Who was seen to be behind which credentials, for as long as every check of them would come to the same again."""

from dataclasses import replace
from typing import Generic, TypeVar

from mina_api.cache.fastapi.identity import Identity, Voucher
from mina_api.cache.memory import UNKNOWN
from mina_api.cache.outcome import Vintage
from mina_api.cache.s3_fifo import S3Fifo
from mina_api.cache.service import CacheService

T = TypeVar("T")

MOST_BYTES = 8 * 1024 * 1024
OVERHEAD_BYTES = 1500


class _Recalled(Generic[T]):
    __slots__ = ("identity", "until", "voucher", "who")

    def __init__(self, voucher: Voucher, identity: Identity, who: T, until: float) -> None:
        self.voucher = voucher
        self.identity = identity
        self.who = who
        self.until = until


class Recollection(Generic[T]):
    """Identities by the credentials that they were verified from, at most `max_bytes` of them, and whom they are of.

    An authentication dependency asks `recall` first, and tells `remember` what it found out itself. What is recalled
    is as current as what it would find: memory has the very entry that the voucher names, under its lease, and the
    credentials have not expired. `who` is given to every request with those credentials: nobody may change it.
    """

    def __init__(self, cache: CacheService, max_bytes: int = MOST_BYTES) -> None:
        self._memory = cache.memory
        self._now = cache.clock.now
        self._table: S3Fifo[_Recalled[T]] = S3Fifo(max_bytes, lambda *_: None)

    def __len__(self) -> int:
        return len(self._table)

    def recall(self, credentials: str) -> tuple[Identity, T] | None:
        """Who is behind them, read as of now; None where that has to be found out."""
        known = self._table.get(credentials)
        if known is None:
            return None
        fence = self._memory.fence()
        voucher = known.voucher
        kept = self._memory.get(voucher.name)
        is_kept = kept is voucher.entry or kept == voucher.entry
        if not is_kept or self._now() >= known.until or not voucher.is_good():
            self._table.pop(credentials)
            return None
        identity = known.identity
        if identity.seen.fence != fence:
            known.identity = identity = replace(identity, seen=Vintage(identity.seen.tokens, fence))
        return identity, known.who

    def remember(self, credentials: str, identity: Identity, who: T) -> None:
        """Recall `who` and their identity for these credentials from now on; one without a voucher is not."""
        voucher = identity.voucher
        if voucher is None or identity.seen.fence == UNKNOWN or self._memory.get(voucher.name) is None:
            return
        cost = OVERHEAD_BYTES + len(credentials) + voucher.entry.size
        self._table.put(credentials, _Recalled(voucher, identity, who, voucher.rests_until), cost)
