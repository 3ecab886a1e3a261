"""One request on its way through aiohttp, and what is known of its connection.

An exchange is a client middleware for one request: it runs when aiohttp has built its request object
and added what it thinks missing, so what the exchange puts there is what goes out.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Final, final

from aiohttp import ClientConnectionError, ClientRequest, ClientResponse, hdrs

from stablehttp import ConnectionInfo, PoolTimeoutError, Timeouts, TotalTimeoutError
from stablehttp.adapting import Answer
from stablehttp_aiohttp._body import AiohttpContent
from stablehttp_aiohttp._convert import AiohttpRequest
from stablehttp_aiohttp._errors import Stage

if TYPE_CHECKING:
    from aiohttp.client_middlewares import ClientHandlerType
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

    from stablehttp_aiohttp._home import Home
    from stablehttp_aiohttp._places import Places


_LIKE_HEAD: Final = frozenset(
    {"".join(letters) for letters in product(*((letter, letter.lower()) for letter in "HEAD"))} - {"HEAD"}
)
"""Methods of their own, whose responses have content; aiohttp before 3.13 takes them for HEAD until it writes."""


_UNKNOWN: Final = ConnectionInfo()


class WatchedRequest(ClientRequest):
    """aiohttp's request, which also tells its exchange of the connection it is about to be written to."""

    exchange: Exchange | None = None

    async def send(self, conn: Connection) -> ClientResponse:
        """Tell the exchange, then write.

        Raises:
            StaleConnectionError: the connection holds something of an earlier exchange.
        """
        exchange = self.exchange
        if exchange is not None:
            exchange.connected(conn)
            self.method = exchange.parts.method
        return await super().send(conn)


@final
class StaleConnectionError(ClientConnectionError):
    """A kept connection received something that nobody had asked for; it must not be taken for a response."""


@final
class ResentError(ClientConnectionError):
    """aiohttp was about to send the request a second time."""


