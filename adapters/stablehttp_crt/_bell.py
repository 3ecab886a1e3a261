"""Waiting for the CRT's threads, in both colours.

Whoever waits looks at some state that another thread changes; the bell says "look again".  It is rung
after each change, from any thread, and costs next to nothing while nobody waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, final
from weakref import WeakKeyDictionary, ref


@final
class Hub:
    """Where the bells of one event loop are rung: many of them cost one call into the loop.

    Sleepers with a long time to wait share one timer, because most are woken long before.
    """

    __slots__ = ("_called", "_looks", "_loop", "_rung", "_sleepers")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)  # the loop is what the hub is found by, and must not be kept by it
        self._rung: deque[AsyncBell] = deque()
        self._called = False
        self._sleepers: dict[asyncio.Future[None], float] = {}
        self._looks = False

    def ring(self, bell: AsyncBell) -> None:
        """Have `bell` struck in the loop; from any thread."""
        self._rung.append(bell)
        loop = self._loop()
        if not self._called and loop is not None:
            self._called = True
            try:
                loop.call_soon_threadsafe(self._strike)
            except RuntimeError:  # the loop has ended, and nobody can be waiting in it
                self._called = False
                self._rung.clear()

    async def sleep(self, waiter: asyncio.Future[None], until: float) -> None:
        """Wait for `waiter`, and until that point of `monotonic` at most."""
        seconds = until - monotonic()
        loop = waiter.get_loop()
        if seconds < _LONG:
            timer = loop.call_later(max(seconds, 0.0), _wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
            return
        self._sleepers[waiter] = until
        if not self._looks:
            self._looks = True
            loop.call_later(_LONG / 2, self._look)
        try:
            await waiter
        finally:
            self._sleepers.pop(waiter, None)

    def _look(self) -> None:
        """Wake who has slept long enough; nobody can fall asleep for less than the time until the next look."""
        now = monotonic()
        for waiter, until in self._sleepers.items():
            if until <= now:
                _wake(waiter)
        left = min((until for until in self._sleepers.values() if until > now), default=None)
        loop = self._loop()
        self._looks = left is not None and loop is not None
        if left is not None and loop is not None:
            loop.call_later(min(left - now, _LONG / 2), self._look)

    def _strike(self) -> None:
        self._called = False
        rung = self._rung
        while rung:
            rung.popleft().strike()


_LONG: Final = 2.0
"""From how many seconds on a wait is a long one."""

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
        else:
            await self._hub.sleep(waiter, until)

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
