"""Files as large as they may be, against a server whose memory is watched."""

import json
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.system.serving import Serve

MB = 1024 * 1024
LIMIT = 50 * MB
TALK = "and then we looked at the numbers for the quarter which were rather better than what we had thought " * 4


def as_vtt(size: int) -> Iterator[bytes]:
    yield b"WEBVTT\n"
    cue = "\n{:02}:{:02}:{:02}.000 --> {:02}:{:02}:{:02}.900\n<v Speaker {}>{}\n"
    length = len(cue.format(*(0,) * 6, 0, TALK))
    for index in range(size // length - 1):
        clock = (index // 3600, index // 60 % 60, index % 60)
        yield cue.format(*clock, *clock, index % 7, TALK).encode()


def as_assemblyai(size: int) -> Iterator[bytes]:
    """Mostly words and confidences, as these files are."""
    words = json.dumps([{"text": "hello", "start": 1, "end": 2, "confidence": 0.9, "speaker": "A"}] * 100).encode()
    one = b'{"speaker": "A", "start": %d, "end": %d, "text": "hello there", "words": %s}'
    yield b'{"utterances": ['
    for index in range(size // len(words) - 1):
        yield (b", " if index else b"") + one % (index, index + 1, words)
    yield b"]}"


def put(client: httpx.Client, meeting: int, body: bytes, media_type: str) -> httpx.Response:
    headers = {"Content-Type": media_type}
    return client.put(f"/api/meetings/{meeting}/transcript", content=body, headers=headers)


class TestALargeUpload:
    @pytest.mark.parametrize(
        ("write", "media_type", "most_mb"), [(as_vtt, "text/vtt", 250), (as_assemblyai, "application/json", 60)]
    )
    def test_is_imported_in_bounded_memory_while_others_are_answered(
        self, serve: Serve, write: Callable[[int], Iterator[bytes]], media_type: str, most_mb: int
    ) -> None:
        server = serve()
        client, other = server.client(), server.client("bob@example.com")
        meeting = client.post("/api/meetings", json={"title": "Long"}).json()["id"]
        body = b"".join(write(LIMIT - MB))
        answers: list[int] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                answers.append(other.get("/api/meetings").status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        server.forget_peak()
        before = server.peak_bytes()
        answer = put(client, meeting, body, media_type)
        over.set()
        asking.join()

        assert answer.status_code == 200, answer.text
        assert LIMIT - 2 * MB < len(body) < LIMIT
        assert server.peak_bytes() - before < most_mb * MB
        assert len(answers) > 20 and set(answers) == {200}

    def test_over_the_limit_is_refused_without_being_held(self, serve: Serve) -> None:
        server = serve()
        client = server.client()
        meeting = client.post("/api/meetings", json={"title": "Long"}).json()["id"]
        server.forget_peak()
        before = server.peak_bytes()

        announced = put(client, meeting, b"x" * (LIMIT + 1), "text/vtt")
        headers = {"Content-Type": "text/vtt"}
        pieces = client.put(f"/api/meetings/{meeting}/transcript", content=as_vtt(LIMIT + 2 * MB), headers=headers)

        assert (announced.status_code, pieces.status_code) == (413, 413)
        assert announced.headers["Content-Type"] == "application/problem+json"
        assert server.peak_bytes() - before < 20 * MB
        assert client.get(f"/api/meetings/{meeting}").json()["segment_count"] == 0
