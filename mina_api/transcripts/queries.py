"""All SQL of transcripts."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select

from mina_api.db.session import ReadSession, WriteSession
from mina_api.meetings.models import TranscriptSearch
from mina_api.transcripts.models import Segment, Speaker
from mina_api.transcripts.segments import Utterance

# A tsvector holds at most 1 MB of lexemes: enough for some ten hours of talk.
SEARCHED_CHARACTERS = 400_000
PAGE_ROWS = 2_000


async def read_utterances(session: ReadSession, meeting_id: int) -> list[Utterance]:
    """A meeting's utterances, in order; fetched in pages, between which others have the event loop."""
    statement = (
        select(Segment.start_ms, Segment.end_ms, Speaker.label, Segment.text)
        .join(Speaker, (Speaker.meeting_id == Segment.meeting_id) & (Speaker.position == Segment.speaker))
        .where(Segment.meeting_id == meeting_id)
        .order_by(Segment.position)
    )
    rows = await session.stream(statement.execution_options(yield_per=PAGE_ROWS))
    return [Utterance(*row) async for page in rows.partitions() for row in page]


async def replace_utterances(session: WriteSession, meeting_id: int, utterances: Sequence[Utterance]) -> list[str]:
    """Put `utterances` in the place of a meeting's; the speakers' labels by first appearance.

    The segments go by COPY over the transaction's own connection: an INSERT of 5,000 rows takes ten times as long.
    """
    for table in (Segment, Speaker, TranscriptSearch):
        await session.execute(delete(table).where(table.meeting_id == meeting_id))
    labels = list(dict.fromkeys(each.speaker for each in utterances))
    if not labels:
        return labels
    positions = {label: position for position, label in enumerate(labels)}
    await session.execute(
        insert(Speaker),
        [{"meeting_id": meeting_id, "position": position, "label": label} for label, position in positions.items()],
    )
    connection = await (await session.connection()).get_raw_connection()
    driver = connection.driver_connection
    assert driver is not None, "the session has begun"  # noqa: S101
    await driver.copy_records_to_table(
        Segment.__tablename__,
        columns=["meeting_id", "position", "speaker", "start_ms", "end_ms", "text"],
        records=(
            (meeting_id, position, positions[each.speaker], each.start_ms, each.end_ms, each.text)
            for position, each in enumerate(utterances)
        ),
    )
    words = func.to_tsvector("english", searched_text(utterances))
    await session.execute(insert(TranscriptSearch).values(meeting_id=meeting_id, search=words))
    return labels


def searched_text(utterances: Sequence[Utterance]) -> str:
    """What of a transcript is searched: its first SEARCHED_CHARACTERS, without joining the rest."""
    texts: list[str] = []
    room = SEARCHED_CHARACTERS
    for each in utterances:
        if room <= 0:
            break
        texts.append(each.text[:room])
        room -= len(each.text) + 1
    return " ".join(texts)
