"""The places of a pool: how many requests may have a connection at the same time.

aiohttp counts these too, but tells the wait for one apart from connecting only to a trace, which costs
every request more than all of this adapter.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import final


@final
class Places:
    """A number of places; whoever waited longest gets the next one that becomes free, and nobody overtakes."""

    __slots__ = ("_free", "_waiting")

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a place if one is free."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def wait(self) -> None:
        """Wait for a place and take it; whoever is cancelled has none."""
        handed = asyncio.get_running_loop().create_future()
        self._waiting.append(handed)
        try:
            await handed
        except asyncio.CancelledError:
            if not handed.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Give a place back: to whoever waits, or else to whoever comes."""
        while self._waiting:
            handed = self._waiting.popleft()
            if not handed.done():
                handed.set_result(None)
                return
        self._free += 1
