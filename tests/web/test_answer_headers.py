import base64
import hashlib
import re

import httpx
import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import HttpSettings, Settings
from tests.api import a_client, register, running

ORIGIN = "https://app.example.com"
MEETING = "/api/meetings/"


def with_http(settings: Settings, **given: object) -> Settings:
    """The settings, with those of HTTP."""
    return settings.model_copy(update={"http": settings.http.model_copy(update=given)})


class TestSecurityHeaders:
    @pytest.mark.parametrize(
        "path", ["/api/auth/me", "/nowhere", "/ops/health", "/openapi.json", "/docs", "/live", "/ops/dashboard"]
    )
    async def test_are_on_every_answer(self, ada: httpx.AsyncClient, path: str) -> None:
        answer = await ada.get(path)

        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers

    async def test_are_on_an_answer_to_an_unexpected_failure(self, app: FastAPI) -> None:
        async def fail() -> None:
            raise RuntimeError("planted")

        app.add_api_route("/fails", fail)
        async with a_client(app) as anyone:
            answer = await anyone.get("/fails")

        assert answer.status_code == 500
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert len(answer.headers.get_list("content-security-policy")) == 1

    async def test_are_the_same_on_both_paths(self, app: FastAPI, ada: httpx.AsyncClient) -> None:
        before = app.state.shortcuts.answered
        # The client compares each answer of the fast path with the slow one's.
        answers = [await ada.get(MEETING) for _ in range(4)]

        assert app.state.shortcuts.answered > before
        assert answers[-1].headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert len(answers[-1].headers.get_list("x-content-type-options")) == 1

    async def test_let_the_docs_page_run_its_own_script_alone(self, client: httpx.AsyncClient) -> None:
        for path in ("/docs", "/docs/oauth2-redirect"):
            answer = await client.get(path)
            policy = answer.headers["content-security-policy"]
            scripts = [s for s in re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL) if s]

            assert scripts
            for script in scripts:
                digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
                assert f"'sha256-{digest}'" in policy
            assert "script-src 'self' 'sha256-" in policy

    async def test_ask_for_https_alone_only_where_that_is_set(self, settings: Settings, clock: FakeClock) -> None:
        async with running(create_app(with_http(settings, hsts_seconds=600), clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            async with ada:
                answers = [await ada.get(MEETING) for _ in range(3)]

        assert {each.headers["strict-transport-security"] for each in answers} == {"max-age=600; includeSubDomains"}


class TestOtherOrigins:
    async def test_may_read_nothing_by_default(self, ada: httpx.AsyncClient) -> None:
        answer = await ada.get(MEETING, headers={"Origin": ORIGIN})
        preflight = await ada.options(MEETING, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"})

        assert not any(name.startswith("access-control-") for name in (*answer.headers, *preflight.headers))

    async def test_that_are_named_read_answers_and_what_a_client_needs_of_them(
        self, settings: Settings, clock: FakeClock
    ) -> None:
        async with running(create_app(with_http(settings, cors_origins=(ORIGIN,)), clock=clock)) as app:
            ada = await register(app, "ada@example.com")
            async with ada:
                answers = [await ada.get(MEETING, headers={"Origin": ORIGIN}) for _ in range(3)]
                other = await ada.get(MEETING, headers={"Origin": "https://evil.example.com"})
                asked = {
                    "Access-Control-Request-Method": "PATCH",
                    "Access-Control-Request-Headers": "authorization,if-match",
                }
                preflight = await ada.options(MEETING, headers={"Origin": ORIGIN, **asked})
                refused = await a_client(app).get(MEETING, headers={"Origin": ORIGIN})

        for answer in (*answers, refused):
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert "access-control-allow-credentials" not in answer.headers
            exposed = set(answer.headers["access-control-expose-headers"].split(", "))
            assert {"ETag", "Cache-Status", "Age", "Location", "Retry-After", "RateLimit", "X-Request-ID"} <= exposed
        assert refused.status_code == 401
        assert "access-control-allow-origin" not in other.headers
        assert preflight.status_code == 200
        assert "PATCH" in preflight.headers["access-control-allow-methods"]

    def test_are_origins(self) -> None:
        assert HttpSettings(cors_origins=f"{ORIGIN}, http://127.0.0.1:3000").cors_origins == (
            ORIGIN,
            "http://127.0.0.1:3000",
        )
        for wrong in ("*", "app.example.com", f"{ORIGIN}/", "https://*.example.com"):
            with pytest.raises(ValueError, match="must be origins"):
                HttpSettings(cors_origins=wrong)
