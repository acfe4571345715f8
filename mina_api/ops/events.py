"""Server-sent events (WHATWG HTML, section 9.2), as an answer of ours has them."""

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

MEDIA_TYPE = "text/event-stream"
EVENT = {
    "type": "object",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}


def event(name: str, data: Any) -> str:
    """One event; `data` as JSON, which has no line ends."""
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def events(stream: AsyncIterator[str]) -> StreamingResponse:
    """An answer of events, which nobody on the way keeps or holds back."""
    return StreamingResponse(
        stream, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def described(description: str, example: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of such an answer: a schema of each event (OpenAPI 3.2, sequential media types)."""
    return {
        200: {
            "description": description,
            "content": {MEDIA_TYPE: {"itemSchema": EVENT, "example": example}},
        }
    }
