"""The time limits of one call: waiting for pyqwest, and ending a wait that takes too long.

pyqwest has limits for a connector, and none for a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar, final

from stablehttp import HTTPTimeoutError, ReadTimeoutError, Timeouts, TotalTimeoutError, WriteTimeoutError
from stablehttp.adapting import Answer
from stablehttp_pyqwest._upload import Upload

T = TypeVar("T")

_SOON = 0.001


@final
class Watch:
    """Watches over the waits of one call; `upload` is its content, if that is streamed.

    Nobody tells when a connection is there, so content that was not asked for yet gives it `connect_seconds`.
    """

    __slots__ = (
        "_answer",
        "_cancel",
        "_connect_seconds",
        "_error",
        "_handle",
        "_loop",
        "_since",
        "_timeouts",
        "_until",
        "upload",
    )

    def __init__(self, timeouts: Timeouts, connect_seconds: float | None) -> None:
        self.upload: Upload | None = None
        self._connect_seconds = connect_seconds or 0.0
        self._timeouts = timeouts
        self._until = None if timeouts.total is None else monotonic() + timeouts.total
        self._answer: Answer = "maybe"
        self._error: HTTPTimeoutError | None = None
        self._loop: asyncio.AbstractEventLoop
        self._cancel: Callable[[], bool]
        self._handle: asyncio.TimerHandle
        self._since = 0.0

    @property
    def pool_seconds(self) -> float | None:
        """How long to wait for a free connection."""
        pool = self._timeouts.pool
        if self._until is None:
            return pool
        left = max(self._until - monotonic(), 0.0)
        return left if pool is None else min(pool, left)

    def has_head(self) -> None:
        """The head of the response is there."""
        self._answer = "yes"

    async def wait(self, awaitable: Awaitable[T], loop: asyncio.AbstractEventLoop) -> T:
        """Wait as long as the limits allow; the wait itself is cancelled then.

        Raises:
            ReadTimeoutError, WriteTimeoutError, TotalTimeoutError: a limit has passed.
        """
        timeouts = self._timeouts
        if timeouts.read is None and timeouts.total is None and timeouts.write is None:
            return await awaitable
        future = asyncio.ensure_future(awaitable)
        self._cancel = future.cancel
        self._loop = loop
        self._since = since = monotonic()
        self._handle = loop.call_later(self._first(since), self._look)
        try:
            return await future
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self._error is None or (task is not None and task.cancelling()):
                raise
            raise self._error from None
        finally:
            self._handle.cancel()

    def check_total(self, answer: Answer) -> None:
        """Make sure that the call still has time.

        Raises:
            TotalTimeoutError: it has none.
        """
        if self._until is not None and monotonic() >= self._until:
            raise self._took_too_long(answer)

    # --- inside ----------------------------------------------------------------------------------

    def _first(self, now: float) -> float:
        """After how many seconds to look for the first time."""
        timeouts = self._timeouts
        limits = [seconds for seconds in (timeouts.read, timeouts.write) if seconds is not None]
        if self._until is not None:
            limits.append(max(self._until - now, 0.0))
        return min(limits)

    def _look(self) -> None:
        """End the wait if a limit has passed, else look again when the next one may have."""
        now = monotonic()
        due = self._due(now)
        if self._error is not None:
            self._cancel()
        else:
            self._handle = self._loop.call_later(max(due - now, _SOON), self._look)

    def _due(self, now: float) -> float:
        """When to look again; `_error` is set if a limit has passed."""
        looks: list[float] = []
        if self._until is not None:
            if now >= self._until:
                self._error = self._took_too_long(self._answer)
            looks.append(self._until)
        upload = self.upload
        write, read = self._timeouts.write, self._timeouts.read
        if write is not None and upload is not None and not upload.closed:
            looks.append(self._by(upload.given, write, now, WriteTimeoutError, "took"))
        if read is not None:
            looks.append(self._by(self._asked(upload), read, now, ReadTimeoutError, "sent"))
        return min(looks, default=now + 1)

    def _asked(self, upload: Upload | None) -> float | None:
        """Since when the peer's silence counts: not while there is content to send before the head."""
        if upload is None or self._answer == "yes":
            return self._since
        if not upload.begun:
            return self._since + self._connect_seconds
        return max(self._since, upload.rested) if upload.complete else None

    def _by(self, since: float | None, seconds: float, now: float, kind: type[HTTPTimeoutError], verb: str) -> float:
        if since is None:
            return now + seconds
        if now >= since + seconds and self._error is None:
            answer = self._answer
            self._error = kind(
                f"the peer {verb} nothing for {seconds} seconds", seconds=seconds, sent=answer, processed=answer
            )
        return since + seconds

    def _took_too_long(self, answer: Answer) -> TotalTimeoutError:
        seconds = self._timeouts.total
        return TotalTimeoutError(
            f"the call took longer than {seconds} seconds", seconds=seconds, sent=answer, processed=answer
        )
