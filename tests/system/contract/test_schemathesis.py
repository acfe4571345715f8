"""Every operation of the published document, by generated requests: no 5xx, and nothing that it does not announce."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mina_api.transcripts import contract
from tests.system.serving import Serve

HERE = Path(__file__).parent
OPERATIONS = 62


def schemathesis(directory: Path, url: str, authorization: str, *arguments: str) -> str:
    """What a run of Schemathesis printed that found nothing."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"),
            *(f"{url}/openapi.json", "--header", f"Authorization: {authorization}", "--no-color"),
            *("--generation-deterministic", *arguments),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.system.contract.hooks", "PYTHONPATH": str(HERE.parents[2])},
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    return run.stdout


def operations_tested(output: str) -> int:
    """How many operations were tested."""
    match = re.search(r"Tested: (\d+)", output)
    assert match, output
    return int(match.group(1))


class TestTheRunningServer:
    @pytest.mark.timeout(600)  # some 2,500 requests
    def test_answers_as_it_is_documented_to_whatever_it_is_asked(self, tmp_path: Path, serve: Serve) -> None:
        server = serve(MINA_AUTH_SIGN_IN_ATTEMPTS="100000")
        client = server.client()
        meeting = client.post("/api/meetings", json={"title": "Retro"}).json()["id"]
        client.put(f"/api/meetings/{meeting}/transcript", json=contract.MINA)
        authorization = client.headers["Authorization"]

        # Signing out ends the token that the others need.
        all_others = schemathesis(
            tmp_path, server.url, authorization, "--exclude-operation-id", "logout", "--max-examples", "15"
        )
        sign_out = schemathesis(
            tmp_path,
            server.url,
            server.client("bob@example.com").headers["Authorization"],
            "--include-operation-id",
            "logout",
        )

        assert (operations_tested(all_others), operations_tested(sign_out)) == (OPERATIONS - 1, 1)
        assert server.process.poll() is None
        assert "unexpected failure" not in server.log.read_text()
