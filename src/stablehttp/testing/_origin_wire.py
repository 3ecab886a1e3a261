"""One connection of the recording origin, octet by octet, with or without TLS.

Stands on the journal and on `_origin_tls`.

Reading stops by itself while `HIGH` octets lie unread, so a peer that sends to an origin that does not
read is held back.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable
from typing import cast, final

from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Ended, Track
from stablehttp.testing._origin_tls import TLSLayer

HIGH = 256 * 1024


class GoneError(Exception):
    """The peer has left, or the connection is over; there is nobody to answer."""


@final
class Wire(asyncio.Protocol):
    """A connection: a buffer of what arrived, and every way to go on or to end.

    `gone` is done when the peer closed its side or the connection is lost, `lost` only in the latter case;
    `shut` says that our side is closed for sending.
    """

    def __init__(self, journal: Journal, *, tls: bool) -> None:
        self._journal = journal
        self._loop = asyncio.get_running_loop()
        self._layer: TLSLayer | None = None
        self._waits_for_tls = tls
        self._waiter: asyncio.Future[None] | None = None
        self._resumed: asyncio.Future[None] | None = None
        self._broken = False
        self._ready: asyncio.Future[bool] = self._loop.create_future()
        self._arrivals = 0
        self._paused = False
        self.shut = False
        self.buffer = bytearray()
        self.eof = False
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.track: Track

    # --- called by the transport ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = self._transport.get_extra_info("peername")
        self.track = self._journal.track(f"{peer[0]}:{peer[1]}" if peer else "")
        self.track.tls = self._waits_for_tls

    def data_received(self, data: bytes) -> None:
        if self._broken:
            pass
        elif self._layer is not None:
            self._unseal(self._layer, data)
        else:
            self._arrived(data)

    def eof_received(self) -> bool:
        self._at_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        how: Ended = "client closed" if exc is None else "client reset"
        self._at_eof()
        self.lost.set_result(None)
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        self._journal.end(self.track, how)

    def pause_writing(self) -> None:
        self._resumed = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        self._resumed = None

    # --- reading ---

    async def more(self, seconds: float | None = None) -> bool:
        """Wait for octets beyond those in the buffer; False when the peer closed, or so many seconds went by."""
        if self.eof:
            return False
        self._resume()
        before = self._arrivals
        self._waiter = self._loop.create_future()
        timer = None if seconds is None else self._loop.call_later(seconds, self._wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        return self._arrivals != before

    def take(self, count: int) -> bytes:
        """Take up to `count` octets out of the buffer."""
        if count >= len(self.buffer):
            octets = bytes(self.buffer)
            self.buffer.clear()
        else:
            octets = bytes(memoryview(self.buffer)[:count])
            del self.buffer[:count]
        if self._paused and len(self.buffer) < HIGH // 4:
            self._resume()
        return octets

    def count_head(self) -> None:
        """Note that a request head arrived whole."""
        self.track.requests += 1
        self._journal.bell.ring()

    async def discard(self) -> None:
        """Read, count and drop whatever comes until the peer closes."""
        while True:
            self.buffer.clear()
            if not await self.more():
                return

    async def unless_gone(self, awaitable: Awaitable[object]) -> None:
        """Wait for something that may take long.

        Raises:
            GoneError: the peer left in the meantime.
        """
        task = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait((task, self.gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = task.done() and not task.cancelled()
            task.cancel()
        if finished:
            task.result()
        elif self.gone.done():
            raise GoneError

    async def sleep(self, seconds: float) -> None:
        """Let time pass, unless the peer leaves."""
        if seconds > 0:
            await asyncio.wait((self.gone,), timeout=seconds)
            if self.gone.done():
                raise GoneError

    async def hang(self) -> None:
        """Do nothing until the peer leaves; always raises `GoneError`."""
        await asyncio.wait((self.gone,))
        raise GoneError

    # --- writing and ending ---

    def write(self, octets: bytes) -> None:
        """Send; to a peer that has left it is an error."""
        if self.shut or self._transport.is_closing():
            raise GoneError
        self.track.octets_sent += len(octets)
        if octets:
            self._transport.write(octets if self._layer is None else self._layer.seal(octets))

    async def drain(self) -> None:
        """Wait until the peer has taken enough for more to be written."""
        if self._resumed is not None:
            await self._resumed
        if self._transport.is_closing():
            raise GoneError

    async def flush(self) -> None:
        """Wait until the system has taken everything."""
        while self._transport.get_write_buffer_size() and not self.lost.done():
            await asyncio.wait((self.lost,), timeout=0.001)  # the transport tells no one when it is empty

    def close_sending(self, *, tls_notify: bool = True) -> None:
        """Send FIN, after a close_notify; reading goes on."""
        if self.shut or self.lost.done():
            return
        if self._layer is not None and tls_notify and self._layer.established:
            self._transport.write(self._layer.goodbye())
        self.shut = True
        if self.track.ended == "open" and not self.eof:
            self.track.ended = "closed"
        with contextlib.suppress(OSError):
            self._transport.write_eof()

    async def reset(self) -> None:
        """Send RST, after what was written has reached the peer and what had arrived is counted."""
        await self.flush()
        await self._settle()
        for _ in range(64):
            before = self._arrivals
            self._resume()
            await asyncio.sleep(0)  # the first round polls the socket,
            await asyncio.sleep(0)  # the second one has seen what it held
            if self._arrivals == before:
                break
        if self.track.ended == "open":
            self.track.ended = "reset"
        self._linger_zero()
        self.abort()

    def close(self) -> None:
        """Let go of the socket; what was written still goes out."""
        self._transport.close()

    def abort(self) -> None:
        """Let go of the socket at once."""
        if self.track.ended == "open" and not self.gone.done():
            self.track.ended = "closed"
        self._transport.abort()

    @property
    def secured(self) -> bool:
        """Whether TLS protects this connection."""
        return self._layer is not None and self._layer.established

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands, beginning with what has already arrived.

        Raises:
            GoneError: the handshake failed; the track says how.
        """
        self._waits_for_tls = False
        self._layer = TLSLayer(context)
        first = self.take(len(self.buffer))
        if first:
            self._unseal(self._layer, first)
        await asyncio.wait((self._ready, self.gone), return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            self.track.tls_error = "the client left during the handshake"
            raise GoneError
        if not self._ready.result():
            self.close_sending(tls_notify=False)
            await self.discard()
            raise GoneError

    # --- inside ---

    async def _settle(self) -> None:
        """Wait, for at most a second, until the peer's system has what ours still holds: a reset would drop that."""
        sock = self._transport.get_extra_info("socket")
        for _ in range(1000):
            if self.lost.done() or not _unacknowledged(sock.fileno()):
                return
            await asyncio.wait((self.lost,), timeout=0.001)

    def _arrived(self, octets: bytes) -> None:
        if not self._waits_for_tls:
            self.track.octets_received += len(octets)
        self._arrivals += 1
        self.buffer += octets
        if len(self.buffer) >= HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()
        self._journal.bell.ring()

    def _unseal(self, layer: TLSLayer, data: bytes) -> None:
        try:
            plain, ended = layer.receive(data)
        except ssl.SSLError as error:
            self._broken = True
            self.track.tls_error = self.track.tls_error or error.reason or str(error)
            self._post(layer.pending())  # the alert
            if self._ready.done():
                self._at_eof()
            else:
                self._ready.set_result(False)
            return
        self._post(layer.pending())
        if layer.established and not self._ready.done():
            self.track.alpn = layer.tls.selected_alpn_protocol()
            self.track.sni = layer.server_name
            self.track.certificate = layer.tls.getpeercert(binary_form=True)
            self._ready.set_result(True)
        if plain:
            self._arrived(plain)
        if ended:
            self._at_eof()

    def _post(self, octets: bytes) -> None:
        """Send what TLS has to say, if that can still be done."""
        if octets and not self.shut and not self._transport.is_closing():
            self._transport.write(octets)

    def _at_eof(self) -> None:
        self.eof = True
        if not self.gone.done():
            self.gone.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def _linger_zero(self) -> None:
        sock = self._transport.get_extra_info("socket")
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _unacknowledged(descriptor: int) -> int:
    """How many octets the system holds that the peer's system has not confirmed; 0 where it cannot be asked."""
    if sys.platform == "win32":
        return 0
    import fcntl
    import termios

    count = bytearray(4)
    try:
        fcntl.ioctl(descriptor, termios.TIOCOUTQ, count)
    except (OSError, ValueError):
        return 0
    return int.from_bytes(count, sys.byteorder)
