"""The same in Mina without its cache: nothing is kept (`MINA_CACHE_ENABLED=false`), and writes tell nobody."""

from mina_api.db.session import WriteSession
from mina_api.web import dependencies
from mina_api.web.commit import CoherentCommit


class PlainCommit(CoherentCommit):
    """A COMMIT with nothing before it and nothing after it."""

    async def before_commit(self, session: WriteSession) -> None:
        """Take what is to be invalidated, which who finds it left would invalidate later, and forget it."""
        self._pending.take()

    async def after_commit(self) -> None:
        """Nothing."""


setattr(dependencies, "CoherentCommit", PlainCommit)  # noqa: B010  (where sessions take it from)

from benchmarks.coherence.servers.mina import app  # noqa: E402  (after that)

__all__ = ["app"]
