"""The connectors: asynchronous and synchronous, for HTTP/1.1 and HTTP/2.

`send` reads the same in both colours: convert, send, read the head.  Whatever goes wrong is explained once,
what the client had begun is put away, and the caller's body is closed once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar, Final, final

import httpx2

from stablehttp import (
    AnyRequest,
    AsyncBody,
    Capability,
    ClosedError,
    ConnectionInfo,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    SyncBody,
)
from stablehttp.adapting import AsyncConnector, AsyncReceivedBody, SyncConnector, SyncReceivedBody, refuse
from stablehttp_httpx2._body import AsyncIncoming, SyncIncoming, discard
from stablehttp_httpx2._content import AsyncContent, Octets, SyncContent, async_content, sync_content
from stablehttp_httpx2._convert import read_head
from stablehttp_httpx2._exchange import AsyncExchange, SyncExchange, close_transport
from stablehttp_httpx2._home import Home, foreign
from stablehttp_httpx2._lender import Lender
from stablehttp_httpx2._lending import async_sender, keeps_time, sync_sender
from stablehttp_httpx2._limits import Ration, only_total, told_to_client
from stablehttp_httpx2._peers import Peers
from stablehttp_httpx2._progress import Progress
from stablehttp_httpx2._setup import CAPABILITIES as CAPABILITIES
from stablehttp_httpx2._setup import Setup
from stablehttp_httpx2._transport import make_async_transport, make_sync_transport
from stablehttp_httpx2._watch import Watch

_DEFAULT: Final = HttpSettings()


@final
class AsyncHttpx2Connector(AsyncConnector):
    """Sends through httpx2 without blocking, in the event loop in which it is first used.

    It makes a transport of its own, or uses the `client` that it is lent: an `httpx2.AsyncBaseTransport`, or an
    `httpx2.AsyncClient` whose defaults do not reach what is sent.  What is lent is never closed or changed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "httpx2"

    def __init__(
        self,
        client: httpx2.AsyncBaseTransport | httpx2.AsyncClient | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _DEFAULT,
    ) -> None:
        """Make a connector that speaks `versions`; nothing is opened yet.

        Raises:
            MisuseError: `client` is of another package or colour, or would change what is sent.
            InvalidMessageError, UnsupportedTransportError: httpx2 cannot do what the settings say.
            MissingExtraError: HTTP/2 needs h2, which is not installed.
        """
        self._send = None if client is None else async_sender(client)
        lent = client is not None
        self._setup = Setup(versions, settings, lent=lent, network=not lent or keeps_time(client))
        self.capabilities = self._setup.capabilities
        make = partial(make_async_transport, settings, self._setup.route.versions)
        self._lender = None if lent else Lender(make)
        self._home = Home(self._lender)
        self._peers = Peers()
        self._closed = False

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Raises:
            StableHTTPError: and nothing else but what the caller's body raises; httpx2's own exception is the cause.
        """
        _check(self, request, closed=self._closed)
        exchange, content, converted = self._begin(request, await self._home.enter())
        response = None
        try:
            transport = exchange.borrow()
            send = self._send if transport is None else transport.handle_async_request
            assert send is not None
            response = await exchange.watch.drive(send(converted))
            if exchange.watch.held is not None:
                raise exchange.watch.held
            return await self._receive(response, exchange, content)
        except BaseException as error:
            if response is not None:
                await discard(response, None)
            await exchange.end(error)
            told = _what_to_tell(error, exchange, content)
            if told is error:
                raise
            raise told from error
        finally:
            if isinstance(content, AsyncContent):
                await content.aclose()

    async def aclose(self) -> None:
        """Close the connections now, or those in use when their responses have ended; what was lent stays open."""
        self._closed = True
        await self._home.leave()

    def _begin(
        self, request: Request[AsyncBody], loop: asyncio.AbstractEventLoop
    ) -> tuple[AsyncExchange, Octets | AsyncContent, httpx2.Request]:
        setup = self._setup
        limits = setup.limits(request)
        if setup.route.own:
            watch = Watch(loop, limits)
        else:
            watch = Watch(loop, only_total(limits))
            watch.timeouts = told_to_client(limits)
        progress = Progress(watch, setup.route, secure=request.uri.scheme == "https", connect=limits["connect"])
        content = async_content(request, watch)
        converted = setup.build(request, content, watch.timeouts, progress.anote)
        return AsyncExchange(request, progress, watch, self._lender), content, converted

    async def _receive(
        self, response: httpx2.Response, exchange: AsyncExchange, content: Octets | AsyncContent
    ) -> Response[AsyncBody]:
        _check_sent(content)
        head = read_head(response, exchange.method)
        source = AsyncIncoming(response, head.length, exchange)
        if head.length == 0 and head.version is not HttpVersion.HTTP_2:
            await source.read()
        return Response(
            head.status,
            headers=head.headers,
            body=AsyncReceivedBody(source, length=head.length),
            reason=head.reason,
            http_version=head.version,
            connection=_connection(self._peers, response, exchange.progress),
        )


@final
class SyncHttpx2Connector(SyncConnector):
    """Sends through httpx2 by blocking, from any number of threads.

    It makes a transport of its own, or uses the `client` that it is lent: an `httpx2.BaseTransport`, or an
    `httpx2.Client` whose defaults do not reach what is sent.  What is lent is never closed or changed.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = "httpx2"

    def __init__(
        self,
        client: httpx2.BaseTransport | httpx2.Client | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _DEFAULT,
    ) -> None:
        """Make a connector that speaks `versions`; nothing is opened yet.

        Raises:
            MisuseError: `client` is of another package or colour, or would change what is sent.
            InvalidMessageError, UnsupportedTransportError: httpx2 cannot do what the settings say.
            MissingExtraError: HTTP/2 needs h2, which is not installed.
        """
        self._send = None if client is None else sync_sender(client)
        lent = client is not None
        self._setup = Setup(versions, settings, lent=lent, network=not lent or keeps_time(client))
        self.capabilities = self._setup.capabilities
        make = partial(make_sync_transport, settings, self._setup.route.versions)
        self._lender = None if lent else Lender(make)
        self._pid = os.getpid()
        self._peers = Peers()
        self._closed = False

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and wait for the head of the response.

        Raises:
            StableHTTPError: and nothing else but what the caller's body raises; httpx2's own exception is the cause.
        """
        _check(self, request, closed=self._closed)
        self._settle()
        exchange, content, converted = self._begin(request)
        response = None
        try:
            transport = exchange.borrow()
            send = self._send if transport is None else transport.handle_request
            assert send is not None
            response = send(converted)
            return self._receive(response, exchange, content)
        except BaseException as error:
            if response is not None:
                with suppress(Exception):
                    response.close()
            exchange.end(error)
            told = _what_to_tell(error, exchange, content)
            if told is error:
                raise
            raise told from error
        finally:
            if isinstance(content, SyncContent):
                content.close()

    def close(self) -> None:
        """Close the connections now, or those in use when their responses have ended; what was lent stays open."""
        self._closed = True
        self._settle()
        for lease in self._lender.retire_all() if self._lender is not None else ():
            close_transport(lease)

    def _settle(self) -> None:
        """After a fork the connections are the parent's."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            if self._lender is None:
                raise foreign()
            self._lender.forget_all()

    def _begin(self, request: Request[SyncBody]) -> tuple[SyncExchange, Octets | SyncContent, httpx2.Request]:
        setup = self._setup
        limits = setup.limits(request)
        ration = Ration(limits)
        progress = Progress(ration, setup.route, secure=request.uri.scheme == "https", connect=limits["connect"])
        content = sync_content(request, ration)
        converted = setup.build(request, content, ration.timeouts, progress.note)
        return SyncExchange(request, progress, ration, self._lender), content, converted

    def _receive(
        self, response: httpx2.Response, exchange: SyncExchange, content: Octets | SyncContent
    ) -> Response[SyncBody]:
        _check_sent(content)
        head = read_head(response, exchange.method)
        source = SyncIncoming(response, head.length, exchange)
        if head.length == 0 and head.version is not HttpVersion.HTTP_2:
            source.read()
        return Response(
            head.status,
            headers=head.headers,
            body=SyncReceivedBody(source, length=head.length),
            reason=head.reason,
            http_version=head.version,
            connection=_connection(self._peers, response, exchange.progress),
        )


# --- colourless ----------------------------------------------------------------------------------


def _check(connector: AsyncHttpx2Connector | SyncHttpx2Connector, request: AnyRequest, *, closed: bool) -> None:
    """Refuse what httpx2 cannot do, should nobody have done so before."""
    if closed:
        raise ClosedError("the connector was closed; make another one")
    if len(request.trailers):
        raise refuse(connector, Capability.REQUEST_TRAILERS, hint="drop the trailers")
    if request.method == "CONNECT":
        raise refuse(connector, Capability.CONNECT_METHOD, hint="let the connector's settings name the proxy")


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


def _connection(peers: Peers, response: httpx2.Response, progress: Progress) -> ConnectionInfo:
    fresh = progress.fresh if progress.told else None
    return peers.info(response.extensions.get("network_stream"), fresh=fresh)
