"""The content of a request while pyqwest takes it.

A task of pyqwest's asks for chunks, and sometimes sending must be ended from ours, because a final response came
early.  An error there would end the connection under the response that is still to be read; so content that
was stopped parks until the exchange is over, and only then fails.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from enum import Enum
from time import monotonic
from typing import Final, Protocol, final

from stablehttp.adapting import SyncOutgoing

_PIECE: Final = 64 * 1024
_PATIENCE: Final = 0.5
"""How long an early response waits for the caller's body to be closed, in seconds."""


class Chunks(Protocol):
    """Content on its way out, in our words."""

    @property
    def length(self) -> int | None:
        """The declared length in octets, or None."""
        ...

    @property
    def sent(self) -> int:
        """How many octets were given out so far."""
        ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None:
        """Close the body."""
        ...


@final
class Blocking:
    """Content that is read by blocking, in an event loop that serves nothing else."""

    __slots__ = ("_outgoing",)

    def __init__(self, outgoing: SyncOutgoing) -> None:
        self._outgoing = outgoing

    @property
    def length(self) -> int | None:
        """The declared length in octets, or None."""
        return self._outgoing.length

    @property
    def sent(self) -> int:
        """How many octets were given out so far."""
        return self._outgoing.sent

    async def __anext__(self) -> bytes:
        for chunk in self._outgoing:
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the body."""
        self._outgoing.close()


@final
class Whole:
    """Content that is in memory and little, as pyqwest takes what it cannot send twice."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content, self._content = self._content, b""
        if content:
            return content
        raise StopAsyncIteration


class StoppedError(Exception):
    """What pyqwest is told of content that is not sent to its end."""


@final
class _State(Enum):
    WAITING = "nobody asked for it yet"
    RUNNING = "it is being sent"
    CLOSING = "the body is being closed"
    CLOSED = "the body is closed"


@final
class Upload:
    """The content of one request on its way; `failure` is what the caller's body raised.

    The last chunk of a declared length is held back until the body has ended, so that a body which gives more never
    makes a complete request.  A chunk larger than 64 KiB goes out in pieces.
    """

    __slots__ = (
        "_begin",
        "_chunk",
        "_inside",
        "_outgoing",
        "_over",
        "_released",
        "_settled",
        "_state",
        "_stopped",
        "_task",
        "complete",
        "failure",
        "given",
        "rested",
    )

    def __init__(self, outgoing: Chunks) -> None:
        self.failure: BaseException | None = None
        self.complete = False
        self.given: float | None = None
        """Since when pyqwest has not asked for more; None while the caller's body is waited for."""
        self.rested = 0.0
        """When the last octet was taken over."""
        self._outgoing = outgoing
        self._state = _State.WAITING
        self._chunk: bytes | memoryview = b""
        self._begin = 0
        self._over = False
        self._stopped = False
        self._inside = False
        self._task: asyncio.Task[object] | None = None
        self._settled: asyncio.Future[None] | None = None
        self._released: asyncio.Future[None] | None = None

    @property
    def begun(self) -> bool:
        """Whether pyqwest asked for content, which it does once there is a connection."""
        return self._state is not _State.WAITING

    @property
    def closed(self) -> bool:
        """Whether nothing more is asked of the body."""
        return self._state is _State.CLOSED

    # --- in pyqwest's task -----------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.given = None
        if self._state is _State.CLOSED:
            if self.complete:
                raise StopAsyncIteration
            await self._park()
        self._state = _State.RUNNING
        self._task = task = asyncio.current_task()
        self._inside = True
        try:
            piece = await self._piece()
        except StopAsyncIteration:
            self.complete = True
            await self._close()
            raise
        except asyncio.CancelledError:
            await self._close()
            if not self._stopped or task is None or task.uncancel() > 0:
                raise
        except BaseException as error:
            self.failure = error
            await self._close()
            raise
        else:
            self.given = self.rested = monotonic()
            return piece
        finally:
            self._inside = False
        await self._park()
        raise StoppedError

    async def aclose(self) -> None:
        """Pyqwest asks for nothing more."""
        self.given = None
        if self._state is _State.WAITING:
            self._state = _State.CLOSED
        elif self._state is _State.RUNNING:
            await self._close()

    async def _piece(self) -> bytes:
        begin = self._begin
        chunk = self._chunk
        if begin >= len(chunk):
            begin, chunk = 0, await self._another()
            if len(chunk) <= _PIECE:
                self._chunk = b""
                return chunk if type(chunk) is bytes else bytes(chunk)
            self._chunk = chunk = memoryview(chunk)
        self._begin = end = begin + _PIECE
        return bytes(chunk[begin:end])

    async def _another(self) -> bytes:
        """The next chunk of the body, once it is known that it may be sent."""
        if self._over:
            raise StopAsyncIteration
        outgoing = self._outgoing
        chunk = await outgoing.__anext__()
        if outgoing.sent != outgoing.length:
            return chunk
        held = chunk if type(chunk) is bytes else bytes(chunk)
        try:
            await outgoing.__anext__()
        except StopAsyncIteration:
            self._over = True
        return held

    async def _close(self) -> None:
        self._state = _State.CLOSING
        try:
            await self._outgoing.aclose()
        except Exception as error:
            self.failure = self.failure or error
            raise
        finally:
            self._state = _State.CLOSED
            self.rested = monotonic()
            if self._settled is not None and not self._settled.done():
                self._settled.set_result(None)

    async def _park(self) -> None:
        """Wait until the exchange is over.

        Raises:
            StoppedError: it is.
        """
        if self._released is None:
            self._released = asyncio.get_running_loop().create_future()
        await self._released
        raise StoppedError

    # --- in the caller's task --------------------------------------------------------------------

    async def stop(self) -> None:
        """A final response has come: send no more and close the body; one that was not begun stays as it was."""
        await self._stop(_PATIENCE)

    async def abandon(self) -> None:
        """The exchange is over: make sure that a body that was begun is closed, and that pyqwest gives up."""
        if self._released is None:
            self._released = asyncio.get_running_loop().create_future()
        if not self._released.done():
            self._released.set_result(None)
        await self._stop(None)

    def drop(self) -> None:
        """Do what `abandon` does without waiting, from any thread."""
        task = self._task
        if task is None:
            self._state = _State.CLOSED
            return
        with suppress(RuntimeError):  # that loop has ended
            task.get_loop().call_soon_threadsafe(self._let_go)

    def _let_go(self) -> None:
        if self._released is not None and not self._released.done():
            self._released.set_result(None)
        elif self._inside and self._state is _State.RUNNING and self._task is not None:
            self._task.cancel()

    async def _stop(self, patience: float | None) -> None:
        if self._state is _State.CLOSED:
            return
        self._stopped = True
        if self._state is _State.WAITING:
            self._state = _State.CLOSED
        elif not self._inside:
            await self._close()
        else:
            if self._state is _State.RUNNING and self._task is not None and not self._task.cancelling():
                self._task.cancel()
            if self._settled is None:
                self._settled = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._settled], timeout=patience)
