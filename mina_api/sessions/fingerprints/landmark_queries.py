"""The SQL of landmarks: which fingerprints have most in common with some audio, and what is kept of it."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, delete, func, insert, select

from mina_api.db.session import ReadSession, WriteSession
from mina_api.sessions.fingerprints.landmarks import Landmarks
from mina_api.sessions.fingerprints.models import Fingerprint, LandmarkRow

CANDIDATES = 5
FINGERPRINTING = 7_216_055

_given = (
    func.unnest(bindparam("hashes", type_=ARRAY(Integer)), bindparam("steps", type_=ARRAY(Integer)))
    .table_valued("hash", "step", name="given")
    .render_derived()
)
_in_common = func.count().label("in_common")
_CANDIDATES = (
    select(LandmarkRow.fingerprint_id, _in_common)
    .join(_given, LandmarkRow.hash == _given.c.hash)
    .join(Fingerprint, Fingerprint.id == LandmarkRow.fingerprint_id)
    .where(
        LandmarkRow.session_id == bindparam("session_id", type_=BigInteger),
        Fingerprint.expires_at > bindparam("now", type_=Fingerprint.expires_at.type),
    )
    .group_by(LandmarkRow.fingerprint_id, LandmarkRow.step - _given.c.step)
    .having(_in_common > 1)
    .order_by(_in_common.desc())
    .limit(4 * CANDIDATES)
)


async def take_turns(session: WriteSession, session_id: int) -> None:
    """Let one transaction at a time look for a session's fingerprints and store one: of two, the second finds it."""
    await session.execute(select(func.pg_advisory_xact_lock(FINGERPRINTING, session_id % 2**31)))


async def find_candidates(
    session: ReadSession, session_id: int, landmarks: Landmarks, now: datetime
) -> list[tuple[Fingerprint, Landmarks]]:
    """The few fingerprints that have most landmarks in common at one distance, with all of theirs."""
    given = {
        "session_id": session_id,
        "now": now,
        "hashes": landmarks.hashes.tolist(),
        "steps": landmarks.steps.tolist(),
    }
    ids = list(dict.fromkeys(row[0] for row in (await session.execute(_CANDIDATES, given)).all()))[:CANDIDATES]
    return [(await session.get_one(Fingerprint, each), await _landmarks(session, session_id, each)) for each in ids]


async def _landmarks(session: ReadSession, session_id: int, fingerprint_id: int) -> Landmarks:
    statement = select(LandmarkRow.hash, LandmarkRow.step).where(
        LandmarkRow.fingerprint_id == fingerprint_id, LandmarkRow.session_id == session_id
    )
    rows: Sequence[tuple[int, int]] = [tuple(row) for row in (await session.execute(statement)).all()]  # type: ignore[misc]
    hashes, steps = np.array(rows, np.int64).reshape(-1, 2).T
    return Landmarks(hashes, steps)


async def store_fingerprint(
    session: WriteSession, session_id: int, fingerprint: str, landmarks: Landmarks, expires_at: datetime
) -> None:
    """Keep a fingerprint that is not known, or has expired, with its landmarks."""
    stale = delete(Fingerprint).where(Fingerprint.session_id == session_id, Fingerprint.fingerprint == fingerprint)
    await session.execute(stale)
    new = insert(Fingerprint).values(session_id=session_id, fingerprint=fingerprint, expires_at=expires_at)
    fingerprint_id = (await session.execute(new.returning(Fingerprint.id))).scalar_one()
    driver = (await (await session.connection()).get_raw_connection()).driver_connection
    assert driver is not None, "the session has begun"  # noqa: S101
    places = sorted(set(zip(landmarks.hashes.tolist(), landmarks.steps.tolist(), strict=True)))
    await driver.copy_records_to_table(
        LandmarkRow.__tablename__,
        columns=["session_id", "hash", "fingerprint_id", "step"],
        records=((session_id, each, fingerprint_id, step) for each, step in places),
    )
