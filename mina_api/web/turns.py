"""How many requests begin in one turn of the event loop, so that no turn is long.

A thousand requests that come at once would otherwise all begin in one turn, of a second or more: nothing else would
run in it, neither the renewal of a lease nor the answer to a probe, and none of them could have what the first had
loaded.
"""

import asyncio
from collections import deque

PER_TURN = 4


class Turns:
    """Lets `per_turn` requests begin in a turn, and the others in those that follow, in their order."""

    def __init__(self, per_turn: int = PER_TURN) -> None:
        self._per_turn = per_turn
        self._left = per_turn
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None] | None:
        """None for who may begin at once; others wait for what this gives."""
        if self._left:
            if self._left == self._per_turn:
                asyncio.get_running_loop().call_soon(self._next_turn)
            self._left -= 1
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def _next_turn(self) -> None:
        left = self._per_turn
        while left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                left -= 1
        self._left = left
        if left < self._per_turn:
            asyncio.get_running_loop().call_soon(self._next_turn)
