"""The HTTP contract as it is published: a change of it shows as a change of `openapi.json` beside this test."""

import json
import os
from pathlib import Path

import httpx

SNAPSHOT = Path(__file__).with_name("openapi.json")


class TestOpenApiSnapshot:
    async def test_is_what_was_last_agreed(self, client: httpx.AsyncClient) -> None:
        """`MINA_UPDATE_SNAPSHOTS=1 make test T=tests/web/test_openapi.py` agrees to the present one."""
        document = (await client.get("/openapi.json")).json()
        del document["info"]["version"]
        if os.environ.get("MINA_UPDATE_SNAPSHOTS"):
            SNAPSHOT.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")

        assert document == json.loads(SNAPSHOT.read_text())
