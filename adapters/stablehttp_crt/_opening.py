"""Connections: how one is opened, and what is known of it.

The CRT's own future is never cancelled, because its thread would print an error: an `Opening` that is
abandoned closes the connection when it comes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, NamedTuple, TypeAlias, final

from awscrt.http import Http2ClientConnection, Http2Setting, Http2SettingID, HttpClientConnection

from stablehttp import ConnectTimeoutError, HttpVersion, NegotiationError, StableHTTPError
from stablehttp_crt._errors import translate_opening

Connection: TypeAlias = HttpClientConnection | Http2ClientConnection

MOST_STREAMS: Final = 100
"""How many exchanges share one HTTP/2 connection, if the peer does not say less."""


@final
class Endpoint(NamedTuple):
    """Where a connection leads; equal endpoints share connections.

    `streamed` ones live on the thread where streams may rest, and speak HTTP/1.1.
    """

    secure: bool
    host: str
    port: int
    streamed: bool


@final
class Channel:
    """One connection of the CRT.

    `streams` is how many exchanges the peer takes at a time; `on_streams` is called in the CRT's thread when
    that becomes known.
    """

    __slots__ = ("connection", "http2", "on_streams", "streams")

    def __init__(self, connection: Connection, limit: StreamLimit) -> None:
        self.connection = connection
        self.http2 = isinstance(connection, Http2ClientConnection)
        self.streams = limit.value if self.http2 else 1
        self.on_streams: Callable[[], None] | None = None
        limit.channel = self
        self.allow(limit.value)

    def allow(self, streams: int) -> None:
        """The peer takes so many exchanges at a time."""
        if self.http2 and streams != self.streams:
            self.streams = streams
            if self.on_streams is not None:
                self.on_streams()

    @property
    def version(self) -> HttpVersion:
        """What it speaks."""
        return HttpVersion.HTTP_2 if self.http2 else HttpVersion.HTTP_1_1

    def is_usable(self) -> bool:
        """Whether it takes another exchange."""
        return self.connection.is_open()

    def close(self) -> None:
        """Begin to close it; the reason why it ends is of no interest then."""
        self.connection.close()

    @property
    def is_shut(self) -> bool:
        """Whether it has ended, so that `reason` can be asked."""
        return self.connection.shutdown_future.done()

    def reason(self) -> BaseException | None:
        """Why it ended; None if it has not, or in good order."""
        future = self.connection.shutdown_future
        return future.exception() if future.done() else None

    def when_shut(self, call: Callable[[], None]) -> None:
        """Have `call` called, in any thread, when it has ended."""
        self.connection.shutdown_future.add_done_callback(lambda _: call())


@final
class StreamLimit:
    """How many exchanges an HTTP/2 peer takes at a time: one until it has said so in its settings."""

    __slots__ = ("channel", "value")

    def __init__(self, value: int = MOST_STREAMS) -> None:
        self.value = value
        self.channel: Channel | None = None

    def on_settings(self, settings: list[Http2Setting]) -> None:
        """The peer said what it takes; called in the CRT's thread."""
        said = [one.value for one in settings if one.id == Http2SettingID.MAX_CONCURRENT_STREAMS]
        self.value = max(min([MOST_STREAMS, *said]), 1)
        if self.channel is not None:
            self.channel.allow(self.value)


@final
class Opening:
    """A connection that is being opened; `ring` is called when something happened, in any thread."""

    __slots__ = ("_abandoned", "_channel", "_error", "_limit", "_lock", "_needs_http2", "_ring", "_secure")

    def __init__(self, ring: Callable[[], None], limit: StreamLimit, *, secure: bool, needs_http2: bool) -> None:
        self._ring = ring
        self._limit = limit
        self._secure = secure
        self._needs_http2 = needs_http2
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._error: StableHTTPError | None = None
        self._abandoned = False

    def arrived(self, future: Future[Connection]) -> None:
        """The CRT has a connection, or not; called in its thread."""
        error = future.exception()
        if error is None:
            channel = Channel(future.result(), self._limit)
            if self._needs_http2 and not channel.http2:
                channel.close()
                self.failed(_not_http2())
            elif not self._keep(channel):
                channel.close()
        elif self._needs_http2 and getattr(error, "name", "") == "AWS_ERROR_HTTP_UNSUPPORTED_PROTOCOL":
            self.failed(_not_http2(error))
        else:
            self.failed(translate_opening(error, secure=self._secure))
        self._ring()

    def failed(self, error: StableHTTPError | None) -> None:
        """It is known that there will be no connection; the first who knows is believed."""
        with self._lock:
            if self._channel is None and self._error is None:
                self._error = error
        self._ring()

    def settled(self) -> bool:
        """Whether it is known how it ended."""
        return self._channel is not None or self._error is not None

    def abandon(self) -> None:
        """Nobody wants the connection any more, whenever it comes."""
        with self._lock:
            self._abandoned = True
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def take(self, seconds: float | None) -> Channel:
        """The connection.

        Raises:
            ConnectError: there will be none; its subclass says why.
            ConnectTimeoutError: it did not come within `seconds`; it is abandoned then.
        """
        with self._lock:
            channel, error = self._channel, self._error
            self._channel = None
        if channel is not None:
            return channel
        self.abandon()
        if error is not None:
            raise error
        raise ConnectTimeoutError(f"no connection came about within {seconds} seconds", seconds=seconds)

    def _keep(self, channel: Channel) -> bool:
        with self._lock:
            wanted = not self._abandoned and self._error is None
            if wanted:
                self._channel = channel
            return wanted


def _not_http2(cause: BaseException | None = None) -> NegotiationError:
    error = NegotiationError(
        "the server did not agree to HTTP/2, and speaks HTTP/1.1; allow HTTP/1.1, or ask another server",
        wanted=(HttpVersion.HTTP_2.value,),
        negotiated=HttpVersion.HTTP_1_1.value,
    )
    error.__cause__ = cause
    return error
