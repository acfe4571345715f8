"""What two servers in a row could take for different requests: one reading of it is executed, or none.

The reading is RFC 9112's. What was executed is known by what it made, not by its answer.
"""

import itertools
from collections.abc import Iterator

import pytest

from tests.security.http.conftest import Attacked
from tests.security.http.wire import HOST, LAST, exchange, request, statuses
from tests.topologies.test_nginx import nginx

BODY = b'{"title": "%b"}'
OUTER, INNER = b"outer-%d", b"inner-%d"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def behind_nginx(attacked: Attacked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx, as we deploy it, before the server."""
    with nginx(tmp_path_factory.mktemp("nginx") / "at", [attacked.server, attacked.server]) as address:
        yield address


class Shape:
    """A POST whose framing is written by the test, and what a second one makes if it is taken for a request."""

    def __init__(self, attacked: Attacked) -> None:
        number = next(_numbers)
        self.outer, self.inner = (name % number for name in (OUTER, INNER))
        self.authorization = attacked.authorization
        self.body = BODY % self.outer
        self.hidden = request(b"/api/meetings/", self.authorization, method=b"POST", body=BODY % self.inner)

    def head(self, *fields: bytes, version: bytes = b"HTTP/1.1") -> bytes:
        """The head of the first."""
        fields = (self.authorization, b"Content-Type: application/json", *fields)
        return request(b"/api/meetings/", *fields, method=b"POST", version=version)

    def chunked(self, body: bytes | None = None) -> bytes:
        """A body in one chunk."""
        body = self.body if body is None else body
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)

    def made(self, attacked: Attacked) -> list[str]:
        """Which of the two were executed."""
        names = {self.outer.decode(): "outer", self.inner.decode(): "inner"}
        return [names[title] for title in attacked.titles() if title in names]


# By RFC 9112, what follows a request without a fault is the next; one with a fault is refused, with all after it.
REFUSED_CODINGS = [
    b"xchunked", b"chunked, identity", b"identity, chunked", b"identity", b"chunked, chunked", b'"chunked"', b"cow",
    b"chunked;q=1", b"chunked\x0b", b"gzip, chunked", b"gzip", b"", b"chunked\r\nTransfer-Encoding: identity",
    b"identity\r\nTransfer-Encoding: chunked", b"x\r\n chunked", b"chunked\r\nTransfer-Encoding: chunked",
]  # fmt: skip
REFUSED_LENGTHS = [
    b"+%d", b"-%d", b"0x%x", b"%d, %d", b"%d,0", b"%d;", b"%d.0", b"1_%d", b"", b"9" * 30, b"18446744073709551630",
    b"%d\r\nContent-Length: 0", b"%d\r\nContent-Length: %d", b"\xb2%d", b"1 %d",
]  # fmt: skip
REFUSED_CHUNKS = [
    b"1000000000000000%x\r\n%b\r\n0\r\n\r\n", b"-%x\r\n%b\r\n0\r\n\r\n", b"0x%x\r\n%b\r\n0\r\n\r\n",
    b"+%x\r\n%b\r\n0\r\n\r\n", b" %x\r\n%b\r\n0\r\n\r\n", b"%x \r\n%b\r\n0\r\n\r\n", b"%x;a\nb\r\n%b\r\n0\r\n\r\n",
    b"%x;a\rb\r\n%b\r\n0\r\n\r\n", b"%x\n%b\n0\n\n", b"%x\r\n%b\n0\r\n\r\n", b"%x\r\n%bXX0\r\n\r\n",
    b"%x\r\n%b\r\n0\r\nno field\r\n\r\n",
]  # fmt: skip


class TestOneReading:
    """Each by the server itself and through nginx, which may refuse more and executes no more."""

    @pytest.fixture(params=["direct", "behind nginx"])
    def address(self, request: pytest.FixtureRequest, attacked: Attacked) -> str:
        if request.param == "direct":
            return attacked.server.url
        behind: str = request.getfixturevalue("behind_nginx")
        return behind

    @pytest.mark.parametrize("coding", REFUSED_CODINGS)
    def test_of_transfer_codings_but_chunked_there_is_none(
        self, attacked: Attacked, address: str, coding: bytes
    ) -> None:
        shape = Shape(attacked)

        found = exchange(
            address, shape.head(b"Transfer-Encoding: " + coding) + shape.chunked() + shape.hidden + LAST, patience=10
        )

        # nginx takes a few of them for `chunked`, alike for itself and for us.
        made = shape.made(attacked)
        assert made in ([], ["outer", "inner"])
        assert address != attacked.server.url or (statuses(found), made) == ([400], [])

    @pytest.mark.parametrize("length", REFUSED_LENGTHS)
    def test_of_lengths_that_are_no_number_or_two_there_is_none(
        self, attacked: Attacked, address: str, length: bytes
    ) -> None:
        shape = Shape(attacked)
        given = length % ((len(shape.body),) * length.count(b"%"))

        found = exchange(address, shape.head(b"Content-Length: " + given) + shape.body + shape.hidden + LAST)

        assert (statuses(found)[:1], shape.made(attacked)) == ([400], [])

    @pytest.mark.parametrize("chunks", REFUSED_CHUNKS)
    def test_of_malformed_chunks_there_is_none(self, attacked: Attacked, address: str, chunks: bytes) -> None:
        shape = Shape(attacked)
        body = chunks % (len(shape.body), shape.body)

        found = exchange(address, shape.head(b"Transfer-Encoding: chunked") + body + shape.hidden + LAST, patience=10)

        # nginx is lenient about some, and writes the body anew.
        made = shape.made(attacked)
        assert made in ([], ["outer", "inner"], ["outer"])
        assert address != attacked.server.url or (statuses(found), made) == ([400], [])

    def test_of_a_length_and_a_coding_there_is_none(self, attacked: Attacked, address: str) -> None:
        """CL.TE and TE.CL: either way the hidden request is in the body by one of them."""
        by_coding, by_length = Shape(attacked), Shape(attacked)
        both = b"Transfer-Encoding: chunked"
        hidden = b"0\r\n\r\n" + by_coding.hidden
        longer = b"%x\r\n" % len(by_length.hidden)

        found = [
            exchange(address, by_coding.head(b"Content-Length: %d" % len(hidden), both) + hidden),
            exchange(
                address,
                by_length.head(both, b"Content-Length: %d" % len(longer)) + by_length.chunked(by_length.hidden),
            ),
        ]

        assert [statuses(each) for each in found] == [[400], [400]]
        assert by_coding.made(attacked) == by_length.made(attacked) == []

    def test_of_a_request_in_a_body_there_is_one(self, attacked: Attacked, address: str) -> None:
        """GET and HEAD with a body: it is not the next request."""
        for method in (b"GET", b"HEAD"):
            shape = Shape(attacked)

            data = request(b"/api/auth/me", shape.authorization, method=method, body=shape.hidden)
            found = exchange(address, data + LAST, begins_with_head=method == b"HEAD")

            assert (statuses(found)[0], shape.made(attacked)) == (200, [])

    def test_of_an_answer_that_comes_before_the_body_there_is_one(self, attacked: Attacked, address: str) -> None:
        shape = Shape(attacked)

        found = exchange(address, request(b"/nowhere", method=b"POST", body=shape.hidden) + LAST)

        assert statuses(found)[0] == 404
        assert shape.made(attacked) == []

    def test_of_an_upgrade_to_nothing_there_is_one(self, attacked: Attacked, address: str) -> None:
        """nginx passes on what is asked of `…/live`, and keeps its connection to us for others."""
        shape = Shape(attacked)
        upgrade = (b"Connection: Upgrade", b"Upgrade: h2c", shape.authorization)
        data = request(b"/api/sessions/1/live", *upgrade, method=b"POST", body=shape.hidden)
        head = data.removesuffix(shape.hidden)

        found = exchange(address, head, shape.hidden + LAST)

        assert statuses(found)[0] == 404
        assert shape.made(attacked) == []

    def test_of_requests_one_after_another_there_are_all_in_order(self, attacked: Attacked, address: str) -> None:
        shapes = [Shape(attacked) for _ in range(20)]
        data = b"".join(
            shape.head(b"Transfer-Encoding: CHUNKED") + shape.chunked() + b"\r\n" + shape.hidden for shape in shapes
        )

        found = exchange(address, data + LAST)

        assert statuses(found) == [*[201] * 40, 200]
        assert all(shape.made(attacked) == ["outer", "inner"] for shape in shapes)


class TestTheConnection:
    @pytest.mark.parametrize(
        "junk",
        [b"\x00\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", b"GET / HTTP/1.1\n\n"],
    )
    def test_answers_what_was_right_before_it_refuses_what_was_not(self, attacked: Attacked, junk: bytes) -> None:
        shape = Shape(attacked)

        found = exchange(attacked.server, shape.hidden + junk + shape.head(b"Content-Length: 0"))

        assert (statuses(found), shape.made(attacked)) == ([201, 400], ["inner"])

    def test_refuses_a_body_in_its_turn(self, attacked: Attacked) -> None:
        shape = Shape(attacked)
        broken = shape.head(b"Transfer-Encoding: chunked") + b"zz\r\n"

        found = exchange(attacked.server, shape.hidden + broken + shape.hidden)

        assert (statuses(found), shape.made(attacked)) == ([201, 400], ["inner"])

    @pytest.mark.parametrize(
        ("fields", "version"),
        [((b"Connection: close",), b"HTTP/1.1"), ((), b"HTTP/1.0"), ((b"Connection: keep-alive",), b"HTTP/1.0")],
    )
    def test_takes_nothing_after_the_last_request(
        self, attacked: Attacked, fields: tuple[bytes, ...], version: bytes
    ) -> None:
        shape = Shape(attacked)
        first = shape.head(*fields, b"Content-Length: %d" % len(shape.body), version=version) + shape.body

        found = exchange(attacked.server, first + shape.hidden)

        assert (statuses(found), shape.made(attacked)) == ([201], ["outer"])

    def test_has_no_transfer_codings_before_http_1_1(self, attacked: Attacked) -> None:
        shape = Shape(attacked)
        head = shape.head(b"Transfer-Encoding: chunked", version=b"HTTP/1.0")

        found = exchange(attacked.server, head + shape.chunked() + shape.hidden)

        assert (statuses(found), shape.made(attacked)) == ([400], [])

    def test_is_no_websocket_before_the_answers_that_it_owes(self, attacked: Attacked) -> None:
        shape = Shape(attacked)
        handshake = (
            b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )  # fmt: skip

        found = exchange(attacked.server, shape.hidden + request(b"/api/sessions/1/live", *handshake))

        assert (statuses(found), shape.made(attacked)) == ([201, 400], ["inner"])

    def test_ends_lines_by_cr_lf_alone(self, attacked: Attacked) -> None:
        shape = Shape(attacked)
        for end in (b"\n", b"\r"):
            head = (b"POST /api/meetings/ HTTP/1.1\r\n" + HOST).replace(b"\r\n", end)

            assert statuses(exchange(attacked.server, head + end + shape.hidden)) == [400]
        assert shape.made(attacked) == []

    def test_parses_no_more_of_a_flood_than_it_answers(self, attacked: Attacked) -> None:
        """What is pipelined waits as bytes; without an end, it ends the connection."""
        server = attacked.server
        server.forget_peak()
        before = server.peak_bytes()

        exchange(server, *[request(b"/ops/health/live", attacked.authorization) * 20_000] * 5)

        assert server.peak_bytes() - before < 15_000_000
