"""Nobody waits for another tenant's rows: not who is refused, whose waiting would tell of them, nor the tenant."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from mina_api.db.session import Database
from tests.api import SignUp
from tests.sessions.sockets import a_session
from tests.workspaces.test_routes import me

# Of what is locked nothing is waited for, so that this is only how long a mistake takes to be seen.
REFUSED_WITHIN_SECONDS = 10


@pytest.mark.parametrize("table", ["workspaces", "live_sessions", "meetings"])
class TestAStranger:
    async def test_is_refused_while_the_rows_of_others_are_locked(
        self, sign_up: SignUp, database: Database, table: str
    ) -> None:
        ada, bob = await sign_up("ada@example.com"), await sign_up("bob@example.com")
        session = await a_session(ada)
        meeting = (await ada.get(f"/api/sessions/{session}")).json()["meeting_id"]
        user, workspace = await me(ada)
        every: dict[str, list[tuple[str, str, object]]] = {
            "workspaces": [
                ("POST", f"/api/workspaces/{workspace}/members", {"email": "bob@example.com"}),
                ("PUT", f"/api/workspaces/{workspace}/members/{user}", {"role": "viewer"}),
                ("DELETE", f"/api/workspaces/{workspace}/members/{user}", None),
                ("DELETE", f"/api/workspaces/{workspace}/members/{(await me(bob))[0]}", None),
            ],
            "live_sessions": [
                ("POST", f"/api/sessions/{session}/end", None),
                ("PUT", f"/api/sessions/{session}/speakers", {"speakers": []}),
            ],
            "meetings": [("PATCH", f"/api/meetings/{meeting}", {"title": "Mine"})],
        }

        async with database.write() as writer:
            await writer.execute(text(f"SELECT id FROM {table} FOR UPDATE"))
            async with asyncio.timeout(REFUSED_WITHIN_SECONDS):
                answers = [await _ask(bob, *each) for each in every[table]]

        assert {each.status_code for each in answers} == {404}


async def _ask(client: httpx.AsyncClient, method: str, path: str, body: object) -> httpx.Response:
    return await client.request(method, path, json=body)
