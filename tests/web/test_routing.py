from collections.abc import Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute

from mina_api.app import create_app
from mina_api.composition.routers import ROUTERS
from mina_api.settings import Settings
from mina_api.web.application import Application
from mina_api.web.request_limits import open_account
from mina_api.web.routing import Router

pytestmark = pytest.mark.usefixtures("_nothing_overridden")


class Taken:
    """A dependency, which somebody may put another in the place of."""

    def __call__(self) -> str:
        return "its own"


taken = Taken()


@pytest.fixture
def _nothing_overridden() -> Iterator[None]:
    yield
    Application().dependency_overrides.clear()


def a_router() -> Router:
    router = Router("/things", tags=["Things"])

    @router.get("/{name}")
    async def get_thing(name: str, told: Annotated[str, Depends(taken)], request: Request) -> dict[str, Any]:
        return {"name": name, "told": told, "route": request.scope["route"].path}

    return router


def an_application(*routers: Router) -> Application:
    app = Application()
    app.state.admission = None
    for each in routers:
        app.take(each)
    return app


async def get(app: Application, path: str) -> Any:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return (await client.get(path)).json()


class TestRouter:
    async def test_is_served_under_its_prefix(self) -> None:
        assert await get(an_application(a_router()), "/things/1") == {
            "name": "1",
            "told": "its own",
            "route": "/things/{name}",
        }

    def test_names_its_operations_by_their_functions(self) -> None:
        paths = an_application(a_router()).openapi()["paths"]

        assert paths["/things/{name}"]["get"]["operationId"] == "get_thing"
        assert paths["/things/{name}"]["get"]["tags"] == ["Things"]

    async def test_has_dependencies_overridden_by_every_application_that_takes_it(self) -> None:
        router = a_router()
        one, other = an_application(router), an_application(router)

        one.dependency_overrides[taken] = lambda: "another's"

        assert [(await get(app, "/things/1"))["told"] for app in (one, other)] == ["another's"] * 2


class TestApplication:
    def test_serves_the_routes_of_all_routers_as_they_were_made(self, settings: Settings) -> None:
        one, other = create_app(settings), create_app(settings)
        made = [route for router in ROUTERS for route in router.routes]

        assert len(made) > 70
        assert [route for route in one.routes if route in made] == made
        assert [route for route in other.routes if route in made] == made

    def test_opens_an_account_for_each_request_to_an_endpoint(self, settings: Settings) -> None:
        """Whatever way an endpoint came into the application, also one that is the application's own."""
        endpoints = [each for each in create_app(settings).routes if isinstance(each, APIRoute)]
        others = [each for each in endpoints if open_account not in [one.dependency for one in each.dependencies]]

        assert others == []

    def test_takes_no_router_that_lacks_what_is_added_to_each_route(self) -> None:
        with pytest.raises(TypeError, match="Router"):
            Application().take(APIRouter())  # type: ignore[arg-type]
