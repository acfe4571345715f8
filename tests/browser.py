"""A headless Chromium, driven over its own protocol (Chrome DevTools Protocol 1.3)."""

import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect

DEADLINE_SECONDS = 60
PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@dataclass
class Page:
    """A tab: what it is told to do, and what it complained of."""

    _socket: ClientConnection
    complaints: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _session: str | None = None

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """What Chromium answers to a command; raises AssertionError where it refuses."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters}
        await self._socket.send(json.dumps(message | ({"sessionId": self._session} if self._session else {})))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                answer = json.loads(await self._socket.recv())
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    result: dict[str, Any] = answer["result"]
                    return result
                self._note(answer)

    async def open(self, url: str) -> None:
        """Go to an address in a tab of its own."""
        target = (await self.command("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.command("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await self.command(f"{domain}.enable")
        await self.command("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited if it is a promise."""
        answer = await self.command("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def until(self, condition: str) -> Any:
        """What a JavaScript expression gives, once that is true."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not (found := await self.evaluate(condition)):  # noqa: ASYNC110  (nothing tells)
                await asyncio.sleep(0.05)
        return found

    async def fill(self, **values: str) -> None:
        """Type into the fields of these ids."""
        for name, value in values.items():
            await self.evaluate(f"document.getElementById({json.dumps(name)}).focus()")
            await self.command("Input.insertText", text=value)

    def _note(self, event: dict[str, Any]) -> None:
        match event.get("method"):
            case "Log.entryAdded":
                self.complaints.append(event["params"]["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.complaints.append(event["params"]["exceptionDetails"]["text"])


@asynccontextmanager
async def chromium(directory: Path) -> AsyncIterator[Page]:
    """A Chromium of its own profile; ended, with all that it started, after the block."""
    assert PROGRAM is not None, "Chromium is not installed"
    profile = directory / "chromium"
    process = _start(PROGRAM, profile)
    try:
        async with connect(await _address(profile, process), max_size=None) as socket:
            yield Page(socket)
    finally:
        await asyncio.to_thread(_end, process)


def _start(program: str, profile: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [
            *(program, "--headless=new", "--remote-debugging-port=0", f"--user-data-dir={profile}"),
            *("--no-sandbox", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync", "about:blank"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "HOME": str(profile.parent)},
    )


async def _address(profile: Path, process: "subprocess.Popen[bytes]") -> str:
    """Where it listens, once it has written that down."""
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            assert process.poll() is None, "Chromium has ended"
            with suppress(OSError, ValueError):
                port, path = file.read_text().split()
                return f"ws://127.0.0.1:{port}{path}"
            await asyncio.sleep(0.05)


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
    process.wait(DEADLINE_SECONDS)
