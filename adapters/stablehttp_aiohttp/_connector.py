"""The connector: sends one request, and wraps what comes back."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Sequence
from ssl import SSLContext
from types import MappingProxyType
from typing import ClassVar, Final, final

from aiohttp import BaseConnector, ClientResponse, ClientSession, hdrs

from stablehttp import (
    AsyncBody,
    Capability,
    ClosedError,
    Duplex,
    ForeignLoopError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    Request,
    Response,
    StableHTTPError,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncConnector, AsyncReceivedBody, Capabilities, refuse
from stablehttp_aiohttp._body import AiohttpContent, AiohttpSource
from stablehttp_aiohttp._convert import (
    AiohttpRequest,
    response_fields,
    response_length,
    response_reason,
    response_version,
    to_aiohttp,
)
from stablehttp_aiohttp._errors import cause_of, translate
from stablehttp_aiohttp._exchange import Exchange
from stablehttp_aiohttp._home import Home, lent_pool
from stablehttp_aiohttp._maker import CAPABILITIES as CAPABILITIES
from stablehttp_aiohttp._tls import context_for

_LENT: Final[Capabilities] = MappingProxyType(
    {HttpVersion.HTTP_1_1: CAPABILITIES[HttpVersion.HTTP_1_1] - {Capability.POOL_TIMEOUT}}
)
_NO_TIMEOUTS: Final = Timeouts()
_DEFAULT_SETTINGS: Final = HttpSettings()
_ONLY_OURS: Final = (hdrs.CONTENT_TYPE,)

_NOT_SENT_TWICE: Final = "POST"
"""The session is told of this method, because it sends some others again when a kept connection breaks.

The exchange puts the true one in its place.
"""


@final
class AsyncAiohttpConnector(AsyncConnector):
    """Sends through aiohttp over HTTP/1.1.

    `client` is a pool that is lent: an `aiohttp.BaseConnector`, or an `aiohttp.ClientSession`, of which only the
    connector is used.  It is never closed, and its own settings hold, so `settings` may say nothing but a
    connect timeout then, which covers TCP and TLS.  Without it the connector makes a pool from `settings` in
    the event loop of the first send, and another one when that loop has ended.

    With `duplex` it declares that both directions of an exchange move at the same time.  They do, with a server that
    answers before it has read the request; aiohttp promises nothing, and looks twice a second whether an idle
    connection is still there.

    Raises:
        UnsupportedTransportError: a version, a proxy or a pool that this connector cannot work with.
        MisuseError: `client` is something else, or settings stand beside it.
        ClosedError: `client` is closed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "aiohttp"
    capabilities = CAPABILITIES

    def __init__(
        self,
        client: BaseConnector | ClientSession | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _DEFAULT_SETTINGS,
        duplex: bool = False,
    ) -> None:
        if tuple(versions) != (HttpVersion.HTTP_1_1,):
            raise UnsupportedTransportError(
                "connector 'aiohttp' speaks HTTP/1.1 only; use a connector of httpx, httpx2 or crt for HTTP/2",
                transport=self.name,
                capability="HTTP/2",
                alternatives=("httpx", "httpx2", "crt"),
            )
        if settings.proxy is not None:
            raise refuse(self, Capability.PROXY, hint="leave the proxy out of the settings")
        self._lent = lent_pool(client)
        if self._lent is not None:
            _check_alone(settings)
            self.capabilities = _LENT
        if duplex:
            can = {version: found | {Capability.DUPLEX} for version, found in self.capabilities.items()}
            self.capabilities = MappingProxyType(can)
            vars(self)["SUPPORTS_DUPLEX_STREAMING"] = True  # of this connector, not of its class
        self._settings = settings
        self._tls: SSLContext | bool | None = None
        self._home: Home | None = None
        self._closed = False

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and give the response when its head is there.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        parts = to_aiohttp(request)
        timeouts = request.extensions.get(Timeouts, _NO_TIMEOUTS)
        if timeouts.pool is not None and self._lent is not None:
            raise refuse(self, Capability.POOL_TIMEOUT, hint="set timeout 'pool' to None")
        loop = _running_loop()
        home = self._home
        if home is None or not home.is_here(loop):
            home = await self._settle(loop)
        exchange = Exchange(parts, timeouts, home, duplex=Duplex in request.extensions)
        if exchange.until is None:
            return await self._perform(exchange, home)
        clock = asyncio.timeout_at(exchange.until)
        try:
            async with clock:
                return await self._perform(exchange, home)
        except TimeoutError as error:
            if isinstance(error, StableHTTPError) or not clock.expired():
                raise
            raise exchange.took_too_long() from error

    async def aclose(self) -> None:
        """Close the connections now, or when the last response from them has ended; what was lent stays open.

        Raises:
            ForeignLoopError: it belongs to another event loop, which is still there.
        """
        home = self._home
        if home is not None:
            if not home.is_here(_running_loop()) and not home.abandoned:
                raise _foreign()
            self._home = None
            await home.aclose()
        self._closed = True

    # --- inside ----------------------------------------------------------------------------------

    async def _settle(self, loop: AbstractEventLoop) -> Home:
        if self._closed:
            raise ClosedError("the connector 'aiohttp' is closed; make another one")
        if self._home is not None and not self._home.abandoned:
            raise _foreign()
        self._home = home = Home(loop, self._settings, self._lent)
        await home.settle()
        return home

    def _context(self) -> SSLContext | bool:
        if self._tls is None:
            self._tls = context_for(self._settings.tls)
        return self._tls

    def _ask(self, exchange: Exchange, home: Home) -> Awaitable[ClientResponse]:
        parts = exchange.parts
        return home.session.request(
            _NOT_SENT_TWICE,
            parts.url,
            data=parts.data,
            expect100=parts.expects,
            skip_auto_headers=_ONLY_OURS if _adds_content_type(parts) else None,
            allow_redirects=False,
            timeout=home.timeout(exchange.timeouts.read),
            ssl=self._context() if parts.url.scheme == "https" else True,
            server_hostname=self._settings.tls.server_name,
            middlewares=(exchange.middleware,),
        )

    async def _perform(self, exchange: Exchange, home: Home) -> Response[AsyncBody]:
        try:
            await exchange.take_place()
            response = await self._ask(exchange, home)
        except StableHTTPError:
            await exchange.fail()
            raise
        except Exception as error:
            failure = await exchange.fail()
            if failure is not None:
                raise failure from failure.__cause__  # the caller's own, as it was
            told = translate(error, exchange.stage())
            raise told from cause_of(told, error)
        except BaseException:
            await exchange.fail()
            raise
        try:
            return _wrap(response, exchange, stopped=await _settle_content(exchange, response.status))
        except BaseException:
            response.close()
            exchange.abort()
            raise


