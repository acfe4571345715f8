"""Passwords: Argon2id through pwdlib, in threads of their own, a bounded number at once (RFC 9106)."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_hash = PasswordHash((Argon2Hasher(),))


class Passwords:
    """Hashes and checks passwords off the event loop."""

    def __init__(self, at_once: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._decoy: str | None = None

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def hash(self, password: str) -> str:
        """A salted hash of `password`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether `password` is the one hashed in `stored`; without a stored one it takes as long to say no."""
        if stored is None:
            self._decoy = self._decoy or await self.hash("a password that nobody has")
            await self._verify(password, self._decoy)
            return False
        return await self._verify(password, stored)

    async def _verify(self, password: str, stored: str) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash.verify, password, stored)
