"""The places of a pool: how many exchanges may have a connection at the same time.

pyqwest counts connections for each address, if it counts them at all, and bounds no wait for one.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import final

from stablehttp import ClosedError, PoolTimeoutError


@final
class Places:
    """A number of places, for any number of event loops; whoever waited longest gets the next that becomes free."""

    __slots__ = ("_free", "_lock", "_shut", "_waiting")

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.Lock()
        self._shut = False
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()

    async def take(self, seconds: float | None) -> None:
        """Take a place, and wait for one at most so many seconds; whoever is cancelled has none.

        Raises:
            PoolTimeoutError: there was none in time.
            ClosedError: there are none any more.
        """
        with self._lock:
            if self._shut:
                raise _closed()
            if self._free:
                self._free -= 1
                return
            loop = asyncio.get_running_loop()
            handed: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, handed))
        clock = asyncio.timeout(seconds)
        try:
            async with clock:
                await handed
        except BaseException as error:
            if self._withdraw(loop, handed):
                self.give()
            if isinstance(error, TimeoutError) and clock.expired():
                raise PoolTimeoutError(
                    f"no connection became free within {seconds} seconds", seconds=seconds
                ) from error
            raise

    def give(self) -> None:
        """Give a place back: to whoever waits, or else to whoever comes."""
        with self._lock:
            while self._waiting:
                loop, handed = self._waiting.popleft()
                try:
                    loop.call_soon_threadsafe(_hand_over, handed)
                except RuntimeError:  # that loop has ended
                    continue
                return
            self._free += 1

    def shut(self) -> None:
        """Give places to nobody any more."""
        with self._lock:
            self._shut = True
            waiting, self._waiting = self._waiting, deque()
        for loop, handed in waiting:
            with suppress(RuntimeError):  # that loop has ended
                loop.call_soon_threadsafe(_send_away, handed)

    def _withdraw(self, loop: asyncio.AbstractEventLoop, handed: asyncio.Future[None]) -> bool:
        """Stop waiting; whether a place was on its way already, and is to be given on."""
        with self._lock:
            try:
                self._waiting.remove((loop, handed))
            except ValueError:
                return True
            return False


def _send_away(handed: asyncio.Future[None]) -> None:
    if not handed.done():
        handed.set_exception(_closed())


def _closed() -> ClosedError:
    return ClosedError("the connector 'pyqwest' is closed; make another one")


def _hand_over(handed: asyncio.Future[None]) -> None:
    if not handed.done():
        handed.set_result(None)
