"""The connectors: HTTP/1.1 over sockets of our own.

Both keep a pool; a connection carries one exchange at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import ClassVar, Final, final

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    HttpSettings,
    HttpVersion,
    PoolTimeoutError,
    Request,
    Response,
    SyncBody,
    SyncConnector,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncPool, SyncPool
from stablehttp_h11._body import AsyncStream, SyncStream, expects_continue, prepare_async, prepare_sync
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._convert import render_head
from stablehttp_h11._dial import Dialler
from stablehttp_h11._exchange import AsyncExchange
from stablehttp_h11._maker import CAPABILITIES as CAPABILITIES
from stablehttp_h11._maker import SYNC_CAPABILITIES
from stablehttp_h11._route import Router
from stablehttp_h11._sync_dial import SyncDialler, check_route
from stablehttp_h11._sync_exchange import SyncExchange
from stablehttp_h11._sync_wire import SyncWire
from stablehttp_h11._wire import Wire

_VERSIONS: Final = (HttpVersion.HTTP_1_1,)
_SETTINGS: Final = HttpSettings()


@final
class AsyncH11Connector(AsyncConnector):
    """Sends requests over HTTP/1.1 without any HTTP client, verbatim.

    `continue_timeout` is how many seconds content is held while a request says `Expect: 100-continue` and the peer
    says nothing; then it is sent.  The connector works in one event loop at a time.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = True
    name = "h11"
    capabilities = CAPABILITIES

    def __init__(
        self,
        *,
        versions: Iterable[HttpVersion] = _VERSIONS,
        settings: HttpSettings = _SETTINGS,
        continue_timeout: float = 1.0,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            UnsupportedTransportError: `versions` holds another version than HTTP/1.1.
            InvalidURIError: the proxy of the settings is not an http or https URI.
        """
        check_versions(versions)
        self._continue_timeout = continue_timeout
        self._router = Router(settings)
        self._dialler = Dialler(settings)
        self._pool: AsyncPool[Wire] = AsyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=lambda wire: wire.is_usable,
            close=Wire.close,
        )

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Content that is still being sent then goes on being sent, until it ends or the response is closed.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        bounds = Bounds(request.extensions.get(Timeouts), now)
        route = self._router.route(request.uri)
        head = render_head(request, route)
        content = prepare_async(request)
        patience = self._continue_timeout if expects_continue(request, content) else None
        try:
            lease = await self._pool.acquire(
                route.key, lambda: self._dialler.dial(route, bounds), bounds.left(now, bounds.pool)
            )
        except BaseException as error:
            if isinstance(content, AsyncStream):
                await content.outgoing.aclose()
            if isinstance(error, PoolTimeoutError):
                raise bounds.no_place(loop.time(), error) from None
            raise
        return await AsyncExchange(self._pool, lease, request, content, bounds).respond(head, patience)

    async def aclose(self) -> None:
        """Close idle connections; those in use are closed when their responses end."""
        await self._pool.aclose()
        await asyncio.sleep(0)


@final
class SyncH11Connector(SyncConnector):
    """The synchronous twin of `AsyncH11Connector`, for any number of threads."""

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "h11"
    capabilities = SYNC_CAPABILITIES

    def __init__(
        self,
        *,
        versions: Iterable[HttpVersion] = _VERSIONS,
        settings: HttpSettings = _SETTINGS,
        continue_timeout: float = 1.0,
    ) -> None:
        """Connect to nothing yet.

        Raises:
            UnsupportedTransportError: `versions` holds another version than HTTP/1.1.
            InvalidURIError: the proxy of the settings is not an http or https URI.
        """
        check_versions(versions)
        self._continue_timeout = continue_timeout
        self._router = Router(settings)
        self._dialler = SyncDialler(settings)
        self._pool: SyncPool[SyncWire] = SyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=lambda wire: wire.is_usable,
            close=SyncWire.close,
        )

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and wait for the head of the response."""
        now = monotonic()
        bounds = Bounds(request.extensions.get(Timeouts), now)
        route = self._router.route(request.uri)
        check_route(route)
        head = render_head(request, route)
        content = prepare_sync(request)
        patience = self._continue_timeout if expects_continue(request, content) else None
        try:
            lease = self._pool.acquire(
                route.key, lambda: self._dialler.dial(route, bounds), bounds.left(now, bounds.pool)
            )
        except BaseException as error:
            if isinstance(content, SyncStream):
                content.outgoing.close()
            if isinstance(error, PoolTimeoutError):
                raise bounds.no_place(monotonic(), error) from None
            raise
        return SyncExchange(self._pool, lease, request, bounds).respond(head, content, patience)

    def close(self) -> None:
        """Close idle connections; those in use are closed when their responses end."""
        self._pool.close()


def check_versions(versions: Iterable[HttpVersion]) -> None:
    """Make sure that nothing but HTTP/1.1 is asked for.

    Raises:
        UnsupportedTransportError: something else is.
    """
    others = [version for version in versions if version is not HttpVersion.HTTP_1_1]
    if others:
        raise UnsupportedTransportError(
            f"connector 'h11' speaks HTTP/1.1 only, not {others[0]}; use httpx, httpx2 or the CRT",
            transport="h11",
            capability=str(others[0]),
            alternatives=("httpx", "httpx2", "crt"),
        )