@final
class Exchange:
    """One request on its way; `middleware` goes to aiohttp, and `sent` says whether octets can have left."""

    __slots__ = (
        "_began",
        "_home",
        "_place",
        "connection",
        "duplex",
        "parts",
        "protocol",
        "sent",
        "timeouts",
        "transport",
        "until",
    )

    def __init__(self, parts: AiohttpRequest, timeouts: Timeouts, home: Home, *, duplex: bool = False) -> None:
        """With `duplex` content goes on being sent while that of the response arrives."""
        self.parts = parts
        self.duplex = duplex
        self._home = home
        self._began = False
        self._place: Places | None = None
        self.sent: Answer = "no"
        self.timeouts = timeouts
        self.until = None if timeouts.total is None else home.loop.time() + timeouts.total
        self.connection = _UNKNOWN
        self.protocol: ResponseHandler | None = None
        self.transport: asyncio.Transport | None = None

    async def take_place(self) -> None:
        """Wait for a free place in the pool.

        Raises:
            PoolTimeoutError: there was none in time.
        """
        places = self._home.places
        if places is not None and not places.take():
            seconds = self.timeouts.pool
            try:
                async with asyncio.timeout(seconds):
                    await places.wait()
            except TimeoutError as error:
                raise PoolTimeoutError(
                    f"no connection became free within {seconds} seconds", seconds=seconds
                ) from error
        self._place = places

    def give_place_back(self) -> None:
        """Let somebody else connect; a second call does nothing."""
        place, self._place = self._place, None
        if place is not None:
            place.give()

    async def middleware(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Put our lines in the place of aiohttp's, and have the request sent, once.

        Raises:
            ResentError: it was sent before, so that it may have been processed.
        """
        if self._began:
            raise ResentError("a request is sent once")
        self._began = True
        request.method = "GET" if self.parts.method in _LIKE_HEAD else self.parts.method
        request.headers = headers = self.parts.headers
        request.chunked = True if hdrs.TRANSFER_ENCODING in headers else None
        if isinstance(request, WatchedRequest):
            request.exchange = self
        while True:
            try:
                return await handler(request)
            except StaleConnectionError:  # nothing was written; aiohttp has closed that connection
                continue
            finally:
                made: object = request.response  # aiohttp makes it when it writes the first octet
                if made is not None:
                    self.sent = "maybe"

    def connected(self, conn: Connection) -> None:
        """Take note of the connection on which the request is about to be written.

        Raises:
            StaleConnectionError: it holds something of an earlier exchange.
        """
        protocol = conn.protocol
        if protocol is None:
            raise ClientConnectionError("the connection was closed before anything was written")
        known = self._home.known.get(protocol)
        if known is None:
            self.connection = _describe(conn, reused=False if self._home.places is not None else None)
            self._home.known[protocol] = replace(self.connection, reused=True)
        elif protocol.should_close:
            raise StaleConnectionError
        else:
            self.connection = known
        self.protocol = protocol
        self.transport = conn.transport
        conn.add_callback(self.give_place_back)
        if self.parts.closes:
            protocol.force_close()
        data = self.parts.data
        if isinstance(data, AiohttpContent):
            data.upload.attach(protocol, read=self.timeouts.read, write=self.timeouts.write, first=self.duplex)
            if self.parts.expects:
                protocol.start_timeout()

    def abort(self) -> None:
        """End the connection now, even if aiohttp has taken it back already, so that nobody sends on it again."""
        if self.transport is not None:
            self.transport.abort()

    def abort_if_stuck(self) -> None:
        """End the connection if it still holds octets that a peer which does not read would never take."""
        if self.transport is not None and self.transport.get_write_buffer_size():
            self.transport.abort()

    async def stop_sending(self) -> bool:
        """A final response is there: send no more content; whether some is left unsent.

        Then nobody may send on this connection any more; what arrives can still be read.
        """
        data = self.parts.data
        if not isinstance(data, AiohttpContent) or not await data.upload.stop():
            return False
        if self.protocol is not None:
            self.protocol.force_close()
        return True

    async def fail(self) -> BaseException | None:
        """Leave nothing behind; give what the caller's body raised, if it did."""
        self.give_place_back()
        data = self.parts.data
        if not isinstance(data, AiohttpContent):
            self.abort_if_stuck()
            return None
        try:
            await data.upload.abandon()
        finally:
            self.abort_if_stuck()
        return data.upload.failure

    async def end_content(self) -> None:
        """The response is over: so is content that went on beside it."""
        data = self.parts.data
        if self.duplex and isinstance(data, AiohttpContent):
            await data.upload.abandon()

    @property
    def failure(self) -> BaseException | None:
        """What the content raised that went on beside the response."""
        data = self.parts.data
        return data.upload.failure if self.duplex and isinstance(data, AiohttpContent) else None

    def took_too_long(self) -> TotalTimeoutError:
        """The whole call had its time."""
        seconds, sent = self.timeouts.total, self.sent
        return TotalTimeoutError(
            f"the call took longer than {seconds} seconds", seconds=seconds, sent=sent, processed=sent
        )

    def stage(self, *, status: int | None = None, expected: int | None = None, received: int = 0) -> Stage:
        """How far it has come."""
        return Stage(
            sent=self.sent,
            secure=self.parts.url.scheme == "https",
            closed=self._home.session.closed,
            connect_seconds=self._home.connect_seconds,
            read_seconds=self.timeouts.read,
            status=status,
            expected=expected,
            received=received,
        )

    @property
    def name(self) -> str:
        """Method and origin, for warnings."""
        return f"{self.parts.method} {self.parts.url.origin()}"


def _describe(conn: Connection, *, reused: bool | None) -> ConnectionInfo:
    transport = conn.transport
    if transport is None:
        return ConnectionInfo(reused=reused)
    peer: object = transport.get_extra_info("peername")
    tls: object = transport.get_extra_info("ssl_object")
    if not isinstance(tls, ssl.SSLObject):
        return ConnectionInfo(reused=reused, peer=_address(peer))
    return ConnectionInfo(
        reused=reused, peer=_address(peer), tls_version=tls.version(), alpn=tls.selected_alpn_protocol()
    )


def _address(peer: object) -> str | None:
    """`host:port` of a socket address, with brackets for IPv6."""
    match peer:
        case (str() as host, int() as port):
            return f"{host}:{port}"
        case (str() as host, int() as port, int(), int()):
            return f"[{host}]:{port}"
        case _:
            return None
