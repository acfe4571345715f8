"""The page at `/live`, in a real browser."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from mina_api.sessions.rooms import Closing
from tests.api import PASSWORD
from tests.browser import PROGRAM, chromium
from tests.sessions.sockets import a_session, eventually, joined, listening, token_of

LINES = "[...document.querySelectorAll('#segments li')].map((each) => each.innerText.split(/\\s+/).join(' '))"
DRAFTS = LINES.replace("#segments", "#drafts")
CUT = Closing(1012, "Come back.")
STATE = "document.getElementById('status').dataset.state"


@pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")
class TestTheLivePage:
    async def test_shows_a_transcript_that_grows_over_a_lost_connection_until_the_end(
        self, app: FastAPI, ada: httpx.AsyncClient, tmp_path: Path
    ) -> None:
        session = await a_session(ada)
        async with (
            listening(app) as address,
            joined(address, session, token_of(ada)) as speaker,
            chromium(tmp_path) as page,
        ):
            await speaker.say(1, "Shall we begin?", speaker="S1", start=61.0, end=63.0)
            await speaker.next("ack")
            await page.open(f"http://{address}/live?session={session}")
            await page.fill(email="ada@example.com", password="wrong " + PASSWORD)
            await page.evaluate("document.querySelector('button').click()")
            refusal = await page.until("document.getElementById('failure').textContent")
            await page.evaluate("document.getElementById('password').value = ''")
            await page.fill(password=PASSWORD)
            await page.evaluate("document.querySelector('button').click()")
            await page.until(f"{LINES}.length === 1")

            await speaker.say(2, "<b>Please", speaker="S2", final=False)
            draft = await page.until(f"{DRAFTS}[0]")
            await speaker.say(2, "<b>Please.</b>", speaker="S2")
            await speaker.send(type="speaker", label="S1", name="Grace Hopper")
            await page.until(f"{LINES}.length === 2 && {LINES}[0].includes('Grace')")
            shown, drafts = await page.evaluate(LINES), await page.evaluate(DRAFTS)

            for participant in list(app.state.live.rooms._rooms[session].listeners):
                if participant.connection_id != speaker.received[0]["connection"]:
                    participant.close(CUT)
            await eventually(lambda: len(app.state.live.rooms._rooms[session].listeners) == 1)
            await speaker.say(3, "While you were away.", speaker="S2")
            await speaker.next("ack")
            await page.until(f"{LINES}.length === 3")
            live = await page.evaluate(STATE)
            await ada.post(f"/api/sessions/{session}/end")
            await page.until(f"{STATE} === 'ended'")
            outside = await page.evaluate(
                "performance.getEntriesByType('resource').map((each) => new URL(each.name).host)"
            )

        assert "password is wrong" in refusal
        assert "Please" in draft
        assert shown == ["00:01:01 Grace Hopper Shall we begin?", "00:00:02 S2 <b>Please.</b>"]
        assert (drafts, live) == ([], "live")
        assert set(outside) <= {address}
        assert [each for each in page.complaints if "401" not in each] == []

    async def test_allows_nothing_that_is_not_its_own(self, client: httpx.AsyncClient) -> None:
        answers = [await client.get(path) for path in ("/live", "/live/live.js", "/live/live.css")]

        assert [each.status_code for each in answers] == [200] * 3
        for answer in answers:
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
            assert "unsafe" not in policy
        assert "://" not in answers[0].text.replace("<!doctype html>", "")
