"""Making an asynchronous connection: resolve, connect, secure, and open a tunnel where there is a proxy.

Addresses are tried in the resolver's order, a new one every quarter of a second until one answers (RFC 8305).
Each step runs under the one time limit of connecting, and says which step it was when it fails.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Final, TypeAlias, final

from stablehttp import HttpSettings
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._errors import Stage, translate
from stablehttp_h11._route import Route, TunnelReader
from stablehttp_h11._sockets import Address, ask_resolver, numeric_addresses
from stablehttp_h11._tls import context_for
from stablehttp_h11._wire import Wire

_HEAD_START: Final = 0.25

_Attempt: TypeAlias = "asyncio.Task[socket.socket]"


@final
class Dialler:
    """Makes connections with one set of settings."""

    __slots__ = ("_settings",)

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    async def dial(self, route: Route, bounds: Bounds) -> Wire:
        """A connection along `route`, ready for a request.

        Raises:
            ConnectError, ConnectTimeoutError, TotalTimeoutError: there is none, and nothing was sent.
        """
        loop = asyncio.get_running_loop()
        seconds = self._settings.connect_timeout
        limit = asyncio.timeout_at(bounds.by(loop.time(), seconds))
        try:
            async with limit:
                return await self._dial(loop, route)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise bounds.no_connection(loop.time(), seconds) from error

    async def _dial(self, loop: asyncio.AbstractEventLoop, route: Route) -> Wire:
        stage = Stage.CONNECTING
        wire = Wire(loop)
        name = route.first_name
        try:
            sock = await _connect(loop, route)
            stage = Stage.CONNECTING if name is None else Stage.SECURING
            await self._attach(loop, wire, sock, name)
            if route.tunnel is not None and route.server_name is not None:
                stage = Stage.CONNECTING
                await _open_tunnel(wire, route.tunnel)
                stage = Stage.SECURING
                await wire.start_tls(context_for(self._settings.tls), route.server_name, self._settings.connect_timeout)
            wire.describe()
        except BaseException as error:
            wire.abort()
            ours = translate(error, stage) if isinstance(error, Exception) else None
            if ours is None:
                raise
            raise ours from error
        return wire

    async def _attach(self, loop: asyncio.AbstractEventLoop, wire: Wire, sock: socket.socket, name: str | None) -> None:
        try:
            if name is None:
                await loop.create_connection(lambda: wire, sock=sock)
            else:
                await loop.create_connection(
                    lambda: wire,
                    sock=sock,
                    ssl=context_for(self._settings.tls),
                    server_hostname=name,
                    ssl_handshake_timeout=self._settings.connect_timeout,
                )
        except BaseException:
            sock.close()
            raise


async def _open_tunnel(wire: Wire, request: bytes) -> None:
    wire.write([request])
    reader = TunnelReader()
    while not reader.is_open():
        await wire.wait(None)
        octets = wire.take()
        if octets is not None:
            reader.feed(octets)


# --- TCP ----------------------------------------------------------------------------------------


async def _connect(loop: asyncio.AbstractEventLoop, route: Route) -> socket.socket:
    addresses = numeric_addresses(route.host, route.port)
    if addresses is None:
        addresses = await loop.run_in_executor(None, ask_resolver, route.host, route.port)
    if len(addresses) == 1:
        return await _try(loop, addresses[0])
    return await _race(loop, addresses)


async def _try(loop: asyncio.AbstractEventLoop, address: Address) -> socket.socket:
    family, kind, protocol, where = address
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


async def _race(loop: asyncio.AbstractEventLoop, addresses: Sequence[Address]) -> socket.socket:
    """The first address that answers; if none does, the error of the first one."""
    waiting = list(reversed(addresses))
    running: set[_Attempt] = set()
    started: list[_Attempt] = []
    try:
        while waiting or running:
            if waiting:
                started.append(asyncio.create_task(_try(loop, waiting.pop())))
                running.add(started[-1])
            done, running = await asyncio.wait(
                running, timeout=_HEAD_START if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for attempt in done:
                if attempt.exception() is None:
                    started.remove(attempt)
                    return attempt.result()
        return started[0].result()
    finally:
        for attempt in started:
            attempt.cancel()
            attempt.add_done_callback(_close)


def _close(attempt: _Attempt) -> None:
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().close()
