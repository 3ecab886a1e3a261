"""The content of a request while aiohttp writes it.

A task of aiohttp writes it, and sometimes it must be ended from ours, because a final response came
early.  To cancel that task would close the connection under the response that is still to be
read; so content that was stopped parks until aiohttp itself cancels the task, which it does when the
response ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from enum import Enum
from typing import TYPE_CHECKING, Final, final

from stablehttp import WriteTimeoutError
from stablehttp.adapting import AsyncOutgoing

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.client_proto import ResponseHandler

_PIECE: Final = 256 * 1024
_PATIENCE: Final = 0.5
"""How long an early response waits for the caller's body to be closed, in seconds."""


class BodyFailedError(Exception):
    """The caller's body raised something that is no `Exception`, which aiohttp's task would not survive."""


@final
class _State(Enum):
    WAITING = "nobody asked for it yet"
    RUNNING = "it is being written"
    CLOSING = "the body is being closed"
    CLOSED = "the body is closed"


@final
class Upload:
    """The content of one request on its way; `failure` is what the caller's body raised, or a write timeout.

    Chunks are handed on as they are; what is larger than 256 KiB in pieces of that size, without copying.
    """

    __slots__ = (
        "_complete",
        "_head_first",
        "_outgoing",
        "_protocol",
        "_read_seconds",
        "_settled",
        "_state",
        "_stopped",
        "_task",
        "_write_seconds",
        "failure",
    )

    def __init__(self, outgoing: AsyncOutgoing) -> None:
        self.failure: BaseException | None = None
        self._outgoing = outgoing
        self._state = _State.WAITING
        self._complete = False
        self._head_first = False
        self._stopped = False
        self._task: asyncio.Task[object] | None = None
        self._settled: asyncio.Future[None] | None = None
        self._protocol: ResponseHandler | None = None
        self._read_seconds: float | None = None
        self._write_seconds: float | None = None

    @property
    def length(self) -> int | None:
        """The declared length in octets, or None."""
        return self._outgoing.length

    def attach(self, protocol: ResponseHandler, *, read: float | None, write: float | None, first: bool) -> None:
        """Take note of the connection, of the timeouts in seconds, and whether the head is to be sent `first`.

        Otherwise aiohttp holds it back for the first chunk, which may wait for the response to that head.
        """
        self._protocol = protocol
        self._head_first = first
        self._read_seconds = read
        self._write_seconds = write

    # --- in aiohttp's task -----------------------------------------------------------------------

    async def run(self, writer: AbstractStreamWriter) -> None:
        """Write the content and close the body; if it is stopped on the way, park.

        Raises:
            Exception: what the body raised, or what writing did.
        """
        if self._state is not _State.WAITING:
            await _for_ever()
        self._task = task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(_take_note)
        self._state = _State.RUNNING
        try:
            await self._pump(writer)
        except asyncio.CancelledError:
            if not self._stopped or task is None or task.uncancel() > 0:
                raise
        finally:
            await self._close()
        if self._stopped:
            await _for_ever()

    async def _pump(self, writer: AbstractStreamWriter) -> None:
        self._set_read_timeout(None)
        if self._head_first:
            writer.send_headers()
        while (chunk := await self._next()) is not None:
            if len(chunk) <= _PIECE:
                await self._within_time(writer.write(chunk))
            else:
                view = memoryview(chunk)
                for start in range(0, len(chunk), _PIECE):
                    await self._within_time(writer.write(view[start : start + _PIECE]))
        await self._within_time(writer.drain())
        self._complete = True
        self._set_read_timeout(self._read_seconds)

    async def _next(self) -> bytes | None:
        try:
            return await anext(self._outgoing, None)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failure = error
            if isinstance(error, Exception | KeyboardInterrupt | SystemExit):
                raise
            raise BodyFailedError from error

    async def _close(self) -> None:
        self._state = _State.CLOSING
        try:
            await self._outgoing.aclose()
        except Exception as error:
            self.failure = self.failure or error
            raise
        finally:
            self._state = _State.CLOSED
            if self._settled is not None and not self._settled.done():
                self._settled.set_result(None)

    # --- in the caller's task --------------------------------------------------------------------

    async def stop(self) -> bool:
        """A final response has come: send no more and close the body; whether something is left unsent.

        Content whose last octet went out is left to end by itself; a body that was not begun stays as it was.
        """
        if self._state is _State.CLOSED:
            return not self._complete
        if self._outgoing.length is not None and self._outgoing.sent >= self._outgoing.length:
            return False
        self._stopped = True
        if self._task is None:
            self._state = _State.CLOSED
        else:
            if self._state is _State.RUNNING:
                self._task.cancel()
            await asyncio.wait([self._when_settled()], timeout=_PATIENCE)
        return True

    def go_on(self) -> None:
        """A final response has come, and more content is sent beside it: whose reading has its own timeout."""
        self._read_seconds = None

    async def abandon(self) -> None:
        """The exchange has failed: make sure that a body that was begun is closed; another one stays as it was."""
        if self._state is _State.CLOSED:
            return
        if self._task is None:
            self._state = _State.CLOSED
            return
        if self._state is _State.RUNNING and not self._task.cancelling():
            self._task.cancel()
        await asyncio.wait([self._when_settled()])

    def _when_settled(self) -> asyncio.Future[None]:
        if self._settled is None:
            self._settled = asyncio.get_running_loop().create_future()
        return self._settled

    # --- time ------------------------------------------------------------------------------------

    def _set_read_timeout(self, seconds: float | None) -> None:
        """Make aiohttp's timer, which any octet received would start, wait for the end of the content.

        Without this a 1xx response would turn a long upload into a read timeout.
        """
        if self._read_seconds is not None and self._protocol is not None:
            self._protocol.read_timeout = seconds
            if seconds is None:
                self._protocol.start_timeout()

    async def _within_time(self, writing: Coroutine[object, object, None]) -> None:
        """Wait for `writing` while the peer takes octets at least once in the stated time.

        It gets a task of its own, because aiohttp cannot wait again for room once such a wait was cancelled.

        Raises:
            WriteTimeoutError: the peer took nothing.
        """
        seconds = self._write_seconds
        if seconds is None:
            await writing
            return
        loop = asyncio.get_running_loop()
        task = loop.create_task(writing)
        since, left = loop.time(), -1
        try:
            while not (await asyncio.wait([task], timeout=seconds / 8))[0]:
                before, left = left, self._unsent()
                if left != before:
                    since = loop.time()
                elif loop.time() - since >= seconds:
                    self.failure = WriteTimeoutError(f"the peer took nothing for {seconds} seconds", seconds=seconds)
                    raise self.failure
            task.result()
        finally:
            task.cancel()

    def _unsent(self) -> int:
        transport = None if self._protocol is None else self._protocol.transport
        return 0 if transport is None else transport.get_write_buffer_size()


def _take_note(task: asyncio.Task[object]) -> None:
    """Look at what ended aiohttp's task: a reset met by its last write is raised where nobody awaits it."""
    if not task.cancelled():
        task.exception()


async def _for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.get_running_loop().create_future()
