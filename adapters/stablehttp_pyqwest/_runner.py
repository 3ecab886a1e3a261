"""Event loops for synchronous connectors: one for each exchange that is under way, run by whoever waits for it.

pyqwest's own synchronous client cannot be told to stop waiting, so no limit of time could be kept with it.  Its
asynchronous one can, and needs nothing of a loop but that it runs while somebody waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from typing import Final, TypeVar, final

T = TypeVar("T")

_KEPT: Final = 64
"""How many loops are kept for later."""
_PATIENCE: Final = 0.5
"""How long content of a request that nobody wants any more may take to end, in seconds."""


@final
class Runner:
    """An event loop that runs while somebody waits, in whichever thread that is."""

    __slots__ = ("_helper", "_loop")

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._helper: ThreadPoolExecutor | None = None

    def run(self, doing: Coroutine[object, object, T]) -> T:
        """Do it, and wait until it is done; in a thread that runs a loop of its own, another thread does it."""
        if not _in_a_loop():
            return self._run(doing)
        if self._helper is None:
            self._helper = ThreadPoolExecutor(1, "stablehttp_pyqwest")
        return self._helper.submit(copy_context().run, self._run, doing).result()

    def _run(self, doing: Coroutine[object, object, T]) -> T:
        loop = self._loop
        task = loop.create_task(doing)
        try:
            return loop.run_until_complete(task)
        except BaseException:
            if not task.done():  # somebody pressed Ctrl+C, say
                task.cancel()
                with suppress(BaseException):
                    loop.run_until_complete(task)
            raise

    def close(self) -> None:
        """End it."""
        if self._helper is not None:
            self._helper.shutdown(wait=False)
        loop = self._loop
        if not loop.is_closed():
            left = asyncio.all_tasks(loop)
            if left and not _in_a_loop():
                for task in left:
                    task.cancel()
                loop.run_until_complete(asyncio.wait(left, timeout=_PATIENCE))
            loop.close()

    def __del__(self) -> None:
        self.close()


@final
class Runners:
    """Runners of one connector: those that nobody uses now."""

    __slots__ = ("_closed", "_free", "_lock")

    def __init__(self) -> None:
        self._free: list[Runner] = []
        self._lock = threading.Lock()
        self._closed = False

    def take(self) -> Runner:
        """One for an exchange."""
        with self._lock:
            return self._free.pop() if self._free else Runner()

    def give(self, runner: Runner) -> None:
        """Its exchange is over."""
        with self._lock:
            if not self._closed and len(self._free) < _KEPT:
                self._free.append(runner)
                return
        runner.close()

    def close(self) -> None:
        """End those that nobody uses, and the others when they are given back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for runner in free:
            runner.close()


def _in_a_loop() -> bool:
    """Whether an event loop runs in this thread already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
