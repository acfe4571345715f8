"""FastAPI with the user as a dependency, constant bytes."""

from fastapi import Response

from benchmarks.speed.servers.fastapi_app import User, an_app
from benchmarks.speed.servers.page import JSON_TYPE, body_of

app = an_app()


@app.get("/page")
async def get_page(user: User, page: int = 1) -> Response:
    """The bytes of a page."""
    return Response(body_of(page), media_type=JSON_TYPE)
