"""The way of a request: select, intercept, complete, check, gather, sign, send, wrap.

Floor 11: stands on all others.

The work is in `_Call`, which knows no colour and awaits nothing; the two pipelines read as the line
above.  One `send` is one attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Generic, Protocol, Self, TypeAlias, TypeGuard, TypeVar, cast, final

from stablehttp._body import AsyncBody, Body, BytesBody, SyncBody
from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._completion import complete
from stablehttp._connectors import (
    AsyncConnector,
    AsyncTransport,
    Connector,
    SyncConnector,
    SyncTransport,
    check_sendable,
)
from stablehttp._errors import MisuseError, StableHTTPError
from stablehttp._exchange import Dispatch, Duplex, Exchange, ExchangeContent, announced_trailers
from stablehttp._interception import Attempt, Interceptor, Interceptors
from stablehttp._message import AnyRequest, Request, derive, replace_body, seal_whole
from stablehttp._operation import Operation
from stablehttp._outgoing import check_async, check_sync
from stablehttp._pouring import check_sink
from stablehttp._received import ReceivedBody
from stablehttp._redaction import redact_uri
from stablehttp._requirements import ConnectorRequirements
from stablehttp._response import Response
from stablehttp._settings import DEFAULT_TIMEOUTS, Timeouts
from stablehttp._signing import aread_digest, digest_at_hand, read_digest, sign, signer_for
from stablehttp._sinks import SinkInput
from stablehttp._sunk import apour_response, pour_response
from stablehttp._support import check_call, check_duplex, check_negotiated
from stablehttp._taps import watched
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


def timeouts_for(request: AnyRequest, transport: object, given: Timeouts | None) -> Timeouts | None:
    """The timeouts of a call: its own, else those given, else the default where the connector can keep it.

    Where both directions move at the same time there is no default: they may be silent for as long as they like.
    """
    timeouts = request.extensions.get(Timeouts, given)
    if timeouts is not None or not isinstance(transport, Connector) or Duplex in request.extensions:
        return timeouts
    can_read = all(Capability.READ_TIMEOUT in can for can in transport.capabilities.values())
    return DEFAULT_TIMEOUTS if can_read else None


def _utc_now() -> datetime:
    return datetime.now(UTC)


@final
class _Call(Generic[B]):
    """One attempt to send one request."""

    __slots__ = ("_arrived", "_interceptors", "_progress", "_since", "ready", "sink")

    def __init__(
        self,
        request: Request[B],
        transport: object,
        interceptors: Interceptors,
        timeouts: Timeouts | None,
        check_body: Callable[[Body], None],
        operation: Operation | None,
        options: CallOptions | None,
    ) -> None:
        """Select, intercept, complete and check; nothing is read, signed or sent yet."""
        self._since = monotonic()
        check_body(request.body)
        self.sink = None if options is None else options.sink
        self._progress = None if options is None else options.progress
        self._arrived: Response[B] | None = None
        operation = operation or request.extensions.get(Operation)
        if operation is not None or options is not None:
            check_call(transport, operation, options)
        duplex = Duplex in request.extensions or (operation is not None and operation.kind == "duplex")
        if duplex:
            check_duplex(transport, operation)
        derived = derive(request)
        if duplex:
            derived.extensions.set(Duplex())
        if operation is not None:
            derived.extensions.set(operation)
        if options is not None:
            if options.timeouts is not None:
                derived.extensions.set(options.timeouts)
            if options.interceptors:
                interceptors = interceptors.followed_by(options.interceptors)
        self._interceptors = interceptors
        changed = cast("Request[B]", interceptors.modify_before_signing(derived))
        self.ready = changed if changed is derived else derive(changed)
        check_body(self.ready.body)
        complete(self.ready, transport.unavoidable_lines if isinstance(transport, Connector) else ())
        timeouts = timeouts_for(self.ready, transport, timeouts)
        check_sendable(self.ready, transport, timeouts)
        if timeouts is not None:
            self.ready.extensions.set(timeouts)
        if self._progress is not None and self.ready.body.length != 0:
            replace_body(self.ready, watched(self.ready.body, self._progress, "sent"))
        interceptors.read_before_signing(self.ready)

    def sign(self, signer: Signer | None, digest: str | None, now: datetime) -> Request[B]:
        """Sign, run the hooks that follow, and give what goes to the connector."""
        ready: AnyRequest = self.ready
        if signer is not None:
            sign(ready, signer, content_digest=digest, now=now)
        self._interceptors.read_after_signing(ready)
        self._interceptors.modify_before_transmit(ready)
        seal_whole(ready, "the connector that sends it")
        self._interceptors.read_before_transmit(ready)
        return self.ready

    def wrap(self, response: Response[B]) -> Response[B]:
        """Say which request the response answers, and run the hooks that look at it."""
        response.request_method = self.ready.method
        response.request_uri = redact_uri(str(self.ready.uri))
        body: Body = response.body
        if isinstance(body, ReceivedBody):
            body.answers(self.ready.method, self.ready.uri.origin)
        if self._progress is not None:
            response.watch(self._progress)
        self._arrived = response
        self._interceptors.read_after_transmit(response)
        wrapped = cast("Response[B]", self._interceptors.modify_response(response))
        if self.sink is None:
            self.ended()
        return wrapped

    def ended(self) -> None:
        """Tell who watches attempts that this one went well."""
        if self._interceptors.watches_attempts:
            self._report(self._arrived, None)

    def failed(self, error: StableHTTPError) -> StableHTTPError:
        """Say which request the error is about, and tell who watches attempts."""
        error.about(self.ready.method, self.ready.uri.origin)
        if self._interceptors.watches_attempts:
            self._report(self._arrived, error)
        return error

    def _report(self, response: Response[B] | None, error: StableHTTPError | None) -> None:
        self._interceptors.read_after_attempt(
            Attempt(
                method=self.ready.method,
                origin=self.ready.uri.origin,
                status=response.status if response is not None else None,
                http_version=response.http_version if response is not None else None,
                reused=response.connection.reused if response is not None else None,
                sent=error.sent if error is not None else "yes",
                processed=error.processed if error is not None else "yes",
                error=error,
                seconds=monotonic() - self._since,
            )
        )


async def _transmit(call: _Call[AsyncBody], transport: AsyncTransport) -> Response[AsyncBody]:
    """Send what is ready, and give the response when its head is there, or with a sink when all of it is there."""
    try:
        response = await transport.send(call.ready)
        if Duplex in call.ready.extensions:
            await _check_again(response, call.ready, transport)
    except StableHTTPError as error:
        raise call.failed(error)  # noqa: B904 (the same error, with its cause)
    wrapped = call.wrap(response)
    if call.sink is not None:
        try:
            await apour_response(wrapped, call.sink)
        except StableHTTPError as error:
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

    `connector` is any asynchronous connector or transport; without one, the embedded connector is
    made at the first use, and closed by `aclose`.  `signer` is a signer, or a callable that gives
    (or awaits) one for each attempt.  `clock` gives the aware time that signatures carry.
    """

    def __init__(
        self,
        connector: AsyncTransport | None = None,
        *,
        interceptors: Iterable[Interceptor] = (),
        signer: Signer | AsyncSignerProvider | None = None,
        timeouts: Timeouts | None = None,
        requirements: ConnectorRequirements | None = None,
        clock: Clock = _utc_now,
    ) -> None:
        self._connector = connector
        self._made: AsyncConnector | None = None
        self._interceptors = Interceptors(interceptors)
        self._signer = signer
        self._timeouts = timeouts
        self._requirements = requirements or ConnectorRequirements()
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
        transport = self._transport()
        call = await self._prepare(request, transport, operation, options)
        return await _transmit(call, transport)

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
        transport = self._transport()
        named = operation or request.extensions.get(Operation)
        check_duplex(transport, named)
        check_call(transport, named, options)
        if not isinstance(request.body, BytesBody) or request.body.content:
            raise MisuseError(
                "the content of an exchange is given by its `send`; open it with a request without a body, or put "
                "Duplex() into the extensions of the request and have it sent by `pipeline.send`"
            )

        async def prepare(content: ExchangeContent) -> tuple[AnyRequest, Dispatch]:
            opening = request.with_body(content)
            opening.extensions.set(Duplex())
            call = await self._prepare(opening, transport, operation, options)
            return call.ready, lambda: _transmit(call, transport)

        return Exchange(prepare, announced_trailers(request))

    async def aclose(self) -> None:
        """Close the connector if the pipeline made it; one that was given is left alone."""
        made, self._made = self._made, None
        if made is not None:
            await made.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def _prepare(
        self,
        request: Request[AsyncBody],
        transport: AsyncTransport,
        operation: Operation | None,
        options: CallOptions | None,
    ) -> _Call[AsyncBody]:
        """Everything up to and including signing."""
        call = _Call(request, transport, self._interceptors, self._timeouts, check_async, operation, options)
        signer = signer_for(call.ready.body, await self._signer_now())
        digest = None
        if signer is not None and signer.content_digest is not None:
            body = call.ready.body
            digest = digest_at_hand(body, signer.content_digest) or await aread_digest(body, signer.content_digest)
        call.sign(signer, digest, self._clock())
        return call

    def _transport(self) -> AsyncTransport:
        if self._connector is not None:
            return self._connector
        if self._made is None:
            from stablehttp._selection import make_connector  # looks at what is installed; loaded when needed

            self._made = make_connector(self._requirements)
        return self._made

    async def _signer_now(self) -> Signer | None:
        signer = self._signer
        if signer is None or _is_signer(signer):
            return signer
        return await cast(AsyncSignerProvider, signer)()


