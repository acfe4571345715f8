"""More connections than a worker serves at once: who is too much is told, and nobody else notices."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.security.http.conftest import Attacked
from tests.security.http.wire import LAST, Answer, answers, connected, exchange, request, statuses
from tests.system.serving import DEADLINE_SECONDS, Serve, Serving

MOST = 5
FLOOD = 100
MB = 1_000_000


@pytest.fixture
def few(serve: Serve) -> Serving:
    """A worker that serves a handful of connections at once."""
    return serve(MINA_HTTP_CONNECTIONS=str(MOST), MINA_LOG_LEVEL="INFO")


def ask(connection: socket.socket) -> Answer:
    """The answer to a request, after which the connection goes on."""
    connection.sendall(request(b"/ops/health/live"))
    received = b""
    while not received.partition(b"\r\n\r\n")[2]:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    (answer,) = answers(received)
    return answer


def all_of(connection: socket.socket) -> bytes:
    """What is received until the server closes."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def served(server: Serving) -> socket.socket:
    """A connection that is served, once there is room for it."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        connection = connected(server.url)
        with contextlib.suppress(ConnectionError, AssertionError):
            if ask(connection).status == 200:
                return connection
        connection.close()
        time.sleep(0.02)
    raise AssertionError("no connection is served")


@contextlib.contextmanager
def all_taken(server: Serving) -> Iterator[list[socket.socket]]:
    """As many connections as are served."""
    with ExitStack() as stack:
        yield [stack.enter_context(served(server)) for _ in range(MOST)]


class TestTooManyConnections:
    @pytest.mark.usefixtures("attacked")
    def test_are_refused_by_503_and_nobody_else_notices(self, few: Serving) -> None:
        with all_taken(few) as taken:
            refused = [exchange(few, LAST), exchange(few), exchange(few, LAST * 3)]
            others = [ask(each).status for each in taken]

        for found in refused:
            (answer,) = found
            assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["connection"] == "close"
            problem = json.loads(answer.body)
            assert (problem["status"], problem["title"]) == (503, "Service Unavailable")
        assert others == [200] * MOST

    def test_are_served_again_as_soon_as_one_has_ended(self, attacked: Attacked, few: Serving) -> None:
        with all_taken(few) as taken:
            assert statuses(exchange(few, LAST)) == [503]
            taken[0].close()
            with served(few) as another:
                assert statuses(exchange(few, LAST)) == [503]
                assert [ask(each).status for each in (*taken[1:], another)] == [200] * MOST
        served(few).close()

        # What one worker serves is no other's limit.
        assert statuses(exchange(attacked.server, LAST)) == [200]

    @pytest.mark.usefixtures("attacked")
    def test_in_a_flood_take_neither_memory_nor_the_turn_of_others(self, few: Serving) -> None:
        with all_taken(few) as taken:
            few.forget_peak()
            before = few.peak_bytes()
            with ExitStack() as stack:
                flood = [stack.enter_context(connected(few.url)) for _ in range(FLOOD)]
                others = [ask(each).status for each in taken for _ in range(5)]
                refused = [answers(all_of(each)) for each in flood]
            took = few.peak_bytes() - before

        assert others == [200] * (5 * MOST)
        assert {status for found in refused for status in statuses(found)} == {503}
        assert took < 20 * MB
        served(few).close()
        log = few.log.read_text()
        assert "More connections are open" in log and "Traceback" not in log
