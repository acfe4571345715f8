"""`/api/meetings/{id}/transcript` and `…/speakers`."""

import asyncio
from typing import Annotated, Literal

from fastapi import Header, Query, Request, Response

from mina_api.auth.dependencies import Editor, Viewer
from mina_api.cache.fastapi import CachedRoute, Invalidation, cache_response
from mina_api.meetings.caching import changed_meeting, meeting_of_path
from mina_api.meetings.routes import MeetingId
from mina_api.meetings.service import etag_of, get_meeting, lock_meeting
from mina_api.transcripts import contract, queries, service
from mina_api.transcripts.formats import EXPORTS, export
from mina_api.transcripts.observers import Observers
from mina_api.transcripts.schemas import SpeakerName, Transcript, TranscriptSummary, as_json
from mina_api.transcripts.uploads import UploadsOfApp
from mina_api.web.conditional import IfMatch
from mina_api.web.dependencies import Reads, UnitOfWork
from mina_api.web.openapi import VERSIONED, responses, sends
from mina_api.web.routing import Router

router = Router(prefix="/api/meetings/{meeting_id}", tags=["Transcripts"], route_class=CachedRoute)

EXAMPLES = {"vtt": contract.VTT, "srt": contract.SRT, "txt": contract.TXT}
DOWNLOAD = sends(200, "Content-Disposition")
DOWNLOAD[200]["content"] = {
    each.media_type.partition(";")[0]: {"schema": {"type": "string"}, "example": EXAMPLES[name]}
    for name, each in EXPORTS.items()
}


@router.put(
    "/transcript",
    summary="Replace a transcript",
    responses=VERSIONED | responses(401, 403, 404, 412, 413, 415, 422, 503),
    openapi_extra=contract.REQUEST,
)
async def replace_transcript(
    meeting_id: MeetingId,
    request: Request,
    editor: Editor,
    session: UnitOfWork,
    uploads: UploadsOfApp,
    observers: Observers,
    invalidation: Invalidation,
    response: Response,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    dialect: Annotated[
        Literal["mina", "assemblyai", "deepgram"] | None,
        Query(alias="format", description="JSON's dialect, where its shape shall not tell"),
    ] = None,
    if_match: IfMatch = None,
) -> TranscriptSummary:
    """A file in the place of the meeting's transcript, at once or not at all; its analytics are made anew."""
    async with uploads.receive(request) as file:
        utterances = await service.read_file(file, content_type, dialect)
        meeting = await lock_meeting(session, editor.workspace_id, meeting_id, if_match)
        summary = await service.replace_transcript(session, observers, meeting, utterances)
    invalidation.add(*changed_meeting(editor.workspace_id, meeting_id))
    response.headers["ETag"] = etag_of(meeting)
    return summary


@router.get(
    "/transcript",
    summary="Read a transcript",
    response_model=Transcript,
    responses=DOWNLOAD | responses(401, 404, 422, 503),
)
@cache_response(ttl=7200, prefix="transcription", tags=[meeting_of_path])
async def get_transcript(
    meeting_id: MeetingId,
    viewer: Viewer,
    reads: Reads,
    file_format: Annotated[Literal["json", "vtt", "srt", "txt"], Query(alias="format")] = "json",
) -> Response:
    """The transcript as JSON, or as a file in another format."""
    async with reads() as session:
        meeting = await get_meeting(session, viewer.workspace_id, meeting_id)
        utterances = await queries.read_utterances(session, meeting_id)
    if file_format == "json":
        return Response(await asyncio.to_thread(as_json, meeting, utterances), media_type="application/json")
    return Response(
        await asyncio.to_thread(export, utterances, file_format),
        media_type=EXPORTS[file_format].media_type,
        headers={"Content-Disposition": f'attachment; filename="meeting-{meeting_id}.{file_format}"'},
    )


@router.put(
    "/speakers/{label}",
    summary="Rename or merge a speaker",
    responses=VERSIONED | responses(401, 403, 404, 412, 422, 503),
)
async def rename_speaker(
    meeting_id: MeetingId,
    label: str,
    body: SpeakerName,
    editor: Editor,
    session: UnitOfWork,
    observers: Observers,
    invalidation: Invalidation,
    response: Response,
    if_match: IfMatch = None,
) -> TranscriptSummary:
    """The speaker under a new name; under one that speaks already, the two become one."""
    meeting = await lock_meeting(session, editor.workspace_id, meeting_id, if_match)
    summary = await service.rename_speaker(session, observers, meeting, label, body.name)
    invalidation.add(*changed_meeting(editor.workspace_id, meeting_id))
    response.headers["ETag"] = etag_of(meeting)
    return summary
