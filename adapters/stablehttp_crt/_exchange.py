"""One exchange, as the CRT's thread reports it, and what to make of it.

The CRT calls `on_…` in its own thread; each call adds to the state and rings a bell, in this order, so
whoever is woken finds what happened.  The other methods belong to whoever waits.  Without colour.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Final, final

from awscrt.http import Http2ClientConnection, Http2ClientStream, HttpClientStream, HttpRequest

from stablehttp import InvalidResponseError
from stablehttp_crt._body import Meter
from stablehttp_crt._convert import Head, Lines, is_tunnel
from stablehttp_crt._errors import CONNECTION_CLOSED, Progress, name_of, translate_exchange, translate_start
from stablehttp_crt._opening import Channel

WINDOW: Final = 1 << 20
"""How many octets of content the CRT takes from the peer while nobody reads them, for each exchange."""

_REFILL: Final = WINDOW // 4


@final
class Exchange:
    """One request and its response on `channel`."""

    __slots__ = (
        "_drained",
        "_raw_head",
        "_request_method",
        "_stream",
        "channel",
        "chunks",
        "delivered",
        "done",
        "error",
        "failure",
        "head",
        "last",
        "meter",
        "remote_ended",
        "ring",
    )

    def __init__(self, channel: Channel, method: str, meter: Meter, ring: Callable[[], None]) -> None:
        self.channel = channel
        self.meter = meter
        self.head: Head | None = None
        self.chunks: deque[bytes] = deque()
        self.delivered = 0
        """Octets of content that went to whoever reads."""
        self.last = monotonic()
        """When something arrived last."""
        self.remote_ended = False
        self.done = False
        """Whether the CRT has finished with it, well or with `error`."""
        self.error: BaseException | None = None
        self.failure: BaseException | None = None
        """What went wrong on this side: the caller's body, or the head of the response."""
        self._request_method = method
        self.ring = ring
        self._stream: HttpClientStream | Http2ClientStream | None = None
        self._raw_head: tuple[int, Lines] | None = None
        self._drained = 0

    def start(self, request: HttpRequest, *, manual: bool) -> HttpClientStream | Http2ClientStream:
        """Hand the request to the CRT; with `manual` its content is written frame by frame.

        Raises:
            DisconnectedError: the connection has ended; nothing was sent.
            InvalidMessageError: the CRT does not send such a request.
        """
        connection = self.channel.connection
        stream: HttpClientStream | Http2ClientStream
        try:
            if isinstance(connection, Http2ClientConnection):
                stream = connection.request(request, self.on_response, self.on_body, manual)
                stream.remote_end_stream_future.add_done_callback(self.on_remote_end)
            else:
                stream = connection.request(request, self.on_response, self.on_body)
            stream.completion_future.add_done_callback(self.on_complete)
            self._stream = stream
            stream.activate()
        except Exception as error:
            self._stream = None
            raise translate_start(error) from error
        return stream

    # --- called by the CRT -----------------------------------------------------------------------

    def on_response(self, http_stream: object, status_code: int, headers: Lines, **_: object) -> None:
        """The head of the final response arrived; over HTTP/1.1 content or the end follows at once."""
        self.last = monotonic()
        self._raw_head = (status_code, headers)
        if self.channel.http2:
            self.ring()

    def on_body(self, http_stream: object, chunk: bytes, **_: object) -> None:
        """Some content arrived."""
        self.last = monotonic()
        self.chunks.append(chunk)
        self.ring()

    def on_remote_end(self, future: Future[None]) -> None:
        """The peer has sent all of its response (HTTP/2 only)."""
        if future.exception() is None:
            self.remote_ended = True
            self.ring()

    def on_complete(self, future: Future[int]) -> None:
        """The CRT has finished with the exchange."""
        self.error = future.exception()
        self._stream = None
        self.done = True
        self.ring()

    # --- for whoever waits -----------------------------------------------------------------------

    def fail(self, error: BaseException) -> None:
        """The exchange cannot go on because of something on this side."""
        self.failure = self.failure or error
        self.ring()

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.done or self.failure is not None

    def has_head(self) -> bool:
        """Whether there is a head, or none to wait for."""
        over = self.over  # before the head is looked for: what is over has its head already, if it ever gets one
        if self.head is None and self._raw_head is not None and self.failure is None:
            try:
                self.head = Head(self._request_method, *self._raw_head)
            except InvalidResponseError as error:
                self.failure = error
        return self.head is not None or over or self.failure is not None

    def has_content(self) -> bool:
        """Whether there is content, or none to wait for."""
        return bool(self.chunks) or self.ended or self.over

    @property
    def ended(self) -> bool:
        """Whether all content of the response has arrived.

        If the request has been sent to its end the CRT says when the exchange has ended.  Otherwise HTTP/2 tells of the
        end of the response alone, and over HTTP/1.1 its declared length has to do.
        """
        if self.done:
            return self.error is None
        head = self.head
        if head is None or self.meter.done:
            return False
        if self.channel.http2:
            return self.remote_ended
        return self.received == head.declared

    @property
    def received(self) -> int:
        """Octets of content that arrived so far."""
        return self.delivered + sum(map(len, self.chunks))

    @property
    def reusable(self) -> bool:
        """Whether the connection can serve another exchange."""
        if not self.done or self.failure is not None:
            return False
        if self.channel.http2:
            return True
        head = self.head
        if self.error is not None or head is None or not head.framed or self._is_overlong(head):
            return False
        return not is_tunnel(self._request_method, head.status)

    def _is_overlong(self, head: Head) -> bool:
        """Whether more came than was declared: what a peer sends after a response may become part of its content."""
        return head.declared is not None and self.received > head.declared

    def take(self) -> bytes:
        """The next chunk of content, empty if it is beyond the declared length; the peer may send as much again."""
        chunk = self.chunks.popleft()
        declared = None if self.head is None else self.head.declared
        if declared is not None and self.delivered + len(chunk) > declared:
            chunk = chunk[: declared - self.delivered]
        self.delivered += len(chunk)
        self._drained += len(chunk)
        if self._drained >= _REFILL:
            stream = self._stream
            if stream is not None and not self.remote_ended:
                stream.update_window(self._drained)
            self._drained = 0
        return chunk

    def progress(self, *, shared: bool = False) -> Progress:
        """How far it has come; `shared` says that its connection failed, and others with it."""
        head = self.head
        return Progress(
            status=None if head is None else head.status,
            expected=None if head is None else head.declared,
            received=self.delivered,
            shared=shared,
        )

    def why(self) -> BaseException:
        """Why there is no response, or no more of it."""
        if self.failure is not None:
            return self.failure
        error = self.error
        if error is None:
            return translate_exchange(RuntimeError("the exchange ended without a response"), self.progress())
        reason = self.channel.reason() if name_of(error) == CONNECTION_CLOSED else None
        if reason is None:
            return translate_exchange(error, self.progress())
        return translate_exchange(reason, self.progress(shared=self.channel.http2))

    def awaits_reason(self) -> bool:
        """Whether the connection will still say why it ended."""
        error = self.error
        return error is not None and name_of(error) == CONNECTION_CLOSED and not self.channel.is_shut
