"""Fair scheduling of several visitors who use the same worker."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turns:
    """Limits the number of callers at a time; visitors take turns, and the calls of each keep their order.

        A: a1 a2 a3   B: b1   C: c1 c2    ->   a1 b1 c1 a2 c2 a3

    Args:
        places: Number of callers at a time.
    """

    def __init__(self, places: int = 1) -> None:
        self._free = places
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def of(self, visitor: str) -> AsyncIterator[None]:
        """Waits for the visitor's turn, then holds a place during the block."""
        await self._enter(visitor)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, visitor: str) -> None:
        if self._free > 0 and not self._waiting:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(visitor, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            else:
                self._forget(visitor, turn)
            raise

    def _leave(self) -> None:
        self._free += 1
        while self._waiting and self._free > 0:
            visitor, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[visitor] = turns
            if not turn.done():
                self._free -= 1
                turn.set_result(None)

    def _forget(self, visitor: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(visitor)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[visitor]
