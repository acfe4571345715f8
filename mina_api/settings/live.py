"""Live sessions: how much waits, and how long."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from mina_api.settings.group import Group


class LiveSettings(Group):
    """Live sessions: what waits for slow readers, how segments are gathered, when a silent session ends."""

    model_config = SettingsConfigDict(env_prefix="MINA_LIVE_")

    connections_per_user: int = Field(100, ge=1, description="open at once in each worker; further ones: 4429")
    queue_messages: int = Field(1000, ge=10, description="messages that wait for one reader, then it is closed")
    queue_bytes: int = Field(1024 * 1024, ge=1024, description="the same in bytes, of text")
    gather_seconds: float = Field(0.01, ge=0, le=0.02, description="wait for more segments before each commit")
    idle_seconds: float = Field(7200.0, gt=0, description="a session in which nothing is said for so long is ended")
    sweep_seconds: float = Field(30.0, gt=0, description="between two looks for such sessions")
