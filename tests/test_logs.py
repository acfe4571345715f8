import json
import logging
import sys
from threading import Event
from typing import Any

import pytest
import structlog

from mina_api import logs


class Slow:
    """A stderr that is not read until `read` is set."""

    def __init__(self) -> None:
        self.read = Event()
        self.lines: list[dict[str, Any]] = []

    def write(self, line: str) -> None:
        assert self.read.wait(60)
        self.lines += [json.loads(line)]

    def flush(self) -> None:
        return

    def isatty(self) -> bool:
        return False


class TestConfigure:
    def test_hides_what_is_secret_and_tickets_in_addresses(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("INFO", "json")
        address = "/api/sessions/5/live?ticket=abc-DEF_1&since=3"

        logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "127.0.0.1:1", address)
        logs.get_logger("mina").info("signed in", access_token="abc", user=7)

        logs.flush()
        lines = capsys.readouterr().err
        assert "live?ticket=[hidden]&since=3" in lines
        assert "abc" not in lines
        assert '"user": 7' in lines

    def test_gives_failures_their_tracebacks_and_every_line_the_context_it_was_logged_in(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logs.configure("INFO", "json")
        for failing in (logs.get_logger("mina"), logging.getLogger("another")):
            with structlog.contextvars.bound_contextvars(request_id="r1"):
                try:
                    raise ValueError("broken")
                except ValueError:
                    failing.exception("it failed")

        logs.flush()
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
        assert [(line["request_id"], line["exception"][0]["exc_value"]) for line in lines] == [("r1", "broken")] * 2

    def test_gives_single_loggers_levels_of_their_own(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("WARNING", "json", {"mina_api.one": "DEBUG"})
        try:
            for name in ("mina_api.one.part", "mina_api.two"):
                logging.getLogger(name).debug("said by %s", name)
        finally:
            logging.getLogger("mina_api.one").setLevel(logging.NOTSET)

        logs.flush()
        assert "said by mina_api.one.part" in (said := capsys.readouterr().err) and "two" not in said

    def test_lets_nobody_wait_for_who_reads_the_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(logs, "WAITING_LINES", 4)
        monkeypatch.setattr(sys, "stderr", stderr := Slow())
        logs.configure("INFO", "json")

        for number in range(100):
            logging.getLogger("mina").info("line %s", number)
        stderr.read.set()
        logs.flush()
        logging.getLogger("mina").info("the last")
        logs.flush()

        assert 4 <= len(stderr.lines) - 1 <= 6
        assert stderr.lines[-1]["event"] == "the last"
        assert stderr.lines[-1]["lost_lines"] == 101 - len(stderr.lines)
