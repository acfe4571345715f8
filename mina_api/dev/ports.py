"""Free TCP ports on the loopback interface."""

import itertools
import os
import socket

# Below those that Linux (from 32,768) and others give to outgoing connections: one of these could take a port between
# the look at it and the server's start. Each process begins elsewhere, and offers none twice but after all others.
PORTS = range(20_000, 30_000)
_offers = itertools.count(os.getpid() * 1_009)


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
    """A port that nobody listens on now, nor gets for an outgoing connection; raises OSError if there is none."""
    for offer in itertools.islice(_offers, len(PORTS)):
        port = PORTS[offer % len(PORTS)]
        if is_free(port):
            return port
    raise OSError(f"no free port in {PORTS}")


def next_free_port(first: int) -> int:
    """The first free port from `first` on; raises OSError if a hundred in a row are taken."""
    for port in range(first, min(first + 100, 65536)):
        if is_free(port):
            return port
    raise OSError(f"no free port from {first} on")
