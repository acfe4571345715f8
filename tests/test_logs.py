import logging

import pytest

from mina_api import logs


class TestConfigure:
    def test_hides_what_is_secret_and_tickets_in_addresses(self, capsys: pytest.CaptureFixture[str]) -> None:
        logs.configure("INFO", "json")
        address = "/api/sessions/5/live?ticket=abc-DEF_1&since=3"

        logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', "127.0.0.1:1", address)
        logs.get_logger("mina").info("signed in", access_token="abc", user=7)

        logs.configure("WARNING")
        lines = capsys.readouterr().err
        assert "live?ticket=[hidden]&since=3" in lines
        assert "abc" not in lines
        assert '"user": 7' in lines
