from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from mina_api.cli import app as cli
from mina_api.composition.key_files import KeyFiles
from mina_api.settings import new_secret, secrets_in

ONE, TWO, THREE = new_secret(), new_secret(), new_secret()


class Watched:
    """A file of keys that is looked at, and what came of it."""

    def __init__(self, path: Path) -> None:
        self.used: list[list[str]] = []
        self.counted: list[str] = []
        self.files = KeyFiles()
        self.files.watch(path, secrets_in, self.used.append)
        self.files.count = self.counted.append


class TestKeyFiles:
    def test_are_used_anew_where_they_changed_and_only_there(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        path.write_text(f"# the first signs\n{ONE}\n")
        watched = Watched(path)

        watched.files.look()
        path.write_text(f"{TWO}\n\n{ONE}\n")
        watched.files.look()
        watched.files.look()

        assert watched.used == [[TWO, ONE]]
        assert watched.counted == ["changed"]

    def test_may_be_links_that_are_turned_as_kubernetes_turns_them(self, tmp_path: Path) -> None:
        for version, key in (("1", ONE), ("2", TWO)):
            (tmp_path / version).mkdir()
            (tmp_path / version / "keys").write_text(key)
        (tmp_path / "data").symlink_to("1")
        (tmp_path / "keys").symlink_to("data/keys")
        watched = Watched(tmp_path / "keys")

        (tmp_path / "new").symlink_to("2")
        (tmp_path / "new").replace(tmp_path / "data")
        watched.files.look()

        assert watched.used == [[TWO]]

    @pytest.mark.parametrize("broken", ["", "short", "changeme" * 8, None])
    def test_that_are_broken_are_logged_once_and_counted_and_the_old_ones_stay(
        self, tmp_path: Path, broken: str | None
    ) -> None:
        path = tmp_path / "keys"
        path.write_text(ONE)
        watched = Watched(path)

        with structlog.testing.capture_logs() as logged:
            path.unlink() if broken is None else path.write_text(broken)
            for _ in range(3):
                watched.files.look()

        assert watched.used == []
        assert watched.counted == ["broken"]
        assert len(logged) == 1
        assert not broken or broken not in str(logged)


class TestRotate:
    def rotate(self, path: Path, *options: str) -> str:
        result = CliRunner().invoke(cli, ["keys", "rotate", str(path), *options])
        assert result.exit_code == 0, result.output
        return result.output

    def test_puts_a_new_key_first_and_keeps_as_many_old_ones_as_are_wanted(self, tmp_path: Path) -> None:
        path = tmp_path / "keys"
        self.rotate(path)
        (first,) = secrets_in(path)
        said = self.rotate(path)
        second, *older = secrets_in(path)
        self.rotate(path, "--keep", "5")
        third = secrets_in(path)
        self.rotate(path, "--keep", "0")

        assert older == [first]
        assert third[1:] == [second, first]
        assert len(secrets_in(path)) == 1
        assert first not in said and second not in said
        assert path.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [path]
