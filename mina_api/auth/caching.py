"""What accounts invalidate: every answer of a user, their own account among them."""

from mina_api.cache.policy import CachePolicy
from mina_api.cache.tags import user_tag

__all__ = ["user_tag", "viewer_policy"]


def viewer_policy(user_id: int) -> CachePolicy:
    """How long a viewer's role and workspace are kept: until any change of them, at most five minutes."""
    return CachePolicy(ttl=300, prefix="session", tags=(user_tag(user_id),))