async def _settle_content(exchange: Exchange, status: int) -> bool:
    """Decide what becomes of content that is still being sent; whether some will never be."""
    if not isinstance(exchange.parts.data, AiohttpContent):
        return False
    if exchange.duplex and status < 300:
        exchange.parts.data.upload.go_on()
        return False
    return await exchange.stop_sending()


def _adds_content_type(parts: AiohttpRequest) -> bool:
    """Whether aiohttp would add `Content-Type`, later than the exchange can see, unless told to leave it out."""
    return parts.method in ("POST", "PUT", "PATCH") and hdrs.CONTENT_TYPE not in parts.headers


def _wrap(response: ClientResponse, exchange: Exchange, *, stopped: bool) -> Response[AsyncBody]:
    version = response_version(response)
    headers = response_fields(response)
    length = response_length(response)
    reason = response_reason(response)
    source = AiohttpSource(response, exchange, length, stopped=stopped)  # the last step: from now on it must be closed
    return Response(
        response.status,
        headers=headers,
        body=AsyncReceivedBody(source, length=length),
        reason=reason,
        http_version=version,
        connection=exchange.connection,
    )


def _check_alone(settings: HttpSettings) -> None:
    if settings != HttpSettings(connect_timeout=settings.connect_timeout):
        raise MisuseError(
            "a pool was lent, so TLS, keep-alive and the number of connections are set there; "
            "leave them out of the settings"
        )


def _running_loop() -> AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise MisuseError(
            "connector 'aiohttp' runs on asyncio, and there is no running event loop of it; "
            "call it inside asyncio.run, and not from trio"
        ) from None


def _foreign() -> ForeignLoopError:
    return ForeignLoopError(
        "the connector 'aiohttp' was used in another event loop or process, which is still there; "
        "make one connector for each"
    )
