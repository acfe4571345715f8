"""`mina cache` and `mina logs` against a server of its own: tables for people, JSON for programs, exit codes."""

import json
from dataclasses import dataclass

import pytest

from mina_api import cli
from mina_api.dev.ports import free_port
from tests.api import OPS_TOKEN
from tests.system.serving import Serve


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


class Mina:
    """The command, in this process: a new one for each would take longer than all that it does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name in ("MINA_OPS_TOKEN", "MINA_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("MINA_DEV_DIR", "/nonexistent")
        monkeypatch.setenv("COLUMNS", "200")

    def __call__(self, *arguments: str, **environment: str) -> Done:
        """Run `mina cache` with these arguments, or `mina logs` where they begin so."""
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        self._monkeypatch.setattr("sys.argv", ["mina", *([] if arguments[:1] == ("logs",) else ["cache"]), *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = self._capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)


@pytest.fixture
def mina(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mina:
    """The command, with nothing of the environment."""
    return Mina(monkeypatch, capsys)


class TestMinaCache:
    def test_asks_explains_clears_and_warms(self, serve: Serve, mina: Mina) -> None:
        server = serve(MINA_OPS_TOKEN=OPS_TOKEN)
        there = {"MINA_URL": server.url, "MINA_OPS_TOKEN": OPS_TOKEN}
        ada = server.client()
        for _ in range(3):
            ada.get("/api/analytics/dashboard")

        stats = json.loads(mina("stats", "--json", **there).stdout)
        tables = mina("stats", **there)
        (row,) = json.loads(mina("top", "--prefix", "analytics", "--json", **there).stdout)
        hit = mina("explain", row["key"], **there)
        cleared = mina("clear", "analytics", **there)
        miss = json.loads(mina("explain", row["key"], "--json", **there).stdout)
        warmed = json.loads(mina("warm", "--json", **there).stdout)
        watched = mina("watch", "--times", "1", "--json", **there)
        missing = mina("inspect", "mina:temp:nothing", **there)
        louder = json.loads(mina("logs", "set", "mina_api.cache", "debug", "--json", **there).stdout)
        listed = mina("logs", "list", **there)
        unset = json.loads(mina("logs", "unset", "mina_api.cache", "--json", **there).stdout)
        refused = mina("logs", "set", "sqlalchemy", **there)

        assert (stats["misses"], stats["hits"]) == (1, 2)
        assert tables.returncode == 0 and "api_analytics.get_dashboard_analytics" in tables.stdout
        assert hit.stdout.startswith("HIT: ")
        assert (cleared.returncode, cleared.stdout) == (0, "cleared analytics, of all workspaces\n")
        assert not miss["valid"] and "prefix:analytics was invalidated" in miss["explanation"]
        assert (warmed["answered"], warmed["failed"]) == (warmed["total"], 0) and warmed["total"] >= 1
        assert json.loads(watched.stdout)["total_requests"] > 2
        assert (louder["items"][0]["level"], unset["items"]) == ("DEBUG", [])
        assert "mina_api.cache" in listed.stdout and refused.returncode == 2
        assert (missing.returncode, missing.stderr) == (2, "mina: There is no such entry. (404)\n")

    @pytest.mark.parametrize(
        ("arguments", "environment", "code", "said"),
        [
            (("stats",), {}, 2, "an ops token is needed"),
            (("stats",), {"MINA_OPS_TOKEN": "x"}, 1, "cannot be reached"),
            (("stats", "--nothing"), {}, 2, "No such option"),
        ],
    )
    def test_fails_in_words_and_with_a_code(
        self, mina: Mina, arguments: tuple[str, ...], environment: dict[str, str], code: int, said: str
    ) -> None:
        done = mina(*arguments, MINA_URL=f"http://127.0.0.1:{free_port()}", **environment)

        assert done.returncode == code
        assert said in done.stderr and "Traceback" not in done.stderr
