"""What answers about live sessions depend on."""

from mina_api.cache.fastapi import TagContext


def session_tag(session_id: int) -> str:
    """A session's state and what was said in it."""
    return f"live:{session_id}"


def session_of_path(context: TagContext) -> str:
    """The tag of the session that the path names."""
    return session_tag(context.params["session_id"])


def speakers_tag(session_id: int) -> str:
    """A session's speakers."""
    return f"live:{session_id}:speakers"


def speakers_of_path(context: TagContext) -> str:
    """The tag of the speakers of the session that the path names."""
    return speakers_tag(context.params["session_id"])
