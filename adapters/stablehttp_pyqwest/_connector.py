"""The connectors: they begin an exchange, and wrap what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, TypeVar, final

import pyqwest

from stablehttp import AsyncBody, Body, HttpSettings, HttpVersion, Request, Response, SyncBody
from stablehttp.adapting import (
    AsyncConnector,
    AsyncOutgoing,
    AsyncReceivedBody,
    SyncConnector,
    SyncOutgoing,
    SyncReceivedBody,
    check_async,
    check_sync,
)
from stablehttp_pyqwest._body import AsyncContent, SyncContent
from stablehttp_pyqwest._convert import NAME, READER, UNAVOIDABLE, response_fields
from stablehttp_pyqwest._exchange import Exchange, takes_whole
from stablehttp_pyqwest._home import CAPABILITIES as CAPABILITIES
from stablehttp_pyqwest._home import Home
from stablehttp_pyqwest._runner import Runner, Runners
from stablehttp_pyqwest._upload import Blocking

B = TypeVar("B", bound=Body)

_SETTINGS: Final = HttpSettings()


@final
class AsyncPyqwestConnector(AsyncConnector):
    """Sends through pyqwest, over HTTP/1.1, HTTP/2 or whichever of both TLS agrees on.

    The content of a request may go on after the head of its response, until that has ended.  With both versions a
    server is asked for its choice by a TLS handshake of its own, before the first request to it.  No client can be
    lent: `client` is None.

    Raises:
        UnsupportedTransportError: a version, a setting or a client that this connector cannot work with.
    """

    SUPPORTS_DUPLEX_STREAMING = True
    name = NAME
    unavoidable_lines = UNAVOIDABLE

    def __init__(
        self,
        client: None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _SETTINGS,
    ) -> None:
        self._home = Home(client, versions, settings)
        self.capabilities = self._home.capabilities(duplex=True)

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and give the response when its head is there.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        check_async(request.body)
        exchange = Exchange(self._home, request, None if takes_whole(request) else AsyncOutgoing(request, READER))
        response = await exchange.head(duplex=True)
        return _wrap(response, exchange, AsyncReceivedBody(AsyncContent(exchange), length=exchange.expected))

    async def aclose(self) -> None:
        """Close idle connections now, and those in use when their exchanges have ended."""
        self._home.close()


@final
class SyncPyqwestConnector(SyncConnector):
    """The synchronous twin of `AsyncPyqwestConnector`, for any number of threads; it needs no event loop.

    Content goes on after the head of a response only while that is read, so this is no duplex.

    Raises:
        UnsupportedTransportError: a version, a setting or a client that this connector cannot work with.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = NAME
    unavoidable_lines = UNAVOIDABLE

    def __init__(
        self,
        client: None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _SETTINGS,
    ) -> None:
        self._home = Home(client, versions, settings)
        self.capabilities = self._home.capabilities(duplex=False)
        self._runners = Runners()

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and give the response when its head is there.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        check_sync(request.body)
        outgoing = None if takes_whole(request) else Blocking(SyncOutgoing(request, READER))
        runner = self._runners.take()
        try:
            return runner.run(self._send(request, outgoing, runner))
        except BaseException:
            self._runners.give(runner)
            raise

    def close(self) -> None:
        """Close idle connections now, and those in use when their exchanges have ended."""
        self._home.close()
        self._runners.close()

    async def _send(self, request: Request[SyncBody], outgoing: Blocking | None, runner: Runner) -> Response[SyncBody]:
        exchange = Exchange(self._home, request, outgoing)
        response = await exchange.head(duplex=True)
        content = SyncContent(exchange, runner, self._runners)
        return _wrap(response, exchange, SyncReceivedBody(content, length=exchange.expected))


def _wrap(response: pyqwest.Response, exchange: Exchange, body: B) -> Response[B]:
    return Response(
        response.status,
        headers=response_fields(response.headers),
        body=body,
        http_version=exchange.version,
        connection=exchange.connection,
    )
