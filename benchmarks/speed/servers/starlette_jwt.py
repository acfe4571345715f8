"""Starlette, the token verified, constant bytes: what routing and authentication cost alone."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.speed.servers.page import JSON_TYPE, Unauthorized, body_of, verified_user


async def page(request: Request) -> Response:
    """The bytes of a page."""
    try:
        verified_user(request.headers.get("authorization"))
    except Unauthorized:
        return Response(status_code=401)
    return Response(body_of(int(request.query_params["page"])), media_type=JSON_TYPE)


app = Starlette(routes=[Route("/page", page)])
