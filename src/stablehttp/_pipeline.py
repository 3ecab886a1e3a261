"""The way of a request: select, intercept, complete, check, gather, sign, send, wrap.

Floor 13: stands on all others.

The work is in `Call`, which knows no colour and awaits nothing; the two pipelines read as the line
above.  One `send` is one attempt.  A pipeline has one connector, or takes one from a cache for each call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol, Self, TypeAlias, TypeGuard, TypeVar, cast, final

from stablehttp._body import AsyncBody, Body, BytesBody, SyncBody
from stablehttp._call import Call
from stablehttp._call_options import CallOptions
from stablehttp._connector_cache import AsyncConnectorCache, SyncConnectorCache
from stablehttp._connectors import (
    AsyncTransport,
    Connector,
    SyncTransport,
)
from stablehttp._demand import Demands
from stablehttp._errors import MisuseError, StableHTTPError
from stablehttp._exchange import Dispatch, Duplex, Exchange
from stablehttp._exchange_content import ExchangeContent, announced_trailers
from stablehttp._interception import Interceptor, Interceptors
from stablehttp._leases import AsyncLease, SyncLease
from stablehttp._message import AnyRequest, Request
from stablehttp._operation import Operation
from stablehttp._outgoing import check_async, check_sync
from stablehttp._pouring import check_sink
from stablehttp._protocol_versions import ProtocolVersions
from stablehttp._response import Response
from stablehttp._settings import HttpSettings, Timeouts
from stablehttp._signing import aread_digest, digest_at_hand, read_digest, signer_for
from stablehttp._sinks import SinkInput
from stablehttp._sunk import apour_response, pour_response
from stablehttp._support import check_call, check_duplex, check_given, check_negotiated, check_settings
from stablehttp.signers import Signer

B = TypeVar("B", bound=Body)
Clock: TypeAlias = Callable[[], datetime]


class AsyncSignerProvider(Protocol):
    """Gives a signer with fresh credentials for each attempt; may await."""

    def __call__(self) -> Awaitable[Signer | None]: ...


class SyncSignerProvider(Protocol):
    """Gives a signer with fresh credentials for each attempt."""

    def __call__(self) -> Signer | None: ...


def _is_signer(signer: object) -> TypeGuard[Signer]:
    return hasattr(signer, "sign")


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _transmit(call: Call[AsyncBody]) -> Response[AsyncBody]:
    """Send what is ready, and give the response when its head is there, or with a sink when all of it is there."""
    transport = cast(AsyncTransport, call.transport)
    try:
        response = await transport.send(call.ready)
        if Duplex in call.ready.extensions:
            await _check_again(response, call.ready, transport)
    except BaseException as error:
        raise call.failed(error)  # noqa: B904 (the same error, with its cause)
    wrapped = call.wrap(response)
    if call.sink is not None:
        try:
            await apour_response(wrapped, call.sink)
        except BaseException as error:
            raise call.failed(error)  # noqa: B904 (the same error, with its cause)
        call.ended()
    return wrapped


async def _check_again(response: Response[AsyncBody], request: AnyRequest, transport: AsyncTransport) -> None:
    """The second look, for connectors that cannot know before: the version that was agreed on has to do as well."""
    if not isinstance(transport, Connector) or response.http_version not in transport.capabilities:
        return
    operation = request.extensions.get(Operation)
    try:
        check_negotiated(transport, response.http_version, None if operation is None else operation.id)
    except StableHTTPError as error:
        await response.aclose()
        error.sent = error.processed = "yes"
        raise


@final
class AsyncPipeline:
    """Sends requests through a connector, with interceptors and a signer on the way.

    `connector` is any asynchronous connector or transport, or a cache from which each call takes one, by
    `settings`, by the protocol `versions` that will do, and by what its operation needs.  Without any, it
    is a cache of what is installed, which `aclose` closes.  `signer` is a signer, or a callable that gives
    (or awaits) one for each attempt.  `clock` gives the aware time that signatures carry.
    """

    def __init__(
        self,
        connector: AsyncTransport | AsyncConnectorCache | None = None,
        *,
        interceptors: Iterable[Interceptor] = (),
        signer: Signer | AsyncSignerProvider | None = None,
        timeouts: Timeouts | None = None,
        settings: HttpSettings | None = None,
        versions: ProtocolVersions | None = None,
        clock: Clock = _utc_now,
    ) -> None:
        self._connector: AsyncTransport | None = None
        self._cache: AsyncConnectorCache | None = None
        self._own_cache: AsyncConnectorCache | None = None
        if connector is None:
            self._cache = self._own_cache = AsyncConnectorCache()
        elif isinstance(connector, AsyncConnectorCache):
            self._cache = connector
        else:
            self._connector = connector
            check_given(connector, settings, versions, timeouts)
        self._demands = Demands(settings, versions, timeouts)
        self._interceptors = Interceptors(interceptors)
        self._signer = signer
        self._timeouts = timeouts
        self._clock = clock

    @property
    def timeouts(self) -> Timeouts | None:
        """The timeouts it was given, for calls that have none of their own."""
        return self._timeouts

    async def send(
        self,
        request: Request[AsyncBody],
        *,
        operation: Operation | None = None,
        options: CallOptions | None = None,
    ) -> Response[AsyncBody]:
        """Send `request` once and give the response as soon as its head has arrived, or with a sink all of it.

        The request itself is not changed.  Read the response to its end, or close it.  Without
        `operation`, the one in `request.extensions` holds, if there is one.

        Raises:
            UnsupportedTransportError: the transport cannot do what `operation` or `options` need; nothing ran.
            SinkError: the sink of `options` did not take the content; `sink_octets` says how much lies there.
            StableHTTPError: `sent` and `processed` say whether the server can have acted on it.
        """
        return await _transmit(await self._prepare(request, operation, options))

    def open(
        self,
        request: Request[AsyncBody],
        *,
        operation: Operation | None = None,
        options: CallOptions | None = None,
    ) -> Exchange:
        """Open an exchange: content is sent and received at the same time, until both sides have ended it.

        `request` has no content; it is sent when the block of the exchange is entered, and is not changed.  If the
        content is to end with trailers, the field `Trailer` of the request names them.  Without timeouts of its own
        an exchange may be silent for ever.

        Raises:
            UnsupportedTransportError: the connector does not send and receive at the same time; nothing ran.
            MisuseError: `request` has content of its own, or `options` name a sink.
        """
        if options is not None and options.sink is not None:
            raise MisuseError("the content of an exchange is read from it; leave the sink out of the options")
        if self._connector is not None:
            named = operation or request.extensions.get(Operation)
            check_settings(options)
            check_duplex(self._connector, named)
            check_call(self._connector, named, options)
        if not isinstance(request.body, BytesBody) or request.body.content:
            raise MisuseError(
                "the content of an exchange is given by its `send`; open it with a request without a body, or put "
                "Duplex() into the extensions of the request and have it sent by `pipeline.send`"
            )

        async def prepare(content: ExchangeContent) -> tuple[AnyRequest, Dispatch]:
            opening = request.with_body(content)
            opening.extensions.set(Duplex())
            call = await self._prepare(opening, operation, options)
            return call.ready, lambda: _transmit(call)

        return Exchange(prepare, announced_trailers(request))

    async def aclose(self) -> None:
        """Close what the pipeline made; a connector or a cache that was given is left alone."""
        if self._own_cache is not None:
            await self._own_cache.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def _prepare(
        self, request: Request[AsyncBody], operation: Operation | None, options: CallOptions | None
    ) -> Call[AsyncBody]:
        """Everything up to and including signing."""
        if self._cache is not None:
            return await self._prepare_choosing(self._cache, request, operation, options)
        if options is not None:
            check_settings(options)
        call = Call(request, self._connector, self._interceptors, check_async, operation, options)
        call.complete(self._timeouts)
        await self._sign(call)
        return call

    async def _prepare_choosing(
        self,
        cache: AsyncConnectorCache,
        request: Request[AsyncBody],
        operation: Operation | None,
        options: CallOptions | None,
    ) -> Call[AsyncBody]:
        """The same with a connector that is chosen for this call, and chosen again if it goes elsewhere."""
        lease = AsyncLease(cache, operation or request.extensions.get(Operation))
        try:
            transport = await lease.take(self._demands.of(request, operation, options))
            call = Call(request, transport, self._interceptors, check_async, operation, options)
            call.release = lease.release
            if call.ready.uri.scheme != request.uri.scheme:
                call.transport = await lease.take(self._demands.of(call.ready, operation, options))
            call.complete(self._timeouts)
            await self._sign(call)
        except BaseException:
            lease.release()
            raise
        return call

    async def _sign(self, call: Call[AsyncBody]) -> None:
        signer = self._signer
        if signer is not None and not _is_signer(signer):
            signer = await cast(AsyncSignerProvider, signer)()
        signer = signer_for(call.ready, signer)
        digest = None
        if signer is not None and signer.content_digest is not None:
            body = call.ready.body
            digest = digest_at_hand(body, signer.content_digest) or await aread_digest(body, signer.content_digest)
        call.sign(signer, digest, self._clock())


@final
class SyncPipeline:
    """The synchronous twin of `AsyncPipeline`."""

    def __init__(
        self,
        connector: SyncTransport | SyncConnectorCache | None = None,
        *,
        interceptors: Iterable[Interceptor] = (),
        signer: Signer | SyncSignerProvider | None = None,
        timeouts: Timeouts | None = None,
        settings: HttpSettings | None = None,
        versions: ProtocolVersions | None = None,
        clock: Clock = _utc_now,
    ) -> None:
        self._connector: SyncTransport | None = None
        self._cache: SyncConnectorCache | None = None
        self._own_cache: SyncConnectorCache | None = None
        if connector is None:
            self._cache = self._own_cache = SyncConnectorCache()
        elif isinstance(connector, SyncConnectorCache):
            self._cache = connector
        else:
            self._connector = connector
            check_given(connector, settings, versions, timeouts)
        self._demands = Demands(settings, versions, timeouts)
        self._interceptors = Interceptors(interceptors)
        self._signer = signer
        self._timeouts = timeouts
        self._clock = clock

    @property
    def timeouts(self) -> Timeouts | None:
        """The timeouts it was given, for calls that have none of their own."""
        return self._timeouts

    def send(
        self,
        request: Request[SyncBody],
        *,
        operation: Operation | None = None,
        options: CallOptions | None = None,
    ) -> Response[SyncBody]:
        """Send `request` once and give the response as soon as its head has arrived, or with a sink all of it.

        The request itself is not changed.  Read the response to its end, or close it.  Without
        `operation`, the one in `request.extensions` holds, if there is one.

        Raises:
            UnsupportedTransportError: the transport cannot do what `operation` or `options` need; nothing ran.
            SinkError: the sink of `options` did not take the content; `sink_octets` says how much lies there.
            StableHTTPError: `sent` and `processed` say whether the server can have acted on it.
        """
        if options is not None and options.sink is not None:
            check_sink(options.sink, asynchronous=False)
        call = self._prepare(request, operation, options)
        try:
            response = cast(SyncTransport, call.transport).send(call.ready)
        except BaseException as error:
            raise call.failed(error)  # noqa: B904 (the same error, with its cause)
        wrapped = call.wrap(response)
        if call.sink is not None:
            try:
                pour_response(wrapped, cast(SinkInput, call.sink))
            except BaseException as error:
                raise call.failed(error)  # noqa: B904 (the same error, with its cause)
            call.ended()
        return wrapped

    def close(self) -> None:
        """Close what the pipeline made; a connector or a cache that was given is left alone."""
        if self._own_cache is not None:
            self._own_cache.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _prepare(
        self, request: Request[SyncBody], operation: Operation | None, options: CallOptions | None
    ) -> Call[SyncBody]:
        """Everything up to and including signing."""
        if self._cache is not None:
            return self._prepare_choosing(self._cache, request, operation, options)
        if options is not None:
            check_settings(options)
        call = Call(request, self._connector, self._interceptors, check_sync, operation, options)
        call.complete(self._timeouts)
        self._sign(call)
        return call

    def _prepare_choosing(
        self,
        cache: SyncConnectorCache,
        request: Request[SyncBody],
        operation: Operation | None,
        options: CallOptions | None,
    ) -> Call[SyncBody]:
        """The same with a connector that is chosen for this call, and chosen again if it goes elsewhere."""
        lease = SyncLease(cache, operation or request.extensions.get(Operation))
        try:
            transport = lease.take(self._demands.of(request, operation, options))
            call = Call(request, transport, self._interceptors, check_sync, operation, options)
            call.release = lease.release
            if call.ready.uri.scheme != request.uri.scheme:
                call.transport = lease.take(self._demands.of(call.ready, operation, options))
            call.complete(self._timeouts)
            self._sign(call)
        except BaseException:
            lease.release()
            raise
        return call

    def _sign(self, call: Call[SyncBody]) -> None:
        signer = self._signer
        if signer is not None and not _is_signer(signer):
            signer = cast(SyncSignerProvider, signer)()
        signer = signer_for(call.ready, signer)
        digest = None
        if signer is not None and signer.content_digest is not None:
            body = call.ready.body
            digest = digest_at_hand(body, signer.content_digest) or read_digest(body, signer.content_digest)
        call.sign(signer, digest, self._clock())
