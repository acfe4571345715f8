"""Files of keys that are looked at while the program runs: keys are changed without a restart.

A file may be replaced, or be a symbolic link that is turned to another one, as Kubernetes does with secrets. What is
wrong in a new one is logged once, and the keys that were read before stay.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from mina_api.background import Background
from mina_api.logs import get_logger

logger = get_logger(__name__)

LOOK_SECONDS = 2.0

K = TypeVar("K")


class KeyFile(Generic[K]):
    """One file: `read` raises ValueError for what are no keys, `use` takes those that are."""

    def __init__(self, path: Path, read: Callable[[Path], K], use: Callable[[K], object]) -> None:
        self.path = path
        self._read = read
        self._use = use
        self._seen = self._state()

    def look(self) -> bool | None:
        """Use what is new in it: True where there was something, False for a new file that is broken."""
        if (now := self._state()) == self._seen:
            return None
        self._seen = now
        try:
            keys = self._read(self.path)
        except ValueError as failure:
            logger.error("a new file of keys is not used, the old keys stay", path=str(self.path), cause=str(failure))
            return False
        self._use(keys)
        logger.info("a new file of keys is used", path=str(self.path))
        return True

    def _state(self) -> tuple[int, ...] | None:
        """What differs between two files, also of one that a link points to; None where there is none."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  (follows links as Path.stat does, without making a Path)
        except OSError:
            return None
        return (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)


class KeyFiles:
    """All files of keys of one application; `count` is told of each that is broken."""

    def __init__(self) -> None:
        self._files: list[KeyFile[object]] = []
        self._looking = Background("key files")
        self.count: Callable[[str], None] = lambda _: None

    def watch(self, path: Path, read: Callable[[Path], K], use: Callable[[K], object]) -> None:
        """Look at this one too."""
        self._files.append(KeyFile(path, read, use))  # type: ignore[arg-type]

    def look(self) -> None:
        """Look at all of them now: a system call for each that is as it was."""
        for file in self._files:
            found = file.look()
            if found is not None:
                self.count("changed" if found else "broken")

    def start(self) -> None:
        """Begin to look."""
        if self._files:
            self._looking.start(self._look_again())

    async def close(self) -> None:
        """End it."""
        await self._looking.close()

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.look()
