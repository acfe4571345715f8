"""A private Postgres: its own data directory, a free port on the loopback interface, a random password."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from mina_api.dev.binaries import postgres_directory
from mina_api.dev.ports import free_port
from mina_api.dev.processes import Child, StartFailed, end_leftover, last_lines, spawn, wait_until
from mina_api.dev.unprivileged import Account, server_account

USER = "mina"
DATABASE = "mina"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300")


class PrivatePostgres:
    """A Postgres under `directory`; without `durable` it forgets its data in a crash, which suits tests."""

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self._directory = directory.resolve()
        self._data = self._directory / "data"
        self._log = self._directory / "postgres.log"
        self._durable = durable
        self._account: Account = server_account()
        self._child: Child | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The address, once started."""
        return f"postgresql://{USER}:{self._password()}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._child is not None and self._child.is_alive

    def start(self) -> str:
        """Make the data directory if it is not there, start, and give the URL; raises StartFailed, ServerMissing."""
        programs = postgres_directory(self._data)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs)
        self._account.own(self._data)
        self._end_leftover()
        # Who is started again answers where it did: its users know it by that.
        self.port = self.port or free_port()
        settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off"]
        options = [part for each in (*settings, *(() if self._durable else FAST)) for part in ("-c", each)]
        self._log.unlink(missing_ok=True)
        self._child = spawn(
            [
                *self._account.command(ending="INT"),
                programs / "postgres",
                "-D",
                self._data,
                "-p",
                str(self.port),
                *options,
            ],
            log=self._log,
            ending=signal.SIGINT,
            drops_privileges=self._account.is_other,
            environment={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        wait_until(self._is_ready, self._child, self._log, name="Postgres")
        return self.url

    def stop(self) -> None:
        """Shut down fast: connections are cut, data is kept."""
        if self._child is not None:
            self._child.stop()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server's first process."""
        if self._child is not None:
            self._child.signal(number)

    def _initialise(self, programs: Path) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(mode=0o700)
        self._account.own(self._data)
        secret = self._directory / "postgres_password"
        secret.unlink(missing_ok=True)
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
        command: list[str | Path] = [
            *self._account.command(),
            programs / "initdb",
            "-D",
            self._data,
            "-U",
            USER,
            f"--pwfile={secret}",
        ]
        self._run([*command, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"], "initdb")
        create = f"CREATE DATABASE {DATABASE};\n"
        single: list[str | Path] = [
            *self._account.command(),
            programs / "postgres",
            "--single",
            "-D",
            self._data,
            "postgres",
        ]
        self._run(single, "creating the database", create)

    def _run(self, command: list[str | Path], what: str, stdin: str = "") -> None:
        done = subprocess.run(  # noqa: S603  (the command is ours)
            [str(part) for part in command],
            input=stdin,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(self._data, ignore_errors=True)
            raise StartFailed(f"{what} failed: {done.stdout.strip()[-1000:] or last_lines(self._log)}")

    def _end_leftover(self) -> None:
        """A server of a run that was killed holds the data directory: end it, or forget its pid file."""
        lock = self._data / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            end_leftover(int(lock.read_text().splitlines()[0]), str(self._data), signal.SIGINT)
        lock.unlink(missing_ok=True)

    def _is_ready(self) -> bool:
        """Line 8 of `postmaster.pid` says so (Postgres documentation, "pg_ctl")."""
        with contextlib.suppress(OSError, IndexError):
            return (self._data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False

    def _password(self) -> str:
        return (self._directory / "postgres_password").read_text()
