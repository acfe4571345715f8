"""`mina cache` against a server of its own: tables for people, JSON for programs, exit codes for scripts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from mina_api.dev.ports import free_port
from tests.api import OPS_TOKEN
from tests.system.serving import Serve

Mina = Callable[..., "subprocess.CompletedProcess[str]"]


def mina(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "mina_api.cli", "cache", *arguments],
        env={**os.environ, "MINA_DEV_DIR": "/nonexistent", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class TestMinaCache:
    def test_asks_explains_clears_and_warms(self, serve: Serve) -> None:
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

        assert (stats["misses"], stats["hits"]) == (1, 2)
        assert tables.returncode == 0 and "api_analytics.get_dashboard_analytics" in tables.stdout
        assert hit.stdout.startswith("HIT: ")
        assert (cleared.returncode, cleared.stdout) == (0, "cleared analytics, of all workspaces\n")
        assert not miss["valid"] and "prefix:analytics was invalidated" in miss["explanation"]
        assert (warmed["answered"], warmed["failed"]) == (warmed["total"], 0) and warmed["total"] >= 1
        assert json.loads(watched.stdout)["total_requests"] > 2
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
        self, arguments: tuple[str, ...], environment: dict[str, str], code: int, said: str
    ) -> None:
        done = mina(*arguments, MINA_URL=f"http://127.0.0.1:{free_port()}", **environment)

        assert done.returncode == code
        assert said in done.stderr and "Traceback" not in done.stderr
