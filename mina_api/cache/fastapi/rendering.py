"""The final bytes of an endpoint's answer, after `response_model`, as FastAPI itself would send them."""

from typing import Any

from fastapi import Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import serialize_response
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse

from mina_api.cache.fastapi.responding import Answer, Header

RENDERING = ("include", "exclude", "by_alias", "exclude_unset", "exclude_defaults", "exclude_none")
JSON_TYPE: Header = (b"content-type", b"application/json")


def rendering_of(route: Any) -> dict[str, Any]:
    """What a route says of how its response model is rendered, as arguments of FastAPI's own."""
    return {name: getattr(route, f"response_model_{name}") for name in RENDERING}


class JsonBytes(Response):
    """JSON that is rendered already."""

    media_type = "application/json"


class Stored(Response):
    """An answer as it is, with exactly its headers."""

    def __init__(self, answer: Answer, background: BackgroundTask | None) -> None:
        # Starlette's own would make headers, which are thrown away.
        self.status_code = answer.status
        self.body = answer.body
        self.raw_headers = answer.headers
        self.background = background


class Renderer:
    """Renders what one route's endpoint returns."""

    def __init__(self, route: Any) -> None:
        self._route = route
        chosen = route.response_class
        self._is_default = isinstance(chosen, DefaultPlaceholder)
        self._response_class: type[Response] = chosen.value if self._is_default else chosen
        self._as_bytes = route.response_field is not None and self._is_default
        self._options = {
            "field": route.response_field,
            "dump_json": self._as_bytes,
            **rendering_of(route),
        }

    async def render(self, returned: Any, injected: Response, own_headers: list[Header]) -> Response | bytes:
        """`returned` as a response; `own_headers` are those that the endpoint set on the `injected` one.

        It is the body alone where that is all there is to say: JSON, status 200, no headers of its own.
        """
        if isinstance(returned, Response):
            return returned
        content = await serialize_response(response_content=returned, **self._options)
        status = injected.status_code or self._route.status_code or 200
        if self._as_bytes:
            if status == 200 and not own_headers:
                return bytes(content)
            response: Response = JsonBytes(content, status)
        else:
            response = self._response_class(content, status)
        response.raw_headers.extend(own_headers)
        return response


def is_whole(response: Response) -> bool:
    """Whether the body is there as bytes, so that it can be kept and given to several."""
    return not isinstance(response, StreamingResponse) and isinstance(getattr(response, "body", None), bytes)
