"""Whatever comes over the wire: an answer that is no failure of ours, and the short way's is that of the long way."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.security.http.conftest import Attacked
from tests.security.http.wire import HOST, LAST, Answer, exchange, request

# By hand: of a few hundred requests, at the rate of a hundred a second.
BOUNDED = settings(
    max_examples=300,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# Nothing is sent any more where a body is waited for that does not come.
PATIENCE = 0.3
METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND", b"get"]

hostile = st.sampled_from(
    [
        "%00", "%ff", "%ed%a0%80", "%c0%ae", "..", "%2e%2e", "%2f", "%5c", "%3f", "%23", "%25", "%", "%zz", "%u0041",
        "-1", "0", "9" * 30, "1e9", "NaN", "1_0", "%C2%B2", "%D9%A1", "true", "null", "", "%20", "+", "*", "a" * 3000,
        "%0d%0a", "2026-13-45", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00", "[", "{{7*7}}", "';--",
    ]
)  # fmt: skip
fields = st.sampled_from(
    [
        b"Host: other.test", b"Host:", b"Host: [", b"Host: \xe2\x84\x80", b"host: mina.test:99999",
        b"Authorization: Bearer x", b"Authorization: Basic Og==", b"Authorization:", b"X-API-Key: \xff", b"X-API-Key:",
        b"Content-Length: 0", b"Content-Length: 1", b"Content-Length: +1", b"Content-Type: text/vtt",
        b"Content-Type: application/json; charset=\xff", b"Content-Type: multipart/form-data", b"Content-Encoding: br",
        b"Transfer-Encoding: chunked", b"If-None-Match: *", b'If-None-Match: W/"a", "', b"If-None-Match: \xff",
        b'If-Match: "m1.1"', b"If-Match: *", b"If-Match: \xff", b"If-Modified-Since: x", b"Idempotency-Key: a",
        b"Idempotency-Key: " + b"k" * 300, b"Idempotency-Key: \xff", b"Accept-Encoding: zstd", b"Accept-Encoding: \xff",
        b"Accept-Encoding: zstd;q=0", b"Accept-Encoding: *;q=nan", b"Accept-Encoding: identity;q=0", b"Range: bytes=0-",
        b"Accept: text/event-stream", b"Accept: */*;q=x", b"Cache-Control: no-cache", b"Cache-Control: no-store",
        b"Cache-Control: max-age=" + b"9" * 500, b"Cache-Control: max-age=-1", b"Cache-Control: \xff=,,=",
        b"Pragma: no-cache", b"Expect: 100-continue", b"Expect: x", b"X-HTTP-Method-Override: DELETE",
        b"X-Method-Override: DELETE", b"Connection: Upgrade\r\nUpgrade: h2c", b"Connection: Upgrade, close",
        b"Upgrade: websocket", b"Connection: keep-alive, Authorization", b"Origin: null", b"Cookie: mina=\xff; =; a",
        b"traceparent: 00-\xff", b"X-Request-ID: \xff", b"X-Request-ID: a\tb", b"X-Forwarded-For: \xff, :::",
        b"X-Forwarded-Proto: gopher", b"X-Forwarded-Host: other.test", b"X-Original-URL: /ops/cache/keys",
        b"Forwarded: for=\xff", b"Via: 1.1 x", b"TE: trailers", b"Trailer: Authorization", b"Max-Forwards: 0",
        b"Proxy-Authorization: Bearer x", b"Accept-Language: \xff", b"X: \t", b"X: \x01", b"X y: z", b" folded",
    ]
)  # fmt: skip
# A body that is malformed is refused as soon as it is read, perhaps before the answer is made.
of_a_head = fields.filter(lambda field: field != b"Transfer-Encoding: chunked")
bodies = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.sampled_from([b"{}", b"[]", b'{"title": "a"}', b'{"title": 1e999}', b"WEBVTT\n\n\x00", b"null", b'"\\ud800"']),
)


def is_no_failure(answer: Answer) -> bool:
    """Whether it is neither a failure of ours, nor a problem that is not said to be one."""
    media_type = answer.headers.get("content-type", "")
    return answer.status < 500 or (answer.status == 503 and media_type == "application/problem+json")


@pytest.fixture(scope="module")
def operations(attacked: Attacked) -> list[tuple[bytes, str]]:
    """All that the document has, but what ends the sign-in, and streams of events."""
    document = attacked.client.get("/openapi.json").json()
    return [
        (method.upper().encode(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "logout" not in path and "text/event-stream" not in str(operation)
    ]


@pytest.fixture(scope="module")
def mallory(attacked: Attacked) -> bytes:
    """Their Authorization; what they have may be lost."""
    return b"Authorization: " + attacked.server.client("mallory@example.com").headers["Authorization"].encode()


@pytest.fixture(scope="module")
def targets(attacked: Attacked) -> list[bytes]:
    """Of cached answers; each is asked for until the worker has it in memory, and its shortcut too."""
    meeting = attacked.meeting("Warm")
    found = [
        f"/api/meetings/{meeting}", "/api/meetings/?page=1&per_page=20", "/api/meetings/", "/api/auth/me",
        "/api/analytics/dashboard?days=7", f"/api/meetings/{meeting}/transcript",
    ]  # fmt: skip
    for target in found:
        said = [attacked.client.get(target).headers["cache-status"] for _ in range(4)]
        assert said[-1].startswith("mina; hit") and said[-1].endswith("detail=l1"), said
    return [each.encode() for each in found]


@pytest.fixture(scope="module")
def credentials(attacked: Attacked) -> list[tuple[bytes, ...]]:
    """Ada's in many forms, another's, and none."""
    ada = attacked.client.headers["Authorization"].encode()
    eve = attacked.server.client("eve@example.com").headers["Authorization"].encode()
    scheme, _, token = ada.partition(b" ")
    values = [
        (ada,), (ada,), (eve,), (), (b"",), (scheme,), (token,), (ada + b" ",), (b"  " + ada,), (ada, eve),
        (eve, ada), (ada, ada), (scheme.lower() + b" " + token,), (scheme + b"  " + token,),
        (scheme + b"\t" + token,), (ada + b",",), (ada[:-1],), (ada + b"A",), (ada.swapcase(),), (ada + b"\x00",),
        (b"Basic " + token,), (ada + b"=",), (ada + b", " + eve,),
    ]  # fmt: skip
    return [tuple(b"Authorization: " + value for value in each) for each in values]


class TestAnyRequest:
    @given(data=st.data())
    @BOUNDED
    def test_to_any_operation_is_answered_without_a_failure(
        self, attacked: Attacked, operations: list[tuple[bytes, str]], mallory: bytes, data: st.DataObject
    ) -> None:
        method, path = data.draw(st.sampled_from(operations))
        path = re.sub(r"\{\w+\}", lambda _: data.draw(st.one_of(st.just("1"), hostile)), path)
        names = st.sampled_from(["page", "per_page", "q", "from", "to", "sort", "days", "tz", "format", "match", "x"])
        query = "&".join(f"{name}={data.draw(hostile)}" for name in data.draw(st.lists(names, max_size=3)))
        given_fields = data.draw(st.lists(fields, max_size=3))
        if data.draw(st.booleans()):
            given_fields.append(mallory)
        target = f"{path}?{query}".encode() if query else path.encode()

        found = exchange(
            attacked.server,
            request(target, *given_fields, method=method, body=data.draw(bodies)),
            LAST,
            patience=PATIENCE,
            begins_with_head=method == b"HEAD",
        )

        assert all(map(is_no_failure, found)), found

    @given(data=st.data())
    @BOUNDED
    def test_with_bytes_out_of_place_is_answered_without_a_failure(
        self, attacked: Attacked, mallory: bytes, data: st.DataObject
    ) -> None:
        """Mostly right, with a few bytes put in, left out or changed anywhere."""
        method = data.draw(st.sampled_from([each for each in METHODS if each != b"HEAD"]))
        raw = bytearray(
            request(
                b"/api/meetings/?page=1", mallory, *data.draw(st.lists(fields, max_size=2)), method=method, body=b"{}"
            )
        )
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(raw) - 1))
            raw[at : at + data.draw(st.integers(0, 2))] = data.draw(st.one_of(st.just(b"\r\n"), st.binary(max_size=3)))

        found = exchange(attacked.server, bytes(raw), LAST, patience=PATIENCE)

        assert all(map(is_no_failure, found)), found

    @given(st.binary(max_size=200))
    @settings(BOUNDED, max_examples=100)
    def test_that_is_noise_is_answered_by_400_or_nothing(self, attacked: Attacked, noise: bytes) -> None:
        found = exchange(attacked.server, noise + b"\r\n\r\n", patience=PATIENCE)

        assert {each.status for each in found} <= {400}


class TestTheShortWay:
    """Answers by the raw target and the raw Authorization, where they are known, are those of the long way."""

    @given(data=st.data())
    @settings(BOUNDED, max_examples=400)
    def test_is_the_long_way(
        self,
        attacked: Attacked,
        targets: list[bytes],
        credentials: list[tuple[bytes, ...]],
        data: st.DataObject,
    ) -> None:
        target = data.draw(variants(data.draw(st.sampled_from(targets))))
        given_fields = [*data.draw(st.sampled_from(credentials)), *data.draw(st.lists(of_a_head, max_size=2))]
        given_fields = data.draw(st.permutations(given_fields))
        method = data.draw(st.sampled_from([b"GET"] * 6 + METHODS[1:2] + METHODS[6:]))
        version = data.draw(st.sampled_from([b"HTTP/1.1"] * 4 + [b"HTTP/1.0"]))
        host = data.draw(st.sampled_from([HOST] * 4 + [b"", b"HOST: evil.test:1\r\n"]))
        raw = request(target, *given_fields, method=method, version=version, host=host)
        is_head = method == b"HEAD"

        short, long = (
            exchange(each, raw, LAST, patience=PATIENCE, begins_with_head=is_head)
            for each in (attacked.server, attacked.slow_way)
        )

        assert list(map(told, short)) == list(map(told, long))
        assert all(map(is_no_failure, short))


def variants(target: bytes) -> st.SearchStrategy[bytes]:
    """Targets that somebody might take for `target`."""
    path, _, query = target.partition(b"?")
    last = b"%%%02x" % path[-1]
    turned = b"&".join(reversed(query.split(b"&")))
    return st.sampled_from(
        [
            target, target, target, target + b"?", target + b"&", target + b"#f", target + b"?x=1", target + b"%20",
            b"http://evil.test" + target, b"HTTP://EVIL.TEST" + target, b"/" + target, b"/." + target,
            path[:-1] + last + target[len(path) :], path + b"/" + target[len(path) :], path + b"?" + turned,
            path + b"?" + query + b"&page=2", path + b"?page=2&" + query, path + b"?PAGE=2", path + b";page=2",
            path.replace(b"/api", b"/%61pi") + target[len(path) :], path.replace(b"/", b"%2f"), path.upper(),
            path + b"/../me", path + b"?days=07", path + b"?days=%37", path + b"?days=7&days=8",
        ]
    )  # fmt: skip


def told(answer: Answer) -> tuple[Any, ...]:
    """What two workers say alike."""
    return answer.status, answer.body, *(answer.headers.get(name) for name in ("content-type", "etag", "vary"))
