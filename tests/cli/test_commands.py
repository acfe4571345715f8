import asyncio
import os
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "MINA_SECRET_KEY": "0123456789abcdef0123456789abcdef",
}


async def mina(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    """A run of the command: exit code, output, errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mina_api.cli",
        *arguments,
        env={**ENVIRONMENT, **environment},
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode(), errors.decode()


class TestMina:
    async def test_says_what_it_can_do(self) -> None:
        code, output, _ = await mina("--help")

        assert code == 0
        assert all(name in output for name in ("serve", "dev", "migrate", "import", "demo"))

    @pytest.mark.parametrize(
        ("arguments", "environment", "says"),
        [
            (["serve"], {"MINA_SECRET_KEY": "short"}, "mina: MINA_SECRET_KEY must have 32 characters or more"),
            (["migrate"], {"DATABASE_URL": "mysql://x"}, "mina: DATABASE_URL must start with postgresql://"),
            (["demo"], {"DATABASE_URL": ""}, "mina: DATABASE_URL must start with postgresql://"),
            (["import", "absent.vtt", "--token", "t"], {}, "mina: absent.vtt: no such file"),
            (["stop-redis"], {"MINA_DEV_DIR": "nowhere"}, "mina: no `make run` with a Valkey of its own runs in"),
        ],
    )
    async def test_says_a_mistake_in_one_line_and_exits_with_2(
        self, arguments: list[str], environment: dict[str, str], says: str, tmp_path: Path
    ) -> None:
        code, _, errors = await mina(*arguments, cwd=tmp_path, **environment)

        assert code == 2
        assert errors.strip().startswith(says)
        assert len(errors.strip().splitlines()) == 1

    async def test_exits_with_1_where_postgres_cannot_be_reached(self) -> None:
        code, _, errors = await mina("migrate")

        assert code == 1
        assert errors.startswith("mina: Postgres cannot be reached")

    async def test_uvicorn_by_itself_says_the_same_of_a_bad_environment(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "uvicorn", "mina_api.main:app",
            env={**ENVIRONMENT, "MINA_SECRET_KEY": "short"}, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, errors = await process.communicate()

        assert process.returncode == 2
        assert errors.decode().strip() == (
            "mina: MINA_SECRET_KEY must have 32 characters or more: try `openssl rand -hex 32`"
        )
