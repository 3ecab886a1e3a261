"""Where the octets of a request go: to the origin, through a proxy's tunnel, or to a proxy that forwards.

Without I/O and without colour.  What a tunnel is asked for is host and port, never a path or a query;
credentials for the proxy go to the proxy only.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, final
from urllib.parse import unquote_to_bytes

import h11

from stablehttp import URI, AnyRequest, ConnectError, HttpSettings, InvalidResponseError, UnsupportedTransportError
from stablehttp_h11._reader import HeadReader

_MOST_REMEMBERED: Final = 512


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How to reach one origin; requests with equal `key` can share connections.

    `server_name` is the name to verify with TLS, None without TLS.  `proxy_name` is that of a proxy that is
    itself reached by TLS.  `tunnel` is the request that opens a tunnel.  `forwarded` says that a proxy has to
    be told the whole URI, and `credentials` is the value of `Proxy-Authorization` for that proxy.
    """

    key: str
    host: str
    port: int
    server_name: str | None = None
    proxy_name: str | None = None
    tunnel: bytes | None = None
    forwarded: bool = False
    credentials: str | None = None

    @property
    def first_name(self) -> str | None:
        """The name to verify with the TLS that comes right after TCP, None if there is none."""
        return self.server_name if self.tunnel is None and not self.forwarded else self.proxy_name

    def target(self, request: AnyRequest) -> str:
        """What goes on the request line: the target as it is, unless a proxy has to be told the whole URI.

        Raises:
            UnsupportedTransportError: `CONNECT`, where the settings name a proxy already.
        """
        target = request.target
        if not self.forwarded:
            return target
        if request.method == "CONNECT":
            raise UnsupportedTransportError(
                "connector 'h11' does not send CONNECT through the proxy of its settings; make one without a proxy",
                transport="h11",
                capability="the CONNECT method through a proxy",
            )
        if target == "*":
            return f"http://{request.uri.authority}"
        return f"http://{request.uri.authority}{target}" if target.startswith("/") else target


@final
class Router:
    """Finds routes; they depend on the origin and on the settings of the connector only."""

    def __init__(self, settings: HttpSettings) -> None:
        """Read the settings.

        Raises:
            InvalidURIError: `settings.proxy` is not an http or https URI.
        """
        self._proxy = None if settings.proxy is None else URI(settings.proxy)
        self._server_name = settings.tls.server_name
        self._known: dict[str, Route] = {}

    def route(self, uri: URI) -> Route:
        """The route to the origin of `uri`."""
        known = self._known.get(uri.origin)
        if known is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[uri.origin] = self._find(uri)
        return known

    def _find(self, uri: URI) -> Route:
        secure = uri.scheme == "https"
        server_name = (self._server_name or _name(uri)) if secure else None
        if self._proxy is None:
            return Route(key=uri.origin, host=uri.host.strip("[]"), port=uri.effective_port, server_name=server_name)
        proxy = self._proxy
        credentials = _basic(proxy.userinfo)
        return Route(
            key=uri.origin if secure else proxy.origin,
            host=proxy.host.strip("[]"),
            port=proxy.effective_port,
            server_name=server_name,
            proxy_name=_name(proxy) if proxy.scheme == "https" else None,
            tunnel=_open_tunnel(uri, credentials) if secure else None,
            forwarded=not secure,
            credentials=None if secure else credentials,
        )


def _name(uri: URI) -> str:
    """The host as TLS wants it: without brackets, and without the dot of the root."""
    return uri.host.strip("[]").removesuffix(".")


def _basic(userinfo: str | None) -> str | None:
    if userinfo is None:
        return None
    user, _, password = userinfo.partition(":")
    return "Basic " + b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password)).decode("ascii")


def _open_tunnel(uri: URI, credentials: str | None) -> bytes:
    authority = f"{uri.host}:{uri.effective_port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if credentials is not None:
        lines.append(f"Proxy-Authorization: {credentials}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


@final
class TunnelReader:
    """Reads a proxy's answer to the request for a tunnel."""

    __slots__ = ("_reader",)

    def __init__(self) -> None:
        self._reader = HeadReader()

    def feed(self, octets: bytes) -> None:
        """Take what arrived; `b""` is the end.

        Raises:
            ConnectError: the proxy closed the connection.
        """
        if not octets:
            raise ConnectError("the proxy closed the connection before it opened a tunnel")
        self._reader.feed(octets)

    def is_open(self) -> bool:
        """Whether the tunnel is open; False if more octets are needed.

        Raises:
            ConnectError: the proxy refused, or said something else than HTTP.
        """
        try:
            head = self._reader.next()
            while head is not None and head.status < 200:
                head = self._reader.next()
        except (h11.RemoteProtocolError, InvalidResponseError):  # whose text may quote the proxy
            raise ConnectError("the proxy answered with something that is no HTTP/1.1 response") from None
        if head is None:
            return False
        if head.status >= 300:
            raise ConnectError(f"the proxy refused to open a tunnel, with status {head.status}")
        if self._reader.content(head, "HEAD").extra:
            raise ConnectError("the proxy sent octets into the tunnel before anybody asked for them")
        return True
