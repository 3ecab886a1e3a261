"""Transports of our own, made from settings.

Everything that the client would do by itself is off: the environment, retries, protocols that nobody asked
for.  Over HTTPS the context offers what the connector was made for, best first, whatever the client asks
it to offer: that may be HTTP/1.1 too where only HTTP/2 is wanted, and before HTTP/2 where both are.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, final

import httpx2

from stablehttp import HttpSettings, HttpVersion, InvalidMessageError, TLSSettings, UnsupportedTransportError

_AS_BY_DEFAULT: Final = (
    ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT if sys.version_info >= (3, 13) else ssl.VerifyFlags(0)
)
"""What `ssl.create_default_context` sets; it cannot make a context of our own class."""


@final
class _Context(ssl.SSLContext):
    """Offers the protocols that it was told at first, best first."""

    offered: tuple[str, ...] = ()

    def set_alpn_protocols(self, alpn_protocols: Iterable[str]) -> None:
        """Offer what was decided before."""
        super().set_alpn_protocols(self.offered)


def make_async_transport(
    settings: HttpSettings, versions: tuple[HttpVersion, ...], connections: int
) -> httpx2.AsyncHTTPTransport:
    """A transport that makes so many connections as `settings` say, and speaks `versions` only.

    Raises:
        InvalidMessageError: a file of the TLS settings, or the proxy, is unusable.
    """
    return httpx2.AsyncHTTPTransport(
        verify=context_for(settings.tls, versions),
        trust_env=False,
        http1=HttpVersion.HTTP_1_1 in versions,
        http2=HttpVersion.HTTP_2 in versions,
        limits=_limits(settings, connections),
        proxy=_proxy(settings),
        retries=0,
    )


def make_sync_transport(
    settings: HttpSettings, versions: tuple[HttpVersion, ...], connections: int
) -> httpx2.HTTPTransport:
    """A transport that makes so many connections as `settings` say, and speaks `versions` only.

    Raises:
        InvalidMessageError: a file of the TLS settings, or the proxy, is unusable.
    """
    return httpx2.HTTPTransport(
        verify=context_for(settings.tls, versions),
        trust_env=False,
        http1=HttpVersion.HTTP_1_1 in versions,
        http2=HttpVersion.HTTP_2 in versions,
        limits=_limits(settings, connections),
        proxy=_proxy(settings),
        retries=0,
    )


def check_settings(settings: HttpSettings) -> None:
    """Make sure that the client can do what `settings` say.

    Raises:
        UnsupportedTransportError: it cannot reach the proxy, or not with another server name.
        InvalidMessageError: the proxy is not a URI.
    """
    proxy = _proxy(settings)
    if proxy is None:
        return
    if proxy.url.scheme not in ("http", "https"):
        raise UnsupportedTransportError(
            "connector 'httpx2' reaches proxies over http and https only; name such a one, or lend a transport",
            transport="httpx2",
            capability="proxies of this scheme",
        )
    if settings.tls.server_name is not None:
        raise UnsupportedTransportError(
            "connector 'httpx2' does not send another server name through a proxy; leave server_name or proxy out",
            transport="httpx2",
            capability="a server name of its own behind a proxy",
        )


def context_for(tls: TLSSettings, versions: tuple[HttpVersion, ...]) -> ssl.SSLContext:
    """The TLS context for connections that may speak `versions`.

    Raises:
        InvalidMessageError: a file cannot be read, or does not hold what it should.
    """
    offered = tuple(version.alpn for version in sorted(versions, reverse=True))
    return _shared(tls, offered) if tls.ca_file is None and tls.client_cert is None else _made(tls, offered)


def _made(tls: TLSSettings, offered: tuple[str, ...]) -> ssl.SSLContext:
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.offered = offered
    context.verify_flags |= _AS_BY_DEFAULT
    context.minimum_version = getattr(ssl.TLSVersion, tls.minimum_version.replace(".", "_"))
    try:
        if tls.ca_file is not None:
            context.load_verify_locations(tls.ca_file)
        elif tls.verify:
            context.load_default_certs()
        if tls.client_cert is not None:
            context.load_cert_chain(tls.client_cert, tls.client_key)
    except OSError as error:
        raise InvalidMessageError(
            f"the files of the TLS settings cannot be used ({error.strerror or type(error).__name__}); "
            "ca_file, client_cert and client_key must be readable PEM files"
        ) from error
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


_shared = lru_cache(maxsize=16)(_made)
"""Loading the authorities of the system takes 20 ms; contexts without files of their own are shared."""


def _limits(settings: HttpSettings, connections: int) -> httpx2.Limits:
    return httpx2.Limits(
        max_connections=connections,
        max_keepalive_connections=connections,
        keepalive_expiry=settings.keepalive,
    )


def _proxy(settings: HttpSettings) -> httpx2.Proxy | None:
    if settings.proxy is None:
        return None
    secured = settings.proxy.lower().startswith("https:")
    context = context_for(TLSSettings(ca_file=settings.tls.ca_file), (HttpVersion.HTTP_1_1,)) if secured else None
    try:
        return httpx2.Proxy(settings.proxy, ssl_context=context)
    except (ValueError, TypeError, httpx2.InvalidURL) as error:
        raise InvalidMessageError("the proxy of the settings is not a URI; give it as 'http://host:port'") from error
