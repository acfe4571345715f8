"""What is never in clear in Redis, and what is never there at all: by prefix, whatever the answers are."""

import contextlib
from typing import Any

import httpx
import pytest
import zstandard
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis

from mina_api.app import create_app
from mina_api.cache.testing import FakeClock
from mina_api.settings import Settings
from tests.api import register, running

PHRASE = "the kestrel signs at midnight"
VTT = f"WEBVTT\n\n00:00.000 --> 00:02.000\n<v Ada>{PHRASE}\n" + "".join(
    f"\n00:{n:02}.000 --> 00:{n:02}.900\n<v Ada>so it goes on and on\n" for n in range(3, 50)
)


def decompressed(value: bytes) -> bytes:
    """`value`, and every zstd frame in it as it was before."""
    found, start = [value], 0
    while (start := value.find(b"\x28\xb5\x2f\xfd", start)) >= 0:
        with contextlib.suppress(zstandard.ZstdError):
            found.append(zstandard.ZstdDecompressor().decompressobj().decompress(value[start:]))
        start += 1
    return b"\n".join(found)


async def memory_of(url: str) -> dict[str, bytes]:
    """All that a Redis has, by key: whatever its type, as it is dumped and as it is read."""
    found: dict[str, bytes] = {}
    async with Redis.from_url(url) as client:
        # A dump of a large string is compressed (LZF): it is not told from what is encrypted.
        await client.config_set("rdbcompression", "no")
        async for key in client.scan_iter(count=1000):
            is_text = await client.type(key) == b"string"
            dumped: Any = await client.dump(key)
            read: Any = await client.get(key) if is_text else b""
            found[key.decode()] = key + decompressed(dumped or b"") + decompressed(read or b"")
    return found


async def use(app: FastAPI) -> list[httpx.Response]:
    """Every way that a transcript's text is read, twice: from the database, then as it is cached."""
    async with await register(app, "ada@example.com") as ada:
        meeting = (await ada.post("/api/meetings/", json={"title": "Retro"})).json()["id"]
        stored = await ada.put(f"/api/meetings/{meeting}/transcript", content=VTT, headers={"Content-Type": "text/vtt"})
        assert stored.status_code == 200, stored.text
        live = (await ada.post("/api/sessions/", json={"meeting_id": meeting})).json()["id"]
        fingerprint = f"/api/sessions/{live}/fingerprints/{'ab' * 32}"
        assert (await ada.put(fingerprint, json={"transcription": PHRASE})).status_code in (200, 201, 204)
        paths = [f"/api/meetings/{meeting}/transcript?format={each}" for each in ("json", "vtt", "srt", "txt")]
        paths += [fingerprint, f"/api/sessions/{live}/transcription", f"/api/meetings/{meeting}"]
        paths += [f"/api/analytics/meetings/{meeting}", "/api/meetings/?q=kestrel"]
        answers = [await ada.get(path) for path in paths for _ in range(2)]
        assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
        return answers


class TestTranscripts:
    @pytest.mark.parametrize("way", ["encrypted", "encrypted by keys", "plain", "none"])
    async def test_are_in_clear_in_redis_only_where_that_is_wanted(
        self, settings: Settings, clock: FakeClock, way: str
    ) -> None:
        keys = SecretStr("ab" * 32 if way == "encrypted by keys" else "")
        cache = settings.cache.model_copy(
            update={"transcripts": way.split()[0], "encryption_keys": keys, "memory_bytes": 0}
        )
        async with running(create_app(settings.model_copy(update={"cache": cache}), clock=clock)) as app:
            answers = await use(app)
            memory = await memory_of(settings.redis.url.get_secret_value())

        in_clear = [key for key, value in memory.items() if PHRASE.encode() in value]
        stored = [key for key in memory if ":transcription:" in key and "#" in key]
        hits = [answer.headers["cache-status"].startswith("mina; hit") for answer in answers[1:12:2]]
        assert bool(in_clear) == (way == "plain"), in_clear
        assert bool(stored) == (way != "none")
        assert all(hits) if way != "none" else not any(hits)
        assert sum(PHRASE in answer.text for answer in answers) >= 10
