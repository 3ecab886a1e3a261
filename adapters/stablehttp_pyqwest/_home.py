"""What both colours stand on: pyqwest's transports, one for each version, and the places of their pool.

pyqwest runs in threads of its own, which all of a process share, so a home serves any number of event loops; after
a fork those threads are gone in the child.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, final

import pyqwest

from stablehttp import (
    URI,
    ClosedError,
    ConnectTimeoutError,
    ForeignLoopError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    TLSError,
    UnsupportedTransportError,
)
from stablehttp.adapting import Capabilities
from stablehttp_pyqwest._convert import NAME, target_of
from stablehttp_pyqwest._maker import CAPABILITIES as CAPABILITIES
from stablehttp_pyqwest._maker import SYNC_CAPABILITIES, missing_setting
from stablehttp_pyqwest._places import Places
from stablehttp_pyqwest._probe import agreed_version

_IN_PYQWEST: Final = {
    HttpVersion.HTTP_1_1: pyqwest.HTTPVersion.HTTP1,
    HttpVersion.HTTP_2: pyqwest.HTTPVersion.HTTP2,
}
_NO_PROXY: Final = pyqwest.Proxy("http://127.0.0.1:9", no_proxy="*,0.0.0.0/0,::/0")
"""A proxy for no host at all: without one pyqwest takes those of the environment."""

_MOST_SERVERS: Final = 1024
"""How many servers are remembered with what they agreed on."""

_started: list[int] = []
"""The process in which pyqwest's threads were started, by us; empty before that."""


@final
class Home:
    """Transports made from `settings` for `versions`."""

    def __init__(self, client: object, versions: Sequence[HttpVersion], settings: HttpSettings) -> None:
        """Check what a connector was made with.

        Raises:
            UnsupportedTransportError: pyqwest cannot do what is asked for.
        """
        _check_client(client)
        self.versions = _checked_versions(versions)
        _check_settings(settings)
        self.settings = settings
        self.places = Places(settings.max_connections)
        self.closed = False
        self._lock = threading.Lock()
        self._transports: dict[HttpVersion, pyqwest.HTTPTransport] = {}
        self._agreed: dict[tuple[str, int], HttpVersion] = {}

    def capabilities(self, *, duplex: bool) -> Capabilities:
        """What a connector can do over its versions."""
        declared = CAPABILITIES if duplex else SYNC_CAPABILITIES
        return MappingProxyType({version: declared[version] for version in self.versions})

    def transport(self, version: HttpVersion) -> pyqwest.HTTPTransport:
        """The transport for `version`, made at its first use.

        Raises:
            ClosedError: the connector is closed.
            ForeignLoopError: this is a child of the process in which pyqwest was used.
            TLSError: a file that the TLS settings name cannot be read, or holds something else.
        """
        if not _started:
            _started.append(os.getpid())
        elif _started[0] != os.getpid():
            raise ForeignLoopError(
                "pyqwest was used in the process that this one was forked from, and its threads did not come along; "
                "fork before the first request, or start a new process"
            )
        if self.closed:
            raise ClosedError("the connector 'pyqwest' is closed; make another one")
        made = self._transports.get(version)
        if made is None:
            with self._lock:
                made = self._transports.get(version) or _make(self.settings, version)
                self._transports[version] = made
        return made

    async def version_for(self, uri: URI) -> HttpVersion:
        """Which version a request to `uri` goes out in; the first time a server may have to be asked.

        Raises:
            ConnectTimeoutError: it does not answer in time.
        """
        if len(self.versions) == 1:
            return self.versions[0]
        if uri.scheme != "https":
            return HttpVersion.HTTP_1_1
        target = target_of(uri)
        found = self._agreed.get(target)
        if found is None:
            found = await self.ask(uri) or self.versions[0]
            if len(self._agreed) >= _MOST_SERVERS:
                self._agreed.clear()
            self._agreed[target] = found
        return found

    async def ask(self, uri: URI) -> HttpVersion | None:
        """Which version the server of `uri` agrees on in TLS; None if there is no telling.

        Raises:
            ConnectTimeoutError: it does not answer in time.
        """
        seconds = self.settings.connect_timeout
        try:
            return await agreed_version(*target_of(uri), self.settings.tls, seconds)
        except TimeoutError as error:
            raise ConnectTimeoutError(f"no connection came about within {seconds} seconds", seconds=seconds) from error

    def forget(self, uri: URI) -> None:
        """An exchange with the server of `uri` failed: ask it again next time."""
        self._agreed.pop(target_of(uri), None)

    def close(self) -> None:
        """Close idle connections now, and those in use when their exchanges have ended."""
        self.closed = True
        self.places.shut()
        with self._lock:
            transports = list(self._transports.values())
            self._transports.clear()
        for transport in transports:
            transport.aclose()


def _make(settings: HttpSettings, version: HttpVersion) -> pyqwest.HTTPTransport:
    tls = settings.tls
    try:
        trusted = None if tls.ca_file is None else Path(tls.ca_file).read_bytes()
        certificate = None if tls.client_cert is None else Path(tls.client_cert).read_bytes()
        key = certificate if tls.client_key is None else Path(tls.client_key).read_bytes()
        return pyqwest.HTTPTransport(
            tls_ca_cert=trusted,
            tls_include_system_certs=trusted is None,
            tls_cert=certificate,
            tls_key=key,
            http_version=_IN_PYQWEST[version],
            proxy=[_NO_PROXY],
            connect_timeout=settings.connect_timeout,
            pool_idle_timeout=settings.keepalive,
            pool_max_idle_per_host=settings.max_connections,
            max_connections_per_address=settings.max_connections,
            enable_gzip=False,
            enable_brotli=False,
            enable_zstd=False,
            use_system_dns=True,
            enable_cookie_store=False,
            follow_redirects=False,
            enable_otel=False,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise TLSError(
            "a file that TLSSettings name cannot be read as PEM; check ca_file, client_cert and client_key"
        ) from error


def running_loop() -> asyncio.AbstractEventLoop:
    """The event loop of asyncio that runs here.

    Raises:
        MisuseError: there is none.
    """
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise MisuseError(
            "connector 'pyqwest' runs on asyncio, and there is no running event loop of it; "
            "call it inside asyncio.run, and not from trio"
        ) from None


def _check_client(client: object) -> None:
    if client is not None:
        raise UnsupportedTransportError(
            "a transport of pyqwest does not say whether it follows redirects, decodes content or keeps cookies, and "
            "does so unless told otherwise, so none can be lent; leave client out, and give settings",
            transport=NAME,
            capability="sending through a client that is lent",
        )


def _checked_versions(versions: Sequence[HttpVersion]) -> tuple[HttpVersion, ...]:
    given = tuple(dict.fromkeys(versions))
    if not given or any(version not in CAPABILITIES for version in given):
        raise UnsupportedTransportError(
            f"connector {NAME!r} speaks HTTP/1.1 and HTTP/2; give one of them, or both",
            transport=NAME,
            capability=", ".join(map(str, given)) or "no protocol version",
        )
    return given


def _check_settings(settings: HttpSettings) -> None:
    what = missing_setting(settings)
    if what is not None:
        raise UnsupportedTransportError(
            f"connector {NAME!r} does not offer {what}; use another one (h11, httpx, httpx2, crt), or leave it out of "
            "the settings",
            transport=NAME,
            capability=what,
            alternatives=("h11", "httpx", "httpx2", "crt"),
        )
