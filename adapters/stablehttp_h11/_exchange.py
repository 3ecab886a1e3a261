"""One asynchronous exchange on one connection: send, read the head, then be the source of the content.

Content in memory is written at once, and what the system does not take goes on by itself, so the usual
exchange needs no task.  A stream is sent by a task of its own, so that the response can be read while it is
sent: `send` returns with the head, and sending goes on until it ends or the response is closed.  A final
status of 300 and above that comes earlier ends sending.

Whoever holds an exchange that has not ended holds a connection; every way out leads through `_leave`.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import final

import h11

from stablehttp import (
    Fields,
    ForeignLoopError,
    HTTPTimeoutError,
    InformationalHook,
    ReadTimeoutError,
    Request,
    Response,
    StableHTTPError,
    WriteTimeoutError,
)
from stablehttp.adapting import AsyncBody, AsyncPool, AsyncReceivedBody, Lease
from stablehttp_h11._body import AsyncContent, AsyncStream, Whole, frame
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._convert import from_head, from_informational
from stablehttp_h11._errors import Stage, admit, no_answer, translate
from stablehttp_h11._reader import Content, Head, HeadReader, says_close
from stablehttp_h11._wire import Wire


@final
class AsyncExchange:
    """A request on its way, then the source of the content of its response."""

    __slots__ = (
        "_bounds",
        "_content",
        "_failure",
        "_hook",
        "_keeps",
        "_lease",
        "_left",
        "_loop",
        "_method",
        "_origin",
        "_pool",
        "_reader",
        "_sender",
        "_sent",
        "_stage",
        "_status",
        "_stopping",
        "_stream",
        "_wire",
    )

    def __init__(self, pool: AsyncPool[Wire], lease: Lease[Wire], request: Request[AsyncBody], bounds: Bounds) -> None:
        self._pool = pool
        self._lease = lease
        self._wire = lease.connection
        self._loop = asyncio.get_running_loop()
        self._bounds = bounds
        self._method = request.method
        self._origin = request.uri.origin
        self._hook = request.extensions.get(InformationalHook)
        self._reader = HeadReader()
        self._content: Content | None = None
        self._stage = Stage.CONNECTING
        self._status: int | None = None
        self._stream: AsyncStream | None = None
        self._sender: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._keeps = not says_close(request.headers.values("connection"))
        self._sent = False
        self._stopping = False
        self._left = False

    async def respond(self, head: bytes, content: AsyncContent, patience: float | None) -> Response[AsyncBody]:
        """Send the request and give the response as soon as its head is there.

        With `patience` the content is held until the peer asks for it, or so many seconds are over.
        """
        try:
            self._stage = Stage.SENT
            if isinstance(content, AsyncStream):
                self._stream = content
            received = None
            if patience is not None:
                self._wire.write([head])
                head = b""
                received = await self._continue_or_final(patience)
            if received is None:
                self._send(head, content)
                received = await self._final_head()
            return await self._begin_content(received)
        except BaseException as error:
            raise await self._fail(error)  # noqa: B904 (the same error, or with it as its cause)

    # --- sending ---------------------------------------------------------------------------------

    def _send(self, head: bytes, content: AsyncContent) -> None:
        if isinstance(content, Whole):
            self._sent = True
            self._wire.write(content.behind(head))
            return
        if head:
            self._wire.write([head])
        self._sender = self._loop.create_task(self._send_stream(content))

    async def _send_stream(self, stream: AsyncStream) -> None:
        try:
            try:
                await self._send_chunks(stream)
            finally:
                await stream.outgoing.aclose()
        except (Exception, asyncio.CancelledError) as error:
            if not self._stopping:
                self._failure = error
        self._wire.wake()

    async def _send_chunks(self, stream: AsyncStream) -> None:
        wire, outgoing = self._wire, stream.outgoing
        async for chunk in outgoing:
            wire.write(frame(chunk, chunked=stream.end is not None))
            self._sent = outgoing.sent == outgoing.length
            if wire.unsent:
                await self._drain()
            if wire.gone:
                return
        if stream.end is not None:
            wire.write([stream.end])
        self._sent = True

    async def _drain(self) -> None:
        seconds = self._bounds.write
        try:
            await self._wire.drain(seconds)
        except TimeoutError as error:
            raise self._late(WriteTimeoutError, "the peer took nothing for", seconds) from error

    async def _stop_sending(self) -> None:
        """End sending, and close the body."""
        if self._sending:
            self._sent = False
        self._wire.stop_sending()
        if self._sender is not None and not self._sender.done():
            self._stopping = True
            self._sender.cancel()
            await asyncio.wait([self._sender])
        if self._stream is not None:
            await self._stream.outgoing.aclose()

    @property
    def _sending(self) -> bool:
        return (self._sender is not None and not self._sender.done()) or self._wire.unsent > 0

    # --- receiving -------------------------------------------------------------------------------

    async def _continue_or_final(self, patience: float) -> Head | None:
        """None when the peer asks for the content, or says nothing for a while; else its final head."""
        by = self._bounds.by(self._loop.time(), patience)
        while True:
            head = self._reader.next()
            if head is not None:
                if head.status >= 200:
                    return head
                self._inform(head)
                if head.status == 100:
                    return None
            elif not self._take_head_octets():
                try:
                    await self._wire.wait(by)
                except TimeoutError:
                    if self._bounds.is_over(self._loop.time()):
                        raise self._late(ReadTimeoutError, "", None) from None
                    return None

    async def _final_head(self) -> Head:
        while True:
            head = self._reader.next()
            if head is not None:
                if head.status >= 200:
                    return head
                self._inform(head)
            elif not self._take_head_octets():
                await self._wait()

    def _take_head_octets(self) -> bool:
        octets = self._take()
        if octets is None:
            return False
        if not octets:
            raise no_answer(self._wire.error, self._stage)
        self._stage = Stage.ANSWERING
        self._reader.feed(octets)
        return True

    def _inform(self, head: Head) -> None:
        if self._hook is not None:
            self._hook.read(from_informational(head))

    def _take(self) -> bytes | None:
        if self._failure is not None:
            raise self._failure
        return self._wire.take()

    async def _wait(self) -> None:
        """Wait until something happens; while octets are still on their way out, the limit is that of writing."""
        now = self._loop.time()
        bounds, wire = self._bounds, self._wire
        if bounds.is_over(now):
            raise self._late(ReadTimeoutError, "", None)
        unsent = wire.unsent if self._content is None else 0
        seconds = bounds.write if unsent else bounds.read
        if self._content is None and not unsent and self._sending:
            seconds = None
        try:
            await wire.wait(bounds.by(now, seconds))
        except TimeoutError as error:
            if unsent and wire.unsent >= unsent:
                raise self._late(WriteTimeoutError, "the peer took nothing for", seconds) from error
            if not unsent or bounds.is_over(self._loop.time()):
                raise self._late(ReadTimeoutError, "the peer sent nothing for", seconds) from error

    def _late(self, kind: type[HTTPTimeoutError], text: str, seconds: float | None) -> HTTPTimeoutError:
        return self._bounds.late(self._loop.time(), kind, self._stage, text, seconds)

    # --- content ---------------------------------------------------------------------------------

    async def _begin_content(self, head: Head) -> Response[AsyncBody]:
        self._stage = Stage.ANSWERED
        self._status = head.status
        content = self._content = self._reader.content(head, self._method)
        self._keeps = self._keeps and head.keeps_alive
        if (self._sending and head.status >= 300) or (self._stream is not None and self._sender is None):
            await self._stop_sending()
        wire, reused = self._wire, self._lease.reused
        if content.whole and not self._sending:
            self._end()
        body = AsyncReceivedBody(self, length=content.length)
        return from_head(head, body, wire.reused_info if reused else wire.info)

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        assert self._content is not None
        try:
            while (chunk := self._content.next()) is None:
                await self._feed(self._content)
            if self._content.ended and not self._left:
                self._end()
                await self._stop_sending()
        except BaseException as error:
            raise await self._fail(error)  # noqa: B904 (the same error, or with it as its cause)
        return chunk

    async def _feed(self, content: Content) -> None:
        if self._loop is not asyncio.get_running_loop():
            raise ForeignLoopError("the response belongs to another event loop; read it in the one that received it")
        while (octets := self._take()) is None:
            await self._wait()
        if octets:
            content.feed(octets)
        else:
            content.close(self._wire.clean)

    async def aclose(self) -> None:
        """Give the connection back if the rest of the content has arrived already, else discard it."""
        if self._left or self._content is None:
            return
        try:
            self._skip(self._content)
        except (h11.RemoteProtocolError, StableHTTPError):
            self._keeps = False
        self._end()
        await self._stop_sending()

    def _skip(self, content: Content) -> None:
        while (chunk := content.next()) != b"":
            if chunk is None:
                octets = self._wire.take()
                if not octets:
                    return
                content.feed(octets)

    def trailers(self) -> Fields | None:
        """The trailers, once the content has ended."""
        return None if self._content is None else self._content.trailers()

    # --- the end ---------------------------------------------------------------------------------

    def _end(self) -> None:
        """Give the connection back, for another exchange if this one is over on both sides."""
        content = self._content
        self._leave(
            reusable=self._keeps
            and content is not None
            and (content.whole or content.ended)
            and content.keeps_connection
            and not content.extra
            and self._sent
            and not self._sending
        )

    def _leave(self, *, reusable: bool) -> None:
        if not self._left:
            self._left = True
            self._pool.release(self._lease, reusable=reusable)

    async def _fail(self, error: BaseException) -> BaseException:
        """Let go of everything; the error to raise."""
        self._leave(reusable=False)
        await self._stop_sending()
        if isinstance(error, h11.RemoteProtocolError):
            error = translate(error, self._stage) or error
        if isinstance(error, StableHTTPError):
            admit(error, self._stage)
            error.about(self._method, self._origin)
            if error.status is None:
                error.status = self._status
        return error

    def __del__(self) -> None:
        if self._left or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(_abandon, self._pool, self._lease)
        warnings.warn(
            f"a response to {self._method} {self._origin} was dropped; read it to its end, or close it",
            ResourceWarning,
            source=self,
            stacklevel=1,
        )


def _abandon(pool: AsyncPool[Wire], lease: Lease[Wire]) -> None:
    pool.release(lease, reusable=False)
