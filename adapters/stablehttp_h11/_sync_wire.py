"""One synchronous connection: octets in, octets out, and clocks.

It knows nothing of HTTP.  The socket never blocks longer than it was told.  While the peer takes nothing, what it
says is kept, so that an answer which comes early is seen.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from contextlib import suppress
from errno import ETIMEDOUT
from typing import Final, cast, final

from stablehttp import ConnectionInfo
from stablehttp_h11._sockets import describe_peer, readable_check, wait_for

_READ: Final = 64 * 1024
_SLICE: Final = 256 * 1024
_MOST_KEPT: Final = 1024 * 1024
_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


@final
class SyncWire:
    """A connection, for one exchange at a time."""

    __slots__ = ("_arrived", "_is_readable", "_size", "_sock", "clean", "ended", "error", "info", "reused_info")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._arrived: deque[bytes] = deque()
        self._size = 0
        self._is_readable = readable_check(sock)
        self.ended = False
        """Nothing more will arrive."""
        self.clean = False
        """The peer ended the connection itself; with TLS, in a way that nobody else can."""
        self.error: OSError | None = None
        """Why the connection broke."""
        self.info, self.reused_info = (
            ConnectionInfo(
                reused=reused,
                peer=describe_peer(_peer(sock)),
                tls_version=sock.version() if isinstance(sock, ssl.SSLSocket) else None,
                alpn=sock.selected_alpn_protocol() if isinstance(sock, ssl.SSLSocket) else None,
            )
            for reused in (False, True)
        )

    def receive(self, seconds: float | None) -> bytes:
        """What has arrived or arrives next, `b""` at the end; `error` and `clean` tell about the end.

        Raises:
            TimeoutError: nothing came for `seconds`.
        """
        if self._arrived:
            octets = self._arrived.popleft()
            self._size -= len(octets)
            return octets
        return b"" if self.ended else self._read(seconds)

    def send(self, octets: memoryview, seconds: float | None) -> memoryview:
        """Send, and give back what the system has not taken when the peer says something, or the connection ends.

        Raises:
            TimeoutError: it took nothing for `seconds`.
        """
        while octets and not self.ended:
            taken = self._write(octets[:_SLICE])
            octets = octets[taken:]
            if not taken and not self.ended and self._wait(seconds):
                break
        return octets

    def listen(self) -> bool:
        """Whether the peer has said something, or has ended the connection; what it said is kept."""
        if not self.ended and self._size <= _MOST_KEPT and (self._pending or self._is_readable()):
            with suppress(TimeoutError):
                self._keep(self._read(0))
        return bool(self._arrived) or self.ended

    @property
    def is_usable(self) -> bool:
        """Whether another exchange can begin: the peer has sent nothing unasked, and has not ended the connection."""
        return not (self._arrived or self.ended or self._pending or self._is_readable())

    def close(self) -> None:
        """Close at once; with TLS, the peer is told."""
        if isinstance(self._sock, ssl.SSLSocket) and not self.ended:
            with suppress(OSError, ValueError):
                self._sock.settimeout(0)
                self._sock.unwrap()
        self.ended = True
        self._sock.close()

    # --- inside ----------------------------------------------------------------------------------

    @property
    def _pending(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def _keep(self, octets: bytes) -> None:
        if octets:
            self._arrived.append(octets)
            self._size += len(octets)

    def _read(self, seconds: float | None) -> bytes:
        try:
            self._sock.settimeout(seconds)
            octets = self._sock.recv(_READ)
        except _WOULD_BLOCK as error:
            raise TimeoutError from error
        except OSError as error:
            if isinstance(error, TimeoutError) and error.errno != ETIMEDOUT:
                raise
            self._break(error)
            return b""
        if not octets:
            self.ended = self.clean = True
        return octets

    def _write(self, octets: memoryview) -> int:
        try:
            self._sock.settimeout(0)
            return self._sock.send(octets)
        except _WOULD_BLOCK:
            return 0
        except OSError as error:
            while not self.ended and self._size <= _MOST_KEPT and self._is_readable():
                self.listen()  # an answer may have arrived before the connection broke
            self._break(error)
            return 0

    def _wait(self, seconds: float | None) -> bool:
        """Wait until the system takes octets again; True if the peer said something first."""
        kept = self._size
        if kept <= _MOST_KEPT and self._pending:
            return self.listen()
        readable, writable = wait_for(self._sock, read=kept <= _MOST_KEPT, write=True, seconds=seconds)
        if not readable and not writable:
            raise TimeoutError
        return readable and self.listen() and (self.ended or self._size > kept)

    def _break(self, error: OSError) -> None:
        self.ended = True
        if self.error is None and not isinstance(error, ssl.SSLEOFError):
            self.error = error


def _peer(sock: socket.socket) -> tuple[object, ...] | None:
    try:
        return cast("tuple[object, ...]", sock.getpeername())
    except OSError:
        return None