@final
class SyncPipeline:
    """The synchronous twin of `AsyncPipeline`."""

    def __init__(
        self,
        connector: SyncTransport | None = None,
        *,
        interceptors: Iterable[Interceptor] = (),
        signer: Signer | SyncSignerProvider | None = None,
        timeouts: Timeouts | None = None,
        requirements: ConnectorRequirements | None = None,
        clock: Clock = _utc_now,
    ) -> None:
        self._connector = connector
        self._made: SyncConnector | None = None
        self._interceptors = Interceptors(interceptors)
        self._signer = signer
        self._timeouts = timeouts
        self._requirements = requirements or ConnectorRequirements()
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
        transport = self._transport()
        call = _Call(request, transport, self._interceptors, self._timeouts, check_sync, operation, options)
        signer = signer_for(call.ready.body, self._signer_now())
        digest = None
        if signer is not None and signer.content_digest is not None:
            body = call.ready.body
            digest = digest_at_hand(body, signer.content_digest) or read_digest(body, signer.content_digest)
        ready = call.sign(signer, digest, self._clock())
        try:
            response = transport.send(ready)
        except StableHTTPError as error:
            raise call.failed(error)  # noqa: B904 (the same error, with its cause)
        wrapped = call.wrap(response)
        if call.sink is not None:
            try:
                pour_response(wrapped, cast(SinkInput, call.sink))
            except StableHTTPError as error:
                raise call.failed(error)  # noqa: B904 (the same error, with its cause)
            call.ended()
        return wrapped

    def close(self) -> None:
        """Close the connector if the pipeline made it; one that was given is left alone."""
        made, self._made = self._made, None
        if made is not None:
            made.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _transport(self) -> SyncTransport:
        if self._connector is not None:
            return self._connector
        if self._made is None:
            from stablehttp._selection import make_sync_connector  # looks at what is installed; loaded when needed

            self._made = make_sync_connector(self._requirements)
        return self._made

    def _signer_now(self) -> Signer | None:
        signer = self._signer
        if signer is None or _is_signer(signer):
            return signer
        return cast(SyncSignerProvider, signer)()
