"""Answers that memory knows, written by the connection itself: there is nothing to run for them, nor to wait for."""

from typing import Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mina_api.cache.fastapi.shortcuts import Fields, Rendering
from mina_api.web.sending import joined


class Knowing(Protocol):
    """What knows the answers to some GETs."""

    def at_once(self, target: bytes, fields: Fields) -> tuple[Rendering, bytes] | None:
        """The answer to a GET of `target`, path and query, and the request's id; None if it has to be run."""


def is_answered(connection: HttpToolsProtocol, knowing: Knowing, fields: Fields) -> bool:
    """Whether the request whose head is complete was answered; it is the next in turn, and has each field once."""
    if connection.root_path or connection.access_log or connection.flow.write_paused:
        return False
    if connection.parser.get_method() != b"GET" or not connection.parser.should_keep_alive():
        return False
    if (answer := knowing.at_once(connection.url, fields)) is None:
        return False
    connection.transport.write(joined(*answer, connection.server_state.default_headers))
    connection.server_state.total_requests += 1
    return True
