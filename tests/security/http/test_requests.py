"""Requests that RFC 9112 forbids, or that are too large, are refused; what they look like is never served."""

import json

import pytest

from tests.security.http.conftest import Attacked
from tests.security.http.wire import HOST, LAST, LIMITS, answers, exchange, request, statuses

TARGET = b"/ops/health/live"
DEEP = 100_000


def is_refused(attacked: Attacked, data: bytes, *expected: int) -> bool:
    """Whether the server says so in a problem, and closes."""
    found = exchange(attacked.server, data, LAST)
    if not found:
        return True  # closed while it was still being sent
    (answer,) = found
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["status"] == answer.status
    return answer.status in expected


class TestTheRequestLine:
    @pytest.mark.parametrize("version", [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/1.1 x", b""])
    def test_of_another_version_is_refused(self, attacked: Attacked, version: bytes) -> None:
        assert is_refused(attacked, request(TARGET, version=version), 400)

    @pytest.mark.parametrize("method", [b"get", b"FOO", b"CONNECT", b"", b"G\x00T", b"A" * 5000, b"PRI"])
    def test_of_an_unknown_method_is_refused(self, attacked: Attacked, method: bytes) -> None:
        assert is_refused(attacked, request(TARGET, method=method), 400)

    @pytest.mark.parametrize("byte", [*range(0x21), 0x7F, 0x80, 0xFF])
    def test_with_a_byte_that_no_target_has_is_refused(self, attacked: Attacked, byte: int) -> None:
        found = exchange(attacked.server, request(b"/ops/health/live?" + bytes([byte])), LAST)

        # A space ends the target; two are taken for one.
        assert statuses(found) == ([200, 200] if byte == 0x20 else [400])

    @pytest.mark.parametrize("target", [b"mina.test:80", b"http://", b"http:///x", b"//[", b"http://[::1/x", b"\\"])
    def test_without_a_path_is_answered_by_4xx(self, attacked: Attacked, target: bytes) -> None:
        found = exchange(attacked.server, request(target), LAST)

        assert found[0].status in (400, 404)


class TestFields:
    @pytest.mark.parametrize(
        "field",
        [
            b"Host: other.test",
            b"X: a\r\n folded",
            b" X: leading",
            b"X : a",
            b"X",
            b": a",
            b"X: a\0b",
            b"X: a\rb",
            b"X(: a",
            b"Transfer-Encoding: gzip, chunked",
            b"Authorization: Bearer a\r\nAuthorization: Bearer a",
            b"Content-Length: 0\r\nContent-Length: 0",
        ],
    )
    def test_that_are_malformed_or_twice_there_are_refused(self, attacked: Attacked, field: bytes) -> None:
        assert is_refused(attacked, request(TARGET, field), 400)

    def test_without_a_host_are_refused_but_of_http_1_0(self, attacked: Attacked) -> None:
        old = exchange(attacked.server, request(TARGET, host=b"", version=b"HTTP/1.0"))

        assert is_refused(attacked, request(TARGET, host=b""), 400)
        assert statuses(old) == [200]

    def test_as_many_and_as_long_as_may_be_are_taken_and_more_are_not(self, attacked: Attacked) -> None:
        many = [b"X-%d: 1" % number for number in range(LIMITS.head_fields - 1)]
        long = b"X: " + b"x" * (LIMITS.head_bytes - 5000)

        taken = [exchange(attacked.server, request(TARGET, *fields), LAST) for fields in (many, [long])]

        assert [statuses(each) for each in taken] == [[200, 200], [200, 200]]
        assert is_refused(attacked, request(TARGET, *many, b"One-More: 1"), 431)
        assert is_refused(attacked, request(TARGET, long, b"Y: " + b"y" * LIMITS.head_bytes), 431)
        assert is_refused(attacked, request(TARGET + b"?" + b"x" * 3 * LIMITS.head_bytes), 414)

    def test_without_end_take_no_memory(self, attacked: Attacked) -> None:
        server = attacked.server
        server.forget_peak()
        before = server.peak_bytes()

        for beginning in (b"GET /", b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"GET / HTTP/1.1\r\n"):
            filling = b"a: b\r\n" if beginning.endswith(b"1.1\r\n") else b"x"
            exchange(server, beginning, *[filling * (1_000_000 // len(filling))] * 30)

        assert server.peak_bytes() - before < 10_000_000


class TestUpgrades:
    def test_to_what_is_not_spoken_here_change_nothing(self, attacked: Attacked) -> None:
        """Also where the body comes later: it is no request of its own."""
        upgrade = (attacked.authorization, b"Connection: Upgrade", b"Upgrade: h2c")
        smuggled = request(b"/ops/health/live")
        body = json.dumps({"title": "Upgraded", "description": smuggled.decode()}).encode()
        head, _, _ = request(b"/api/meetings/", *upgrade, method=b"POST", body=body).partition(body)

        at_once, later = exchange(attacked.server, head + body + LAST), exchange(attacked.server, head, body + LAST)

        assert (statuses(at_once), statuses(later)) == ([201, 200], [201, 200])
        assert json.loads(later[0].body)["description"] == smuggled.decode()

    @pytest.mark.parametrize(
        "also", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"X: " + b"x" * 9000, b"Sec-WebSocket-Version: 7"]
    )
    def test_to_a_websocket_with_what_no_handshake_has_are_refused(self, attacked: Attacked, also: bytes) -> None:
        key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        data = request(b"/api/sessions/1/live", b"Connection: Upgrade", b"Upgrade: websocket", key, also)

        found = exchange(attacked.server, data)

        assert [each.status // 100 for each in found] == [4]


class TestBodies:
    @pytest.mark.parametrize("nested", [b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"[" * DEEP])
    def test_of_any_depth_are_4xx_wherever_json_is_read(self, attacked: Attacked, nested: bytes) -> None:
        client, meeting = attacked.client, attacked.meeting()
        session = client.post("/api/sessions/", json={"meeting_id": meeting}).json()["id"]
        json_type = {"Content-Type": "application/json"}

        found = [
            client.request(method, target, content=body, headers=json_type).status_code
            for method, target in (
                ("POST", "/api/meetings/"),
                ("PATCH", f"/api/meetings/{meeting}"),
                ("PUT", f"/api/meetings/{meeting}/transcript"),
                ("PUT", f"/api/sessions/{session}/fingerprints/f"),
            )
            for body in (nested, b'{"title":%b,"segments":%b,"transcription":%b}' % (nested, nested, nested))
        ]

        assert set(found) <= {400, 413, 422}
        assert client.get(f"/api/meetings/{meeting}").json()["segment_count"] == 0

    @pytest.mark.parametrize(
        "body",
        [
            b'{"title": %b}' % (b"9" * 5000),
            b'{"title": "a", "tags": [1e999999]}',
            b'{"title": NaN}',
            b'{"title": "\\ud800"}',
            b'{"title": "\\u0000"}',
            b'{"title": "a", "tags": ["\\udfff"]}',
            b'{"title": "\xff"}',
            b'{"title": "%b"}' % (b"a" * 900_000),
            b'{"title": "a", "tags": [%b]}' % b",".join(b'"%d"' % number for number in range(90_000)),
            b'{"title": "a", "scheduled_at": 1e308}',
            b'{"title": "a", "scheduled_at": "9999-12-31T23:59:59-23:59"}',
        ],
        ids=lambda body: body[:40].decode("latin-1"),
    )
    def test_of_what_cannot_be_stored_are_4xx(self, attacked: Attacked, body: bytes) -> None:
        before = attacked.titles()

        found = exchange(
            attacked.server, request(b"/api/meetings/", attacked.authorization, method=b"POST", body=body), LAST
        )

        assert found[0].status in (400, 422)
        assert attacked.titles() == before

    def test_with_as_many_keys_as_fit_are_read_in_no_long_time_and_the_last_of_two_equal_counts(
        self, attacked: Attacked
    ) -> None:
        keys = b",".join(b'"k%d":1' % number for number in range(80_000))
        body = b'{"title": "first", %b, "title": "last"}' % keys

        found = exchange(
            attacked.server, request(b"/api/meetings/", attacked.authorization, method=b"POST", body=body), LAST
        )

        assert json.loads(found[0].body)["title"] == "last"

    @pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "identity, gzip", "gzip, gzip"])
    def test_that_are_coded_are_415(self, attacked: Attacked, coding: str) -> None:
        headers = {"Content-Encoding": coding, "Content-Type": "application/json"}
        meeting = attacked.meeting()

        found = [
            attacked.client.request(method, target, content=b'{"title": "a"}', headers=headers)
            for method, target in (("POST", "/api/meetings/"), ("PUT", f"/api/meetings/{meeting}/transcript"))
        ]

        assert {each.status_code for each in found} == {415}
        assert {each.headers["Accept-Encoding"] for each in found} == {"identity"}

    @pytest.mark.parametrize(
        ("media_type", "body", "expected"),
        [
            ("application/x-www-form-urlencoded", b"username=%00&password=%00", 422),
            ("application/x-www-form-urlencoded", b"username=%ff&password=\xff", 401),
            ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(90_000)), 400),
            ("application/x-www-form-urlencoded", b"password=a&username=" + b"a" * 900_000, 401),
            ("multipart/form-data", b"--B--", 400),
            ("multipart/form-data; boundary=B", b"\xff" * 1000, 400),
            (
                "multipart/form-data; boundary=B",
                b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n' * 15_000 + b"--B--\r\n",
                400,
            ),
            ("multipart/form-data; boundary=B", b"--B\r\n" + b"x: y\r\n" * 90_000 + b"\r\nv\r\n--B--", 400),
            ("multipart/form-data; boundary=B", b"--B\r\nx: " + b"y" * 900_000 + b"\r\n\r\nv\r\n--B--", 400),
            ("application/json", b"{}", 422),
        ],
    )
    def test_that_are_no_sign_in_are_4xx(self, attacked: Attacked, media_type: str, body: bytes, expected: int) -> None:
        answer = attacked.client.post("/api/auth/token", content=body, headers={"Content-Type": media_type})

        assert answer.status_code == expected


class TestAnswers:
    def test_are_read_as_they_were_written(self) -> None:
        """The reader of these tests, not the server."""
        received = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 400 \r\n\r\n"

        assert [(each.status, each.body) for each in answers(received)] == [(200, b"ab"), (400, b"")]
