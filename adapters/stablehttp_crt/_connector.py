"""The connectors: they choose a connection, begin an exchange on it, and wrap what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, final

from awscrt.io import ClientBootstrap

from stablehttp import (
    AnyRequest,
    AsyncBody,
    Capability,
    Duplex,
    HttpSettings,
    HttpVersion,
    Operation,
    Request,
    Response,
    SyncBody,
    Timeouts,
)
from stablehttp.adapting import (
    AsyncConnector,
    AsyncOutgoing,
    AsyncReceivedBody,
    SyncConnector,
    SyncOutgoing,
    SyncReceivedBody,
    check_async,
    check_sync,
    refuse,
)
from stablehttp_crt._clock import Clock
from stablehttp_crt._convert import NAME, Head, Prepared
from stablehttp_crt._desk import Line
from stablehttp_crt._lines import AsyncLines, SyncLines
from stablehttp_crt._opening import Endpoint
from stablehttp_crt._plan import CAPABILITIES as CAPABILITIES
from stablehttp_crt._plan import LIMITS, Plan, content_of, may_begin_again
from stablehttp_crt._talk import AsyncContent, AsyncTalk, SyncContent, SyncTalk
from stablehttp_crt._upload import AsyncUpload, SyncUpload

_SETTINGS: Final = HttpSettings()
_NO_TIMEOUTS: Final = Timeouts()
_READER: Final = f"connector {NAME!r}"


# --- asynchronous -------------------------------------------------------------------------------


@final
class AsyncCrtConnector(AsyncConnector):
    """Sends through the AWS CRT, over HTTP/1.1, HTTP/2 or whichever of both TLS agrees on.

    `client` lends threads: an `awscrt.io.ClientBootstrap`, which is used for connections and never shut down; content
    that is streamed over HTTP/1.1 may keep a thread of it for 4 ms at a time.  Without it the CRT's own
    bootstrap is used.

    Raises:
        UnsupportedTransportError: a version that the CRT does not speak.
        MisuseError: `client` is something else.
    """

    SUPPORTS_DUPLEX_STREAMING = True
    name = NAME
    limits = LIMITS

    def __init__(
        self,
        client: ClientBootstrap | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _SETTINGS,
    ) -> None:
        self._plan = Plan(client, versions, settings)
        self.capabilities = self._plan.capabilities(duplex=True)
        vars(self)["SUPPORTS_DUPLEX_STREAMING"] = self._plan.has_http2  # of this connector, not of its class
        self._lines = AsyncLines(self._plan.dial, settings)

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Send a completed request as it stands and give the response when its head is there.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        check_async(request.body)
        prepared, endpoint = self._plan.prepare(request, self)
        content = content_of(request)
        outgoing = AsyncOutgoing(request, _READER) if content is None else None
        clock = Clock(request.extensions.get(Timeouts, _NO_TIMEOUTS))
        try:
            talk, head = await self._perform(request, prepared, endpoint, content, outgoing, clock)
        except BaseException:
            if outgoing is not None:
                await outgoing.aclose()
            raise
        return Response(
            head.status,
            headers=head.headers,
            body=AsyncReceivedBody(AsyncContent(talk), length=head.declared),
            http_version=talk.terms.exchange.channel.version,
            connection=talk.terms.connection,
        )

    async def aclose(self) -> None:
        """Close idle connections now, and those in use when their exchanges have ended."""
        await self._lines.aclose()

    async def _perform(
        self,
        request: AnyRequest,
        prepared: Prepared,
        endpoint: Endpoint,
        content: bytes | None,
        outgoing: AsyncOutgoing | None,
        clock: Clock,
    ) -> tuple[AsyncTalk, Head]:
        while True:
            if Duplex in request.extensions:
                line, reused = await self._acquire_both_ways(request, endpoint, clock)
            else:
                line, reused = await self._acquire(endpoint, clock, streamed=outgoing is not None)
            talk = AsyncTalk(line, self._lines, clock, request.method, request.uri.origin, reused=reused)
            try:
                sink = self._plan.begin(prepared, content, talk.terms.exchange, talk.bell.ring)
            except BaseException as error:
                talk.terms.exchange.done = True  # nothing is left behind on the connection
                talk.release()
                if not may_begin_again(error, talk.terms.exchange, reused=reused):
                    raise
                continue
            if sink is not None and outgoing is not None:
                talk.upload = AsyncUpload(outgoing, sink, talk.terms.exchange, talk.bell)
            try:
                return talk, await talk.head()
            except BaseException as error:
                await talk.give_up()
                if talk.upload is not None or not may_begin_again(error, talk.terms.exchange, reused=reused):
                    raise

    async def _acquire(self, endpoint: Endpoint, clock: Clock, *, streamed: bool) -> tuple[Line, bool]:
        if not streamed:
            return await self._lines.acquire(endpoint, clock)
        if not self._plan.goes_alone(endpoint, found=self._lines.is_alone(endpoint)):
            line, reused = await self._lines.acquire(endpoint, clock)
            if line.channel.http2:
                return line, reused
            self._lines.release(line, reusable=True)
        return await self._lines.acquire(endpoint._replace(streamed=True), clock)

    async def _acquire_both_ways(self, request: AnyRequest, endpoint: Endpoint, clock: Clock) -> tuple[Line, bool]:
        """A connection over which both directions move at the same time: one that speaks HTTP/2."""
        if self._plan.dial.shares(endpoint):
            line, reused = await self._lines.acquire(endpoint, clock)
            if line.channel.http2:
                return line, reused
            self._lines.release(line, reusable=True)
        operation = request.extensions.get(Operation)
        raise refuse(
            self,
            Capability.DUPLEX,
            operation=None if operation is None else operation.id,
            negotiated=HttpVersion.HTTP_1_1,
        )


# --- synchronous --------------------------------------------------------------------------------


@final
class SyncCrtConnector(SyncConnector):
    """The synchronous twin of `AsyncCrtConnector`, for any number of threads; it needs no event loop.

    Duplex, which is asynchronous only, is not declared.

    A body that is streamed is read in a thread of its own, in the context of the caller.

    Raises:
        UnsupportedTransportError: a version that the CRT does not speak.
        MisuseError: `client` is something else.
    """

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    name = NAME
    limits = LIMITS

    def __init__(
        self,
        client: ClientBootstrap | None = None,
        *,
        versions: Sequence[HttpVersion] = (HttpVersion.HTTP_1_1,),
        settings: HttpSettings = _SETTINGS,
    ) -> None:
        self._plan = Plan(client, versions, settings)
        self.capabilities = self._plan.capabilities(duplex=False)
        self._lines = SyncLines(self._plan.dial, settings)

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Send a completed request as it stands and give the response when its head is there.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        check_sync(request.body)
        prepared, endpoint = self._plan.prepare(request, self)
        content = content_of(request)
        outgoing = SyncOutgoing(request, _READER) if content is None else None
        clock = Clock(request.extensions.get(Timeouts, _NO_TIMEOUTS))
        try:
            talk, head = self._perform(request, prepared, endpoint, content, outgoing, clock)
        except BaseException:
            if outgoing is not None:
                outgoing.close()
            raise
        return Response(
            head.status,
            headers=head.headers,
            body=SyncReceivedBody(SyncContent(talk), length=head.declared),
            http_version=talk.terms.exchange.channel.version,
            connection=talk.terms.connection,
        )

    def close(self) -> None:
        """Close idle connections now, and those in use when their exchanges have ended."""
        self._lines.close()

    def _perform(
        self,
        request: AnyRequest,
        prepared: Prepared,
        endpoint: Endpoint,
        content: bytes | None,
        outgoing: SyncOutgoing | None,
        clock: Clock,
    ) -> tuple[SyncTalk, Head]:
        while True:
            line, reused = self._acquire(endpoint, clock, streamed=outgoing is not None)
            talk = SyncTalk(line, self._lines, clock, request.method, request.uri.origin, reused=reused)
            try:
                sink = self._plan.begin(prepared, content, talk.terms.exchange, talk.bell.ring)
            except BaseException as error:
                talk.terms.exchange.done = True  # nothing is left behind on the connection
                talk.release()
                if not may_begin_again(error, talk.terms.exchange, reused=reused):
                    raise
                continue
            if sink is not None and outgoing is not None:
                talk.upload = SyncUpload(outgoing, sink, talk.terms.exchange, talk.bell)
            try:
                return talk, talk.head()
            except BaseException as error:
                talk.give_up()
                if talk.upload is not None or not may_begin_again(error, talk.terms.exchange, reused=reused):
                    raise

    def _acquire(self, endpoint: Endpoint, clock: Clock, *, streamed: bool) -> tuple[Line, bool]:
        if not streamed:
            return self._lines.acquire(endpoint, clock)
        if not self._plan.goes_alone(endpoint, found=self._lines.is_alone(endpoint)):
            line, reused = self._lines.acquire(endpoint, clock)
            if line.channel.http2:
                return line, reused
            self._lines.release(line, reusable=True)
        return self._lines.acquire(endpoint._replace(streamed=True), clock)
