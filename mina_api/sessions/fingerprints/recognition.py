"""Decisions about audio: its fingerprint, and whether it is known; by numpy, which routes import when audio comes."""

import asyncio
import hashlib
import json
from datetime import datetime
from typing import BinaryIO

from pydantic import JsonValue

from mina_api.db.session import WriteSession
from mina_api.sessions.fingerprints import wav
from mina_api.sessions.fingerprints.landmark_queries import find_candidates, store_fingerprint, take_turns
from mina_api.sessions.fingerprints.landmarks import Landmarks, landmarks_of
from mina_api.sessions.fingerprints.likeness import are_alike
from mina_api.sessions.fingerprints.queries import KEPT, find_fingerprint
from mina_api.sessions.fingerprints.schemas import Recognition


def analyse(file: BinaryIO) -> tuple[str, Landmarks]:
    """A WAV file's fingerprint and landmarks; of audio in which nothing stands out, that of its very samples.

    Takes a hundredth of the audio's length: call it in a thread. Raises InvalidInput.
    """
    audio = wav.read(file.read())
    landmarks = landmarks_of(audio)
    parts = (landmarks.hashes, landmarks.steps) if len(landmarks) else (audio.samples,)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:32], landmarks


async def recognise(
    session: WriteSession, session_id: int, fingerprint: str, landmarks: Landmarks, now: datetime
) -> Recognition:
    """The fingerprint under which audio is known in a session, or is from now on."""
    await take_turns(session, session_id)
    found = await find_fingerprint(session, session_id, fingerprint, now)
    if found is None and len(landmarks):
        for candidate, theirs in await find_candidates(session, session_id, landmarks, now):
            if await asyncio.to_thread(are_alike, theirs, landmarks):
                found = candidate
                break
    if found is None:
        await store_fingerprint(session, session_id, fingerprint, landmarks, now + KEPT)
        return Recognition(fingerprint=fingerprint, known=False)
    if found.transcription is None:
        return Recognition(fingerprint=found.fingerprint, known=True)
    told: JsonValue = json.loads(found.transcription)
    return Recognition(fingerprint=found.fingerprint, known=True, transcription=told)
