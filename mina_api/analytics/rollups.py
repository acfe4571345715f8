"""Keeping a meeting's measures: computed when its transcript changes, in the same transaction."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import delete, insert

from mina_api.analytics.measures import MeetingMeasures, measure
from mina_api.analytics.models import MeetingRollup, SpeakerRollup
from mina_api.db.session import WriteSession
from mina_api.transcripts.segments import Utterance


async def store_rollup(
    session: WriteSession, *, meeting_id: int, workspace_id: int, utterances: Sequence[Utterance]
) -> None:
    """Put the measures of `utterances` in the place of a meeting's; they are computed in a thread."""
    measures = await asyncio.to_thread(measure, utterances)
    await session.execute(delete(SpeakerRollup).where(SpeakerRollup.meeting_id == meeting_id))
    await session.execute(delete(MeetingRollup).where(MeetingRollup.meeting_id == meeting_id))
    await session.execute(insert(MeetingRollup).values(meeting_row(meeting_id, measures)))
    if rows := speaker_rows(meeting_id, workspace_id, measures):
        await session.execute(insert(SpeakerRollup), rows)


def meeting_row(meeting_id: int, measures: MeetingMeasures) -> dict[str, object]:
    """The row of `meeting_rollups`."""
    return {
        "meeting_id": meeting_id,
        "speech_ms": measures.speech_ms,
        "overlap_ms": measures.overlap_ms,
        "talk_ms": measures.talk_ms,
        "top_talk_ms": max((each.talk_ms for each in measures.speakers), default=0),
        "words": measures.words,
        "turns": measures.turns,
        "questions": measures.questions,
        "patience_ms": measures.patience_ms,
        "participation_equity": measures.participation_equity,
    }


def speaker_rows(meeting_id: int, workspace_id: int, measures: MeetingMeasures) -> list[dict[str, object]]:
    """The rows of `speaker_rollups`."""
    return [
        {
            "meeting_id": meeting_id,
            "position": position,
            "workspace_id": workspace_id,
            "speaker": each.speaker,
            "talk_ms": each.talk_ms,
            "longest_monologue_ms": each.longest_monologue_ms,
            "turns": each.turns,
            "words": each.words,
            "fillers": each.fillers,
            "questions": each.questions,
            "interruptions": each.interruptions,
        }
        for position, each in enumerate(measures.speakers)
    ]
