"""Nothing of one tenant's comes to another, by any operation of the OpenAPI document.

Ada has just had every answer of hers, so that everything that keeps answers has them. Bob, who owns a workspace too,
asks for what is hers, by its names, versions and keys in the cache, and is answered as if it had never been: the same
bytes and headers, by as many queries.
"""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from mina_api.app import create_app
from tests.api import a_settings
from tests.security.tenants.conftest import Build, Town
from tests.security.tenants.contract import Operation, operations
from tests.security.tenants.material import without_material

# Pages without anything of a tenant's, the dashboard's session and figures (tests/ops/test_dashboard.py), the WebSocket
# (test_live.py beside this).
NOT_IN_THE_DOCUMENT = {
    *(
        "/docs",
        "/docs/assets",
        "/docs/oauth2-redirect",
        "/ops/dashboard/assets",
        "/ops/dashboard/charts",
        "/openapi.json",
    ),
    *("/live", "/live/live.css", "/live/live.js", "/live/live.svg"),
    *("/ops/dashboard", "/ops/session", "/ops/stream", "/api/sessions/{session_id}/live"),
}
MODES: dict[str, dict[str, Any]] = {
    "the short way, from memory": {},
    "the short way, by Redis": {"memory_bytes": 0},
    "the long way": {"has_shortcuts": False},
    "cold": {"is_cold": True},
}


@pytest.fixture(scope="module")
def documented() -> list[Operation]:
    """The operations of an application that is not even started."""
    return list(operations(create_app(a_settings("postgresql://nobody@localhost/none", "")).openapi()))


class TestTheDocument:
    def test_has_no_operation_without_material(self, documented: list[Operation]) -> None:
        assert len(documented) >= 62
        assert [lacking for each in documented for lacking in without_material(each)] == []

    def test_with_a_new_parameter_or_field_fails_until_somebody_says_what_it_names(
        self, documented: list[Operation]
    ) -> None:
        operation = next(each for each in documented if each.name == "update_meeting")
        new = replace(operation, query_names=("owner_id",), fields=(*operation.fields, "folder_id"))

        assert without_material(new) == ["update_meeting: query owner_id", "update_meeting: body folder_id"]

    def test_has_every_address_but_pages_aliases_and_the_dashboards_own(self) -> None:
        app = create_app(a_settings("postgresql://nobody@localhost/none", ""))
        told = {path.rstrip("/") for path in app.openapi()["paths"]}
        addresses = {str(each.path).replace(":path}", "}").rstrip("/") for each in iter_route_contexts(app.routes)}
        others = addresses - told

        assert others == NOT_IN_THE_DOCUMENT


class TestBob:
    @pytest.mark.parametrize("mode", MODES)
    async def test_gets_nothing_of_adas(self, build: Build, mode: str) -> None:
        options = dict(MODES[mode])
        is_cold = bool(options.pop("is_cold", False))
        async with build(**options) as town:
            walk = await town.walk(is_cold=is_cold)

        assert walk.leaks == []
        assert walk.requests > 400
        assert any(":md5:" in key for key in town.ada.values["key"])

    async def test_executes_adas_posts_as_his_own_by_her_very_keys_and_bodies(self, town: Town) -> None:
        assert await town.repeat_adas_posts() == []
        assert {each.name for each in town.operations if "idempotency-key" in each.header_names} == set(town.repeated)
