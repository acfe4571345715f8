"""TLS to Postgres, as DATABASE_URL words it: for queries, for the listener and for migrations alike."""

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from mina_api.app import create_app
from mina_api.db.migrations import upgrade
from mina_api.dev.postgres import PrivatePostgres
from tests.api import a_client, a_meeting, a_settings, register, running
from tests.topologies.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def address(authority: Authority, tmp_path: Path) -> Iterator[str]:
    """The URL of a Postgres that takes no connection without TLS."""
    server = PrivatePostgres(tmp_path / "postgres", durable=False)
    server.start()
    server.stop()
    data = tmp_path / "postgres" / "data"
    certificate, key = authority.issue("postgres")
    for name, file in (("server.crt", certificate), ("server.key", key)):
        (data / name).write_bytes(file.read_bytes())
        (data / name).chmod(0o600)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("\nssl = on\n")
    rules = data / "pg_hba.conf"
    rules.write_text(re.sub(r"^host ", "hostssl ", rules.read_text(), flags=re.MULTILINE))
    yield server.start()
    server.stop()


def verified(address: str, authority: Authority) -> str:
    return f"{address}?sslmode=verify-full&sslrootcert={authority.certificate_file}"


class TestTlsToPostgres:
    async def test_is_of_every_connection(self, address: str, authority: Authority, valkey_url: str) -> None:
        url = verified(address, authority)
        upgrade(url)
        async with running(create_app(a_settings(url, valkey_url))) as app:
            async with await register(app, "ada@example.com") as ada:
                await a_meeting(ada)
                assert (await ada.get("/api/meetings/")).status_code == 200
                assert (await ada.get("/ops/health/ready")).status_code == 200
            looking = await asyncpg.connect(url)
            rows = await looking.fetch(
                "SELECT application_name, ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
                " WHERE usename = current_user AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            await looking.close()

        assert {row["application_name"] for row in rows} >= {"mina", "mina listener"}
        assert all(row["ssl"] for row in rows)

    async def test_refuses_a_server_that_another_authority_vouches_for(
        self, address: str, tmp_path: Path, valkey_url: str
    ) -> None:
        url = verified(address, Authority(tmp_path, "another"))

        with pytest.raises(ssl.SSLCertVerificationError):
            upgrade(url)
        async with running(create_app(a_settings(url, valkey_url))) as app, a_client(app) as anyone:
            answer = await anyone.get("/ops/health/ready")

        assert answer.status_code == 503

    async def test_is_asked_for_by_the_server(self, address: str) -> None:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            await asyncpg.connect(f"{address}?sslmode=disable")
