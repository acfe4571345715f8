"""The examples, as whoever reads them would run them."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from tests.api import a_meeting
from tests.sessions.sockets import Participant, eventually, joined, listening, token_of

EXAMPLES = Path(__file__).parents[2] / "examples"
LIVE, RATES = EXAMPLES / "live.py", EXAMPLES / "exchange_rates.py"


class TestTheLiveExample:
    async def test_says_what_it_reads_shows_what_others_say_and_ends_the_session(
        self, app: FastAPI, ada: httpx.AsyncClient
    ) -> None:
        meeting = await a_meeting(ada)
        async with listening(app) as address:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(LIVE), "--url", f"http://{address}"),
                *("--token", token_of(ada), "--meeting", str(meeting)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            assert process.stdin is not None
            process.stdin.write(b"Shall we begin?\nGrace: Please.\n")
            session = await eventually(lambda: next(iter(app.state.live.rooms._rooms), None))
            async with joined(address, session, token_of(ada), "?since=0") as other:
                await heard(other, 2)
                await other.say(1, "Now.", speaker="Joan")
                await other.next("ack")
            process.stdin.write_eof()
            async with asyncio.timeout(60):
                out, err = await process.communicate()

        transcript = (await ada.get(f"/api/meetings/{meeting}/transcript")).json()
        assert process.returncode == 0, err.decode()
        assert out.decode() == "    3  Joan: Now.\n"
        assert f"/live?session={session}" in err.decode()
        assert sorted((each["speaker"], each["text"]) for each in transcript["segments"]) == [
            ("Ada", "Shall we begin?"),
            ("Grace", "Please."),
            ("Joan", "Now."),
        ]


async def heard(participant: Participant, count: int) -> None:
    """Wait until so much was said, before or after joining."""
    missing = count - len((await participant.next("state"))["segments"])
    await participant.take("segment", missing)


class TestTheExchangeRates:
    @pytest.mark.parametrize("has_redis", [True, False], ids=["redis", "memory"])
    def test_are_loaded_once_and_are_what_was_set(self, has_redis: bool, valkey_url: str) -> None:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", str(RATES)],
            env={**os.environ, "REDIS_URL": valkey_url if has_redis else ""},
            capture_output=True,
            text=True,
            check=False,
        )
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}

        assert done.returncode == 0, done.stderr
        assert done.stdout == "ten at once: {0.94} 1 load\nagain: 0.94 1 load\nset: 0.95 2 loads\n"
        assert "mina_api.cache.service" in imported
        assert not imported & {"fastapi", "starlette", "sqlalchemy", "asyncpg"}
        assert ("redis" in imported) == has_redis
