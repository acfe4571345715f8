"""What one connection may take of a worker."""

from dataclasses import dataclass

# Parsed at once: what one read of 256 KB holds of requests would be many megabytes as objects.
PIECE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of each connection of a worker, and how many there may be; times in seconds.

    `head_seconds`: for a request's head, or a WebSocket's handshake, to be complete. `body_seconds`, `send_seconds`: a
    body that comes, or an answer that is taken, by fewer than `least_bytes` within so long ends the connection.
    `buffered_bytes`: what may wait for all clients together to read it; beyond it, those who owe most are cut off.
    """

    connections: int = 5_000
    head_bytes: int = 32 * 1024
    head_fields: int = 100
    head_seconds: float = 20.0
    body_seconds: float = 20.0
    send_seconds: float = 60.0
    least_bytes: int = 1024
    buffered_bytes: int = 256 * 1024 * 1024
