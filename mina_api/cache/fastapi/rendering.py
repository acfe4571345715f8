"""The final bytes of an endpoint's answer, after `response_model`, as FastAPI itself would send them."""

from typing import Any

from fastapi import Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import serialize_response
from starlette.responses import StreamingResponse

from mina_api.cache.fastapi.responding import Header


class Renderer:
    """Renders what one route's endpoint returns."""

    def __init__(self, route: Any) -> None:
        self._route = route
        chosen = route.response_class
        self._is_default = isinstance(chosen, DefaultPlaceholder)
        self._response_class: type[Response] = chosen.value if self._is_default else chosen

    async def render(self, returned: Any, injected: Response, own_headers: list[Header]) -> Response:
        """`returned` as a response; `own_headers` are those that the endpoint set on the `injected` one."""
        if isinstance(returned, Response):
            return returned
        route = self._route
        as_bytes = route.response_field is not None and self._is_default
        content = await serialize_response(
            field=route.response_field,
            response_content=returned,
            include=route.response_model_include,
            exclude=route.response_model_exclude,
            by_alias=route.response_model_by_alias,
            exclude_unset=route.response_model_exclude_unset,
            exclude_defaults=route.response_model_exclude_defaults,
            exclude_none=route.response_model_exclude_none,
            dump_json=as_bytes,
        )
        status = injected.status_code or route.status_code or 200
        if as_bytes:
            response = Response(content, status, media_type="application/json")
        else:
            response = self._response_class(content, status)
        response.raw_headers.extend(own_headers)
        return response


def is_whole(response: Response) -> bool:
    """Whether the body is there as bytes, so that it can be kept and given to several."""
    return not isinstance(response, StreamingResponse) and isinstance(getattr(response, "body", None), bytes)
