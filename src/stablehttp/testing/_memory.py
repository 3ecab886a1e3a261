"""The memory connector: answers from rules, records what it gets, and cannot reach a socket.

Stands on its rules and its content, and on what every adapter stands on.

It is strict where a real connector is: a request must be completed, its body must have the right
colour, content is counted against its declared length, a response is read once, and its trailers
come after its content.  So a test that passes here passes with a real connector.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, cast, final

from stablehttp._body import AsyncBody, AsyncIterableBody, Body, BytesBody, IterableBody, SyncBody
from stablehttp._capability import Capability
from stablehttp._connectors import AsyncConnector, Capabilities, Connector, SyncConnector
from stablehttp._errors import ClosedError, StableHTTPError
from stablehttp._exchange import Duplex
from stablehttp._fields import Fields
from stablehttp._http_version import HttpVersion
from stablehttp._informational import InformationalHook
from stablehttp._message import AnyRequest, Request
from stablehttp._outgoing import AsyncOutgoing, SyncOutgoing, check_sync
from stablehttp._received import AsyncReceivedBody, SyncReceivedBody
from stablehttp._response import Response
from stablehttp._settings import Timeouts
from stablehttp._uri import URI
from stablehttp.testing._memory_content import READER, Arrival, AsyncArrival, Clock, SyncArrival, fresh
from stablehttp.testing._memory_rules import Early, Rule, Rulebook


@final
@dataclass(slots=True, eq=False)
class Recorded:
    """One request as a memory connector got it.

    `content` is what was read of its content so far, and `complete` says whether that is all of it.
    """

    method: str
    uri: URI
    headers: Fields
    trailers: Fields = field(default_factory=Fields)
    content: bytes = b""
    complete: bool = False

    @property
    def target(self) -> str:
        """Exactly what a real connector would have put on the request line."""
        return self.uri.target

    def __repr__(self) -> str:
        state = "complete" if self.complete else "incomplete"
        return f"<Recorded {self.method} {self.uri!r}, {len(self.headers)} field lines, {state}>"


@final
class _Memory:
    """What a connector has beside its colour: rules, records, and whether it is closed."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = Rulebook(rules)
        self.recorded: list[Recorded] = []
        self.closed = False

    def check_open(self) -> None:
        """Make sure that the connector was not closed.

        Raises:
            ClosedError: it was.
        """
        if self.closed:
            raise ClosedError("the memory connector was closed; make another one")


@final
class _Turn:
    """One request and the rule that answers it."""

    def __init__(self, memory: _Memory, request: AnyRequest) -> None:
        """Choose the rule; nothing of the body has been read.

        Raises:
            UnmatchedRequestError: no rule matches.
        """
        self._memory = memory
        self._request = request
        self._rule, self._reply = memory.rules.take(request)
        self._clock = Clock(request.extensions.get(Timeouts))
        self.is_early = isinstance(self._reply, Early)
        self.is_talk = Duplex in request.extensions and isinstance(self._reply, Response | StableHTTPError)
        self.recorded = Recorded(request.method, request.uri, request.headers.copy())
        memory.recorded.append(self.recorded)

    def got(self, chunk: bytes) -> None:
        """Record a chunk of the request's content."""
        self.recorded.content += chunk

    def got_all(self) -> BytesBody:
        """Record the end of the request, and give its content."""
        self.recorded.trailers = self._request.trailers.copy()
        self.recorded.complete = True
        return BytesBody(self.recorded.content)

    def settle(self, body: Body) -> Arrival:
        """Find the response; a callable sees the request with `body`.

        Raises:
            StableHTTPError: the reply is this error, or comes later than the timeouts allow.
        """
        self._clock.silence(self._rule.delay)
        hook = self._request.extensions.get(InformationalHook)
        if hook is not None:
            for response in self._rule.interim:
                hook.read(response)
        reply = self._reply.reply if isinstance(self._reply, Early) else self._reply
        if not isinstance(reply, Response | StableHTTPError):
            reply = reply(cast("Request[BytesBody]", self._seen(body)))
        if isinstance(reply, StableHTTPError):
            raise fresh(reply)
        return Arrival(reply, self._clock, self._request.method)

    def _seen(self, body: Body) -> AnyRequest:
        request = self._request
        return Request(
            request.method,
            request.uri,
            headers=request.headers,
            body=body,
            trailers=request.trailers,
            extensions=request.extensions,
        )


