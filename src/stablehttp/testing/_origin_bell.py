"""Waiting, from threads and from event loops, for what another thread makes true.

Stands on the standard library.

Whoever changes the state rings the bell afterwards; whoever waits gives a predicate, which is asked
again after each ring.  Ringing costs next to nothing while nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import final


@final
class Bell:
    """Wakes those who wait until something holds."""

    __slots__ = ("_condition", "_listeners", "_waiting")

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._listeners: set[Callable[[], None]] = set()
        self._waiting = 0

    def ring(self) -> None:
        """Have everybody who waits look again; callable from any thread."""
        if self._waiting:
            with self._condition:
                self._condition.notify_all()
                listeners = tuple(self._listeners)
            for listener in listeners:
                listener()

    def wait(self, holds: Callable[[], bool], timeout: float) -> bool:
        """Block this thread until `holds()`, for at most `timeout` seconds; tell whether it came to hold."""
        with self._condition:
            self._waiting += 1
            try:
                return self._condition.wait_for(holds, timeout)
            finally:
                self._waiting -= 1

    async def await_(self, holds: Callable[[], bool], seconds: float | None) -> bool:
        """Wait in the running event loop until `holds()`, for at most so many seconds (None: for ever)."""
        loop = asyncio.get_running_loop()
        rung = asyncio.Event()

        def listen() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended in the meantime
                loop.call_soon_threadsafe(rung.set)

        with self._condition:
            self._waiting += 1
            self._listeners.add(listen)
        end = None if seconds is None else time.monotonic() + seconds
        try:
            while not holds():
                rest = None if end is None else end - time.monotonic()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), rest)
                if end is not None and time.monotonic() >= end:
                    return holds()
                rung.clear()
            return True
        finally:
            with self._condition:
                self._waiting -= 1
                self._listeners.discard(listen)
