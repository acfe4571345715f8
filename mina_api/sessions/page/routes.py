"""`/live` and its files, from the package: no other host has a part in the page, and nothing of it is inline."""

from importlib.resources import files

from fastapi import Response

from mina_api.web.routing import Router

router = Router(include_in_schema=False)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def _file(name: str, media_type: str) -> Response:
    return Response(files(__package__).joinpath("files", name).read_bytes(), media_type=media_type, headers=HEADERS)


@router.get("/live")
async def get_live_page() -> Response:
    """The page."""
    return _file("live.html", "text/html")


@router.get("/live/live.js")
async def get_live_script() -> Response:
    """Its script."""
    return _file("live.js", "text/javascript")


@router.get("/live/live.css")
async def get_live_style() -> Response:
    """Its style."""
    return _file("live.css", "text/css")


@router.get("/live/live.svg")
async def get_live_icon() -> Response:
    """Its icon."""
    return _file("live.svg", "image/svg+xml")
