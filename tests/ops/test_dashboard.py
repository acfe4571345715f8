"""The dashboard in a real browser: it signs in, shows a live hit, explains and clears, at three widths."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_core_python.selenium import Axe  # type: ignore[import-untyped]
from fastapi import FastAPI
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.api import OPS_TOKEN, PASSWORD, a_client
from tests.system.serving import Serve, Serving

DEADLINE_SECONDS = 60
PATH = "/api/analytics/dashboard"
ORIGIN = {"Origin": "http://mina.test"}
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium, Debian's."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    started = webdriver.Chrome(options=options, service=service)
    yield started
    started.quit()


def until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := holds()):
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)
    return found


class Page:
    """The page of one server, as its user sees it."""

    def __init__(self, browser: webdriver.Chrome, server: Serving) -> None:
        self.browser = browser
        browser.get(f"{server.url}/ops/dashboard")

    def at(self, selector: str) -> Any:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        return str(self.browser.execute_script("return document.querySelector(arguments[0])?.textContent", selector))

    def tile(self, name: str) -> str:
        return self.text(f"[data-name='{name}'] strong")

    def rows(self) -> int:
        return int(self.browser.execute_script("return document.querySelectorAll('#keys tbody tr').length"))

    def overflows(self) -> bool:
        script = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
        return bool(self.browser.execute_script(script))

    def barriers(self, scheme: str) -> list[str]:
        """What the rules of axe-core (WCAG 2.1 A and AA among them) find wrong in a colour scheme."""
        preferred = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", preferred)
        return [found["id"] for found in Axe().run(self.browser)["violations"]]

    def errors(self) -> list[Any]:
        logged: list[Any] = self.browser.get_log("browser")  # type: ignore[no-untyped-call]
        return [line for line in logged if line["level"] in ("SEVERE", "WARNING")]

    def picture(self, name: str, width: int) -> None:
        """A picture at a width, kept where MINA_SCREENSHOTS says."""
        self.browser.set_window_size(width, 1000)
        until(lambda: self.browser.execute_script("return innerWidth") <= max(width, 500))
        if directory := os.environ.get("MINA_SCREENSHOTS"):
            Path(directory).mkdir(parents=True, exist_ok=True)
            self.browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 2400, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            time.sleep(1.5)
            self.browser.save_screenshot(str(Path(directory) / f"{name}-{width}.png"))
            self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="Chromium and its driver are not installed")
class TestThePage:
    @pytest.mark.timeout(240)
    def test_shows_a_hit_as_it_comes_and_clears(self, serve: Serve, browser: webdriver.Chrome) -> None:
        server = serve(MINA_OPS_TOKEN=OPS_TOKEN)
        ada = server.client()
        ada.get(PATH)
        page = Page(browser, server)
        until(lambda: page.at("#sign-in").is_displayed())

        assert page.barriers("light") == page.barriers("dark") == []
        page.at("#token").send_keys(OPS_TOKEN, Keys.ENTER)
        until(lambda: page.tile("Misses") == "1")
        assert page.tile("Hits") == "0"
        ada.get(PATH)
        until(lambda: page.tile("Hits") == "1")
        until(lambda: "hit " in page.text("#outcomes figcaption p"))
        assert page.browser.execute_script("return document.querySelectorAll('figure canvas').length") == 5
        until(lambda: page.rows() >= 1)
        page.at("#match").send_keys("get_dashboard", Keys.ENTER)
        until(lambda: page.rows() == 1)

        assert page.barriers("light") == page.barriers("dark") == []
        page.at("#keys tbody button").send_keys(Keys.ENTER)
        until(lambda: "it is served for" in page.text("#entry-text"))
        page.at("#entry button").send_keys(Keys.ENTER)
        page.at("#keys tbody button.danger").send_keys(Keys.ENTER)
        until(lambda: page.at("#confirm").is_displayed())
        page.at("#confirm button[value=no]").send_keys(Keys.ENTER)
        assert page.rows() == 1
        page.at("#keys tbody button.danger").send_keys(Keys.ENTER)
        page.at("#confirm-yes").send_keys(Keys.ENTER)
        until(lambda: page.rows() == 0)
        assert "fwd=uri-miss" in ada.get(PATH).headers["cache-status"]

        for width in (360, 820, 1400):
            page.picture("dashboard", width)
            assert not page.overflows(), width
        assert page.errors() == []

    @pytest.mark.timeout(240)
    def test_lets_an_admin_in_by_password_and_out_again(self, serve: Serve, browser: webdriver.Chrome) -> None:
        server = serve(MINA_OPS_TOKEN=OPS_TOKEN)
        server.client("ada@example.com")
        page = Page(browser, server)
        until(lambda: page.at("#sign-in").is_displayed())

        page.at("#email").send_keys("ada@example.com")
        page.at("#password").send_keys(PASSWORD, Keys.ENTER)
        until(lambda: page.tile("Redis") == "up")
        (cookie,) = browser.get_cookies()
        page.at("#sign-out").send_keys(Keys.ENTER)
        until(lambda: page.at("#sign-in").is_displayed())

        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("mina_ops", True, "Strict")
        assert browser.get_cookies() == []
        assert page.errors() == []


class TestASession:
    async def test_is_had_by_the_right_token_or_password_alone(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        async with a_client(app) as browser:
            wrong = [
                await browser.post("/ops/session", json=given)
                for given in ({"token": "wrong"}, {"email": "ada@example.com", "password": "wrong"}, {})
            ]
            nobody = await browser.get("/ops/session")
            right = await browser.post("/ops/session", json={"email": "ada@example.com", "password": PASSWORD})
            stats = await browser.get("/ops/cache/stats")

        assert [each.status_code for each in wrong] == [401, 401, 422]
        assert (nobody.json(), right.status_code, stats.status_code) == ({"signed_in": False}, 204, 200)

    async def test_changes_nothing_for_another_sites_page(self, app: FastAPI) -> None:
        async with a_client(app) as browser:
            await browser.post("/ops/session", json={"token": OPS_TOKEN})
            path = "/ops/cache/prefixes/analytics"
            statuses = [
                (await browser.delete(path, headers=headers)).status_code
                for headers in ({}, {"Origin": "http://evil.test"}, ORIGIN)
            ]

        assert statuses == [403, 403, 200]

    async def test_ends_with_the_sign_in_that_it_is_of(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        async with a_client(app) as browser:
            await browser.post("/ops/session", json={"email": "ada@example.com", "password": PASSWORD})
            claims = app.state.ops_cookies.read(browser.cookies["mina_ops"]).sign_in
            token = app.state.access_tokens.issue(claims)
            async with a_client(app, token) as same_sign_in:
                await same_sign_in.post("/api/auth/logout")

            assert (await browser.get("/ops/cache/stats")).status_code == 401

    async def test_page_allows_nothing_of_other_hosts_and_nothing_inline(self, client: httpx.AsyncClient) -> None:
        page = await client.get("/ops/dashboard")
        policy = page.headers["content-security-policy"]

        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert "style=" not in page.text and "onclick" not in page.text
        for address in (part.split('"')[0] for part in page.text.replace("src=", "href=").split('href="')[1:]):
            assert not urlsplit(address).netloc
            if address.startswith("/"):
                assert (await client.get(address)).status_code == 200, address
