"""Exchanges: two directions, their states, and what the pipeline does for them; through memory and over HTTP/1.1."""

from __future__ import annotations

import asyncio
import gc
import time
import unittest.mock
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import cast

import pytest

from stablehttp import (
    AnyRequest,
    AnyResponse,
    AsyncBody,
    AsyncPipeline,
    AsyncTransport,
    Attempt,
    BodyTakenError,
    Capability,
    ClosedError,
    ConnectError,
    DisconnectedError,
    Duplex,
    Exchange,
    Extensions,
    HttpVersion,
    Interceptor,
    InvalidBodyError,
    InvalidFieldError,
    MisuseError,
    PeerEndedError,
    ReadTimeoutError,
    Request,
    Response,
    SyncPipeline,
    Timeouts,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncConnector
from stablehttp.signers import Credentials, SigningRules, SigV4Signer
from stablehttp.testing import (
    Answer,
    AsyncMemoryConnector,
    Close,
    Early,
    Gate,
    Origin,
    Reset,
    Rule,
    SyncMemoryConnector,
)
from stablehttp_h11 import AsyncH11Connector

URL = "https://a.test/talk"


def echo(request: AnyRequest) -> Response[AsyncBody]:
    return Response(200, body=cast(AsyncBody, request.body))


def talking() -> AsyncMemoryConnector:
    return AsyncMemoryConnector([Rule(Early(echo))])


def post(url: str = URL, **fields: str) -> Request[AsyncBody]:
    return Request("POST", url, headers=list(fields.items()))


# --- a conversation -----------------------------------------------------------------------------


async def test_both_sides_talk_in_turns_and_the_request_ends_when_it_is_told_to() -> None:
    """S15 S16."""
    connector = talking()

    async with AsyncPipeline(connector).open(post()) as exchange:
        for word in (b"one", b"two", b"three"):
            await exchange.send(word)
            assert await exchange.receive() == word
        response = await exchange.response()
        await exchange.send_end()
        assert await exchange.receive() == b""

    assert response.status == 200
    assert (connector.requests[0].content, connector.requests[0].complete) == (b"onetwothree", True)


async def test_iterating_goes_on_where_an_earlier_loop_was_left() -> None:
    async with AsyncPipeline(talking()).open(post()) as exchange:
        for word in (b"one", b"two"):
            await exchange.send(word)
        await exchange.send_end()

        first = [await anext(exchange)]
        rest = [chunk async for chunk in exchange]

    assert (first, rest) == ([b"one"], [b"two"])


async def test_a_task_sends_while_another_receives() -> None:
    heard: list[bytes] = []

    async with AsyncPipeline(talking()).open(post()) as exchange:

        async def listen() -> None:
            heard.extend([chunk async for chunk in exchange])

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            for number in range(20):
                await exchange.send(b"%d" % number)
            await exchange.wait_closed()

    assert heard == [b"%d" % number for number in range(20)]


async def test_the_head_is_there_before_anything_was_sent() -> None:
    """S16: the initial response head is available separately; D7: memory answers without reading the request."""
    connector = AsyncMemoryConnector([Rule(Response(200, headers=[("X-A", "1")], body=b"hello"))])

    async with AsyncPipeline(connector).open(post()) as exchange:
        response = await exchange.response()
        assert response.headers["x-a"] == "1"
        await exchange.send(b"thanks")
        await exchange.send_end()
        assert b"".join([chunk async for chunk in exchange]) == b"hello"

    assert (connector.requests[0].content, connector.requests[0].complete) == (b"thanks", True)


async def test_the_response_can_be_read_as_any_other() -> None:
    async with AsyncPipeline(talking()).open(post()) as exchange:
        await exchange.send(b'{"a": 1}')
        await exchange.send_end()
        response = await exchange.response()
        assert await response.ajson() == {"a": 1}
        await exchange.wait_closed()


async def test_an_iterable_talks_as_well_when_the_request_says_that_it_is_duplex() -> None:
    """S18: a body is open while its iterator has not ended."""
    heard = asyncio.Event()

    async def talk() -> AsyncIterator[bytes]:
        yield b"one"
        await heard.wait()
        yield b"two"

    request = Request("POST", URL, body=talk(), extensions=Extensions([Duplex()]))
    chunks = []
    async with await AsyncPipeline(talking()).send(request) as response:
        async for chunk in response.body:
            chunks.append(chunk)
            heard.set()

    assert chunks == [b"one", b"two"]


# --- states (S17) -------------------------------------------------------------------------------


async def test_sending_after_the_end_is_refused() -> None:
    """S17."""
    async with AsyncPipeline(talking()).open(post()) as exchange:
        await exchange.send(b"one")
        assert exchange.can_send
        await exchange.send_end()

        assert not exchange.can_send
        with pytest.raises(ClosedError, match="was ended by send_end"):
            await exchange.send(b"two")
        with pytest.raises(ClosedError, match="was ended by send_end"):
            await exchange.send_end()
        assert b"".join([chunk async for chunk in exchange]) == b"one"


async def test_nothing_works_before_the_block_and_it_is_entered_once() -> None:
    """S17."""
    connector = talking()
    exchange = AsyncPipeline(connector).open(post())

    assert not exchange.can_send
    for use in (exchange.send(b"x"), exchange.send_end(), exchange.receive(), exchange.response()):
        with pytest.raises(MisuseError, match="async with pipeline.open"):
            await use
    with pytest.raises(MisuseError, match="was not entered"):
        _ = exchange.request
    async with exchange:
        pass
    with pytest.raises(MisuseError, match="entered once"):
        await exchange.__aenter__()
    assert len(connector.requests) <= 1


async def test_after_an_abort_everything_says_so_and_aborting_again_does_nothing() -> None:
    """S15: kill closes at once; S17."""
    async with AsyncPipeline(talking()).open(post()) as exchange:
        await exchange.send(b"one")
        await exchange.abort()
        await exchange.abort()

        for use in (exchange.send(b"x"), exchange.send_end(), exchange.receive(), exchange.wait_closed()):
            with pytest.raises(ClosedError, match="aborted"):
                await use


async def test_an_abort_wakes_who_sends_and_who_receives() -> None:
    connector = AsyncMemoryConnector([Rule(Early(lambda _: Response(200, body=never())))])

    async with AsyncPipeline(connector).open(post()) as exchange:
        receiving = asyncio.create_task(exchange.receive())
        sending = asyncio.create_task(exchange.send(bytes(200_000)))
        await asyncio.sleep(0.01)
        assert not sending.done()
        await exchange.abort()

        with pytest.raises(ClosedError, match="aborted"):
            await sending
        with pytest.raises(ClosedError, match="aborted"):
            await receiving
        assert receiving.cancelling() == 0


async def never() -> AsyncIterator[bytes]:
    await asyncio.get_running_loop().create_future()
    yield b""


async def test_a_wait_that_was_cancelled_is_taken_up_by_the_next() -> None:
    """U-J2: a timeout around one wait costs neither the exchange nor a chunk."""
    async with AsyncPipeline(talking()).open(post()) as exchange:
        for word in (b"one", b"two"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await exchange.receive()
            await exchange.send(word)
            await asyncio.sleep(0.01)
            assert await exchange.receive() == word
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await exchange.receive()
        await exchange.wait_closed()


async def test_only_one_task_receives() -> None:
    async with AsyncPipeline(talking()).open(post()) as exchange:
        first = asyncio.create_task(exchange.receive())
        await asyncio.sleep(0)
        with pytest.raises(MisuseError, match="two tasks"):
            await exchange.receive()
        await exchange.send(b"x")
        assert await first == b"x"


async def test_what_is_sent_is_octets() -> None:
    async with AsyncPipeline(talking()).open(post()) as exchange:
        with pytest.raises(InvalidBodyError):
            await exchange.send(cast(bytes, "text"))
        for octets in (bytearray(b"ab"), memoryview(b"cd"), b""):
            await exchange.send(octets)
        await exchange.send_end()
        assert b"".join([chunk async for chunk in exchange]) == b"abcd"


async def test_what_is_sent_belongs_to_the_exchange() -> None:
    """A buffer may be changed when `send` has returned."""
    buffer = bytearray(b"before")
    async with AsyncPipeline(talking()).open(post()) as exchange:
        await exchange.send(buffer)
        buffer[:] = b"after!"
        assert await exchange.receive() == b"before"


# --- trailers -----------------------------------------------------------------------------------


async def test_trailers_that_were_announced_follow_the_content() -> None:
    with Origin(Answer.duplex()) as origin:
        async with AsyncH11Connector() as connector:
            request = post(origin.url, Trailer="X-Sum, x-other")
            async with AsyncPipeline(connector).open(request) as exchange:
                await exchange.send(b"content")
                with pytest.raises(InvalidFieldError, match="'x-other' is missing"):
                    await exchange.send_end([("X-Sum", "1")])
                with pytest.raises(InvalidFieldError, match="'x-more' was not announced"):
                    await exchange.send_end([("X-Sum", "1"), ("x-other", "2"), ("X-More", "3")])
                with pytest.raises(InvalidFieldError, match="missing"):
                    await exchange.wait_closed()
                await exchange.send_end([("X-Sum", "1"), ("x-other", "2")])
                assert await exchange.receive() == b"content"
                await exchange.wait_closed()

        received = origin.take()

    assert received.trailers == ((b"X-Sum", b"1"), (b"x-other", b"2"))
    assert received.complete


async def test_trailers_given_with_the_request_need_not_be_given_again() -> None:
    connector = AsyncMemoryConnector([Rule(Early(echo))])
    request = Request("POST", URL, trailers=[("X-Known", "1")])

    async with AsyncPipeline(connector).open(request) as exchange:
        await exchange.send(b"x")
        await exchange.wait_closed()

    assert list(connector.requests[0].trailers) == [("X-Known", "1")]


async def test_a_trailer_that_comes_too_late_for_what_it_says_is_refused() -> None:
    async with AsyncPipeline(talking()).open(post(Trailer="X-A")) as exchange:
        with pytest.raises(InvalidFieldError, match="Content-Length"):
            await exchange.send_end([("X-A", "1"), ("Content-Length", "3")])


# --- refused before anything happens (D4, D13) --------------------------------------------------


class Plain:
    """A transport that was written before there was duplex."""

    def __init__(self) -> None:
        self.requests: list[AnyRequest] = []

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        self.requests.append(request)
        return Response(200, body=b"")


class Spy(Interceptor):
    def __init__(self) -> None:
        self.seen: list[str] = []
        self.attempts: list[Attempt] = []

    def modify_before_signing(self, request: AnyRequest) -> None:
        self.seen.append("before signing")
        request.headers.set("X-Hook", "1")

    def read_after_signing(self, request: AnyRequest) -> None:
        self.seen.append("after signing")

    def read_after_transmit(self, response: AnyResponse) -> None:
        self.seen.append(f"response {response.status}")

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


@pytest.mark.parametrize("transport", [Plain(), unittest.mock.Mock()], ids=["without the attribute", "mock"])
def test_a_transport_that_does_not_declare_duplex_is_refused_before_anything(transport: object) -> None:
    """D2 D3 D4 D5: at the call, without a loop, before hooks, body and socket."""
    spy = Spy()
    pipeline = AsyncPipeline(cast(AsyncTransport, transport), interceptors=[spy])

    with pytest.raises(UnsupportedTransportError) as caught:
        pipeline.open(post())

    assert spy.seen == []
    assert not isinstance(transport, Plain) or transport.requests == []
    assert caught.value.transport == type(transport).__name__
    assert caught.value.capability == Capability.DUPLEX.value
    for part in (type(transport).__name__, "duplex", "bidirectional", "crt", "SUPPORTS_DUPLEX_STREAMING = True"):
        assert part in str(caught.value)


async def test_a_request_marked_duplex_is_refused_with_its_body_unread() -> None:
    """D4: the body stays unstarted and usable."""
    started = False

    async def talk() -> AsyncIterator[bytes]:
        nonlocal started
        started = True
        yield b"x"

    spy, body = Spy(), talk()
    request = Request("POST", URL, body=body, extensions=Extensions([Duplex()]))
    with pytest.raises(UnsupportedTransportError, match="duplex"):
        await AsyncPipeline(Plain(), interceptors=[spy]).send(request)

    assert (started, spy.seen) == (False, [])
    assert [chunk async for chunk in body] == [b"x"]


def test_duplex_is_asynchronous_only() -> None:
    connector = SyncMemoryConnector([Rule(Response(200))])
    request = Request("POST", URL, extensions=Extensions([Duplex()]))

    with pytest.raises(UnsupportedTransportError, match="asynchronous"):
        SyncPipeline(connector).send(request)

    assert connector.requests == ()


async def test_a_version_that_cannot_do_it_is_refused_when_it_was_negotiated() -> None:
    """D13: the declared flag does not hold after a fallback."""

    class Falls(AsyncConnector):
        name = "falls"
        capabilities = {  # noqa: RUF012
            HttpVersion.HTTP_1_1: frozenset(Capability) - {Capability.DUPLEX},
            HttpVersion.HTTP_2: frozenset(Capability),
        }

        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            return Response(200, body=b"", http_version=HttpVersion.HTTP_1_1)

    spy = Spy()
    async with AsyncPipeline(Falls(), interceptors=[spy]).open(post()) as exchange:
        with pytest.raises(UnsupportedTransportError, match="over HTTP/1.1, which the peers agreed on") as caught:
            await exchange.response()
        with pytest.raises(UnsupportedTransportError):
            await exchange.send(b"x")

    assert caught.value.negotiated == "HTTP/1.1"
    assert [attempt.error for attempt in spy.attempts] == [caught.value]


async def test_a_request_with_content_of_its_own_is_no_exchange() -> None:
    with pytest.raises(MisuseError, match="without a body"):
        AsyncPipeline(talking()).open(Request("POST", URL, body=b"content"))


# --- hooks, signing, attempts -------------------------------------------------------------------


async def test_hooks_signing_and_the_attempt_are_as_for_any_request() -> None:
    spy, request = Spy(), post()
    rules = SigningRules(content="events")
    signer = SigV4Signer(Credentials("AKID", "secret"), region="eu-west-1", service="transcribe", rules=rules)
    pipeline = AsyncPipeline(
        talking(), interceptors=[spy], signer=signer, clock=lambda: datetime(2026, 11, 21, tzinfo=UTC)
    )

    async with pipeline.open(request) as exchange:
        assert "Signature=" in exchange.request.headers["Authorization"]
        assert exchange.request.headers["X-Hook"] == "1"
        assert exchange.request.headers["Transfer-Encoding"] == "chunked"
        response = await exchange.response()

    assert spy.seen == ["before signing", "after signing", "response 200"]
    assert (spy.attempts[0].status, spy.attempts[0].error) == (200, None)
    assert response.request_uri == URL
    assert list(request.headers) == []
    assert Duplex not in request.extensions


async def test_a_failure_reaches_who_waits_for_the_head_and_who_sends() -> None:
    """U-J2."""
    error = ConnectError("nobody there")
    spy = Spy()

    async with AsyncPipeline(AsyncMemoryConnector([Rule(error)]), interceptors=[spy]).open(post()) as exchange:
        with pytest.raises(ConnectError):
            await exchange.receive()
        with pytest.raises(ConnectError):
            await exchange.send(b"x")
        with pytest.raises(ConnectError):
            await exchange.response()
        with pytest.raises(ConnectError):
            await exchange.wait_closed()

    assert len(spy.attempts) == 1
    assert spy.attempts[0].error is not None
    assert spy.attempts[0].method == "POST"


async def test_a_sender_that_waits_for_room_hears_that_the_exchange_failed() -> None:
    """U-J2: no reader ever comes."""

    class Fails(Plain):
        SUPPORTS_DUPLEX_STREAMING = True

        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            await asyncio.sleep(0.01)
            raise ConnectError("nobody there")

    async with AsyncPipeline(Fails()).open(post()) as exchange:
        with pytest.raises(ConnectError):
            while True:
                await exchange.send(bytes(10_000))


async def test_leaving_the_block_with_an_error_gives_everything_up() -> None:
    connector = talking()

    with pytest.raises(ZeroDivisionError):
        async with AsyncPipeline(connector).open(post()) as exchange:
            await exchange.send(b"one")
            await exchange.receive()
            raise ZeroDivisionError

    assert not connector.requests[0].complete
    gc.collect()


async def test_an_exchange_that_is_left_at_once_is_over_when_the_block_is() -> None:
    """U-J2: sending has begun, and has ended."""
    steps: list[str] = []

    class Waits(Plain):
        SUPPORTS_DUPLEX_STREAMING = True

        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            steps.append("begun")
            try:
                return await asyncio.get_running_loop().create_future()
            finally:
                steps.append("ended")

    async with AsyncPipeline(Waits()).open(post()):
        pass
    entering = asyncio.create_task(AsyncPipeline(Waits()).open(post()).__aenter__())
    await asyncio.sleep(0)
    entering.cancel()
    await asyncio.wait([entering])

    assert entering.cancelled()
    assert steps in (["begun", "ended"] * 2, ["begun", "ended"])


async def test_content_read_from_the_response_is_not_received_as_well() -> None:
    async with AsyncPipeline(talking()).open(post()) as exchange:
        await exchange.send(b"one")
        response = await exchange.response()
        await anext(aiter(response.body))
        with pytest.raises(MisuseError, match="read from the response"):
            await exchange.wait_closed()
        with pytest.raises(BodyTakenError):
            await exchange.receive()


# --- over HTTP/1.1 ------------------------------------------------------------------------------


async def test_a_conversation_over_sockets_gives_its_connection_back() -> None:
    with Origin(Answer.duplex()) as origin:
        async with AsyncH11Connector() as connector:
            for _ in range(2):
                async with AsyncPipeline(connector).open(post(origin.url)) as exchange:
                    for word in (b"one", b"two"):
                        await exchange.send(word)
                        assert await exchange.receive() == word
                    await exchange.wait_closed()

        assert [len(track.peer) > 0 for track in origin.connections] == [True]
        assert [received.chunks for received in origin.requests] == [(3, 3), (3, 3)]


async def test_an_idle_timeout_is_not_the_time_of_the_whole_exchange() -> None:
    """R10: `read` bounds the silence of the peer once it has begun to answer; without it a talk may be silent."""
    gate = Gate()
    with Origin(Answer(200, [b"first", gate, b"second"], reading="while")) as origin:
        async with AsyncH11Connector() as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=0.2))
            async with pipeline.open(post(origin.url)) as exchange:
                await asyncio.sleep(0.3)  # nobody waits meanwhile
                assert await exchange.receive() == b"first"
                with pytest.raises(ReadTimeoutError):
                    await exchange.receive()
                with pytest.raises(ReadTimeoutError):
                    await exchange.send(b"x")
            gate.open()


