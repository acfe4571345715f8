"""One WebSocket of a session: what comes in is checked and recorded, what is told goes out; idle, it holds nothing."""

import asyncio
import contextlib

from fastapi import WebSocket
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from mina_api.cache.fastapi import PendingInvalidation
from mina_api.db.session import Database
from mina_api.logs import get_logger
from mina_api.sessions import messages, queries
from mina_api.sessions.caching import speakers_tag
from mina_api.sessions.joining import join
from mina_api.sessions.limits import MAX_MESSAGE_BYTES
from mina_api.sessions.live import Live
from mina_api.sessions.messages import Misunderstood, PingSent, SegmentSent, SpeakerSent, parse
from mina_api.sessions.models import SessionStatus
from mina_api.sessions.queries import Profile
from mina_api.sessions.recording.batch import Item, Kept, Lost, Outcome, Refused
from mina_api.sessions.rooms import Closing, Listener, Room
from mina_api.transcripts.formats.limits import MAX_SPEAKERS

logger = get_logger(__name__)

MOST_IN_FLIGHT = 500
MOST_BYTES_IN_FLIGHT = 1024 * 1024
MOST_DRAFTS = 200
CLOSE_SECONDS = 10.0

TOO_LARGE = Closing(1009, f"A message has at most {MAX_MESSAGE_BYTES} bytes.")
NO_TEXT = Closing(1003, "Messages are JSON, as text.")
FAILED = Closing(1011, "Something went wrong on our side; it is noted.")
TRY_AGAIN = Closing(1013, "The database cannot answer now: connect again, and send again what was not acknowledged.")


class Connection:
    """A participant's connection, from its admission to its end."""

    def __init__(
        self, websocket: WebSocket, live: Live, database: Database, session_id: int, listener: Listener
    ) -> None:
        self._websocket = websocket
        self._live = live
        self._database = database
        self._session_id = session_id
        self._listener = listener
        self._in_flight = 0
        self._bytes_in_flight = 0
        self._landed = asyncio.Event()
        self._drafts: set[int] = set()
        # Never set: what waits for it waits for the writer to end, and is cancelled with it.
        self._written = asyncio.Event()

    async def serve(self, since: int | None) -> None:
        """Read and write until either ends, then close; the first that is told is what was missed `since`."""
        with self._live.rooms.entered(self._session_id, self._listener) as room:
            reading = asyncio.create_task(self._read(room, since), name="live connection, reading")
            writing = asyncio.create_task(self._write(), name="live connection, writing")
            try:
                await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
            finally:
                reading.cancel()
                writing.cancel()
                await asyncio.gather(reading, writing, return_exceptions=True)

    async def _write(self) -> None:
        while True:
            message = await self._listener.next()
            if isinstance(message, Closing):
                await close(self._websocket, message)
                return
            await self._websocket.send({"type": "websocket.send", "text": message})

    async def _read(self, room: Room, since: int | None) -> None:
        """Take what comes, until the other side is gone or the connection is to be closed from here."""
        try:
            await join(self._live.rooms, room, self._listener, since)
            while self._listener.closing is None:
                event = await self._websocket.receive()
                if event["type"] == "websocket.disconnect":
                    return
                await self._take_frame(event.get("text"))
        except (SQLAlchemyError, OSError) as failure:
            logger.error("Postgres cannot answer", cause=type(failure).__name__)
            self._listener.close(TRY_AGAIN)
        except Exception:
            logger.exception("unexpected failure", session=self._session_id)
            self._listener.close(FAILED)
        await self._written.wait()

    async def _take_frame(self, text: str | None) -> None:
        if text is None or len(text) > MAX_MESSAGE_BYTES:
            self._listener.close(NO_TEXT if text is None else TOO_LARGE)
            return
        try:
            await self._take(text)
        except Misunderstood as mistake:
            self._listener.send(messages.error(str(mistake)))

    async def _take(self, text: str) -> None:
        match parse(text):
            case PingSent():
                self._listener.send(messages.PONG)
            case sent if not self._listener.may_write:
                detail = "Viewers of a workspace, and keys that only read, say nothing."
                self._listener.send(messages.error(detail, getattr(sent, "seq", None)))
            case SegmentSent() as segment:
                await self._take_segment(segment, len(text))
            case SpeakerSent() as speaker:
                await self._take_speaker(speaker)

    # Segments

    async def _take_segment(self, segment: SegmentSent, size: int) -> None:
        if not segment.final and segment.seq not in self._drafts and len(self._drafts) >= MOST_DRAFTS:
            self._listener.send(messages.error(f"At most {MOST_DRAFTS} segments are drafts at once.", segment.seq))
            return
        (self._drafts.discard if segment.final else self._drafts.add)(segment.seq)
        while self._in_flight >= MOST_IN_FLIGHT or self._bytes_in_flight >= MOST_BYTES_IN_FLIGHT:
            self._landed.clear()
            await self._landed.wait()
        self._in_flight += 1
        self._bytes_in_flight += size
        listener = self._listener

        def done(sent: SegmentSent, outcome: Outcome) -> None:
            self._in_flight -= 1
            self._bytes_in_flight -= size
            self._landed.set()
            match outcome:
                case Kept(position):
                    listener.send(messages.ack(sent.seq, position))
                case Refused(detail):
                    listener.send(messages.error(detail, sent.seq))
                case Lost():
                    listener.close(TRY_AGAIN)

        participant = listener.participant
        self._live.recorder.submit(Item(self._session_id, participant.user_id, listener.connection_id, segment, done))

    # Speakers

    async def _take_speaker(self, speaker: SpeakerSent) -> None:
        pending = PendingInvalidation()
        async with self._database.write(self._live.hooks(pending)) as session:
            live = await queries.lock_session(session, self._listener.participant.workspace_id, self._session_id)
            if live is None or live.status != SessionStatus.LIVE:
                self._listener.send(messages.error("The session has ended."))
                return
            known = {each.label: each.email for each in await queries.list_speakers(session, live.id)}
            if speaker.label not in known and len(known) >= MAX_SPEAKERS:
                self._listener.send(messages.error(f"A session has at most {MAX_SPEAKERS} speakers."))
                return
            profile = Profile(speaker.label, speaker.name, known.get(speaker.label))
            await queries.store_profiles(session, live, [profile])
            self._listener.own_speakers.add(live.speakers_version)
            pending.add(speakers_tag(live.id))
        self._live.rooms.tell(self._session_id)


async def close(websocket: WebSocket, closing: Closing) -> None:
    """Send a close frame; who does not take it in time is cut off."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await websocket.close(closing.code, closing.reason)
