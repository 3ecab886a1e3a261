"""The places of a pool: how many requests may have a connection at the same time.

aiohttp counts these too, but tells the wait for one apart from connecting only to a trace, which costs
every request more than all of this adapter.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import final

from stablehttp import ClosedError


@final
class Places:
    """A number of places; whoever waited longest gets the next one that becomes free, and nobody overtakes."""

    __slots__ = ("_free", "_most", "_shut", "_then", "_waiting")

    def __init__(self, most: int) -> None:
        self._free = self._most = most
        self._shut = False
        self._then: Callable[[], object] | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take a place if one is free.

        Raises:
            ClosedError: there are none any more.
        """
        if self._shut:
            raise _closed()
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
        if self._then is not None and self._free == self._most:
            then, self._then = self._then, None
            then()

    def shut(self, then: Callable[[], object]) -> bool:
        """Give places to nobody any more; whether some are taken.

        If so, `then` is called when the last of them is given back.
        """
        self._shut = True
        for handed in self._waiting:
            if not handed.done():
                handed.set_exception(_closed())
        self._waiting.clear()
        if self._free == self._most:
            return False
        self._then = then
        return True


def _closed() -> ClosedError:
    return ClosedError("the connector 'aiohttp' is closed; make another one")
