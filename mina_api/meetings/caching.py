"""What answers about meetings depend on."""

from collections.abc import Iterable

from mina_api.cache.fastapi import TagContext
from mina_api.cache.tags import meeting_tag, scope_tag


def meeting_of_path(context: TagContext) -> str:
    """The tag of the meeting that the path names."""
    return meeting_tag(context.params["meeting_id"])


def meetings_tag(workspace_id: int) -> str:
    """Every list of a workspace's meetings."""
    return f"ws:{workspace_id}:meetings"


def meetings_of_scope(context: TagContext) -> str:
    """The viewer's workspace's lists."""
    return f"{context.scope}:meetings"


def changed_meeting(workspace_id: int, meeting_id: int) -> Iterable[str]:
    """What a change of one meeting touches: itself, the lists that show it, and the workspace's analytics."""
    scope = f"ws:{workspace_id}"
    return meeting_tag(meeting_id), meetings_tag(workspace_id), scope_tag(scope, "analytics")
