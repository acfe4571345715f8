"""The SQL of fingerprints and of what their audio says; that of landmarks is beside it."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from mina_api.db.session import ReadSession, WriteSession
from mina_api.sessions.fingerprints.models import Fingerprint

KEPT = timedelta(hours=2)


async def find_fingerprint(
    session: ReadSession, session_id: int, fingerprint: str, now: datetime
) -> Fingerprint | None:
    """A session's fingerprint that has not expired."""
    statement = select(Fingerprint).where(
        Fingerprint.session_id == session_id, Fingerprint.fingerprint == fingerprint, Fingerprint.expires_at > now
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def store_transcription(
    session: WriteSession, session_id: int, fingerprint: str, transcription: str, expires_at: datetime
) -> None:
    """Tell what the audio of a fingerprint says, known or not; it is kept until `expires_at`."""
    given = upsert(Fingerprint).values(
        session_id=session_id, fingerprint=fingerprint, transcription=transcription, expires_at=expires_at
    )
    new = {name: given.excluded[name] for name in ("transcription", "expires_at")}
    await session.execute(given.on_conflict_do_update(index_elements=["session_id", "fingerprint"], set_=new))


async def delete_expired(session: WriteSession, now: datetime) -> None:
    """Forget what is older than two hours."""
    await session.execute(delete(Fingerprint).where(Fingerprint.expires_at <= now))
