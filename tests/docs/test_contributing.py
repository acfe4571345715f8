"""`docs/contributing.md`: its first change is made to an application, and the test that it shows is run."""

from pathlib import Path
from typing import Any

from mina_api.app import create_app
from mina_api.settings import Settings
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.routing import Router
from tests.api import register, running
from tests.docs.pages import BLOCK, Page

PATH = Path(__file__).parents[2] / "docs" / "contributing.md"


class TestTheFirstChange:
    async def test_is_a_cached_endpoint_whose_test_passes(self, settings: Settings) -> None:
        router = Router("/api/analytics", tags=["Analytics"], route_class=IdempotentRoute)
        namespace: dict[str, Any] = {"router": router}

        await Page(PATH).run(namespace)
        app = create_app(settings)
        app.take(router)

        assert "/api/analytics/tags" in app.openapi()["paths"]
        async with running(app), await register(app, "ada@example.com") as ada:
            await namespace["TestTags"]().test_are_of_this_moment(ada)

    def test_takes_ten_lines(self) -> None:
        query, endpoint, _ = BLOCK.findall(PATH.read_text())
        lines = [line for block in (query, endpoint) for line in block.splitlines()]
        code = [line for line in lines if line and not line.startswith(("#", "from ", "import ")) and '"""' not in line]

        assert len(code) == 10
