"""One asynchronous exchange on one connection: send, read the head, then be the source of the content.

`send` returns with the head, and a stream that is still being sent goes on until it ends or the response is
closed.  A final status of 300 and above that comes earlier ends sending.

Whoever holds an exchange that has not ended holds a connection; every way out leads through `_leave`.
"""

from __future__ import annotations

import asyncio
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
from stablehttp.adapting import AsyncBody, AsyncPool, AsyncReceivedBody, Lease, warn_dropped
from stablehttp_h11._body import AsyncContent
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._content import Content
from stablehttp_h11._convert import from_head, from_informational
from stablehttp_h11._errors import Stage, admit, no_answer, translate
from stablehttp_h11._reader import Head, HeadReader, says_close
from stablehttp_h11._upload import Upload
from stablehttp_h11._wire import Wire


@final
class AsyncExchange:
    """A request on its way, then the source of the content of its response."""

    __slots__ = (
        "_bounds",
        "_content",
        "_hook",
        "_keeps",
        "_lease",
        "_left",
        "_loop",
        "_method",
        "_origin",
        "_pool",
        "_reader",
        "_stage",
        "_status",
        "_upload",
        "_wire",
    )

    def __init__(
        self,
        pool: AsyncPool[Wire],
        lease: Lease[Wire],
        request: Request[AsyncBody],
        content: AsyncContent,
        bounds: Bounds,
    ) -> None:
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
        self._upload = Upload(self._wire, content, bounds.write)
        self._keeps = not says_close(request.headers.values("connection"))
        self._left = False

    async def respond(self, head: bytes, patience: float | None) -> Response[AsyncBody]:
        """Send the request and give the response as soon as its head is there.

        With `patience` the content is held until the peer asks for it, or so many seconds are over.
        """
        try:
            self._stage = Stage.SENT
            received = None
            if patience is not None:
                self._upload.send_head(head)
                head = b""
                received = await self._continue_or_final(patience)
            if received is None:
                self._upload.send(head)
                received = await self._final_head()
            return await self._begin_content(received)
        except BaseException as error:
            raise await self._fail(error)  # noqa: B904 (the same error, or with it as its cause)

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
        upload = self._upload
        if upload.failure is not None:
            raise upload.failure
        if upload.stuck:
            raise self._late(WriteTimeoutError, "the peer took nothing for", self._bounds.write)
        return self._wire.take()

    async def _wait(self) -> None:
        """Wait until something happens; while octets are still on their way out, the limit is that of writing."""
        now = self._loop.time()
        bounds, wire = self._bounds, self._wire
        if bounds.is_over(now):
            raise self._late(ReadTimeoutError, "", None)
        unsent = wire.unsent if self._content is None else 0
        seconds = bounds.write if unsent else bounds.read
        if self._content is None and not unsent and self._upload.active:
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
        upload = self._upload
        if not upload.finished and (head.status >= 300 or not upload.active):
            upload.stop()
            await upload.aclose()
        wire, reused = self._wire, self._lease.reused
        if content.whole and not upload.active:
            self._end()
        body = AsyncReceivedBody(self, length=content.length)
        return from_head(head, body, wire.reused_info if reused else wire.info)

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        assert self._content is not None
        if not self._left and self._loop is not asyncio.get_running_loop():
            raise ForeignLoopError("the response belongs to another event loop; read it in the one that received it")
        try:
            while (chunk := self._content.next()) is None:
                await self._feed(self._content)
            if self._content.ended and not self._left:
                self._end()
                await self._upload.aclose()
        except BaseException as error:
            raise await self._fail(error)  # noqa: B904 (the same error, or with it as its cause)
        return chunk

    async def _feed(self, content: Content) -> None:
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
        if self._loop is not asyncio.get_running_loop():
            self._abandon()
            return
        try:
            self._skip(self._content)
        except (h11.RemoteProtocolError, StableHTTPError):
            self._keeps = False
        self._end()
        await self._upload.aclose()

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
            and self._upload.finished
        )

    def _leave(self, *, reusable: bool) -> None:
        if not self._left:
            self._left = True
            self._upload.stop()
            self._pool.release(self._lease, reusable=reusable)

    async def _fail(self, error: BaseException) -> BaseException:
        """Let go of everything; the error to raise."""
        self._leave(reusable=False)
        await self._upload.aclose()
        if isinstance(error, h11.RemoteProtocolError):
            error = translate(error, self._stage) or error
        if isinstance(error, StableHTTPError):
            admit(error, self._stage)
            error.about(self._method, self._origin)
            if error.status is None:
                error.status = self._status
        return error

    def _abandon(self) -> None:
        """Leave from outside the loop."""
        self._left = True
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_leave_later, self._pool, self._lease, self._upload)

    def __del__(self) -> None:
        if not self._left:
            self._abandon()
            warn_dropped(f"{self._method} {self._origin}", source=self)


def _leave_later(pool: AsyncPool[Wire], lease: Lease[Wire], upload: Upload) -> None:
    upload.stop()
    pool.release(lease, reusable=False)
