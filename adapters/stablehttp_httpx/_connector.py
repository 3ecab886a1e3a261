"""The connectors: asynchronous and synchronous, for HTTP/1.1 and HTTP/2.

`send` reads the same in both colours: convert, send, read the head.  Whatever goes wrong is explained once,
what the client had begun is put away, and the caller's body is closed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Final, final

import httpx

from stablehttp import (
    AnyRequest,
    AsyncBody,
    ClosedError,
    ConnectionInfo,
    HttpSettings,
    HttpVersion,
    MisuseError,
    Request,
    Response,
    SyncBody,
)
from stablehttp.adapting import AsyncConnector, AsyncReceivedBody, SyncConnector, SyncReceivedBody, cause_for
from stablehttp_httpx._body import AsyncIncoming, SyncIncoming, discard, discard_now
from stablehttp_httpx._content import AsyncContent, Octets, SyncContent, async_content, sync_content
from stablehttp_httpx._convert import check_possible, read_head
from stablehttp_httpx._exchange import AsyncExchange, SyncExchange
from stablehttp_httpx._lanes import AsyncLanes, SyncLanes
from stablehttp_httpx._lending import keeps_time, lent_async, lent_sync
from stablehttp_httpx._limits import Ration, only_total, told_to_client
from stablehttp_httpx._loans import AsyncLender, SyncLender
from stablehttp_httpx._peers import Peers
from stablehttp_httpx._progress import Progress
from stablehttp_httpx._setup import CAPABILITIES as CAPABILITIES
from stablehttp_httpx._setup import Setup
from stablehttp_httpx._shared import Shared
from stablehttp_httpx._transport import make_async_transport, make_sync_transport
from stablehttp_httpx._watch import Watch

_DEFAULT: Final = HttpSettings()


@final
class AsyncHttpxConnector(AsyncConnector):
    """Sends through httpx without blocking, in the event loop in which it is first used.

    It makes a transport of its own, or uses the `client` that it is lent: an `httpx.AsyncBaseTransport`, or an
    `httpx.AsyncClient` whose defaults do not reach what is sent.  What is lent is never closed or changed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "httpx"

    def __init__(
        self,
        client: httpx.AsyncBaseTransport | httpx.AsyncClient | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _DEFAULT,
    ) -> None:
        """Make a connector that speaks `versions`; nothing is opened yet.

        Raises:
            MisuseError: `client` is of another package or colour, or would change what is sent.
            InvalidMessageError, UnsupportedTransportError: httpx cannot do what the settings say.
            MissingExtraError: HTTP/2 needs h2, which is not installed.
        """
        self._lender: AsyncLender = _async_lender(client, versions, settings)
        self._setup = Setup(
            versions,
            settings,
            lent=client is not None,
            network=client is None or keeps_time(client),
            queues=self._lender.queues,
        )
        self.capabilities = self._setup.capabilities
        self._peers = Peers()
        self._closed = False

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Raises:
            StableHTTPError: and nothing else but what the caller's body raises; httpx's own exception is the cause.
        """
        _check(request, closed=self._closed)
        exchange, content, converted = self._begin(request)
        response = None
        try:
            response = await self._exchange(exchange, converted)
            return await self._receive(response, exchange, content)
        except BaseException as error:
            try:
                if response is not None:
                    await discard(response, None)
            finally:
                await exchange.end(error)
            told = _what_to_tell(error, exchange, content)
            if told is error:
                raise
            raise told from cause_for(told, error)
        finally:
            if isinstance(content, AsyncContent):
                await content.aclose()

    async def aclose(self) -> None:
        """Close the connections now, or those in use when their responses have ended; what was lent stays open."""
        self._closed = True
        await self._lender.aclose()

    def _begin(self, request: Request[AsyncBody]) -> tuple[AsyncExchange, Octets | AsyncContent, httpx.Request]:
        setup = self._setup
        limits = setup.limits(request)
        watch = Watch(_running_loop(), limits if setup.route.own else only_total(limits))
        if not setup.route.own:
            watch.timeouts = told_to_client(limits)
        progress = Progress(watch, setup.route, secure=request.uri.scheme == "https", connect=limits["connect"])
        content = async_content(request, watch)
        converted = setup.build(request, content, watch.timeouts, progress.anote)
        return AsyncExchange(request, progress, watch, limits["pool"]), content, converted

    async def _exchange(self, exchange: AsyncExchange, converted: httpx.Request) -> httpx.Response:
        watch = exchange.watch
        loan = exchange.loan = await watch.drive(self._lender.borrow(exchange.origin, exchange.patience))
        watch.deliver()
        response = await watch.drive(loan.send(converted))
        try:
            watch.deliver()
        except asyncio.CancelledError:
            await discard(response, None)
            raise
        return response

    async def _receive(
        self, response: httpx.Response, exchange: AsyncExchange, content: Octets | AsyncContent
    ) -> Response[AsyncBody]:
        _check_sent(content)
        head = read_head(response, exchange.method)
        source = AsyncIncoming(response, head, exchange)
        ended = head.length == 0 and head.version is not HttpVersion.HTTP_2
        if ended:
            await source.read()
        return Response(
            head.status,
            headers=head.headers,
            body=AsyncReceivedBody(source, length=head.length, held=not ended),
            reason=head.reason,
            http_version=head.version,
            connection=_connection(self._peers, response, exchange.progress),
        )


@final
class SyncHttpxConnector(SyncConnector):
    """Sends through httpx by blocking, from any number of threads.

    It makes a transport of its own, or uses the `client` that it is lent: an `httpx.BaseTransport`, or an
    `httpx.Client` whose defaults do not reach what is sent.  What is lent is never closed or changed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "httpx"

    def __init__(
        self,
        client: httpx.BaseTransport | httpx.Client | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _DEFAULT,
    ) -> None:
        """Make a connector that speaks `versions`; nothing is opened yet.

        Raises:
            MisuseError: `client` is of another package or colour, or would change what is sent.
            InvalidMessageError: httpx cannot do what the settings say.
            UnsupportedTransportError: likewise, or `client` is to speak HTTP/2.
            MissingExtraError: HTTP/2 needs h2, which is not installed.
        """
        self._lender: SyncLender = _sync_lender(client, versions, settings)
        self._setup = Setup(
            versions,
            settings,
            lent=client is not None,
            network=client is None or keeps_time(client),
            queues=False,
        )
        self.capabilities = self._setup.capabilities
        self._peers = Peers()
        self._closed = False

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Raises:
            StableHTTPError: and nothing else but what the caller's body raises; httpx's own exception is the cause.
        """
        _check(request, closed=self._closed)
        exchange, content, converted = self._begin(request)
        response = None
        try:
            exchange.loan = self._lender.borrow(exchange.origin, exchange.ration.seconds("pool"))
            response = exchange.loan.send(converted)
            return self._receive(response, exchange, content)
        except BaseException as error:
            try:
                if response is not None:
                    discard_now(response)
            finally:
                exchange.end(error)
            told = _what_to_tell(error, exchange, content)
            if told is error:
                raise
            raise told from cause_for(told, error)
        finally:
            if isinstance(content, SyncContent):
                content.close()

    def close(self) -> None:
        """Close the connections now, or those in use when their responses have ended; what was lent stays open."""
        self._closed = True
        self._lender.close()

    def _begin(self, request: Request[SyncBody]) -> tuple[SyncExchange, Octets | SyncContent, httpx.Request]:
        setup = self._setup
        limits = setup.limits(request)
        ration = Ration(limits)
        progress = Progress(ration, setup.route, secure=request.uri.scheme == "https", connect=limits["connect"])
        content = sync_content(request, ration)
        converted = setup.build(request, content, ration.timeouts, progress.note)
        return SyncExchange(request, progress, ration), content, converted

    def _receive(
        self, response: httpx.Response, exchange: SyncExchange, content: Octets | SyncContent
    ) -> Response[SyncBody]:
        _check_sent(content)
        head = read_head(response, exchange.method)
        source = SyncIncoming(response, head, exchange)
        ended = head.length == 0 and head.version is not HttpVersion.HTTP_2
        if ended:
            source.read()
        return Response(
            head.status,
            headers=head.headers,
            body=SyncReceivedBody(source, length=head.length, held=not ended),
            reason=head.reason,
            http_version=head.version,
            connection=_connection(self._peers, response, exchange.progress),
        )


# --- lenders -------------------------------------------------------------------------------------


def _async_lender(client: object, versions: Sequence[HttpVersion], settings: HttpSettings) -> AsyncLender:
    if client is not None:
        return lent_async(client)
    if HttpVersion.HTTP_2 in versions:
        return Shared(partial(make_async_transport, settings, tuple(versions), settings.max_connections))
    return AsyncLanes(partial(make_async_transport, settings, tuple(versions), 1), settings)


def _sync_lender(client: object, versions: Sequence[HttpVersion], settings: HttpSettings) -> SyncLender:
    if client is not None:
        return lent_sync(client, versions)
    return SyncLanes(partial(make_sync_transport, settings, tuple(versions), 1), settings)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise MisuseError(
            "connector 'httpx' runs on asyncio, and there is no running event loop of it; "
            "call it inside asyncio.run, and not from trio"
        ) from None


# --- colourless ----------------------------------------------------------------------------------


def _check(request: AnyRequest, *, closed: bool) -> None:
    """Refuse what httpx cannot do, before anything is set up for it."""
    if closed:
        raise ClosedError("the connector was closed; make another one")
    check_possible(request)


def _check_sent(content: Octets | AsyncContent | SyncContent) -> None:
    """A response may come although the caller's body failed: the client takes some exceptions for its own."""
    if isinstance(content, AsyncContent | SyncContent) and content.failure is not None:
        raise content.failure


def _what_to_tell(
    error: BaseException, exchange: AsyncExchange | SyncExchange, content: Octets | AsyncContent | SyncContent
) -> BaseException:
    """What the caller's body raised comes out as it is, and what the client raised in our words."""
    if not isinstance(error, Exception):
        return error
    failure = content.failure if isinstance(content, AsyncContent | SyncContent) else None
    return exchange.explain(error) if failure is None else failure


def _connection(peers: Peers, response: httpx.Response, progress: Progress) -> ConnectionInfo:
    fresh = progress.fresh if progress.told else None
    return peers.info(response.extensions.get("network_stream"), fresh=fresh)
