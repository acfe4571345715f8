"""What a part of the application offers over HTTP, which the application takes as it stands."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from mina_api.web.request_limits import open_account


class Overrides:
    """FastAPI's `dependency_overrides` of every Application in this process: its routes are the same in all of them."""

    dependency_overrides: ClassVar[dict[Callable[..., Any], Callable[..., Any]]] = {}


def _operation_id(route: APIRoute) -> str:
    return route.name


# What the application adds to every route, of its own and of routers.
OF_EVERY_ROUTE: Mapping[str, Any] = {
    "dependencies": (Depends(open_account),),
    "generate_unique_id_function": _operation_id,
}


class Router(APIRouter):
    """An APIRouter whose routes have all that the application adds to them.

    So they need not be included, for which FastAPI would make each of them a second time, and ask every router in
    turn at each request. Options are those of APIRouter.
    """

    def __init__(self, prefix: str = "", **options: Any) -> None:
        super().__init__(
            prefix=prefix,
            dependency_overrides_provider=Overrides,
            **OF_EVERY_ROUTE,
            **options,
        )
