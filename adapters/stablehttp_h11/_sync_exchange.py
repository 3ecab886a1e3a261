"""One synchronous exchange on one connection: send, read the head, then be the source of the content.

The content is sent first and the head read then, but the peer is listened to while content is sent: a
final status of 300 and above that comes early ends sending, any other is kept until all is sent.

Whoever holds an exchange that has not ended holds a connection; every way out leads through `_leave`.
"""

from __future__ import annotations

from time import monotonic
from typing import Final, final

import h11

from stablehttp import (
    Fields,
    HTTPTimeoutError,
    InformationalHook,
    ReadTimeoutError,
    Request,
    Response,
    StableHTTPError,
    SyncBody,
    WriteTimeoutError,
)
from stablehttp.adapting import Lease, SyncPool, SyncReceivedBody, warn_dropped
from stablehttp_h11._body import SyncContent, SyncStream, Whole, end_of_chunks, frame
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._content import Content
from stablehttp_h11._convert import from_head, from_informational
from stablehttp_h11._errors import Stage, admit, no_answer, translate
from stablehttp_h11._reader import Head, HeadReader, says_close
from stablehttp_h11._sync_wire import SyncWire

_MOST_SKIPPED: Final = 256 * 1024
"""How much of a content that nobody wants is read to save its connection: a fast peer might never stop."""


