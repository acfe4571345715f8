"""For how long which answers are cached, as API.md has it."""

import pytest
from fastapi import FastAPI

from mina_api.app import create_app
from mina_api.cache.fastapi import cached_endpoints
from mina_api.settings import Settings, SettingsError
from tests.api import register, running

TTLS = {
    "api_auth.get_me": (300, "session"),
    "api_meetings.list_meetings": (300, "session"),
    "api_meetings.get_meeting": (600, "session"),
    "api_tasks.list_tasks": (600, "session"),
    "api_tasks.get_task": (600, "session"),
    "api_transcripts.get_transcript": (7200, "transcription"),
    "api_analytics.get_meeting_analytics": (3600, "analytics"),
    "api_analytics.get_overview_analytics": (1800, "analytics"),
    "api_analytics.get_dashboard_analytics": (600, "analytics"),
    "api_analytics.get_engagement_analytics": (1800, "analytics"),
    "api_sessions.get_session": (86400, "session"),
    "api_sessions.list_session_speakers": (None, "speaker"),
    "api_sessions.get_transcription": (7200, "transcription"),
    "api_fingerprints.get_fingerprint": (7200, "transcription"),
    "api_workspaces.list_workspaces": (300, "session"),
    "api_workspaces.list_members": (300, "session"),
}


class TestCachedEndpoints:
    def test_have_their_ttls_and_prefixes(self, settings: Settings) -> None:
        marks = cached_endpoints(create_app(settings))

        assert {name: (mark.ttl, mark.prefix) for name, mark in marks.items()} == TTLS

    async def test_take_the_ttls_of_the_settings(self, settings: Settings) -> None:
        cache = settings.cache.model_copy(update={"endpoint_ttls": {"api_auth.get_me": 7}})
        async with running(create_app(settings.model_copy(update={"cache": cache}))) as app:
            ada = await register(app, "ada@example.com")
            mine, meetings = await ada.get("/api/auth/me"), await ada.get("/api/meetings/")
            await ada.aclose()

        assert mine.headers["cache-status"].endswith("stored; ttl=7")
        assert meetings.headers["cache-status"].endswith("stored; ttl=300")

    def test_that_are_none_are_refused_at_start(self, settings: Settings) -> None:
        cache = settings.cache.model_copy(update={"endpoint_ttls": {"api_auth.no_such": 7}})

        with pytest.raises(SettingsError, match=r"ENDPOINT_TTLS names no cached endpoint: api_auth\.no_such"):
            create_app(settings.model_copy(update={"cache": cache}))


class TestPool:
    async def test_has_fifty_connections(self, app: FastAPI) -> None:
        assert app.state.cache.config.max_connections == 50
