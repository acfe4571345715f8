"""Free TCP ports on the loopback interface."""

import socket


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def next_free_port(first: int) -> int:
    """The first free port from `first` on; raises OSError if a hundred in a row are taken."""
    for port in range(first, min(first + 100, 65536)):
        if is_free(port):
            return port
    raise OSError(f"no free port from {first} on")