@final
class SyncExchange:
    """A request on its way, then the source of the content of its response."""

    __slots__ = (
        "_bounds",
        "_content",
        "_head",
        "_hook",
        "_keeps",
        "_lease",
        "_left",
        "_method",
        "_origin",
        "_pool",
        "_reader",
        "_sent",
        "_stage",
        "_status",
        "_stream",
        "_wire",
    )

    def __init__(
        self, pool: SyncPool[SyncWire], lease: Lease[SyncWire], request: Request[SyncBody], bounds: Bounds
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._wire = lease.connection
        self._bounds = bounds
        self._method = request.method
        self._origin = request.uri.origin
        self._hook = request.extensions.get(InformationalHook)
        self._reader = HeadReader()
        self._head: Head | None = None
        self._content: Content | None = None
        self._stage = Stage.CONNECTING
        self._status: int | None = None
        self._stream: SyncStream | None = None
        self._keeps = not says_close(request.headers.values("connection"))
        self._sent = False
        self._left = False

    def respond(self, head: bytes, content: SyncContent, patience: float | None) -> Response[SyncBody]:
        """Send the request and give the response as soon as its head is there.

        With `patience` the content is held until the peer asks for it, or so many seconds are over.
        """
        try:
            self._stage = Stage.SENT
            if isinstance(content, SyncStream):
                self._stream = content
            if patience is not None:
                self._push(head)
                head = b""
                self._await_continue(patience)
            if self._head is None:
                self._send(head, content)
            self._close_stream()
            return self._begin_content(self._head or self._final_head())
        except BaseException as error:
            raise self._fail(error)  # noqa: B904 (the same error, or with it as its cause)

    # --- sending ---------------------------------------------------------------------------------

    def _send(self, head: bytes, content: SyncContent) -> None:
        if isinstance(content, Whole):
            self._sent = all(map(self._push, content.behind(head)))
        else:
            self._sent = self._push(head) and self._send_stream(content)

    def _send_stream(self, stream: SyncStream) -> bool:
        for chunk in stream.outgoing:
            if not (self._may_go_on() and all(map(self._push, frame(chunk, chunked=stream.chunked)))):
                return False
        return not stream.chunked or self._push(end_of_chunks(stream.outgoing.trailers()))

    def _push(self, octets: bytes) -> bool:
        """Send; False if there is no point in sending more."""
        wire, rest = self._wire, memoryview(octets)
        while rest:
            now = monotonic()
            seconds = self._bounds.write
            try:
                rest = wire.send(rest, self._bounds.left(now, seconds))
            except TimeoutError as error:
                raise self._late(WriteTimeoutError, "the peer took nothing for", seconds) from error
            if rest and not self._may_go_on():
                return False
            if self._bounds.is_over(monotonic()):
                raise self._late(WriteTimeoutError, "", None)
        return True

    def _may_go_on(self) -> bool:
        """Whether the peer, as far as it has spoken, still wants the content."""
        while self._head is None and self._wire.listen():
            if self._wire.ended:
                return False
            self._look(self._wire.receive(0))
        return self._head is None or self._head.status < 300

    def _close_stream(self) -> None:
        if self._stream is not None:
            self._stream.outgoing.close()

    # --- receiving -------------------------------------------------------------------------------

    def _await_continue(self, patience: float) -> None:
        """Return when the peer asks for the content, says nothing for a while, or has sent its final head."""
        by = monotonic() + patience
        while self._head is None:
            try:
                octets = self._wire.receive(self._bounds.left(monotonic(), max(by - monotonic(), 0)))
            except TimeoutError:
                if self._bounds.is_over(monotonic()):
                    raise self._late(ReadTimeoutError, "", None) from None
                return
            if self._look(octets):
                return

    def _final_head(self) -> Head:
        while self._head is None:
            self._look(self._receive())
        return self._head

    def _look(self, octets: bytes) -> bool:
        """Read the heads in what arrived, up to the final one; whether the peer asked for the content."""
        if not octets:
            raise no_answer(self._wire.error, self._stage)
        self._stage = Stage.ANSWERING
        self._reader.feed(octets)
        wanted = False
        while (head := self._reader.next()) is not None:
            if head.status >= 200:
                self._head = head
                break
            wanted = wanted or head.status == 100
            if self._hook is not None:
                self._hook.read(from_informational(head))
        return wanted

    def _receive(self) -> bytes:
        now, seconds = monotonic(), self._bounds.read
        if self._bounds.is_over(now):
            raise self._late(ReadTimeoutError, "", None)
        try:
            return self._wire.receive(self._bounds.left(now, seconds))
        except TimeoutError as error:
            raise self._late(ReadTimeoutError, "the peer sent nothing for", seconds) from error

    def _late(self, kind: type[HTTPTimeoutError], text: str, seconds: float | None) -> HTTPTimeoutError:
        return self._bounds.late(monotonic(), kind, self._stage, text, seconds)

    # --- content ---------------------------------------------------------------------------------

    def _begin_content(self, head: Head) -> Response[SyncBody]:
        self._stage = Stage.ANSWERED
        self._status = head.status
        content = self._content = self._reader.content(head, self._method)
        self._keeps = self._keeps and head.keeps_alive
        wire, reused = self._wire, self._lease.reused
        if content.whole:
            self._end()
        body = SyncReceivedBody(self, length=content.length)
        return from_head(head, body, wire.reused_info if reused else wire.info)

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        content = self._content
        assert content is not None
        try:
            while (chunk := content.next()) is None:
                octets = self._receive()
                if octets:
                    content.feed(octets)
                else:
                    content.close(self._wire.clean)
            if content.ended:
                self._end()
        except BaseException as error:
            raise self._fail(error)  # noqa: B904 (the same error, or with it as its cause)
        return chunk

    def close(self) -> None:
        """Give the connection back if the rest of the content has arrived already, else discard it."""
        if self._left or self._content is None:
            return
        skipped = 0
        try:
            while (chunk := self._content.next()) != b"":
                if chunk is None:
                    if skipped > _MOST_SKIPPED or not self._wire.listen() or self._wire.ended:
                        break
                    octets = self._wire.receive(0)
                    skipped += len(octets)
                    self._content.feed(octets)
        except (h11.RemoteProtocolError, StableHTTPError):
            self._keeps = False
        self._end()

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
        )

    def _leave(self, *, reusable: bool) -> None:
        if not self._left:
            self._left = True
            self._pool.release(self._lease, reusable=reusable)

    def _fail(self, error: BaseException) -> BaseException:
        """Let go of everything; the error to raise."""
        self._leave(reusable=False)
        self._close_stream()
        if isinstance(error, h11.RemoteProtocolError):
            error = translate(error, self._stage) or error
        if isinstance(error, StableHTTPError):
            admit(error, self._stage)
            error.about(self._method, self._origin)
            if error.status is None:
                error.status = self._status
        return error

    def __del__(self) -> None:
        if self._left:
            return
        self._pool.abandon(self._lease)
        warn_dropped(f"{self._method} {self._origin}", source=self)
