"""How far one exchange has come, as the client's trace tells it, and what must not go on.

The trace (`extensions["trace"]`) is the client's public account of what it does.  Here it answers what
errors have to say: whether a connection came about, and whether octets of the request can have left.
And it is the last place to refuse: a wrong protocol version before the request goes out, and a second
sending of the same request, which the client would try when an HTTP/2 server shuts down (GOAWAY).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol, TypeAlias, cast, final

from stablehttp import DisconnectedError, HttpVersion, NegotiationError
from stablehttp_httpx._limits import Clock, Kind, OutOfTimeError

Info: TypeAlias = Mapping[str, object]


class Stage(IntEnum):
    """Where an exchange stands; from `HEAD` on, octets of the request may have left."""

    QUEUED = 0
    CONNECTING = 1
    CONNECTED = 2
    HEAD = 3
    CONTENT = 4
    WAITING = 5
    RECEIVING = 6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """By what way the requests of one connector go.

    `own` says that the connector made the transport itself, `queues` that exchanges wait for their turn in
    the transport, `proxied` that a proxy stands between.
    """

    versions: tuple[HttpVersion, ...]
    own: bool
    queues: bool
    proxied: bool


class NetworkStream(Protocol):
    """What the client calls a network stream: the connection below HTTP."""

    def get_extra_info(self, info: str) -> object:
        """What is known of the connection under this name, or None."""
        ...


@final
class Progress:
    """How far one exchange has come.

    `fresh` says that it made a connection of its own, and `stream` is that connection.  `told` says that
    the client tells anything at all: a transport that somebody lent may have no trace.
    """

    __slots__ = (
        "_clock",
        "_connect",
        "_direct",
        "_own",
        "fresh",
        "secure",
        "stage",
        "stream",
        "stream_id",
        "told",
        "version",
        "versions",
    )

    def __init__(self, clock: Clock, route: Route, *, secure: bool, connect: float | None) -> None:
        """Begin with waiting for a connection; `connect` is how many seconds making one may take."""
        self._clock = clock
        self.versions = route.versions
        self._own = clock.careful = route.own
        self._direct = route.own and not route.proxied
        self.secure = secure
        self._connect = connect
        self.fresh = False
        self.told = False
        self.stage = Stage.QUEUED
        self.stream: NetworkStream | None = None
        self.stream_id = 0
        self.version: HttpVersion | None = None
        if route.queues:
            clock.arm("pool")

    def late(self, kind: Kind, *, sending: bool = False) -> OutOfTimeError:
        """What ran out when the client reports that the limit called `kind` did, perhaps while it sent."""
        return self._clock.late(kind, sending=sending)

    def note(self, event: str, info: Info) -> None:
        """Take note of one event of the trace; blocks where a server has to answer an HTTP/2 preface.

        Raises:
            NegotiationError: the exchange would go on in a protocol version that is not wanted.
            DisconnectedError: the client is about to send the request a second time.
        """
        take = _EVENTS.get(event)
        if take is not None:
            take(self, info)
        elif event == _PREFACE and self.stream is not None and not self.secure:
            self._check_answer(_wait_for_answer(self.stream, self._connect))

    async def anote(self, event: str, info: Info) -> None:
        """Do what `note` does, without blocking."""
        take = _EVENTS.get(event)
        if take is not None:
            take(self, info)
        elif event == _PREFACE and self.stream is not None and not self.secure:
            self._check_answer(await _await_answer(self.stream))

    # --- events ----------------------------------------------------------------------------------

    def connecting(self, info: Info) -> None:
        """TCP begins."""
        self._check_first()
        self.told = self.fresh = True
        self.stage = Stage.CONNECTING
        self._clock.careful = False
        self._clock.arm("connect")

    def connected(self, info: Info) -> None:
        """TCP stands, or TLS to a proxy."""
        self.stage = Stage.CONNECTED
        self.stream = cast(NetworkStream, info["return_value"])
        self._clock.careful = self._own
        self._clock.go_on()

    def secured(self, info: Info) -> None:
        """TLS to the first hop stands."""
        if self._direct:
            self.secured_to_server(info)
        else:
            self.connected(info)

    def secured_to_server(self, info: Info) -> None:
        """TLS to the server stands; a client that speaks HTTP/2 only would do so whatever was negotiated."""
        self.connected(info)
        if HttpVersion.HTTP_1_1 not in self.versions:
            chosen = alpn_of(self.stream)
            if chosen != HttpVersion.HTTP_2.alpn:
                raise self._unwanted(None if chosen is None else HttpVersion.HTTP_1_1)

    def sending_http1(self, info: Info) -> None:
        """The head of a request is about to go out."""
        self._sending(HttpVersion.HTTP_1_1, info)

    def sending_http2(self, info: Info) -> None:
        """The head of a request is about to go out."""
        self._sending(HttpVersion.HTTP_2, info)

    def head_sent(self, info: Info) -> None:
        """The head went out: of the request, or of one that makes a tunnel for it."""
        if self.stage is Stage.HEAD:
            self.stage = Stage.CONTENT

    def waiting(self, info: Info) -> None:
        """The response is waited for."""
        if self.stage >= Stage.HEAD:
            self.stage = Stage.WAITING
            self.wait_for_octets()

    def receiving(self, info: Info) -> None:
        """The head of the response has come."""
        if self.stage >= Stage.HEAD:
            self.stage = Stage.RECEIVING

    def wait_for_octets(self) -> None:
        """The limit between octets of the response counts from now on."""
        if self.version is HttpVersion.HTTP_2:
            self._clock.arm("read")
        else:
            self._clock.leave("read")

    def _sending(self, version: HttpVersion, info: Info) -> None:
        self.told = True
        self._clock.go_on()
        if getattr(info.get("request"), "method", None) == b"CONNECT":
            return
        if version not in self.versions:
            raise self._unwanted(version)
        self._check_first()
        self.version = version
        self.stage = Stage.HEAD
        stream_id = info.get("stream_id")
        self.stream_id = stream_id if isinstance(stream_id, int) else 0
        self._clock.careful = self._own
        self._clock.arm("write")

    def _check_first(self) -> None:
        if self.version is not None:
            raise DisconnectedError(
                "the server shut the connection down and promised that it had not taken the request up (GOAWAY); "
                "it is not sent again by itself, but it is safe to send it again",
                sent="yes",
                processed="no",
            )

    # --- versions --------------------------------------------------------------------------------

    def _check_answer(self, first: bytes) -> None:
        """HTTP/2 begins with the length of a SETTINGS frame, whose first octet is 0 (RFC 9113 §3.4, §4.2)."""
        if not first:
            raise DisconnectedError(
                "the connection ended before the server said that it speaks HTTP/2",
                sent="maybe",
                processed="maybe",
            )
        if first != b"\0":
            raise self._unwanted(HttpVersion.HTTP_1_1)

    def _unwanted(self, negotiated: HttpVersion | None) -> NegotiationError:
        wanted = [version.value for version in self.versions]
        chose = "no protocol" if negotiated is None else str(negotiated)
        return NegotiationError(
            f"{' or '.join(wanted)} is required, and the server chose {chose}; allow another version",
            wanted=wanted,
            negotiated=None if negotiated is None else negotiated.value,
        )


def alpn_of(stream: NetworkStream | None) -> str | None:
    """The protocol that TLS negotiated, if there is TLS and it did."""
    secured = None if stream is None else stream.get_extra_info("ssl_object")
    selected: Callable[[], str | None] | None = getattr(secured, "selected_alpn_protocol", None)
    return None if selected is None else selected()


def _wait_for_answer(stream: NetworkStream, seconds: float | None) -> bytes:
    """The first octet that the peer sent, which is left where it is."""
    raw = stream.get_extra_info("socket")
    assert isinstance(raw, socket.socket)
    raw.settimeout(seconds)
    try:
        return raw.recv(1, socket.MSG_PEEK)
    except TimeoutError as error:
        raise OutOfTimeError("connect", seconds) from error
    except OSError:
        return b""


async def _await_answer(stream: NetworkStream) -> bytes:
    """The first octet that the peer sent, which is left where it is; the limit for connecting still counts."""
    pause = 0.0005
    while not stream.get_extra_info("is_readable"):
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.02)
    raw = cast(socket.socket, stream.get_extra_info("socket"))
    try:
        with socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as twin:
            return twin.recv(1, socket.MSG_PEEK)
    except OSError:
        return b""


_PREFACE: Final = "http2.send_connection_init.complete"

_EVENTS: Final[dict[str, Callable[[Progress, Info], None]]] = {
    "connection.connect_tcp.started": Progress.connecting,
    "connection.connect_tcp.complete": Progress.connected,
    "connection.connect_unix_socket.started": Progress.connecting,
    "connection.connect_unix_socket.complete": Progress.connected,
    "connection.start_tls.complete": Progress.secured,
    "proxy.start_tls.complete": Progress.secured_to_server,
    "http11.send_request_headers.started": Progress.sending_http1,
    "http11.send_request_headers.complete": Progress.head_sent,
    "http11.receive_response_headers.started": Progress.waiting,
    "http11.receive_response_headers.complete": Progress.receiving,
    "http2.send_request_headers.started": Progress.sending_http2,
    "http2.send_request_headers.complete": Progress.head_sent,
    "http2.receive_response_headers.started": Progress.waiting,
    "http2.receive_response_headers.complete": Progress.receiving,
}
