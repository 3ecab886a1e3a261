"""The sending half of an asynchronous exchange.

Content in memory is written at once, and what the system does not take goes on by itself, so the usual exchange
needs no task.  A stream is sent by a task, which closes the body however it ends.  It fails silently: whoever
reads is woken, and asks.
"""

from __future__ import annotations

import asyncio
from typing import final

from stablehttp_h11._body import AsyncContent, AsyncStream, Whole, end_of_chunks, frame
from stablehttp_h11._wire import Wire


@final
class Upload:
    """A head and its content on their way out.

    `complete` says that every octet of the request was handed over, `stuck` that the peer took nothing for
    `write` seconds, `failure` is what the caller's own body raised.
    """

    __slots__ = ("_content", "_stopping", "_task", "_wire", "_write", "complete", "failure", "stuck")

    def __init__(self, wire: Wire, content: AsyncContent, write: float | None) -> None:
        self._wire = wire
        self._content = content
        self._write = write
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.complete = False
        self.stuck = False
        self.failure: BaseException | None = None

    def send_head(self, head: bytes) -> None:
        """Send the head alone; the content may follow."""
        self._wire.write([head])

    def send(self, head: bytes) -> None:
        """Send the content, behind `head` if that was not sent yet."""
        content = self._content
        if isinstance(content, Whole):
            self.complete = True
            self._wire.write(content.behind(head))
            return
        if head:
            self._wire.write([head])
        self._task = asyncio.create_task(self._run(content))

    @property
    def active(self) -> bool:
        """Whether a stream is still being sent, or the system has not taken everything."""
        return (self._task is not None and not self._task.done()) or self._wire.unsent > 0

    @property
    def finished(self) -> bool:
        """Whether the system has taken every octet of the request."""
        return self.complete and not self._wire.unsent

    def stop(self) -> None:
        """End sending, while the connection is still ours; the body is closed soon."""
        if not self.finished:
            self.complete = False
            self._wire.stop_sending()
        if self._task is not None and not self._task.done():
            self._stopping = True
            self._task.cancel()

    async def aclose(self) -> None:
        """End sending, and return when the body is closed; a second call does nothing."""
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])
        if isinstance(self._content, AsyncStream):
            await self._content.outgoing.aclose()

    async def _run(self, stream: AsyncStream) -> None:
        try:
            try:
                await self._send_chunks(stream)
            finally:
                await stream.outgoing.aclose()
        except BaseException as error:
            if not self._stopping:
                self.failure = error
            if isinstance(error, KeyboardInterrupt | SystemExit):  # these belong to the event loop
                raise
        finally:
            self._wire.wake()

    async def _send_chunks(self, stream: AsyncStream) -> None:
        wire, outgoing = self._wire, stream.outgoing
        async for chunk in outgoing:
            wire.write(frame(chunk, chunked=stream.chunked))
            self.complete = outgoing.sent == outgoing.length
            if wire.unsent and not await self._drain():
                return
            if wire.gone:
                return
        if stream.chunked:
            wire.write([end_of_chunks(outgoing.trailers())])
        self.complete = True

    async def _drain(self) -> bool:
        try:
            await self._wire.drain(self._write)
        except TimeoutError:
            self.stuck = True
        return not self.stuck