class _MemoryConnector(Connector):
    """What the connectors of both colours have."""

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = True
    name = "memory"
    _left_out: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(
        self, rules: Iterable[Rule] = (), *, versions: Iterable[HttpVersion] = (HttpVersion.HTTP_1_1,)
    ) -> None:
        self._memory = _Memory(rules)
        can = frozenset(Capability) - self._left_out
        self.capabilities: Capabilities = MappingProxyType(dict.fromkeys(versions, can))

    def add(self, *rules: Rule) -> None:
        """Add rules behind those that are there."""
        self._memory.rules.extend(rules)

    @property
    def requests(self) -> tuple[Recorded, ...]:
        """The requests that a rule answered, in the order in which they came."""
        return tuple(self._memory.recorded)

    def assert_all_used(self) -> None:
        """Make sure that each rule was used: as often as it could be if there is a bound, else at least once.

        Raises:
            UnusedRuleError: one was not; it is an AssertionError too.
        """
        self._memory.rules.check_all_used()


@final
class AsyncMemoryConnector(_MemoryConnector, AsyncConnector):
    """Answers from rules without a socket, for tests; declares every capability, duplex included.

    An exchange gets a reply that is a response or an error at once, and what it sends is recorded beside it;
    `Early` with a callable talks back.

    The first rule that matches and has a reply left answers.  A request that none answers is an
    `UnmatchedRequestError`, and its body stays as it was.
    """

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        """Record a completed request and give the reply of the first rule that matches.

        Raises:
            UnmatchedRequestError: no rule matches.
            ClosedError: the connector was closed.
            StableHTTPError: the reply is this error, or the request cannot be sent.
        """
        self._memory.check_open()
        outgoing = AsyncOutgoing(request, READER)
        turn = _Turn(self._memory, request)
        listening: asyncio.Task[None] | None = None
        try:
            if turn.is_talk:
                arrival = turn.settle(BytesBody())
                listening = asyncio.get_running_loop().create_task(_listen(outgoing, turn))
            elif turn.is_early:
                arrival = turn.settle(AsyncIterableBody(_alive(outgoing, turn), length=outgoing.length))
            else:
                async for chunk in outgoing:
                    turn.got(chunk)
                arrival = turn.settle(turn.got_all())
                await outgoing.aclose()
        except BaseException:
            await outgoing.aclose()
            raise
        body: AsyncBody = AsyncReceivedBody(
            AsyncArrival(arrival, outgoing, listening), length=arrival.length, held=False
        )
        return arrival.response(body, self.versions)

    async def aclose(self) -> None:
        """Refuse further requests; responses that are being read come to their end."""
        self._memory.closed = True


@final
class SyncMemoryConnector(_MemoryConnector, SyncConnector):
    """The synchronous twin of `AsyncMemoryConnector`; duplex, which is asynchronous only, is not declared."""

    SUPPORTS_DUPLEX_STREAMING: ClassVar[bool] = False
    _left_out = frozenset({Capability.DUPLEX})

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        """Record a completed request and give the reply of the first rule that matches.

        Raises:
            UnmatchedRequestError: no rule matches.
            ClosedError: the connector was closed.
            StableHTTPError: the reply is this error, or the request cannot be sent.
        """
        self._memory.check_open()
        outgoing = SyncOutgoing(request, READER)
        turn = _Turn(self._memory, request)
        try:
            if turn.is_early:
                arrival = turn.settle(IterableBody(_live(outgoing, turn), length=outgoing.length))
            else:
                for chunk in outgoing:
                    turn.got(chunk)
                arrival = turn.settle(turn.got_all())
                outgoing.close()
            check_sync(arrival.body)
        except BaseException:
            outgoing.close()
            raise
        body: SyncBody = SyncReceivedBody(SyncArrival(arrival, outgoing), length=arrival.length, held=False)
        return arrival.response(body, self.versions)

    def close(self) -> None:
        """Refuse further requests; responses that are being read come to their end."""
        self._memory.closed = True


async def _listen(outgoing: AsyncOutgoing, turn: _Turn) -> None:
    """Record what is sent, beside the response."""
    async for chunk in outgoing:
        turn.got(chunk)
    turn.got_all()


async def _alive(outgoing: AsyncOutgoing, turn: _Turn) -> AsyncIterator[bytes]:
    async for chunk in outgoing:
        turn.got(chunk)
        yield chunk
    turn.got_all()


def _live(outgoing: SyncOutgoing, turn: _Turn) -> Iterator[bytes]:
    for chunk in outgoing:
        turn.got(chunk)
        yield chunk
    turn.got_all()
