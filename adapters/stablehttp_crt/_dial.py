"""Beginning to open connections: what the CRT is told of TLS, sockets and proxies."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, final
from urllib.parse import unquote

from awscrt.http import (
    Http2ClientConnection,
    HttpClientConnection,
    HttpProxyAuthenticationType,
    HttpProxyConnectionType,
    HttpProxyOptions,
)
from awscrt.io import (
    ClientBootstrap,
    ClientTlsContext,
    SocketOptions,
    TlsConnectionOptions,
    TlsContextOptions,
    TlsVersion,
)

from stablehttp import URI, AnyRequest, HttpSettings, HttpVersion, TLSError, TLSSettings, UnsupportedTransportError
from stablehttp_crt._errors import translate_opening
from stablehttp_crt._exchange import WINDOW
from stablehttp_crt._lane import Threads
from stablehttp_crt._opening import Endpoint, Opening, StreamLimit
from stablehttp_crt._probe import probe

_A_DAY: Final = 86_400_000
_MOST_REMEMBERED: Final = 512
_VERSIONS: Final = {"TLSv1.2": TlsVersion.TLSv1_2, "TLSv1.3": TlsVersion.TLSv1_3}


@lru_cache(maxsize=32)
def context_for(settings: TLSSettings) -> ClientTlsContext:
    """The context for `settings`, made once.

    Raises:
        TLSError: a file that `settings` name cannot be read, or holds something else.
    """
    try:
        if settings.client_cert is None:
            options = TlsContextOptions()
        else:
            certificates = _blocks(settings.client_cert, b"CERTIFICATE")
            key = _blocks(settings.client_key or settings.client_cert, b"PRIVATE KEY")
            options = TlsContextOptions.create_client_with_mtls(certificates, key)
        if settings.ca_file is not None:
            options.override_default_trust_store_from_path(ca_filepath=settings.ca_file)
        options.min_tls_ver = _VERSIONS[settings.minimum_version]
        options.verify_peer = settings.verify
        return ClientTlsContext(options)
    except Exception as error:
        raise TLSError(
            "a file that TLSSettings name cannot be read as PEM; check ca_file, client_cert and client_key"
        ) from error


def _blocks(file: str, kind: bytes) -> bytes:
    """The PEM blocks of one kind; the CRT does not look for them among others."""
    pattern = rb"-----BEGIN ([A-Z0-9 ]*" + kind + rb")-----.*?-----END \1-----\n?"
    return b"".join(found[0] for found in re.finditer(pattern, Path(file).read_bytes(), re.DOTALL))


@final
class Dial:
    """Opens connections as the settings of one connector say."""

    def __init__(self, settings: HttpSettings, versions: Sequence[HttpVersion], threads: Threads) -> None:
        """Read the settings.

        Raises:
            InvalidURIError: `settings.proxy` is not an http or https URI.
        """
        self.connect_timeout = settings.connect_timeout
        self._tls = settings.tls
        self._proxy = None if settings.proxy is None else URI(settings.proxy)
        self._http2 = HttpVersion.HTTP_2 in versions
        self._needs_http2 = self._http2 and HttpVersion.HTTP_1_1 not in versions
        self._threads = threads
        self._known: dict[str, Endpoint] = {}

    def endpoint(self, request: AnyRequest) -> Endpoint:
        """Where `request` goes, content that is streamed set aside.

        Raises:
            UnsupportedTransportError: a proxy that forwards cannot be given its target.
        """
        uri = request.uri
        known = self._known.get(uri.origin)
        if known is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            secure = uri.scheme == "https"
            known = Endpoint(secure, uri.host.strip("[]"), uri.effective_port, streamed=False)
            self._known[uri.origin] = known
        if self._proxy is not None and not known.secure and not request.target.startswith("/"):
            raise UnsupportedTransportError(
                "connector 'crt' gives a proxy that forwards the scheme and authority before the target, "
                "so the target must begin with '/'; make a connector without a proxy",
                transport="crt",
                capability="other forms of the target through a proxy",
            )
        return known

    def shares(self, endpoint: Endpoint) -> bool:
        """Whether a connection to there may turn out to speak HTTP/2."""
        return self._http2 and endpoint.secure and not endpoint.streamed

    def begin(self, endpoint: Endpoint, ring: Callable[[], None]) -> Opening:
        """Begin to open a connection.

        Raises:
            TLSError: a file that the settings name cannot be used.
            ForeignLoopError: this process was forked after the CRT had been used.
        """
        shares = self.shares(endpoint)
        alone = self._needs_http2 and shares
        limit = StreamLimit(1) if alone else StreamLimit()
        opening = Opening(ring, limit, secure=endpoint.secure, needs_http2=alone)
        bootstrap = self._threads.lane().bootstrap if endpoint.streamed else self._threads.bootstrap()
        tls = self._tls_options(endpoint, shares=shares) if endpoint.secure else None
        socket = SocketOptions()
        seconds = self.connect_timeout
        socket.connect_timeout_ms = _A_DAY if seconds is None else min(max(int(seconds * 1000), 1), _A_DAY)
        try:
            self._new(endpoint, bootstrap, socket, tls, opening, limit if alone else None)
        except Exception as error:
            raise translate_opening(error, secure=endpoint.secure) from error
        return opening

    def suspect(self, endpoint: Endpoint, opening: Opening, seconds: float) -> None:
        """A TLS connection takes long: find out in another thread whether its certificate is the reason."""
        if endpoint.secure and self._proxy is None and self._tls.verify:
            probe(endpoint.host, endpoint.port, self._tls, seconds, opening.failed)

    def _new(
        self,
        endpoint: Endpoint,
        bootstrap: ClientBootstrap,
        socket: SocketOptions,
        tls: TlsConnectionOptions | None,
        opening: Opening,
        limit: StreamLimit | None,
    ) -> None:
        host = endpoint.host
        proxy = self._proxy_options(endpoint)
        if proxy is not None and ":" in host:
            host = f"[{host}]"
        if limit is not None:
            Http2ClientConnection.new(
                host,
                endpoint.port,
                bootstrap,
                socket,
                tls,
                proxy,
                on_remote_settings_changed=limit.on_settings,
                manual_window_management=True,
                initial_window_size=WINDOW,
            ).add_done_callback(opening.arrived)
        else:
            HttpClientConnection.new(
                host,
                endpoint.port,
                bootstrap,
                socket,
                tls,
                proxy,
                manual_window_management=True,
                initial_window_size=WINDOW,
            ).add_done_callback(opening.arrived)

    def _tls_options(self, endpoint: Endpoint, *, shares: bool) -> TlsConnectionOptions:
        options = context_for(self._tls).new_connection_options()
        options.set_server_name(self._tls.server_name or endpoint.host.removesuffix("."))
        if not shares:
            options.set_alpn_list(["http/1.1"])
        else:
            options.set_alpn_list(["h2"] if self._needs_http2 else ["h2", "http/1.1"])
        return options

    def _proxy_options(self, endpoint: Endpoint) -> HttpProxyOptions | None:
        """Through a tunnel with TLS, and by forwarding without, where the CRT puts the origin before the target."""
        proxy = self._proxy
        if proxy is None:
            return None
        tls = None
        if proxy.scheme == "https":
            tls = context_for(self._tls).new_connection_options()
            tls.set_server_name(proxy.host.strip("[]"))
            tls.set_alpn_list(["http/1.1"])
        user, _, password = (proxy.userinfo or "").partition(":")
        basic = proxy.userinfo is not None
        return HttpProxyOptions(
            proxy.host.strip("[]"),
            proxy.effective_port,
            tls,
            HttpProxyAuthenticationType.Basic if basic else HttpProxyAuthenticationType.Nothing,
            unquote(user) if basic else None,
            unquote(password) if basic else None,
            HttpProxyConnectionType.Tunneling if endpoint.secure else HttpProxyConnectionType.Forwarding,
        )
