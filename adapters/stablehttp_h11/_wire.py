"""One asynchronous connection: octets in, octets out, flow control and clocks.

It knows nothing of HTTP.  Two things keep it cheap: a chunk that somebody waits for is handed over
without being stored, and a time limit costs one comparison, because the one timer of a connection is
left running and only looks, when it fires, whether the limit has moved on.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, cast, final

from stablehttp import ConnectionInfo
from stablehttp_h11._sockets import describe_peer, readable_check

_MOST_WAITING: Final = 256 * 1024
"""How many octets may wait for a reader before the peer is held back."""
_SLICE: Final = 1024 * 1024
"""How much is given to the system at once, in octets, so that other tasks get their turn."""


@final
class Wire(asyncio.Protocol):
    """A connection, for one exchange at a time."""

    __slots__ = (
        "_arrived",
        "_by",
        "_drained",
        "_held_back",
        "_is_readable",
        "_loop",
        "_lost",
        "_outbox",
        "_paused",
        "_reader",
        "_size",
        "_timer",
        "_transport",
        "clean",
        "ended",
        "error",
        "info",
        "reused_info",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._arrived: deque[bytes] = deque()
        self._size = 0
        self._held_back = False
        self._reader: asyncio.Future[None] | None = None
        self._by = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_readable: Callable[[], bool] | None = None
        self._outbox: deque[bytes | memoryview] = deque()
        self._paused = False
        self._drained: asyncio.Future[None] | None = None
        self._lost = False
        self.ended = False
        """Nothing more will arrive."""
        self.clean = False
        """The peer ended the connection itself; with TLS, in a way that nobody else can."""
        self.error: OSError | None = None
        """Why the connection broke."""
        self.info = self.reused_info = ConnectionInfo()

    # --- what the event loop calls ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport, which tells from now on whenever something waits to be sent."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=1)

    def data_received(self, data: bytes) -> None:
        """Keep what arrived, and wake who waits for it."""
        self._arrived.append(data)
        self._size += len(data)
        if self._reader is not None:
            self._wake_reader()
        elif self._size > _MOST_WAITING and not self._held_back and self._transport is not None:
            self._held_back = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Take note that the peer will send nothing more."""
        self.clean = self._ended_by_peer()
        self._end()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone, and wake everybody."""
        self._lost = True  # from now on the transport has no loop, and to abort it would fail
        if isinstance(exc, OSError):
            self.error = exc
        self._end()
        self._outbox.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def pause_writing(self) -> None:
        """Something waits in the transport."""
        self._paused = True

    def resume_writing(self) -> None:
        """The transport is empty: give it more, or wake who waits for that."""
        self._paused = False
        self._pump()

    # --- receiving -------------------------------------------------------------------------------

    def take(self) -> bytes | None:
        """What has arrived, `b""` at the end, None if there is nothing yet; `error` and `clean` tell about the end."""
        if not self._arrived:
            return b"" if self.ended else None
        octets = self._arrived.popleft()
        self._size -= len(octets)
        if self._held_back and self._size <= _MOST_WAITING and self._transport is not None:
            self._held_back = False
            if not self.ended:
                self._transport.resume_reading()
        return octets

    async def wait(self, by: float | None) -> None:
        """Return when something has arrived, when the connection has ended, or when `wake` is called.

        Raises:
            TimeoutError: none of that happened until the loop's clock showed `by`.
        """
        if self._arrived or self.ended:
            return
        self._reader = self._loop.create_future()
        if by is not None:
            self._by = by
            if self._timer is None or self._timer.when() > by:
                self._set_timer()
        else:
            self._by = float("inf")
        try:
            await self._reader
        finally:
            self._reader = None

    def wake(self) -> None:
        """Make `wait` return."""
        if self._reader is not None:
            self._wake_reader()

    # --- sending ---------------------------------------------------------------------------------

    def write(self, pieces: Sequence[bytes]) -> None:
        """Send `pieces`; what the system does not take yet goes on by itself."""
        if self._transport is None or self._transport.is_closing():
            return
        for piece in pieces:
            if len(piece) <= _SLICE and not self._outbox:
                self._transport.write(piece)
            else:
                view = memoryview(piece)
                self._outbox.extend([view[start : start + _SLICE] for start in range(0, len(view), _SLICE)])
                self._pump()

    @property
    def unsent(self) -> int:
        """How many octets the system has not taken yet; 0 if the connection is gone."""
        transport = self._transport
        if transport is None or transport.is_closing() or not (self._paused or self._outbox):
            return 0
        return sum(map(len, self._outbox)) + transport.get_write_buffer_size()

    async def drain(self, seconds: float | None) -> None:
        """Return when the system has taken everything, or when the connection is gone.

        Raises:
            TimeoutError: it took nothing for `seconds`.
        """
        while waiting := self.unsent:
            self._drained = self._loop.create_future()
            timer = None if seconds is None else self._loop.call_later(seconds, self._stop_draining, self._drained)
            try:
                await self._drained
            finally:
                self._drained = None
                if timer is not None:
                    timer.cancel()
            if self.unsent >= waiting:
                raise TimeoutError

    def stop_sending(self) -> None:
        """Forget what was not given to the system yet."""
        self._outbox.clear()

    # --- the end ---------------------------------------------------------------------------------

    @property
    def is_usable(self) -> bool:
        """Whether another exchange can begin: the peer has sent nothing unasked, and has not ended the connection."""
        transport = self._transport
        if self._arrived or self.ended or self._paused or self._outbox or transport is None or transport.is_closing():
            return False
        return self._is_readable is not None and not self._is_readable()

    def close(self) -> None:
        """Close at once; with TLS, the peer is told."""
        transport = self._transport
        if transport is None or self._lost or self._loop.is_closed():
            return
        if not transport.is_closing() and not self._paused:
            transport.close()
        transport.abort()

    def abort(self) -> None:
        """Close at once."""
        self._outbox.clear()
        if self._transport is not None and not self._lost and not self._loop.is_closed():
            self._transport.abort()

    async def start_tls(self, context: ssl.SSLContext, server_name: str, seconds: float | None) -> None:
        """Go on with TLS on this connection, on which nothing may be waiting."""
        assert self._transport is not None
        secured = await self._loop.start_tls(
            self._transport, self, context, server_hostname=server_name, ssl_handshake_timeout=seconds
        )
        if secured is None:
            raise ConnectionResetError
        self.connection_made(secured)

    def describe(self) -> None:
        """Find out what is known of the connection, once it is there."""
        assert self._transport is not None
        self._is_readable = readable_check(self._transport.get_extra_info("socket"))
        peer = self._transport.get_extra_info("peername")
        secured = cast("ssl.SSLObject | None", self._transport.get_extra_info("ssl_object"))
        self.info, self.reused_info = (
            ConnectionInfo(
                reused=reused,
                peer=describe_peer(peer),
                tls_version=secured.version() if secured is not None else None,
                alpn=secured.selected_alpn_protocol() if secured is not None else None,
            )
            for reused in (False, True)
        )

    # --- inside ----------------------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport is None or self._transport.is_closing()

    def _end(self) -> None:
        self.ended = True
        if self._reader is not None:
            self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _pump(self) -> None:
        """Give the system one slice after another, until it takes no more; when all are gone, wake who waits."""
        if self._outbox and not self._paused and not self.gone:
            assert self._transport is not None
            self._transport.write(self._outbox.popleft())
        if self._paused:
            return
        if self._outbox:
            self._loop.call_soon(self._pump)
            return
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self.wake()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._by, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        reader = self._reader
        if reader is None or reader.done():
            return
        if self._loop.time() >= self._by:
            reader.set_exception(TimeoutError())
        elif self._by < float("inf"):
            self._set_timer()

    def _stop_draining(self, drained: asyncio.Future[None]) -> None:
        if not drained.done():
            drained.set_result(None)

    def _ended_by_peer(self) -> bool:
        """With TLS, only the peer's close_notify tells; without, anybody could have done it (RFC 9112 §9.8)."""
        assert self._transport is not None
        secured = cast("ssl.SSLObject | None", self._transport.get_extra_info("ssl_object"))
        if secured is None:
            return True
        try:
            return not secured.read(1)
        except ssl.SSLZeroReturnError:
            return True
        except (ssl.SSLError, ValueError):
            return False
