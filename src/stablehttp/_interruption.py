"""Making a task stop waiting, from another task, without cancelling it for anybody else.

Floor 0: stands on nothing.
"""

from __future__ import annotations

import asyncio
from typing import final


@final
class Interruptible:
    """What the running task is about to wait for; it leaves at the end, however that comes."""

    __slots__ = ("_before", "_interrupted", "_left", "_task")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = task.cancelling()
        self._interrupted = False
        self._left = asyncio.Event()

    async def interrupt(self) -> None:
        """Make it stop, and wait until it has."""
        if self._task is not asyncio.current_task():
            self._interrupted = True
            self._task.cancel()
            await self._left.wait()

    def was_interrupted(self) -> bool:
        """Whether that was why it was cancelled, and nothing else."""
        if not self._interrupted:
            return False
        self._interrupted = False
        return self._task.uncancel() <= self._before

    def leave(self) -> None:
        """It has stopped; a cancellation of ours that it never saw is taken back."""
        self._left.set()
        if self._interrupted:
            self._task.uncancel()
