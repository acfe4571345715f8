"""A streaming replica of a Postgres, and a PgBouncer before one."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mina_api.dev.binaries import postgres_directory
from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import spawn, wait_until
from mina_api.dev.unprivileged import server_account
from tests.topologies.nodes import is_listening

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")


@contextmanager
def replica_of(primary: PrivatePostgres, directory: Path) -> Iterator[PrivatePostgres]:
    """A replica that streams from `primary`, in the block."""
    data = directory / "data"
    directory.mkdir(parents=True)
    password = urlsplit(primary.url).password or ""
    (directory / "postgres_password").write_text(password)
    backup = postgres_directory(data) / "pg_basebackup"
    source = primary.url.rsplit("/", 1)[0] + "/postgres"
    subprocess.run([backup, "-D", data, "-d", source, "-R", "-c", "fast", "-X", "stream"], check=True)
    server = PrivatePostgres(directory, durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def pgbouncer(url: str, directory: Path) -> Iterator[str]:
    """The URL of a PgBouncer in transaction mode before the database at `url`, with few connections to it."""
    assert PGBOUNCER is not None
    parts = urlsplit(url)
    port = free_port()
    directory.mkdir(parents=True)
    users = directory / "users.txt"
    users.write_text(f'"{parts.username}" "{parts.password}"\n')
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"""
        [databases]
        * = host=127.0.0.1 port={parts.port}
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = {port}
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = {users}
        pool_mode = transaction
        default_pool_size = 4
        max_client_conn = 200
        """.replace("\n        ", "\n")
    )
    account = server_account()
    account.own(directory)
    log = directory / "pgbouncer.log"
    child = spawn([*account.command(), PGBOUNCER, configuration], log=log, drops_privileges=account.is_other)
    try:
        wait_until(lambda: is_listening(port), child, log, name="PgBouncer")
        yield f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{port}{parts.path}"
    finally:
        child.kill()
