"""How many requests begin in one turn of the event loop, so that no turn is long.

A thousand requests that come at once would otherwise all begin in one turn, of a second or more: nothing else would
run in it, neither the renewal of a lease nor the answer to a probe, and none of them could have what the first had
loaded. Where many wait, few begin at a time: what was loaded meanwhile answers the more of them. Else each turn costs
something too, and more of them begin in it.
"""

import asyncio
from collections import deque

PER_TURN = 16
# So many wait in a rush, and so many of them begin in a turn.
RUSH = 64
IN_A_RUSH = 4


class Turns:
    """Lets `per_turn` requests begin in a turn, or while `rush` wait `in_a_rush`; the others follow in their order."""

    def __init__(self, per_turn: int = PER_TURN, in_a_rush: int = IN_A_RUSH, rush: int = RUSH) -> None:
        self._per_turn = per_turn
        self._in_a_rush = in_a_rush
        self._rush = rush
        self._left = per_turn
        self._is_turn_over = True
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None] | None:
        """None for who may begin at once; others wait for what this gives."""
        if self._left:
            self._left -= 1
            if self._is_turn_over:
                self._is_turn_over = False
                asyncio.get_running_loop().call_soon(self._next_turn)
            return None
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        return turn

    def _next_turn(self) -> None:
        self._left = self._per_turn if len(self._waiting) < self._rush else self._in_a_rush
        self._is_turn_over = not self._waiting
        while self._left and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._left -= 1
        if not self._is_turn_over:
            asyncio.get_running_loop().call_soon(self._next_turn)
