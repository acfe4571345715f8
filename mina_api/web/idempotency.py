"""`Idempotency-Key`: a POST that is repeated is executed once (draft-ietf-httpapi-idempotency-key-header-07).

The key is claimed in the transaction of the write itself, and the answer is kept in it too: after a crash there
are both or neither. A repeat that comes meanwhile waits on the claim, then gets the answer that was kept.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from sqlalchemy import BigInteger, ForeignKey, LargeBinary, SmallInteger, Text, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.cache.fastapi import CachedRoute
from mina_api.db.base import Base, CreatedAt
from mina_api.db.session import WriteSession
from mina_api.errors import InvalidInput

KEPT = text("interval '24 hours'")
KEPT_HEADERS = ("content-type", "location", "etag")

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotencyRow(Base):
    """A key that one user sent, what it was sent with, and, once executed, the answer."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class Replayed(Exception):
    """The request was executed before: `response` is what it was answered."""

    def __init__(self, response: Response) -> None:
        super().__init__("executed before")
        self.response = response


class Claim:
    """A key that this request's transaction holds; `keep` stores the answer beside it."""

    def __init__(self, session: WriteSession, user_id: int, key: str) -> None:
        self._session = session
        self._mine = (IdempotencyRow.user_id == user_id, IdempotencyRow.key == key)

    async def keep(self, response: Response) -> None:
        """Store a successful answer in the transaction."""
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        kept = update(IdempotencyRow).where(*self._mine)
        await self._session.execute(
            kept.values(status=response.status_code, headers=headers, body=bytes(response.body))
        )


async def claim(session: WriteSession, user_id: int, workspace_id: int, key: str, request: Request) -> Claim:
    """Take `key` for this request of a user who acts in a workspace: in another one it is another request.

    Raises Replayed where the same request was executed before, InvalidInput for a key
    that came with another request.
    """
    digest = hashlib.sha256(
        b"\0".join((request.method.encode(), b"%d" % workspace_id, request.url.path.encode(), await request.body()))
    ).digest()
    expired = IdempotencyRow.created_at < func.now() - KEPT
    await session.execute(delete(IdempotencyRow).where(IdempotencyRow.user_id == user_id, expired))
    taken = insert(IdempotencyRow).values(user_id=user_id, key=key, digest=digest)
    if (await session.execute(taken.on_conflict_do_nothing().returning(IdempotencyRow.key))).first() is not None:
        return Claim(session, user_id, key)
    mine = select(IdempotencyRow).where(IdempotencyRow.user_id == user_id, IdempotencyRow.key == key)
    row = (await session.execute(mine)).scalar_one()
    if row.digest != digest:
        raise InvalidInput("This Idempotency-Key was sent with another request.")
    raise Replayed(Response(row.body, row.status or 200, {**(row.headers or {}), "Idempotency-Replayed": "true"}))


class IdempotentRoute(CachedRoute):
    """A CachedRoute whose POSTs keep their answer with the claim that a dependency has put on the request."""

    def around(self, handler: Handler) -> Handler:
        """`handler`, whose answer is stored before the function-scoped unit of work commits."""
        if "POST" not in (self.methods or ()):
            return handler

        async def handle(request: Request) -> Response:
            try:
                response = await handler(request)
            except Replayed as replayed:
                return replayed.response
            claimed: Claim | None = getattr(request.state, "idempotency_claim", None)
            if claimed is not None and response.status_code < 300:
                await claimed.keep(response)
            return response

        return handle
