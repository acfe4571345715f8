"""Who wants to know of a replaced transcript, in the transaction that replaces it: analytics, a layer above."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from fastapi import Depends, Request

from mina_api.db.session import WriteSession
from mina_api.transcripts.segments import Utterance


class TranscriptObserver(Protocol):
    """Called with the meeting's new utterances, ordered, before the commit; what it raises rolls all back."""

    async def __call__(
        self, session: WriteSession, *, meeting_id: int, workspace_id: int, utterances: Sequence[Utterance]
    ) -> None:
        """Derive what depends on `utterances`, in `session`."""


async def get_observers(request: Request) -> tuple[TranscriptObserver, ...]:
    """The application's observers."""
    observers: tuple[TranscriptObserver, ...] = request.app.state.transcript_observers
    return observers


Observers = Annotated[tuple[TranscriptObserver, ...], Depends(get_observers)]
