"""The whole product as its newcomer starts it."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mina_api.dev.ports import free_port
from tests import ami
from tests.dev.test_servers import processes_of, wait_until_gone
from tests.system.running import Running, running


@pytest.fixture(scope="module")
def mina(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A `mina dev`, shared by the tests here that do not end it."""
    with running(tmp_path_factory.mktemp("dev"), free_port()) as started:
        yield started


@pytest.fixture
def client(mina: Running) -> Iterator[httpx.Client]:
    """A client with the token that was printed."""
    with httpx.Client(base_url=mina.wait(), headers={"Authorization": f"Bearer {mina.token}"}, timeout=30) as opened:
        yield opened


def outcome(answer: httpx.Response) -> str:
    """How the cache answered: `hit`, `fwd=uri-miss` …"""
    assert answer.status_code == 200, answer.text
    return answer.headers["cache-status"].split(";")[1].strip()


class TestDev:
    def test_prints_what_a_newcomer_needs_and_writes_it_down(self, mina: Running, client: httpx.Client) -> None:
        address = str(client.base_url).rstrip("/")

        assert any(line.startswith(f"Docs:      {address}/docs") for line in mina.lines)
        assert mina.lines[-1] == f"Mina is ready at {address}"
        assert (mina.directory / "database_url").read_text().startswith("postgresql://")
        assert (mina.directory / "redis_url").read_text().startswith("redis://")
        assert len((mina.directory / "ops_token").read_text()) == 64
        assert client.get("/api/auth/me").json()["email"] == "demo@example.com"
        assert client.get("/docs").status_code == 200

    def test_shows_a_year_of_believable_meetings(self, client: httpx.Client) -> None:
        dashboard = client.get("/api/analytics/dashboard?days=28").json()
        completed = client.get("/api/meetings/?status=completed&per_page=1").json()
        analytics = client.get(f"/api/analytics/meetings/{completed['items'][0]['id']}").json()

        assert completed["total"] > 200
        assert sum(day["meetings"] for day in dashboard["per_day"]) > 15
        assert 0.02 < analytics["silence_time"] / analytics["duration_seconds"] < 0.5
        assert 0.01 < analytics["overlap_time"] / analytics["speech_time"] < 0.4

    def test_imports_files_and_shows_their_figures_at_once(
        self, mina: Running, client: httpx.Client, tmp_path: Path
    ) -> None:
        utterances = ami.meetings()[-1].utterances
        (tmp_path / "first.vtt").write_bytes(ami.as_vtt(utterances))
        (tmp_path / "second.json").write_bytes(ami.as_json(utterances[:10]))

        imported = mina.mina("import", str(tmp_path / "first.vtt"), "--url", str(client.base_url))
        newest = client.get("/api/meetings/?sort=-created_at&per_page=1").json()["items"][0]
        path = f"/api/analytics/meetings/{newest['id']}"
        answers = [client.get(path) for _ in range(2)]
        mina.mina(
            "import", str(tmp_path / "second.json"), "--meeting", str(newest["id"]), "--url", str(client.base_url)
        )
        after = client.get(path)

        assert imported.returncode == 0, imported.stderr
        assert (newest["title"], newest["segment_count"]) == ("first", len(utterances))
        assert [outcome(answer) for answer in answers] == ["fwd=uri-miss", "hit"]
        assert outcome(after) == "fwd=uri-miss"
        assert after.json()["words"] < answers[0].json()["words"]

    def test_import_of_a_malformed_file_says_its_line_and_leaves_nothing(
        self, mina: Running, client: httpx.Client, tmp_path: Path
    ) -> None:
        (tmp_path / "bad.vtt").write_text("WEBVTT\n\n00:01.000 -> 00:02.000\nHi\n")
        before = client.get("/api/meetings/").json()["total"]

        imported = mina.mina("import", str(tmp_path / "bad.vtt"), "--url", str(client.base_url))

        assert imported.returncode == 2
        assert "bad.vtt: The transcript is malformed at line 3" in imported.stderr
        assert client.get("/api/meetings/").json()["total"] == before

    def test_answers_the_same_while_valkey_is_stopped_and_hits_once_it_is_back(
        self, mina: Running, client: httpx.Client
    ) -> None:
        path = "/api/analytics/dashboard?days=30"
        before = [client.get(path) for _ in range(2)]

        assert mina.mina("stop-redis").returncode == 0
        without = [client.get(path) for _ in range(3)]
        degraded = client.get("/ops/health")
        assert mina.mina("start-redis").returncode == 0
        deadline = time.monotonic() + 30
        while client.get("/ops/health").json()["status"] != "healthy":
            assert time.monotonic() < deadline
        after = [client.get(path) for _ in range(2)]

        assert outcome(before[1]) == "hit"
        details = {answer.headers["cache-status"].partition("detail=")[2] for answer in without}
        assert details <= {"redis-down", "l1"}
        assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
        assert {json.dumps(answer.json()) for answer in (*before, *without, *after)} == {json.dumps(before[0].json())}
        assert outcome(after[1]) == "hit"

    def test_refuses_a_second_one_in_the_same_directory(self, mina: Running) -> None:
        second = mina.mina("dev", "--port", str(free_port()))

        assert second.returncode == 2
        assert second.stderr.strip() == f"mina: another `make run` is running in {mina.directory}"


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_leaves_no_server_behind_and_its_data_for_the_next(self, tmp_path: Path, number: signal.Signals) -> None:
        with running(tmp_path, free_port(), MINA_DEMO="off") as first:
            with httpx.Client(base_url=first.wait()) as client:
                registration = {"email": "ada@example.com", "password": "correct horse battery", "name": "Ada"}
                assert client.post("/api/auth/register", json=registration).status_code == 201
            code = first.end(number)
        wait_until_gone(tmp_path)

        with running(tmp_path, free_port(), MINA_DEMO="off") as second, httpx.Client(base_url=second.wait()) as client:
            form = {"username": "ada@example.com", "password": "correct horse battery"}
            signed_in = client.post("/api/auth/token", data=form)

        assert code == (0 if number is not signal.SIGKILL else -signal.SIGKILL)
        assert signed_in.status_code == 200
        assert processes_of(tmp_path) == []

    def test_takes_the_next_port_where_the_wanted_one_is_taken(self, tmp_path: Path) -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            port = holder.getsockname()[1]
            with running(tmp_path, port, MINA_DEMO="off") as started:
                assert started.wait() != f"http://127.0.0.1:{port}"
                assert any(line.startswith(f"mina: port {port} is taken, using ") for line in started.lines)

    def test_serves_without_any_redis(self, tmp_path: Path) -> None:
        with running(tmp_path, free_port(), MINA_DEMO="off", REDIS_URL="") as started:
            health = httpx.get(f"{started.wait()}/ops/health")

        assert (health.status_code, health.json()["cache"]["status"]) == (200, "unavailable")
