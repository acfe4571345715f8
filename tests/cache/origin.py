"""What the loaders of a test read."""

import asyncio


class Origin:
    """What loaders read: a value, and a gate that holds a slow reader between its read and its return."""

    def __init__(self) -> None:
        self.value = 1
        self.loads = 0
        self.reading = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> int:
        self.loads += 1
        value = self.value
        self.reading.set()
        await self.gate.wait()
        return value
