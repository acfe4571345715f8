"""The walk finds what it looks for: where a protection is taken away, it says so."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mina_api.auth import idempotency
from mina_api.auth import routes as auth
from mina_api.cache import keys, marks
from mina_api.cache.fastapi import plan, shortcuts
from mina_api.cache.reading import Alike
from mina_api.errors import Forbidden, NotFound
from mina_api.meetings import queries, service
from mina_api.meetings.models import Meeting
from mina_api.sessions import queries as sessions_queries
from mina_api.sessions.models import LiveSession
from mina_api.web import idempotency as web_idempotency
from mina_api.web.application import Application
from tests.security.tenants.conftest import Build


@pytest.fixture(autouse=True)
def _routes_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """For each application, from what the test has taken away; they are made once for a process otherwise."""
    monkeypatch.setattr(Application, "take", Application.include_router)


async def leaks(build: Build, *names: str, **options: Any) -> str:
    """What a walk through these operations finds, as one text."""
    async with build(**options) as town:
        return "\n".join((await town.walk(*names)).leaks)


class TestTheWalkFinds:
    async def test_a_key_that_has_lost_its_user(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = keys.endpoint_key
        monkeypatch.setattr(plan, "endpoint_key", lambda **parts: whole(**{**parts, "user_id": "everybody"}))

        # The tags are of the user still, and an entry under other tags is none of this question's.
        assert await leaks(build, "get_me") == ""

    async def test_a_key_and_tags_that_have_lost_their_user(
        self, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = keys.endpoint_key
        monkeypatch.setattr(plan, "endpoint_key", lambda **parts: whole(**{**parts, "user_id": "everybody"}))
        monkeypatch.setattr(plan, "user_tag", lambda _: "user:everybody")
        monkeypatch.setattr(plan, "scope_tag", lambda _, prefix: f"everywhere:{prefix}")

        found = await leaks(build, "get_me", has_shortcuts=False)

        assert "get_me: GET /api/auth/me [] shows" in found and "'quillwort'" in found

    async def test_a_route_that_is_marked_as_shared(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        marked = getattr(auth.get_me, marks.CACHED)
        monkeypatch.setattr(auth.get_me, marks.CACHED, replace(marked, shared=True, vary_on_user=False))

        found = await leaks(build, "get_me", has_shortcuts=False)

        assert "get_me: GET /api/auth/me [] shows" in found and "'quillwort'" in found

    async def test_a_shared_load_that_has_lost_its_scope(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plan, "Alike", lambda _, own_tag: Alike("everybody's", own_tag))

        # It is held against the tokens of the scope's own tag still.
        assert await leaks(build, "get_overview_analytics") == ""

    async def test_a_shared_load_and_tags_that_have_lost_their_scope(
        self, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(plan, "Alike", lambda _, own_tag: Alike("everybody's", own_tag))
        monkeypatch.setattr(plan, "scope_tag", lambda _, prefix: f"everywhere:{prefix}")

        found = await leaks(build, "get_overview_analytics", has_shortcuts=False)

        assert "get_overview_analytics: GET /api/analytics/overview" in found

    async def test_a_shortcut_that_has_lost_its_authorization(
        self, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = shortcuts.Shortcuts.find
        adas: list[bytes] = []

        def find(self: shortcuts.Shortcuts, target: bytes, fields: shortcuts.Fields) -> Any:
            own = fields.get(b"authorization", b"")
            if not adas and len(self) and own:
                adas.append(own)
            return whole(self, target, {**fields, b"authorization": adas[0] if adas else own})

        monkeypatch.setattr(shortcuts.Shortcuts, "find", find)

        with pytest.raises(AssertionError, match="/api/auth/me"):
            await leaks(build, "get_me")

    async def test_a_query_that_has_lost_its_workspace(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        async def find_meeting(session: Any, _: int, meeting_id: int) -> Any:
            return await session.get(Meeting, meeting_id)

        monkeypatch.setattr(queries, "find_meeting", find_meeting)

        found = await leaks(build, "get_meeting", "get_transcript")

        assert "get_meeting: GET /api/meetings/704000001 [] shows" in found
        assert "get_transcript: GET /api/meetings/704000001/transcript [] shows" in found

    async def test_a_refusal_that_tells_that_there_is_something(
        self, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = service.get_meeting

        async def get_meeting(session: Any, workspace_id: int, meeting_id: int) -> Any:
            try:
                return await whole(session, workspace_id, meeting_id)
            except NotFound:
                if await session.get(Meeting, meeting_id) is not None:
                    raise Forbidden("This meeting is another workspace's.") from None
                raise

        monkeypatch.setattr(service, "get_meeting", get_meeting)

        assert "is told from what never was" in await leaks(build, "get_meeting")

    async def test_one_query_more_for_what_there_is(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        async def find_session(session: Any, workspace_id: int, session_id: int) -> Any:
            found = await session.get(LiveSession, session_id)
            if found is not None:
                await session.refresh(found)
            return found if found is not None and found.workspace_id == workspace_id else None

        monkeypatch.setattr(sessions_queries, "find_session", find_session)

        assert "queries" in await leaks(build, "get_session")

    async def test_an_idempotency_key_that_is_everybodys(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        whole: Callable[..., Awaitable[Any]] = web_idempotency.claim

        async def claim(session: Any, user_id: int, workspace_id: int, key: str, request: Any) -> Any:
            return await whole(session, 707000001, 0, key, request)

        monkeypatch.setattr(idempotency, "claim", claim)

        async with build() as town:
            assert await town.repeat_adas_posts() != []
