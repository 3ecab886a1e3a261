"""A recording forward proxy: absolute-form requests and CONNECT tunnels, on HTTP/1.1.

Stands on the recording server and the HTTP/1.1 exchange.

What the client sends is forwarded octet for octet, but for the target, which becomes origin-form, and the
Proxy- field lines, which are for the proxy.  What comes back is not looked at.  Only loopback addresses are
connected to; `routes` says which of them plays which host.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import final

from stablehttp.testing._origin_http1 import Reader
from stablehttp.testing._origin_http1_exchange import Http1Exchange
from stablehttp.testing._origin_log import Draft
from stablehttp.testing._origin_play import OverError, play
from stablehttp.testing._origin_script import Answer
from stablehttp.testing._origin_server import RecordingServer
from stablehttp.testing._origin_tls import TLS
from stablehttp.testing._origin_wire import HIGH, GoneError, Wire

_ABSOLUTE = re.compile(rb"http://([^/?#]*)([^#]*)", re.IGNORECASE)
_PROXY_LINE = re.compile(rb"^proxy-[^\r\n]*\r?\n", re.IGNORECASE | re.MULTILINE)
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@final
class RecordingProxy(RecordingServer):
    """A forward proxy in a thread of its own that records the requests it gets, CONNECT among them.

    `requests` holds what clients sent to the proxy itself; what goes through a tunnel is counted in
    `connections` and not looked at.  `routes` maps authorities ("a.test:443") to those really connected to
    ("127.0.0.1:8443"); without a route only loopback addresses and localhost are, and 502 answers the rest.
    `tls` makes clients speak TLS with the proxy itself.

    Raises:
        MissingExtraError: TLS needs trustme (the extra "testing").
    """

    def __init__(
        self,
        *,
        routes: Mapping[str, str] | None = None,
        tls: bool | TLS = False,
        host: str = "127.0.0.1",
        port: int = 0,
        content_limit: int | None = None,
        history: int | None = None,
    ) -> None:
        super().__init__(tls=tls, protocols=("http/1.1",), host=host, port=port, history=history, receive_buffer=None)
        self._limit = content_limit
        self._routes = {} if routes is None else dict(routes)
        self._refusals: list[Answer] = []

    def refuse(self, answers: Iterable[Answer]) -> None:
        """Give the next requests these answers, faults included, instead of forwarding them."""
        self._refusals.extend(answers)

    async def _serve(self, wire: Wire) -> None:
        if self._credentials is not None:
            await wire.start_tls(self._credentials.context)
        upstream = _Upstream(wire)
        reader = Reader(wire, self._limit, upstream.send)
        index = 0
        try:
            while wire.buffer or await wire.more():
                draft = Draft(wire.track, index, self._limit)
                index += 1
                await self._one(wire, reader, draft, upstream)
            await upstream.finish()
        except OverError:
            wire.close_sending()
            await wire.discard()
        finally:
            await upstream.close()

    async def _one(self, wire: Wire, reader: Reader, draft: Draft, upstream: _Upstream) -> None:
        """Forward one request, or answer it ourselves."""
        try:
            if not await reader.head(draft):
                raise GoneError
            if self._refusals:
                await upstream.close()
                exchange = Http1Exchange(wire, reader, draft, self._journal)
                exchange.decide_closing(await play(exchange, self._refusals.pop(0)))
                if exchange.closing:
                    raise OverError
            else:
                await self._forward(wire, reader, draft, upstream)
        except GoneError:
            self._journal.enter(draft, complete=False)
            raise

    async def _forward(self, wire: Wire, reader: Reader, draft: Draft, upstream: _Upstream) -> None:
        if reader.at_end:
            self._journal.enter(draft, complete=True)
        authority, target = _destination(draft)
        try:
            await upstream.connect(self._address(authority))
        except (OSError, ValueError):
            self._journal.enter(draft, complete=reader.at_end)
            wire.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            raise OverError from None
        if draft.method == b"CONNECT":
            wire.write(_ESTABLISHED)
            await upstream.tunnel()
            raise OverError
        upstream.send(_forwarded(draft, target))
        while await reader.piece(draft) is not None:
            if reader.at_end:
                break
            await upstream.drain()
        self._journal.enter(draft, complete=True)

    def _address(self, authority: str) -> tuple[str, int]:
        """Where to connect to.

        Raises:
            ValueError: that is no loopback address.
        """
        host, _, port = self._routes.get(authority, authority).rpartition(":")
        host = host.strip("[]")
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError
        return host, int(port)


def _destination(draft: Draft) -> tuple[str, bytes]:
    """The authority to connect to, with its port, and the target for it."""
    if draft.method == b"CONNECT":
        return draft.target.decode("latin-1"), b""
    match = _ABSOLUTE.fullmatch(draft.target)
    if match is None:
        return "", b""
    authority = match[1].rpartition(b"@")[2].decode("latin-1")
    rest = match[2] if match[2].startswith(b"/") else b"/" + match[2]
    return (authority if re.search(r":\d+$", authority) else f"{authority}:80"), rest


def _forwarded(draft: Draft, target: bytes) -> bytes:
    line, _, fields = draft.raw_head.lstrip(b"\r\n").partition(b"\n")
    return line.replace(draft.target, target, 1) + b"\n" + _PROXY_LINE.sub(b"", fields)


@final
class _Upstream:
    """The other side of the proxy: at most one connection at a time, whose octets flow back to the client."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._address: tuple[str, int] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._back: asyncio.Task[None] | None = None

    async def connect(self, address: tuple[str, int]) -> None:
        """Connect, unless that is where we are connected already."""
        if self._address == address and self._back is not None and not self._back.done():
            return
        await self.close()
        reader, self._writer = await asyncio.open_connection(*address)
        self._address = address
        self._back = asyncio.get_running_loop().create_task(self._pump_back(reader))

    def send(self, octets: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(octets)

    async def drain(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def tunnel(self) -> None:
        """Send on whatever comes, both ways, until both sides have closed."""
        while self._wire.buffer or await self._wire.more():
            self.send(self._wire.take(HIGH))
            await self.drain()
        await self.finish()

    async def finish(self) -> None:
        """Pass on that the client has nothing more to send, and wait for the rest of the answer."""
        if self._writer is not None and self._back is not None:
            with contextlib.suppress(OSError):
                self._writer.write_eof()
            await asyncio.wait((self._back, self._wire.lost), return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        writer, back = self._writer, self._back
        self._address = self._writer = self._back = None
        if writer is not None and back is not None:
            back.cancel()
            writer.close()  # before anything is awaited, which may be cancelled
            await asyncio.wait((back,))
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _pump_back(self, reader: asyncio.StreamReader) -> None:
        try:
            while octets := await reader.read(HIGH):
                self._wire.write(octets)
                await self._wire.drain()
        except ConnectionError:
            await self._wire.reset()
        except GoneError:
            pass
        else:
            self._wire.close_sending()
