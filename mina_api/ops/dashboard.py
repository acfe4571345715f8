"""`/ops/dashboard`: a page with live charts, its sign-in, and the events that it is fed by; nothing of another host."""

import asyncio
import time
from collections.abc import AsyncIterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from mina_api.auth import service
from mina_api.auth.dependencies import get_access_tokens, get_issuer, get_passwords, get_sign_in_throttle, get_viewer
from mina_api.auth.passwords import Passwords
from mina_api.auth.service import Issuer
from mina_api.auth.throttling import Attempt, SignInThrottle
from mina_api.auth.tokens import AccessTokens
from mina_api.cache.fastapi import Cache
from mina_api.cache.tier import TierUnavailable
from mina_api.errors import InvalidInput, Unauthenticated
from mina_api.ops.access import OperatorOf, OpsToken, get_cookies, get_ops_token, operator_of
from mina_api.ops.cookies import COOKIE, Cookies, Session
from mina_api.ops.dependencies import OperationsOf
from mina_api.ops.events import event, events
from mina_api.ops.noting import Invalidations
from mina_api.ops.operations import Operations
from mina_api.web.clock import Now
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.routing import Router

router = Router(prefix="/ops", include_in_schema=False)

PAGE = Path(__file__).parent / "page"
ASSETS = "/ops/dashboard/assets"
CHARTS = "/ops/dashboard/charts"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
EVERY_SECONDS = 1.0
# A stream ends then, and the page asks anew: so who lost the right to it loses it soon, and no worker waits to end.
STREAM_SECONDS = 60.0
RETRY_MILLISECONDS = 500


class Credentials(BaseModel):
    """The ops token, or an admin's e-mail address and password."""

    token: str | None = Field(None, max_length=500)
    email: str | None = Field(None, max_length=254)
    password: str | None = Field(None, max_length=1000)


def install(app: FastAPI) -> None:
    """Serve the page's own files, and uPlot's, as its package has them."""
    app.mount(ASSETS, StaticFiles(directory=PAGE / "assets"), name="dashboard assets")
    app.mount(CHARTS, StaticFiles(directory=_charts()), name="dashboard charts")


def _charts() -> Path:
    package = distribution("metaflow-card-uplot")
    script = next(file for file in package.files or [] if file.name == "uPlot.iife.min.js")
    return Path(str(package.locate_file(script))).parent


@router.get("/dashboard")
async def get_dashboard_page() -> FileResponse:
    """The page: it holds no figures, and asks for a sign-in where there is none."""
    return FileResponse(PAGE / "dashboard.html", media_type="text/html; charset=utf-8", headers=SECURITY)


@router.post("/session", status_code=204)
async def open_session(
    request: Request,
    response: Response,
    given: Credentials,
    ops_token: Annotated[OpsToken, Depends(get_ops_token)],
    cookies: Annotated[Cookies, Depends(get_cookies)],
    tokens: Annotated[AccessTokens, Depends(get_access_tokens)],
    passwords: Annotated[Passwords, Depends(get_passwords)],
    throttle: Annotated[SignInThrottle, Depends(get_sign_in_throttle)],
    issuer: Annotated[Issuer, Depends(get_issuer)],
    cache: Cache,
    reads: Reads,
    session: UnitOfWork,
    now: Now,
) -> None:
    """Signs in by the ops token, or by an admin's password: a cookie that no script reads."""
    address = request.client.host if request.client else ""
    secure = request.url.scheme == "https"
    if given.token is not None:
        attempt = Attempt("ops token", address)
        await throttle.begin(attempt)
        if not ops_token.is_given(given.token):
            await throttle.fail(attempt)
            raise Unauthenticated("This is not the ops token.")
        await throttle.succeed(attempt)
        cookies.give(response, Session(None), secure=secure)
        return
    if given.email is None or given.password is None:
        raise InvalidInput("Send the ops token, or an e-mail address and a password.")
    user_id = await service.check_password(reads, passwords, throttle, Attempt(given.email, address), given.password)
    pair = await issuer.sign_in(session, user_id, now())
    await session.commit()
    operator_of(await get_viewer(request, pair.access_token, None, tokens, cache, reads))
    cookies.give(response, Session(tokens.verify(pair.access_token)), secure=secure)


@router.get("/session")
async def get_session(request: Request, cookies: Annotated[Cookies, Depends(get_cookies)]) -> dict[str, bool]:
    """Whether one is signed in: a page that asks for what it may not have would log an error."""
    cookie = request.cookies.get(COOKIE)
    return {"signed_in": cookie is not None and cookies.read(cookie) is not None}


@router.delete("/session", status_code=204)
async def close_session(response: Response) -> None:
    """Signs out: the browser forgets the cookie."""
    response.delete_cookie(COOKIE, path="/ops", httponly=True, samesite="strict")


@router.get("/stream")
async def get_stream(operator: OperatorOf, operations: OperationsOf) -> StreamingResponse:
    """What the page shows, each second, for a minute."""
    return events(_stream(operations, is_everything=operator.scope is None))


async def _stream(operations: Operations, *, is_everything: bool) -> AsyncIterator[str]:
    until = time.monotonic() + STREAM_SECONDS
    yield f"retry: {RETRY_MILLISECONDS}\n\n"
    while time.monotonic() < until:
        yield event("figures", await _figures(operations, is_everything=is_everything))
        await asyncio.sleep(EVERY_SECONDS)


async def _figures(operations: Operations, *, is_everything: bool) -> dict[str, Any]:
    """The figures of one moment; who invalidated what names people, and is for the ops token alone."""
    stats, alerts = await operations.stats(), await operations.watch.alerts()
    figures: dict[str, Any] = {
        "at": time.time(),
        "stats": stats.model_dump(mode="json"),
        "alerts": alerts.model_dump(mode="json")["alerts"],
        "redis": {"available": operations.cache.is_available, "used_bytes": None, "maximum_bytes": None},
        "workers": [operations.teller.worker().model_dump()],
        "invalidations": [],
    }
    try:
        memory = await operations.cache.server_memory()
        figures["redis"] |= {"used_bytes": memory.used_bytes, "maximum_bytes": memory.maximum_bytes}
        if operations.ledger is not None:
            told = await operations.teller.read()
            figures["workers"] = [worker.model_dump() for worker in told.workers.values()]
            if is_everything:
                figures["invalidations"] = await Invalidations.recent(operations.ledger)
    except TierUnavailable:
        pass
    return figures
