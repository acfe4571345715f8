"""Warming: what was asked for most is asked again by the application itself, in the names of those who had asked."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from mina_api.auth.queries import find_newest_sign_in
from mina_api.auth.tokens import AccessTokens, Claims
from mina_api.background import Background
from mina_api.cache.fastapi import RecordedRequest, Repeater
from mina_api.cache.fastapi.warming import Application
from mina_api.cache.service import CacheService
from mina_api.cache.tier import TierUnavailable
from mina_api.cache.warming import WarmProgress, warm
from mina_api.db.session import Database
from mina_api.errors import Unavailable
from mina_api.logs import get_logger
from mina_api.ops.access import Operator
from mina_api.ops.events import event

logger = get_logger(__name__)

ON_START_LIMIT = 200
CONCURRENCY = 4


class Warmer:
    """Asks again for what was recorded. The token that lets a request in is made here, and leaves the process never."""

    def __init__(self, application: Application, cache: CacheService, database: Database, tokens: AccessTokens) -> None:
        self._cache = cache
        self._database = database
        self._tokens = tokens
        self._repeater = Repeater(application, self._headers_of)
        self._work = Background("warming")

    def start(self) -> None:
        """Warm in the background, as after a deployment."""
        self._work.start(self._on_start())

    async def close(self) -> None:
        """End what runs."""
        await self._work.close()

    async def recipes(self, operator: Operator, limit: int) -> list[str]:
        """What is to be asked for, the most used first: of the operator's workspace, or all. Raises Unavailable."""
        try:
            most = await self._cache.most_used(limit if operator.scope is None else 1000)
        except TierUnavailable:
            raise Unavailable("Redis, which knows what is used most, cannot answer now.") from None
        if operator.scope is not None:
            most = [recipe for recipe in most if _is_of(recipe, operator.scope)]
        return most[:limit]

    async def progress(self, recipes: Sequence[str], concurrency: int) -> AsyncIterator[str]:
        """Ask for each, and tell how far it is by events: `progress` after each answer, `done` at the end."""
        told: asyncio.Queue[WarmProgress | None] = asyncio.Queue()

        async def work() -> None:
            try:
                await self._warm(recipes, concurrency, told.put_nowait)
            finally:
                told.put_nowait(None)

        task = asyncio.create_task(work(), name="warming on demand")
        try:
            last = WarmProgress(len(recipes))
            while (progress := await told.get()) is not None:
                last = progress
                yield event("progress", _said(progress))
            await task
            yield event("done", _said(last))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _warm(
        self, recipes: Sequence[str], concurrency: int, on_progress: Callable[[WarmProgress], None]
    ) -> WarmProgress:
        return await warm(recipes, self._repeater, concurrency=concurrency, on_progress=on_progress)

    async def _on_start(self) -> None:
        try:
            recipes = await self._cache.most_used(ON_START_LIMIT)
            done = await self._warm(recipes, CONCURRENCY, lambda _: None)
        except TierUnavailable:
            logger.warning("not warmed: Redis, which knows what is used most, cannot be reached")
        except Exception:
            logger.exception("warming failed")
        else:
            logger.info("warmed", answered=done.answered, failed=done.failed)

    async def _headers_of(self, recorded: RecordedRequest) -> Mapping[str, str] | None:
        """What lets the recorded request in: nothing where nobody had to sign in, None where nobody can be let in."""
        if recorded.user_id is None:
            return {}
        if recorded.audience is not None:
            # What a key may see is kept apart, and of a key only a digest is known.
            return None
        user_id = int(recorded.user_id)
        async with self._database.read() as session:
            sign_in_id = await find_newest_sign_in(session, user_id)
        if sign_in_id is None:
            return None
        return {"Authorization": f"Bearer {self._tokens.issue(Claims(user_id, sign_in_id))}"}


def _is_of(recipe: str, scope: str) -> bool:
    """Whether a recipe is of a workspace; one that nobody of ours has written is of none."""
    try:
        return RecordedRequest.read(recipe).scope == scope
    except ValueError:
        return False


def _said(progress: WarmProgress) -> dict[str, int]:
    return {"total": progress.total, "answered": progress.answered, "failed": progress.failed}
