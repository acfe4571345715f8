import asyncio

import httpx
import numpy as np
import pytest

from mina_api.cache.testing import FakeClock
from mina_api.errors import InvalidInput
from mina_api.sessions.fingerprints import wav
from mina_api.sessions.fingerprints.landmarks import Landmarks, landmarks_of
from mina_api.sessions.fingerprints.likeness import are_alike, likeness
from tests.api import SignUp
from tests.sessions.sockets import a_session
from tests.sessions.speech import a_wav, as_wav, distorted, later, louder, noisy, utterance

UTTERANCES = 8


@pytest.fixture(scope="module")
def known() -> list[Landmarks]:
    """The landmarks of the utterances 0 to UTTERANCES."""
    return [landmarks_of(utterance(seed)) for seed in range(UTTERANCES)]


class TestLikeness:
    def test_knows_the_same_again_however_it_is_distorted(self, known: list[Landmarks]) -> None:
        missed = [
            (seed, how, likeness(known[seed], landmarks_of(audio)))
            for seed in range(UTTERANCES)
            for how, audio in distorted(utterance(seed))
            if not are_alike(known[seed], landmarks_of(audio))
        ]

        assert missed == []

    def test_takes_nothing_else_for_it(self, known: list[Landmarks]) -> None:
        wrong = [
            (one, other)
            for one in range(UTTERANCES)
            for other in range(one)
            if are_alike(known[one], known[other]) or are_alike(known[other], known[one])
        ]

        assert wrong == []

    def test_wants_all_of_it_and_not_a_common_half(self) -> None:
        one, other, third = (utterance(seed, 3.0).samples for seed in (1, 2, 3))
        first = landmarks_of(wav.Audio(np.concatenate([one, other]), 16_000))
        second = landmarks_of(wav.Audio(np.concatenate([one, third]), 16_000))

        assert likeness(first, second)[0] > 100
        assert not are_alike(first, second)

    def test_finds_nothing_in_silence(self) -> None:
        silence = landmarks_of(wav.Audio(np.zeros(32_000, np.float32), 16_000))
        nothing = landmarks_of(wav.Audio(np.zeros(0, np.float32), 16_000))

        assert (len(silence), len(nothing)) == (0, 0)
        assert not are_alike(silence, silence)


class TestReadWav:
    def test_reads_every_kind_of_sample_and_mixes_channels(self) -> None:
        values = np.array([0.0, 0.5, -0.5, 0.25], np.float64)
        wide = (values * 2**31).astype("<i4")
        files = {
            "8": a_wav(1, 1, 8000, 8, (values * 128 + 128).astype(np.uint8).tobytes()),
            "16": a_wav(1, 1, 8000, 16, (values * 2**15).astype("<i2").tobytes()),
            "24": a_wav(1, 1, 8000, 24, wide.view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()),
            "32": a_wav(1, 1, 8000, 32, wide.tobytes()),
            "float": a_wav(3, 1, 8000, 32, values.astype("<f4").tobytes()),
            "double": a_wav(3, 1, 8000, 64, values.astype("<f8").tobytes()),
            "extensible": a_wav(1, 1, 8000, 16, (values * 2**15).astype("<i2").tobytes(), extensible=True),
            "stereo": a_wav(1, 2, 8000, 16, np.repeat(values * 2**15, 2).astype("<i2").tobytes()),
        }

        for name, file in files.items():
            assert np.allclose(wav.read(file).samples, values, atol=0.01), name

    @pytest.mark.parametrize(
        "file",
        [
            b"",
            b"RIFF\0\0\0\0WAVE",
            b"ID3",
            a_wav(6, 1, 8000, 8, b"\0" * 100),
            a_wav(1, 0, 8000, 16, b"\0" * 100),
            a_wav(1, 1, 100, 16, b"\0" * 100),
            a_wav(1, 1, 8000, 0, b"\0" * 100),
            a_wav(1, 1, 8000, 8, b"\0" * 8000 * 601),
        ],
        ids=["nothing", "no chunks", "mp3", "law", "no channels", "slow", "no bits", "long"],
    )
    def test_refuses_what_it_cannot(self, file: bytes) -> None:
        with pytest.raises(InvalidInput):
            wav.read(file)


