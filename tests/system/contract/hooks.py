"""What Schemathesis cannot know: text goes into a body as it is, and most versions that it thinks of are not met."""

from typing import Any

import schemathesis


@schemathesis.serializer("text/vtt", "application/x-subrip", "text/x-rttm", "audio/wav")
def as_it_is(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """The text, in UTF-8 where it is text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")


DROPPED = frozenset(("if-match", "idempotency-key"))


@schemathesis.hook
def map_headers(_: schemathesis.HookContext, headers: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without preconditions and keys of other requests: few would come further, and the examples try those."""
    return {name: value for name, value in headers.items() if name.lower() not in DROPPED} if headers else headers
