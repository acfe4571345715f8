"""Segments as listeners get them, and as workers pass them on to each other."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter

from mina_api.sessions.messages import encode
from mina_api.sessions.recording.batch import Stored
from mina_api.sessions.rooms.room import Draft, Final

Number = Annotated[int, Field(ge=0, lt=2**63)]
_PACKED = TypeAdapter(
    tuple[list[tuple[Number, Number, Number, str]], list[tuple[Number, Number, Number, str]]],
    config=ConfigDict(strict=True),
)


def final_of(stored: Stored) -> Final:
    """A stored final segment as it is told."""
    return Final(stored.place, stored.connection_id, stored.seq, _wire(stored, stored.place))


def draft_of(stored: Stored) -> Draft:
    """A stored draft as it is told."""
    return Draft(stored.place, stored.connection_id, stored.seq, _wire(stored, None))


def _wire(stored: Stored, position: int | None) -> str:
    said = stored.said
    message: dict[str, object] = {"type": "segment"}
    if position is not None:
        message["position"] = position
    return encode(
        message
        | {
            "seq": stored.seq,
            "participant": stored.user_id,
            "speaker": said.speaker,
            "start": said.start_ms / 1000,
            "end": said.end_ms / 1000,
            "text": said.text,
            "final": position is not None,
        }
    )


def pack(finals: Sequence[Final], drafts: Sequence[Draft]) -> str:
    """What a wakeup carries."""
    return json.dumps(
        [
            [[each.position, each.connection_id, each.seq, each.wire] for each in finals],
            [[each.revision, each.connection_id, each.seq, each.wire] for each in drafts],
        ],
        ensure_ascii=False,
    )


def unpack(payload: str) -> tuple[Iterable[Final], Iterable[Draft]]:
    """What `pack` packed; raises ValueError for what it never makes: anybody may publish who has Redis."""
    finals, drafts = _PACKED.validate_json(payload)
    return [Final(*each) for each in finals], [Draft(*each) for each in drafts]
