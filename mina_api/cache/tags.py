"""The tags that every entry carries by itself: its prefix, its user, and its user's scope of the prefix."""


def prefix_tag(prefix: str) -> str:
    """Every entry of `prefix`, everybody's."""
    return f"prefix:{prefix}"


def scope_tag(scope: str, prefix: str) -> str:
    """The entries of `prefix` in one scope: `ws:7:analytics`."""
    return f"{scope}:{prefix}"


def user_tag(user_id: int | str) -> str:
    """Every answer that one user got."""
    return f"user:{user_id}"


def meeting_tag(meeting_id: int) -> str:
    """Every answer that depends on one meeting."""
    return f"meeting:{meeting_id}"
