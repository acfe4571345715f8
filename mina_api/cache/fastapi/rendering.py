"""The final bytes of an endpoint's answer, after `response_model`, as FastAPI itself would send them."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import serialize_response
from pydantic import TypeAdapter, ValidationError
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
        rendering = rendering_of(route)
        self._options = {"field": route.response_field, "dump_json": self._as_bytes, **rendering}
        if self._as_bytes:
            # The two steps of FastAPI's own, without what is around them: a fiftieth of a miss.
            adapter: TypeAdapter[Any] = route.response_field._type_adapter
            to_json: Any = adapter.serializer.to_json
            self._validated = partial(adapter.validator.validate_python, from_attributes=True)
            self._to_json: Callable[[Any], bytes] = partial(to_json, **rendering)

    async def render(self, returned: Any, injected: Response, own_headers: list[Header]) -> Response | bytes:
        """`returned` as a response; `own_headers` are those that the endpoint set on the `injected` one.

        It is the body alone where that is all there is to say: JSON, status 200, no headers of its own.
        """
        if isinstance(returned, Response):
            return returned
        content = self._bytes(returned) if self._as_bytes else None
        if content is None:
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

    def _bytes(self, returned: Any) -> bytes | None:
        """`returned` by the response model; None for what does not fit it, of which FastAPI says what is wrong."""
        try:
            value = self._validated(returned)
        except ValidationError:
            return None
        return self._to_json(value)


def is_whole(response: Response) -> bool:
    """Whether the body is there as bytes, so that it can be kept and given to several."""
    return not isinstance(response, StreamingResponse) and isinstance(getattr(response, "body", None), bytes)
