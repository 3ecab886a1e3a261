"""Making a synchronous connection: resolve, connect, secure, and open a tunnel where there is a proxy.

Addresses are tried in the resolver's order, and share the time that is left.  The resolver cannot be stopped,
so it works in a thread of its own that is left behind when it takes too long.
"""

from __future__ import annotations

import socket
from threading import Thread
from time import monotonic
from typing import final

from stablehttp import HttpSettings, StableHTTPError, UnsupportedTransportError
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._errors import Stage, translate
from stablehttp_h11._route import Route, TunnelReader
from stablehttp_h11._sockets import Address, ask_resolver, numeric_addresses
from stablehttp_h11._sync_wire import SyncWire
from stablehttp_h11._tls import context_for


@final
class SyncDialler:
    """Makes connections with one set of settings."""

    __slots__ = ("_settings",)

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    def dial(self, route: Route, bounds: Bounds) -> SyncWire:
        """A connection along `route`, ready for a request.

        Raises:
            ConnectError, ConnectTimeoutError, TotalTimeoutError: there is none, and nothing was sent.
        """
        return _Attempt(self._settings, route, bounds).make()


def check_route(route: Route) -> None:
    """Make sure that a synchronous connection can be made along `route`.

    Raises:
        UnsupportedTransportError: it would be TLS inside TLS, which plain sockets cannot do.
    """
    if route.proxy_name is not None and route.tunnel is not None:
        raise UnsupportedTransportError(
            "the synchronous connector 'h11' does not open tunnels through a proxy that is itself reached by TLS; "
            "use an http:// proxy, or the asynchronous connector",
            transport="h11",
            capability="tunnels through an https proxy",
        )


@final
class _Attempt:
    """One connection being made."""

    __slots__ = ("_bounds", "_by", "_route", "_seconds", "_settings", "_sock", "_stage")

    def __init__(self, settings: HttpSettings, route: Route, bounds: Bounds) -> None:
        self._settings = settings
        self._route = route
        self._bounds = bounds
        self._seconds = settings.connect_timeout
        self._by = bounds.by(monotonic(), self._seconds)
        self._stage = Stage.CONNECTING
        self._sock: socket.socket | None = None

    def make(self) -> SyncWire:
        try:
            self._sock = sock = self._connect(self._resolve())
            if self._route.first_name is not None:
                self._sock = sock = self._secure(sock, self._route.first_name)
            if self._route.tunnel is not None and self._route.server_name is not None:
                self._open_tunnel(sock, self._route.tunnel)
                self._sock = sock = self._secure(sock, self._route.server_name)
            return SyncWire(sock)
        except BaseException as error:
            if self._sock is not None:
                self._sock.close()
            ours = self._explain(error) if isinstance(error, Exception) else None
            if ours is None:
                raise
            raise ours from error

    def _explain(self, error: Exception) -> StableHTTPError | None:
        if isinstance(error, TimeoutError) and not isinstance(error, StableHTTPError) and error.errno is None:
            return self._bounds.no_connection(monotonic(), self._seconds)
        return translate(error, self._stage)

    def _left(self) -> float | None:
        if self._by is None:
            return None
        left = self._by - monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _resolve(self) -> list[Address]:
        host, port = self._route.host, self._route.port
        addresses = numeric_addresses(host, port)
        if addresses is not None:
            return addresses
        if self._by is None:
            return ask_resolver(host, port)
        found: list[list[Address] | Exception] = []

        def ask() -> None:
            try:
                found.append(ask_resolver(host, port))
            except Exception as error:  # handed over to the caller's thread
                found.append(error)

        thread = Thread(target=ask, name="stablehttp-resolver", daemon=True)
        thread.start()
        thread.join(self._left())
        if not found:
            raise TimeoutError
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def _connect(self, addresses: list[Address]) -> socket.socket:
        first: OSError | None = None
        for place, (family, kind, protocol, where) in enumerate(addresses):
            sock = socket.socket(family, kind, protocol)
            try:
                left = self._left()
                sock.settimeout(None if left is None else left / (len(addresses) - place))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(where)
            except OSError as error:
                sock.close()
                first = first or error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        assert first is not None
        raise first

    def _secure(self, sock: socket.socket, name: str) -> socket.socket:
        self._stage = Stage.SECURING
        context = context_for(self._settings.tls)
        sock.settimeout(self._left())
        secured = context.wrap_socket(sock, server_hostname=name, suppress_ragged_eofs=False)
        self._stage = Stage.CONNECTING
        return secured

    def _open_tunnel(self, sock: socket.socket, request: bytes) -> None:
        sock.settimeout(self._left())
        sock.sendall(request)
        reader = TunnelReader()
        while not reader.is_open():
            sock.settimeout(self._left())
            reader.feed(sock.recv(4096))
