"""The dependency of POSTs that may be repeated: the key belongs to the user who sends it, in their workspace."""

from typing import Annotated

from fastapi import Depends, Header, Request

from mina_api.auth.dependencies import Viewer
from mina_api.web.dependencies import UnitOfWork
from mina_api.web.idempotency import claim


async def _claim_key(
    request: Request,
    viewer: Viewer,
    session: UnitOfWork,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[\x21-\x7e]{1,255}$",
            description="the same key and body within 24 hours give the same answer, executed once",
            examples=["a1b2"],
        ),
    ] = None,
) -> None:
    if idempotency_key is not None:
        request.state.idempotency_claim = await claim(session, viewer.id, viewer.workspace_id, idempotency_key, request)


Repeatable = Annotated[None, Depends(_claim_key)]
