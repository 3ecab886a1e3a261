"""What both colours know of an exchange on its connection."""

from __future__ import annotations

from time import monotonic
from typing import Final, final

from stablehttp import ConnectionInfo, HttpVersion, InvalidResponseError
from stablehttp.adapting import warn_dropped
from stablehttp_crt._clock import Clock
from stablehttp_crt._convert import Head
from stablehttp_crt._desk import Line
from stablehttp_crt._exchange import Exchange

_SILENCE: Final = 1.0
"""After so many seconds without an octet, a response that came before its request was sent is taken to be whole.

HTTP/1.1 does not tell us its end then; closing the connection does, and says whether it was.
"""
REASON: Final = 0.5
"""How long, in seconds, a connection that ended may take to say why."""

_INFO: Final = {
    (version, reused, secure): ConnectionInfo(reused=reused, alpn=version.alpn if secure else None)
    for version in (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
    for reused in (False, True)
    for secure in (False, True)
}


@final
class Terms:
    """An exchange, its connection until that is given back, and its time limits."""

    __slots__ = ("_held", "clock", "exchange", "name", "reused")

    def __init__(self, exchange: Exchange, line: Line, clock: Clock, name: str, *, reused: bool) -> None:
        """`name` is method and origin, for warnings."""
        self.exchange = exchange
        self.clock = clock
        self.name = name
        self.reused = reused
        self._held = [line]

    @property
    def released(self) -> bool:
        """Whether the connection was given back."""
        return not self._held

    def let_go(self) -> Line | None:
        """The line, for whoever asks first."""
        return self._held.pop() if self._held else None

    @property
    def connection(self) -> ConnectionInfo:
        """What is known of the connection; ALPN is not told, but HTTP/2 can be had in no other way."""
        http2 = self.exchange.channel.http2
        return _INFO[self.exchange.channel.version, self.reused, http2]

    def is_premature(self, head: Head) -> bool:
        """Whether a response that came before its content was sent means that the rest is not wanted.

        A 2xx may come early from a peer that goes on reading, so its content is sent to the end.
        """
        return not self.exchange.meter.done and head.status >= 300

    def look_again(self, since: float) -> float | None:
        """When whoever waits since then should look again.

        Raises:
            ReadTimeoutError, WriteTimeoutError, TotalTimeoutError: a limit has passed.
        """
        exchange = self.exchange
        look = self.clock.check(exchange, since)
        head = exchange.head
        if head is None or exchange.channel.http2 or head.declared is not None or not self.is_premature(head):
            return look
        quiet = max(exchange.last, since) + _SILENCE
        if monotonic() < quiet:
            return quiet if look is None else min(look, quiet)
        exchange.channel.close()
        return look

    def end(self) -> bytes:
        """The end of the content.

        Raises:
            InvalidResponseError: the CRT cannot receive content that ends with the connection.
        """
        exchange = self.exchange
        head = exchange.head
        if head is not None and not head.framed and not exchange.channel.http2:
            raise InvalidResponseError(
                "the response declares no length, so its content ends with the connection, and awscrt does not receive "
                "such content; use another connector for this server",
                sent="yes",
                processed="yes",
                status=head.status,
            )
        return b""

    def warn(self, source: object) -> None:
        """Tell of a response that nobody read to its end or closed."""
        warn_dropped(self.name, source=source)
