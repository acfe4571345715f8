"""A client that openapi-python-client makes of the published document alone, used against the running server."""

import importlib
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.api import PASSWORD
from tests.system.serving import Serve, Serving

PACKAGE = "mina_client"
# The generator knows bodies of JSON, forms and bytes; a transcript goes in as JSON, then.
UNKNOWN_TO_IT = {"text/vtt", "application/x-subrip", "text/x-rttm", "audio/wav"}


class GeneratedClient:
    """The generated package, imported from where it was made."""

    def __init__(self, url: str) -> None:
        package = importlib.import_module(f"{PACKAGE}.client")
        self.models = importlib.import_module(f"{PACKAGE}.models")
        self._url = url
        self._signed_in = package.AuthenticatedClient
        self.client: Any = package.Client(base_url=url, raise_on_unexpected_status=True)

    def sign_in(self, token: str) -> None:
        """Send `token` from now on."""
        self.close()
        self.client = self._signed_in(base_url=self._url, token=token, raise_on_unexpected_status=True)

    def close(self) -> None:
        """Close its connections."""
        self.client.get_httpx_client().close()

    def call(self, tag: str, operation: str, *arguments: Any, **named: Any) -> Any:
        """What `operation` answers, parsed; its status and headers beside."""
        module: ModuleType = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        return module.sync_detailed(*arguments, client=self.client, **named)


def generate(directory: Path, server: Serving) -> str:
    """Make the package in `directory`; what the generator said."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{server.url}/openapi.json"),
            *("--meta", "none", "--output-path", str(directory / PACKAGE)),
        ],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


class TestAGeneratedClient:
    def test_does_what_the_document_says(self, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        server = serve()
        said = generate(tmp_path, server)
        monkeypatch.syspath_prepend(tmp_path)
        with closing(GeneratedClient(server.url)) as mina:
            use(mina)
        assert {line.split()[-1] for line in said.splitlines() if line.startswith("Unsupported")} == UNKNOWN_TO_IT


def use(mina: GeneratedClient) -> None:
    """A day of a consumer of the API: what they would do, and what goes wrong."""
    models = mina.models

    account = models.Registration(email="ada@example.com", password=PASSWORD, name="Ada")
    assert mina.call("auth", "register", body=account).status_code == 201
    form = models.BodyCreateToken(username="ada@example.com", password=PASSWORD)
    mina.sign_in(mina.call("auth", "create_token", body=form).parsed.access_token)
    assert mina.call("auth", "get_me").parsed.workspace.role == "owner"

    fields = models.MeetingFields(title="Retro", participants=[models.Participant(name="Bob")])
    created = mina.call("meetings", "create_meeting", body=fields, idempotency_key="k-1")
    meeting = created.parsed.id
    assert created.headers["location"] == f"/api/meetings/{meeting}"
    segment = models.ReplaceTranscriptJsonMinaTranscriptSegmentsItem(start=1.0, end=2.5, speaker="Ada", text="Hi?")
    transcript = models.ReplaceTranscriptJsonMinaTranscript(segments=[segment])
    assert mina.call("transcripts", "replace_transcript", meeting, body=transcript).parsed.segments == 1
    assert mina.call("transcripts", "get_transcript", meeting).parsed.segments[0].text == "Hi?"
    renamed = models.SpeakerName(name="Ada Lovelace")
    assert mina.call("transcripts", "rename_speaker", meeting, "Ada", body=renamed).parsed.speakers == 1
    assert mina.call("analytics", "get_meeting_analytics", meeting).parsed.questions == 1
    for name in ("dashboard", "overview", "engagement"):
        assert mina.call("analytics", f"get_{name}_analytics", days=30, tz="Europe/Berlin").parsed.days == 30

    task = mina.call("tasks", "create_task", meeting, body=models.TaskFields(title="Minutes")).parsed
    done = mina.call("tasks", "update_task", meeting, task.id, body=models.TaskChange(done=True)).parsed
    assert (task.done, done.done) == (False, True)
    key = mina.call("auth", "create_api_key", body=models.NewApiKey(name="nightly")).parsed
    assert mina.call("auth", "list_api_keys").parsed.items[0].name == "nightly"
    found = mina.call("meetings", "list_meetings", q="hi", sort=models.ListMeetingsSort("-occurs_at"))
    assert (found.parsed.total, found.headers["cache-status"].split(";")[0]) == (1, "mina")

    live = mina.call("live_sessions", "create_session", body=models.NewSession(meeting_id=meeting)).parsed
    profiles = models.SpeakerProfiles(speakers=[models.SpeakerProfile(label="S1", name="Grace")])
    assert (
        mina.call("live_sessions", "replace_session_speakers", live.id, body=profiles).parsed.speakers[0].label == "S1"
    )
    told = models.TranscriptionOf(transcription="Hi?")
    assert mina.call("live_sessions", "put_fingerprint", live.id, "f1", body=told).parsed.transcription == "Hi?"
    assert mina.call("live_sessions", "create_ticket", live.id).parsed.expires_in == 30
    assert mina.call("live_sessions", "end_session", live.id).parsed.status == "ended"

    fresh = mina.call("meetings", "get_meeting", meeting)
    asked = mina.call("meetings", "get_meeting", meeting, if_none_match=fresh.headers["etag"])
    stale = models.MeetingChange(title="Other")
    refused = mina.call("meetings", "update_meeting", meeting, body=stale, if_match='"m0.0"')
    missing = mina.call("meetings", "delete_meeting", meeting + 1)
    wrong = mina.call("meetings", "list_meetings", page=0)
    assert (asked.status_code, refused.status_code, missing.status_code) == (304, 412, 404)
    assert (missing.parsed.title, wrong.parsed.status) == ("Not Found", 422)
    mina.sign_in(key.key)
    assert mina.call("meetings", "delete_meeting", meeting).status_code == 403
