"""The floor: ASGI itself, sending constant bytes to anybody."""

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.speed.servers.page import JSON_TYPE, KEYS, body_of

ANSWERS: dict[bytes, tuple[dict[str, Any], dict[str, Any]]] = {
    b"page=%d" % number: (
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", JSON_TYPE.encode()),
                (b"content-length", b"%d" % len(body_of(number))),
            ],
        },
        {"type": "http.response.body", "body": body_of(number)},
    )
    for number in range(1, KEYS + 1)
}


async def app(scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Any]) -> None:
    """Serve one connection (ASGI 3)."""
    if scope["type"] != "http":
        return
    start, body = ANSWERS[scope["query_string"]]
    await send(start)
    await send(body)
