"""Amazon event streams: read from a response, sent with a request, or both in an exchange.

Floor 8: stands on exchanges and the framing.

The format is in `stablehttp.framing`; here it meets messages.  A request is marked by `as_event_stream` and sent by
any pipeline: with events from an iterable (`with_events`), with an exchange around which an `EventStream` is
put, or with a body of its own, for a response that is read by `read_events` (`_event_reading`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Final, Self, cast, final, overload

from stablehttp._body import AsyncBody, AsyncIterableBody, B_co, IterableBody, SyncBody
from stablehttp._errors import MisuseError
from stablehttp._event_reading import EVENT_STREAM, GoodEvent, check_event_head
from stablehttp._exchange import Exchange
from stablehttp._message import Request
from stablehttp._response import Response
from stablehttp._signed_events import SignedEvents
from stablehttp.framing import (
    EventHandlers,
    EventMessage,
    EventStreamDecoder,
    EventStreamLimits,
    InitialResponse,
    check_event,
    classify_message,
    encode_event_message,
)

_DEFAULT_LIMITS: Final = EventStreamLimits()


# --- requests -----------------------------------------------------------------------------------


def as_event_stream(request: Request[B_co], *, signed: bool = False) -> Request[B_co]:
    """A request whose content is a stream of events: to open an exchange with, around which `EventStream` is put.

    `Content-Type` is set unless it is there.  With `signed` the pipeline's signer, a `SigV4Signer`, announces events
    that are signed, and goes on to sign each of them.
    """
    marked = Request.from_parts(request.parts())
    if "content-type" not in marked.headers:
        marked.headers.set("Content-Type", EVENT_STREAM)
    if signed:
        marked.extensions.set(SignedEvents())
    return marked


@overload
def with_events(
    request: Request[B_co], events: AsyncIterable[EventMessage], *, signed: bool = False
) -> Request[AsyncBody]: ...
@overload
def with_events(
    request: Request[B_co], events: Iterable[EventMessage], *, signed: bool = False
) -> Request[SyncBody]: ...
def with_events(
    request: Request[B_co], events: AsyncIterable[EventMessage] | Iterable[EventMessage], *, signed: bool = False
) -> Request[AsyncBody] | Request[SyncBody]:
    """`request` with a body of events, in the colour of the iterable; any connector can send it.

    What is no iterator of its own can be sent again, and is signed again.  For `signed` see `as_event_stream`.
    """
    marked = as_event_stream(request.with_body(None), signed=signed)
    chain = marked.extensions.get(SignedEvents)
    if isinstance(events, AsyncIterable):
        if isinstance(events, AsyncIterator):
            return marked.with_body(AsyncIterableBody(_aencoded(events, chain)))
        return marked.with_body(AsyncIterableBody.from_factory(lambda: _aencoded(events, chain)))
    if isinstance(events, Iterator):
        return marked.with_body(IterableBody(_encoded(events, chain)))
    return marked.with_body(IterableBody.from_factory(lambda: _encoded(events, chain)))


def _encoded(events: Iterable[EventMessage], shared: SignedEvents | None) -> Iterator[bytes]:
    chain = None if shared is None else shared.attempt()
    for event in events:
        yield _octets(event, chain)
    if chain is not None:
        yield chain.end()


async def _aencoded(events: AsyncIterable[EventMessage], shared: SignedEvents | None) -> AsyncIterator[bytes]:
    chain = None if shared is None else shared.attempt()
    async for event in events:
        yield _octets(event, chain)
    if chain is not None:
        yield chain.end()


def _octets(event: EventMessage, chain: SignedEvents | None) -> bytes:
    octets = encode_event_message(event)
    return octets if chain is None else chain.wrap(octets)


# --- both directions ----------------------------------------------------------------------------


@final
class EventStream:
    """Events in both directions: `async with EventStream(pipeline.open(as_event_stream(request))) as stream`.

    `send` takes events, `async for` gives them, and `dispatch` calls handlers instead.  A failure that the peer
    reports among them is raised.  `send_end` ends our half without waiting, `wait_closed` then waits for the
    peer's, and `abort` ends both at once; leaving the block does too.
    """

    __slots__ = ("_broken", "_decoder", "_exchange", "_messages", "_sending")

    def __init__(self, exchange: Exchange, *, limits: EventStreamLimits = _DEFAULT_LIMITS) -> None:
        """Nothing happens before the block is entered; `limits` bound what is received."""
        self._exchange = exchange
        self._decoder = EventStreamDecoder(limits=limits)
        self._messages: Iterator[EventMessage] | None = None
        self._sending = asyncio.Lock()
        self._broken = False

    async def __aenter__(self) -> Self:
        await self._exchange.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._exchange.abort()

    @property
    def exchange(self) -> Exchange:
        """What the events go through."""
        return self._exchange

    async def response(self) -> Response[AsyncBody]:
        """The response as soon as its head is there; its content is read by this stream.

        Raises:
            StableHTTPError: there is none.
        """
        return await self._exchange.response()

    # --- sending ---

    async def send(self, event: EventMessage) -> None:
        """Send an event, such as `make_event` makes, and wait while the peer takes none.

        Raises:
            ClosedError: the stream was ended by `send_end`, or aborted.
            PeerEndedError: the peer takes no more; its response says why.
            MisuseError: an earlier call was cancelled, so the chain of signatures has a gap.
            InvalidFrameError: the event is larger than an event may be.
            StableHTTPError: the exchange has failed.
        """
        octets = encode_event_message(event)
        async with self._sending:
            await self._send(octets)

    async def send_end(self) -> None:
        """End our half of the stream, with the signature that closes it if events are signed; nothing is waited for.

        Raises:
            ClosedError, PeerEndedError, MisuseError, StableHTTPError: as `send` does.
        """
        async with self._sending:
            if self._chain is not None:
                await self._send(None)
            await self._exchange.send_end()

    async def _send(self, octets: bytes | None) -> None:
        chain = self._chain
        if chain is None:
            await self._exchange.send(cast(bytes, octets))
            return
        if not self._exchange.can_send:
            await self._exchange.send(b"")  # which says why
        if self._broken:
            raise MisuseError("a signed event was lost when its sending was cancelled, and no other can follow it")
        signed = chain.end() if octets is None else chain.wrap(octets)
        self._broken = True
        await self._exchange.send(signed)
        self._broken = False

    @property
    def _chain(self) -> SignedEvents | None:
        return self._exchange.request.extensions.get(SignedEvents)

    # --- receiving ---

    async def initial_response(self) -> InitialResponse | None:
        """What the operation answers besides its events, if that comes before the first of them; call it first.

        Raises:
            EventStreamError, StreamFormatError, StableHTTPError: as iterating does.
        """
        message = await self._next_message()
        if message is None:
            return None
        event = check_event(classify_message(message))
        if isinstance(event, InitialResponse):
            return event
        self._messages = _before(message, self._messages)
        return None

    def __aiter__(self) -> AsyncIterator[GoodEvent]:
        """The events from here on; a loop that was left can be taken up by another.

        Raises:
            EventStreamError: the peer reported a failure among them; the stream is over.
            StreamFormatError: this is no event stream, it is damaged, or it was cut short.
            StableHTTPError: the exchange has failed.
        """
        return self

    async def __anext__(self) -> GoodEvent:
        message = await self._next_message()
        if message is None:
            raise StopAsyncIteration
        return check_event(classify_message(message))

    async def dispatch(self, handlers: EventHandlers) -> None:
        """Call `handlers` for the head of the response and for every message from here on, until the peer has ended.

        Raises:
            EventStreamError: the peer reported a failure, and there is no handler for errors.
            StreamFormatError, StableHTTPError: as iterating does.
        """
        handlers.dispatch_headers((await self.response()).headers.items())
        while (message := await self._next_message()) is not None:
            handlers.dispatch(message)

    async def _next_message(self) -> EventMessage | None:
        if self._messages is None:
            check_event_head(await self.response())
            self._messages = iter(())
        while (message := next(self._messages, None)) is None:
            chunk = await self._exchange.receive()
            if not chunk:
                self._decoder.finish()
                return None
            self._messages = self._decoder.feed(chunk)
        return message

    # --- the end ---

    async def wait_closed(self) -> None:
        """End our half unless that was done, and wait until the peer has ended its own; events are discarded.

        Raises:
            ClosedError: the stream was aborted.
            StableHTTPError: it has failed.
        """
        if self._exchange.can_send:
            await self.send_end()
        await self._exchange.wait_closed()

    async def abort(self) -> None:
        """End both halves at once, wherever they are; a second call does nothing."""
        await self._exchange.abort()


def _before(first: EventMessage, others: Iterator[EventMessage] | None) -> Iterator[EventMessage]:
    yield first
    if others is not None:
        yield from others
