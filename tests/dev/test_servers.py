import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from mina_api.dev.ports import free_port, is_free, next_free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey

STARTER = """
import sys
from pathlib import Path
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.valkey import PrivateValkey
place = Path(sys.argv[1])
PrivatePostgres(place / "postgres").start()
PrivateValkey(place / "valkey").start()
print("up", flush=True)
sys.stdin.read()
"""


def processes_of(place: Path) -> list[int]:
    """Who runs with `place` on their command line, as a server's data or configuration."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "name"]):
        line = process.info["cmdline"] or []
        if process.info["name"] in ("postgres", "valkey-server", "redis-server") and any(str(place) in x for x in line):
            found.append(process.info["pid"])
    return found


def wait_until_gone(place: Path) -> None:
    deadline = time.monotonic() + 20
    while processes_of(place):
        assert time.monotonic() < deadline, processes_of(place)
        time.sleep(0.05)


class TestPrivateServers:
    def test_die_with_whoever_started_them_and_start_again_over_what_is_left(self, tmp_path: Path) -> None:
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert starter.stdout is not None and starter.stdout.readline() == b"up\n"
        assert processes_of(tmp_path)

        starter.kill()
        starter.communicate()
        wait_until_gone(tmp_path)

        again = PrivatePostgres(tmp_path / "postgres")
        again.start()
        again.stop()
        wait_until_gone(tmp_path)

    def test_start_over_a_pid_file_whose_number_is_somebody_elses_now(self, tmp_path: Path) -> None:
        server = PrivatePostgres(tmp_path / "postgres")
        server.start()
        server.stop()
        stale = tmp_path / "postgres" / "data" / "postmaster.pid"
        stale.write_text(f"{os.getpid()}\n{stale.parent}\n1\n1\n\n127.0.0.1\n1 1\nready\n")

        server.start()

        assert server.is_alive
        server.stop()

    def test_keep_their_secrets_from_other_users(self, tmp_path: Path) -> None:
        server = PrivateValkey(tmp_path / "valkey")
        server.start()

        assert (tmp_path / "valkey" / "valkey.conf").stat().st_mode & 0o077 == 0
        assert not any(server.url.split("@")[0].split(":")[-1] in part for part in psutil_command(tmp_path))
        server.stop()


def psutil_command(place: Path) -> list[str]:
    return [part for pid in processes_of(place) for part in psutil.Process(pid).cmdline()]


class TestPorts:
    def test_next_free_port_passes_over_one_that_is_taken(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]

            assert not is_free(port)
            assert next_free_port(port) > port

    def test_free_port_is_none_that_an_outgoing_connection_or_who_asked_before_may_have(self) -> None:
        """Between the look at it and a server's start, either could take it."""
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

        given = [free_port() for _ in range(200)]

        assert max(given) < first
        assert len(set(given)) == 200

    def test_free_port_is_free(self) -> None:
        assert is_free(free_port())


class TestStop:
    def test_ends_a_server_that_is_paused(self, tmp_path: Path) -> None:
        server = PrivateValkey(tmp_path / "valkey")
        server.start()
        server.pause()

        server.stop()

        assert not server.is_alive