async def use_a_key(client: httpx.AsyncClient) -> None:
    """Sign a client in by an API key, which outlives what it is told of audio."""
    key = (await client.post("/api/auth/api-keys", json={"name": "recogniser", "scope": "write"})).json()["key"]
    client.headers["Authorization"] = f"Bearer {key}"


async def recognise(
    client: httpx.AsyncClient, session: int, file: bytes, media_type: str = "audio/wav"
) -> httpx.Response:
    return await client.post(
        f"/api/sessions/{session}/fingerprints", content=file, headers={"Content-Type": media_type}
    )


class TestFingerprints:
    async def test_of_audio_that_was_heard_give_its_transcription(
        self, ada: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        await use_a_key(ada)
        session, elsewhere = await a_session(ada), await a_session(ada)
        spoken, other = utterance(1), utterance(2)

        first = (await recognise(ada, session, as_wav(spoken))).json()
        second = (await recognise(ada, session, as_wav(louder(noisy(spoken, 20), -6)))).json()
        told = await ada.put(
            f"/api/sessions/{session}/fingerprints/{second['fingerprint']}", json={"transcription": "Shall we?"}
        )
        third = (await recognise(ada, session, as_wav(later(spoken, 0.5)))).json()
        strange = (await recognise(ada, session, as_wav(other))).json()
        apart = (await recognise(ada, elsewhere, as_wav(spoken))).json()
        clock.advance(2 * 3600)
        expired = (await recognise(ada, session, as_wav(spoken))).json()

        assert first["known"] is False
        assert second == {"fingerprint": first["fingerprint"], "known": True}
        assert told.json() == {"fingerprint": first["fingerprint"], "transcription": "Shall we?"}
        assert third == {"fingerprint": first["fingerprint"], "known": True, "transcription": "Shall we?"}
        assert (strange["known"], apart["known"], expired["known"]) == (False, False, False)

    async def test_of_audio_sent_twice_at_once_are_known_to_one(self, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        spoken = utterance(3)

        answers = await asyncio.gather(
            *(recognise(ada, session, as_wav(each)) for each in (spoken, louder(spoken, -6), noisy(spoken, 20)))
        )

        assert sorted(each.json()["known"] for each in answers) == [False, True, True]
        assert len({each.json()["fingerprint"] for each in answers}) == 1

    async def test_of_silence_are_those_of_its_samples(self, ada: httpx.AsyncClient) -> None:
        session = await a_session(ada)
        silence, longer = (as_wav(wav.Audio(np.zeros(each, np.float32), 16_000)) for each in (16_000, 17_000))

        known = [(await recognise(ada, session, each)).json()["known"] for each in (silence, longer, silence)]

        assert known == [False, False, True]

    async def test_that_clients_make_are_kept_for_two_hours_and_cached(
        self, ada: httpx.AsyncClient, clock: FakeClock
    ) -> None:
        await use_a_key(ada)
        session = await a_session(ada)
        path = f"/api/sessions/{session}/fingerprints/f:1%20é"
        told = {"text": "Hi", "words": [1, 2.5, None, True]}

        missing = await ada.get(path)
        await ada.put(path, json={"transcription": told})
        fresh, again = await ada.get(path), await ada.get(path)
        await ada.put(path, json={"transcription": "Hi!"})
        changed = await ada.get(path)
        clock.advance(2 * 3600)
        expired = await ada.get(path)

        assert (missing.status_code, expired.status_code) == (404, 404)
        assert fresh.json() == {"fingerprint": "f:1 é", "transcription": told}
        assert "hit" in again.headers["cache-status"]
        assert changed.json()["transcription"] == "Hi!"

    async def test_are_only_for_members_and_of_wav(self, ada: httpx.AsyncClient, sign_up: SignUp) -> None:
        bob = await sign_up("bob@example.com")
        session = await a_session(ada)
        file = as_wav(utterance(1, 1.0))

        answers = [
            await recognise(bob, session, file),
            await bob.get(f"/api/sessions/{session}/fingerprints/x"),
            await bob.put(f"/api/sessions/{session}/fingerprints/x", json={"transcription": "x"}),
            await recognise(ada, session, file, "audio/mpeg"),
            await recognise(ada, session, b"nothing"),
            await recognise(ada, session, file[:-1000]),
            await ada.put(f"/api/sessions/{session}/fingerprints/x", content=b'{"transcription": "\\ud800"}'),
        ]

        assert [each.status_code for each in answers] == [404, 404, 404, 415, 422, 200, 422]
