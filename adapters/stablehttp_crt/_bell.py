"""Waiting for the CRT's threads, in both colours.

Whoever waits looks at some state that another thread changes; the bell says "look again".  It is rung
after each change, from any thread, and costs next to nothing while nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, final
from weakref import WeakKeyDictionary


@final
class Hub:
    """Where the bells of one event loop are rung: many of them cost one call into the loop."""

    __slots__ = ("_called", "_loop", "_rung")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung: deque[AsyncBell] = deque()
        self._called = False

    def ring(self, bell: AsyncBell) -> None:
        """Have `bell` struck in the loop; from any thread."""
        self._rung.append(bell)
        if not self._called:
            self._called = True
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody can be waiting in it
                self._loop.call_soon_threadsafe(self._strike)

    def _strike(self) -> None:
        self._called = False
        rung = self._rung
        while rung:
            rung.popleft().strike()


_HUBS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]] = WeakKeyDictionary()


def hub_of(loop: asyncio.AbstractEventLoop) -> Hub:
    """The hub of `loop`, which is the running one."""
    hub = _HUBS.get(loop)
    if hub is None:
        hub = _HUBS[loop] = Hub(loop)
    return hub


@final
class AsyncBell:
    """A bell that wakes tasks of one event loop.

    `struck` is called in the loop whenever the bell was rung, before anybody is woken.
    """

    __slots__ = ("_hub", "_loop", "_rung", "_struck", "_waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop, struck: Callable[[], None] | None = None) -> None:
        self._loop = loop
        self._hub = hub_of(loop)
        self._struck = struck
        self._rung = False
        self._waiters: list[asyncio.Future[None]] = []

    def ring(self) -> None:
        """Wake whoever waits; from any thread."""
        if not self._rung:
            self._rung = True
            self._hub.ring(self)

    def unhook(self) -> None:
        """Call `struck` no more, and let go of it."""
        self._struck = None

    async def pause(self, until: float | None) -> None:
        """Wait for the next stroke, and until that point of `monotonic` at most."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        if until is None:
            await waiter
            return
        timer = self._loop.call_later(max(until - monotonic(), 0.0), _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()

    async def wait(self, ready: Callable[[], bool], until: float | None = None) -> bool:
        """Wait until `ready()`; False if it was not by then."""
        while not ready():
            if until is not None and monotonic() >= until:
                return False
            await self.pause(until)
        return True

    def strike(self) -> None:
        """Wake whoever waits, in the loop."""
        self._rung = False
        if self._struck is not None:
            self._struck()
        waiters = self._waiters
        if waiters:
            self._waiters = []
            for waiter in waiters:
                _wake(waiter)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@final
class SyncBell:
    """A bell that wakes threads."""

    __slots__ = ("_changed", "_strokes")

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._strokes = 0

    def ring(self) -> None:
        """Wake whoever waits; from any thread."""
        with self._changed:
            self._strokes += 1
            self._changed.notify_all()

    @property
    def strokes(self) -> int:
        """How often it was rung; to be read before the state that is looked at."""
        return self._strokes

    def pause(self, strokes: int, until: float | None) -> None:
        """Wait until it was rung more than `strokes` times, and until that point of `monotonic` at most."""
        with self._changed:
            while self._strokes == strokes:
                left = None if until is None else until - monotonic()
                if left is not None and left <= 0:
                    return
                self._changed.wait(left)

    def wait(self, ready: Callable[[], bool], until: float | None = None) -> bool:
        """Wait until `ready()`; False if it was not by then."""
        while True:
            strokes = self._strokes
            if ready():
                return True
            if until is not None and monotonic() >= until:
                return False
            self.pause(strokes, until)
