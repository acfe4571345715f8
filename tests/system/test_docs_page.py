"""The docs page in a browser, under its own Content-Security-Policy."""

from pathlib import Path

from tests.browser import chromium
from tests.system.serving import Serve


class TestDocsPage:
    async def test_draws_every_operation_and_complains_of_nothing(self, serve: Serve, tmp_path: Path) -> None:
        server = serve()

        async with chromium(tmp_path) as page:
            await page.open(f"{server.url}/docs")
            await page.until("document.querySelectorAll('.opblock').length > 30")
            await page.evaluate("document.querySelector('.opblock-summary-control').click()")
            await page.until("document.querySelector('.opblock.is-open .opblock-body') !== null")

        assert page.complaints == []
