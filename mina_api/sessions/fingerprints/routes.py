"""`/api/sessions/{id}/fingerprints`: audio that is sent twice is transcribed once."""

import asyncio
import json
from typing import Annotated, Any

from fastapi import Header, Path, Request

from mina_api.auth.dependencies import Editor, Viewer
from mina_api.cache.fastapi import CachedRoute, Invalidation, TagContext, cache_response
from mina_api.errors import NotFound, UnsupportedMedia
from mina_api.sessions import service as sessions
from mina_api.sessions.fingerprints import queries
from mina_api.sessions.fingerprints.schemas import FingerprintDetail, FingerprintText, Recognition, TranscriptionOf
from mina_api.sessions.routes import SessionId
from mina_api.transcripts.uploads import UploadsOfApp
from mina_api.web.clock import Now
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.openapi import responses
from mina_api.web.routing import Router

router = Router(prefix="/api/sessions/{session_id}/fingerprints", tags=["Live sessions"], route_class=CachedRoute)

MEDIA_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "application/octet-stream", "")
WAV: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}, "example": "RIFF…WAVEfmt …data…"}},
    }
}
FingerprintOfPath = Annotated[
    FingerprintText, Path(description="what a client calls some audio", examples=["3f1c0a9b5d7e42681122334455667788"])
]


def fingerprint_tag(session_id: int, fingerprint: str) -> str:
    """What is told of one fingerprint."""
    return f"live:{session_id}:fingerprint:{fingerprint}"


def fingerprint_of_path(context: TagContext) -> str:
    """The tag of the fingerprint that the path names."""
    return fingerprint_tag(context.params["session_id"], context.params["fingerprint"])


@router.put(
    "/{fingerprint}", summary="Tell what a fingerprint's audio says", responses=responses(401, 403, 404, 422, 503)
)
async def put_fingerprint(
    session_id: SessionId,
    fingerprint: FingerprintOfPath,
    body: TranscriptionOf,
    editor: Editor,
    session: UnitOfWork,
    invalidation: Invalidation,
    now: Now,
) -> FingerprintDetail:
    """Kept for two hours from now."""
    await sessions.get_session(session, editor.workspace_id, session_id)
    told = json.dumps(body.transcription)
    await queries.store_transcription(session, session_id, fingerprint, told, now() + queries.KEPT)
    invalidation.add(fingerprint_tag(session_id, fingerprint))
    return FingerprintDetail(fingerprint=fingerprint, transcription=body.transcription)


@router.get("/{fingerprint}", summary="Read what a fingerprint's audio says", responses=responses(401, 404, 422, 503))
@cache_response(ttl=7200, prefix="transcription", tags=[fingerprint_of_path])
async def get_fingerprint(
    session_id: SessionId, fingerprint: FingerprintOfPath, viewer: Viewer, reads: Reads, now: Now
) -> FingerprintDetail:
    """What was told of it within the last two hours."""
    async with reads() as session:
        await sessions.get_session(session, viewer.workspace_id, session_id)
        found = await queries.find_fingerprint(session, session_id, fingerprint, now())
    if found is None or found.transcription is None:
        raise NotFound("Nothing is known of this fingerprint.")
    return FingerprintDetail(fingerprint=fingerprint, transcription=json.loads(found.transcription))


@router.post(
    "",
    summary="Recognise audio",
    response_model_exclude_unset=True,
    responses=responses(401, 403, 404, 413, 415, 422, 503),
    openapi_extra=WAV,
)
async def recognise_audio(
    session_id: SessionId,
    request: Request,
    editor: Editor,
    reads: Reads,
    session: UnitOfWork,
    uploads: UploadsOfApp,
    now: Now,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> Recognition:
    """The audio's fingerprint, and whether the same was heard before in the session: louder, noisier, or shifted.

    The one that comes first transcribes it and tells what it says (PUT); all others get that here.
    """
    # With it comes numpy, whose import takes as long as a tenth of a start.
    from mina_api.sessions.fingerprints import recognition

    if content_type.partition(";")[0].strip().lower() not in MEDIA_TYPES:
        raise UnsupportedMedia("Audio is one of: audio/wav.")
    async with reads() as before:
        await sessions.get_session(before, editor.workspace_id, session_id)
    async with uploads.receive(request) as file:
        fingerprint, landmarks = await asyncio.to_thread(recognition.analyse, file)
    return await recognition.recognise(session, session_id, fingerprint, landmarks, now())
