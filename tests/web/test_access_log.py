"""The access log: every request but the cache's hits has its line, and hits one of 64."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from mina_api import logs
from mina_api.cache.fastapi.sampling import EVERY
from mina_api.web import access_log

PATH = "/api/analytics/dashboard"
# No shortcut answers it.
LONG_WAY = {"Pragma": "x"}


Lines = Callable[[], list[dict[str, Any]]]


@contextmanager
def logged(capsys: pytest.CaptureFixture[str], level: str = "INFO") -> Iterator[Lines]:
    """The access log at `level`: gives what reads its new lines."""

    def lines() -> list[dict[str, Any]]:
        logs.flush()
        found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        return [line for line in found if line["logger"] == access_log.NAME]

    logs.configure("WARNING", "json", {access_log.NAME: level})
    try:
        yield lines
    finally:
        logging.getLogger(access_log.NAME).setLevel(logging.NOTSET)
        logs.configure("WARNING")


class TestAccessLog:
    async def test_has_a_line_for_each_request_that_is_no_hit(
        self, ada: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with logged(capsys) as lines:
            await ada.get(PATH)
            await ada.get("/api/meetings/999")
            first, *_, last = lines()

        assert (first["path"], first["status"], first["cache"][:24]) == (PATH, 200, "mina; fwd=uri-miss; stor")
        assert (last["path"], last["status"]) == ("/api/meetings/999", 404)
        assert first["ms"] > 0 and first["request_id"] != last["request_id"]

    @pytest.mark.parametrize("headers", [{}, LONG_WAY], ids=["before routing", "the long way"])
    async def test_has_a_line_for_one_hit_of_64_or_more(
        self, ada: httpx.AsyncClient, capsys: pytest.CaptureFixture[str], headers: dict[str, str]
    ) -> None:
        await ada.get(PATH)
        with logged(capsys) as lines:
            for _ in range(2 * EVERY):
                await ada.get(PATH, headers=headers)
            hits = [line for line in lines() if line["cache"].startswith("mina; hit")]

        # Each is asked for in more than one way, and those of the long way are counted by themselves.
        assert 1 <= len(hits) <= 8
        assert all(hit.get("stands_for", 1) in (1, *range(EVERY, 8 * EVERY)) for hit in hits)
        assert any("stands_for" in hit for hit in hits)

    async def test_has_a_line_for_every_hit_at_debug(
        self, ada: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
    ) -> None:
        await ada.get(PATH)
        with logged(capsys, "DEBUG") as lines:
            for _ in range(5):
                await ada.get(PATH)
            hits = lines()

        assert len(hits) >= 5
        assert all(hit["cache"].startswith("mina; hit") and "stands_for" not in hit for hit in hits)