async def test_a_peer_that_ends_first_takes_no_more() -> None:
    """U-J2: what it had to say can be read, and who sends learns that nobody listens."""
    with Origin(Answer(200, b"that is all", reading="while")) as origin:
        async with AsyncH11Connector() as connector, AsyncPipeline(connector).open(post(origin.url)) as exchange:
            await exchange.send(b"one")
            assert b"".join([chunk async for chunk in exchange]) == b"that is all"
            with pytest.raises(PeerEndedError, match="status 200") as caught:
                await exchange.send(b"two")

    assert (caught.value.status, caught.value.processed) == (200, "yes")


async def test_a_connection_that_breaks_ends_both_directions() -> None:
    """U-J2."""
    with Origin(Answer.failing(Reset(), "request content", 3)) as origin:
        async with AsyncH11Connector() as connector, AsyncPipeline(connector).open(post(origin.url)) as exchange:
            await exchange.send(b"one")
            since = time.monotonic()
            with pytest.raises(DisconnectedError):
                await exchange.receive()
            with pytest.raises(DisconnectedError):
                await exchange.send(b"two")
            with pytest.raises(DisconnectedError):
                await exchange.receive()
            assert time.monotonic() - since < 1


async def test_the_connector_closing_ends_the_exchange() -> None:
    with Origin(Answer.failing(Close(), "request content", 3)) as origin:
        async with AsyncH11Connector() as connector, AsyncPipeline(connector).open(post(origin.url)) as exchange:
            await exchange.send(b"one")
            with pytest.raises(DisconnectedError):
                await exchange.response()


def test_an_exchange_is_a_name_of_the_door() -> None:
    assert Exchange.__module__ == "stablehttp._exchange"
