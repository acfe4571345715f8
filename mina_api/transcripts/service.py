"""Decisions about transcripts: replaced whole or not at all, speakers renamed and merged."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from mina_api.db.session import WriteSession
from mina_api.errors import NotFound
from mina_api.meetings.models import Meeting
from mina_api.meetings.service import touch_meeting
from mina_api.transcripts import queries
from mina_api.transcripts.formats import parse
from mina_api.transcripts.observers import TranscriptObserver
from mina_api.transcripts.schemas import TranscriptSummary
from mina_api.transcripts.segments import Utterance


async def read_file(file: BinaryIO, media_type: str, dialect: str | None) -> list[Utterance]:
    """The utterances of an uploaded file, parsed in a thread; raises InvalidInput or UnsupportedMedia."""
    return await asyncio.to_thread(parse, file, media_type, dialect)


async def replace_transcript(
    session: WriteSession,
    observers: Sequence[TranscriptObserver],
    meeting: Meeting,
    utterances: Sequence[Utterance],
) -> TranscriptSummary:
    """Put `utterances` in the place of a locked meeting's transcript, and tell all who derive from it."""
    labels = await queries.replace_utterances(session, meeting.id, utterances)
    for observe in observers:
        await observe(session, meeting_id=meeting.id, workspace_id=meeting.workspace_id, utterances=utterances)
    meeting.segment_count = len(utterances)
    meeting.last_end_ms = max((each.end_ms for each in utterances), default=None)
    await touch_meeting(session, meeting)
    duration = meeting.duration_ms
    return TranscriptSummary(
        segments=len(utterances), speakers=len(labels), duration_seconds=None if duration is None else duration / 1000
    )


async def rename_speaker(
    session: WriteSession, observers: Sequence[TranscriptObserver], meeting: Meeting, label: str, name: str
) -> TranscriptSummary:
    """Call the speaker `label` of a locked meeting `name`; where `name` speaks already, the two become one.

    Raises NotFound where nobody of that label speaks.
    """
    utterances = await queries.read_utterances(session, meeting.id)
    if not any(each.speaker == label for each in utterances):
        raise NotFound("There is no such speaker in this meeting.")
    renamed = [replace(each, speaker=name) if each.speaker == label else each for each in utterances]
    return await replace_transcript(session, observers, meeting, renamed)
