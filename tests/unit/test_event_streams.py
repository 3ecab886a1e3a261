"""Event streams through requests, responses and exchanges; the origin checks every signature of a chain itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from tests.event_chain import SECRET, SIGNER, checked_payloads

from stablehttp import (
    AsyncBody,
    AsyncPipeline,
    BytesBody,
    ClosedError,
    ContentDecodingError,
    EventStream,
    MisuseError,
    PeerEndedError,
    Request,
    Response,
    SigningError,
    SyncPipeline,
    aread_events,
    as_event_stream,
    read_events,
    with_events,
)
from stablehttp.framing import (
    Event,
    EventHandlers,
    EventHeader,
    EventMessage,
    EventStreamDecoder,
    EventStreamError,
    EventStreamLimits,
    ExceptionEvent,
    FrameTooLargeError,
    HeaderType,
    InitialResponse,
    StreamFormatError,
    TruncatedStreamError,
    encode_event_message,
    make_event,
)
from stablehttp.testing import Answer, Gate, Origin
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector

EVENTS = {"Content-Type": "application/vnd.amazon.eventstream"}


def octets(kind: str, payload: bytes = b"", message_type: str = "event") -> bytes:
    if message_type == "event":
        return encode_event_message(make_event(kind, payload))
    names = (":message-type", message_type), (":exception-type", kind)
    return encode_event_message(
        EventMessage(tuple(EventHeader(name, HeaderType.STRING, value) for name, value in names), payload)
    )


def answering(*steps: bytes | Gate, status: int = 200, **more: object) -> Answer:
    return Answer(status, list(steps), fields=list(EVENTS.items()), reading="while", framing="chunked", **more)  # type: ignore[arg-type]


def post(url: str) -> Request[BytesBody]:
    return Request("POST", url)


# --- both directions ----------------------------------------------------------------------------


async def test_signed_events_go_and_others_come_at_the_same_time() -> None:
    """S15 S16: a duplex event stream, whose server checks each signature."""
    gate, end = Gate(), Gate()
    begin = octets("initial-response", b"{}") + octets("Transcript", b"one")
    answer = answering(begin, gate, octets("Transcript", b"2"), end)
    with Origin(answer) as origin:
        async with AsyncH11Connector() as connector:
            pipeline = AsyncPipeline(connector, signer=SIGNER)
            request = as_event_stream(post(origin.url), signed=True)
            async with EventStream(pipeline.open(request)) as stream:
                await stream.send(make_event("Audio", b"a"))
                initial = await stream.initial_response()
                first = await anext(aiter(stream))
                gate.open()
                await stream.send(make_event("Audio", b"b"))
                second = await anext(aiter(stream))
                await stream.send_end()
                end.open()
                await stream.wait_closed()
                assert (await stream.response()).status == 200

        received = origin.take()

    assert isinstance(initial, InitialResponse)
    assert [(event.type, event.payload) for event in (first, second) if isinstance(event, Event)] == [
        ("Transcript", b"one"),
        ("Transcript", b"2"),
    ]
    assert checked_payloads(received) == [b"a", b"b"]
    assert received.values("content-type") == (EVENTS["Content-Type"].encode(),)


async def test_two_streams_opened_with_one_request_are_signed_each_for_itself() -> None:
    """S15, W11."""
    with Origin(Answer.duplex()) as origin:
        async with AsyncH11Connector() as connector:
            pipeline = AsyncPipeline(connector, signer=SIGNER)
            request = as_event_stream(post(origin.url), signed=True)
            async with EventStream(pipeline.open(request)) as first, EventStream(pipeline.open(request)) as second:
                for stream, name in ((first, b"1"), (second, b"2"), (first, b"1")):
                    await stream.send(make_event("Audio", name))
                for stream in (first, second):
                    await stream.send_end()
                    await stream.wait_closed()

        sent = [checked_payloads(received) for received in origin.requests]

    assert sorted(sent) == [[b"1", b"1"], [b"2"]]


async def test_events_without_signatures_are_sent_as_they_are() -> None:
    with Origin(answering(octets("Done"))) as origin:
        async with AsyncH11Connector() as connector:
            request = as_event_stream(Request("POST", origin.url, headers=[("Content-Type", "application/own")]))
            async with EventStream(AsyncPipeline(connector).open(request)) as stream:
                await stream.send(make_event("Audio", b"a"))
                assert await stream.initial_response() is None
                assert [event.payload async for event in stream] == [b""]

        received = origin.take()

    assert received.values("content-type") == (b"application/own",)


async def test_handlers_are_called_until_the_peer_has_ended() -> None:
    """S15: per event type, and on errors, headers and raw messages."""
    content = octets("A", b"1") + octets("B", b"2") + octets("A", b"3") + octets("Bad", b"!", "exception")
    calls: list[str] = []
    handlers = EventHandlers()
    handlers.on("A", lambda event: calls.append(f"A {event.payload!r}"))
    handlers.on_error(lambda error: calls.append(f"error {error.payload!r}"))
    handlers.on_headers(lambda lines: calls.append(f"headers {dict(lines)['Content-Type']}"))
    handlers.on_raw(lambda message: calls.append("raw"))

    with Origin(answering(content[:50], content[50:])) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector).open(as_event_stream(post(origin.url)))
            async with EventStream(opened) as stream:
                await stream.dispatch(handlers)

    assert calls == [
        f"headers {EVENTS['Content-Type']}",
        *["raw", "A b'1'", "raw", "raw", "A b'3'", "raw", "error b'!'"],
    ]


async def test_an_exception_among_the_events_is_raised() -> None:
    """S15."""
    with Origin(answering(octets("A", b"1"), octets("Throttled", b"slow", "exception"))) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector).open(as_event_stream(post(origin.url)))
            async with EventStream(opened) as stream:
                assert (await anext(aiter(stream))).payload == b"1"
                with pytest.raises(EventStreamError, match="Throttled") as caught:
                    await anext(aiter(stream))

    assert isinstance(caught.value.event, ExceptionEvent)
    assert (caught.value.code, caught.value.event.payload) == ("Throttled", b"slow")


async def test_a_response_that_is_no_event_stream_is_told_apart() -> None:
    refusals: list[tuple[Answer, Callable[[BaseException], bool]]] = [
        (Answer(403, b"{}", reading="while"), lambda error: getattr(error, "status", None) == 403),
        (Answer(200, b"{}", reading="while", fields=[("Content-Type", "text/plain")]), lambda _: True),
    ]
    for answer, as_told in refusals:
        with Origin(answer) as origin:
            async with AsyncH11Connector() as connector:
                opened = AsyncPipeline(connector).open(as_event_stream(post(origin.url)))
                async with EventStream(opened) as stream:
                    with pytest.raises(StreamFormatError) as caught:
                        await anext(aiter(stream))
                    assert as_told(caught.value)
                    assert await (await stream.response()).aread() == b"{}"


async def test_a_stream_that_was_cut_is_no_end() -> None:
    whole = octets("A", b"1")
    with Origin(answering(whole, whole[:-3])) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector).open(as_event_stream(post(origin.url)))
            async with EventStream(opened) as stream:
                assert (await anext(aiter(stream))).payload == b"1"
                with pytest.raises(TruncatedStreamError):
                    await anext(aiter(stream))


async def test_events_are_bounded() -> None:
    with Origin(answering(octets("A", bytes(2000)))) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector).open(as_event_stream(post(origin.url)))
            async with EventStream(opened, limits=EventStreamLimits(payload=1000)) as stream:
                with pytest.raises(FrameTooLargeError):
                    await anext(aiter(stream))


async def test_ending_and_aborting_gate_what_comes_after() -> None:
    """S15 S17: end_input_stream, kill."""
    with Origin(answering(octets("A"), Gate())) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector, signer=SIGNER).open(as_event_stream(post(origin.url), signed=True))
            async with EventStream(opened) as stream:
                await stream.send(make_event("Audio", b"a"))
                await stream.send_end()
                for late in (stream.send(make_event("Audio", b"b")), stream.send_end()):
                    with pytest.raises(ClosedError, match="ended by send_end"):
                        await late
                assert (await anext(aiter(stream))).payload == b""
                await stream.abort()
                with pytest.raises(ClosedError, match="aborted"):
                    await anext(aiter(stream))
                assert not stream.exchange.can_send

        received = origin.take()

    assert checked_payloads(received) == [b"a"]


async def test_a_peer_that_refuses_ends_a_signed_stream() -> None:
    with Origin(Answer(403, b"{}", reading="never", connection="close")) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector, signer=SIGNER).open(as_event_stream(post(origin.url), signed=True))
            async with EventStream(opened) as stream:
                assert (await stream.response()).status == 403
                with pytest.raises(PeerEndedError, match="403"):
                    await stream.send(make_event("Audio", b"a"))


async def test_a_chain_with_a_gap_sends_nothing_more() -> None:
    gate = Gate()
    with Origin(Answer(200, hold=gate, reading="never"), receive_buffer=4096) as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector, signer=SIGNER).open(as_event_stream(post(origin.url), signed=True))
            async with EventStream(opened) as stream:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.5):
                        while True:
                            await stream.send(make_event("Audio", bytes(1 << 20)))
                with pytest.raises(MisuseError, match="was lost"):
                    await stream.send(make_event("Audio", b"a"))
            gate.open()


async def test_tasks_that_send_at_the_same_time_keep_the_chain() -> None:
    with Origin() as origin:
        async with AsyncH11Connector() as connector:
            opened = AsyncPipeline(connector, signer=SIGNER).open(as_event_stream(post(origin.url), signed=True))
            async with EventStream(opened) as stream:
                async with asyncio.TaskGroup() as group:
                    for number in range(20):
                        group.create_task(stream.send(make_event("Audio", bytes([number]) * 50_000)))
                await stream.wait_closed()

        received = origin.take()

    assert sorted(payload[:1] for payload in checked_payloads(received)) == [bytes([number]) for number in range(20)]


# --- one direction ------------------------------------------------------------------------------


async def test_events_are_sent_with_any_request_and_signed_again_each_time() -> None:
    """S15: simplex out."""

    class Audio:
        async def __aiter__(self) -> AsyncIterator[EventMessage]:
            for payload in (b"one", b"two"):
                yield make_event("Audio", payload)

    with Origin() as origin:
        async with AsyncH11Connector() as connector:
            request = with_events(post(origin.url), Audio(), signed=True)
            for _ in range(2):
                await (await AsyncPipeline(connector, signer=SIGNER).send(request)).aread()

        first, second = origin.take(), origin.take()

    assert checked_payloads(first) == checked_payloads(second) == [b"one", b"two"]


def test_synchronous_users_send_and_read_events_as_iterators() -> None:
    """S15 R3: simplex out and in."""

    def audio() -> Iterator[EventMessage]:
        yield make_event("Audio", b"one")

    answer = Answer(200, [octets("A", b"1"), octets("B", b"2")], fields=list(EVENTS.items()))
    with Origin(answer) as origin, SyncH11Connector() as connector:
        pipeline = SyncPipeline(connector, signer=SIGNER)
        with pipeline.send(with_events(post(origin.url), audio(), signed=True)) as response:
            heard = [event.payload for event in read_events(response)]
        with pipeline.send(with_events(post(origin.url), [make_event("Audio", b"two")])) as response:
            response.read()

        received, plain = origin.take(), origin.take()

    assert heard == [b"1", b"2"]
    assert checked_payloads(received) == [b"one"]
    assert [message.payload for message in EventStreamDecoder().feed(plain.content)] == [b"two"]


async def test_events_are_read_from_any_response() -> None:
    """S15: simplex in."""
    whole = octets("initial-response", b"{}") + octets("A", b"1")
    response: Response[AsyncBody] = Response(200, headers=list(EVENTS.items()), body=pieces(whole, 7))

    heard = [event async for event in aread_events(response)]

    assert [type(event) for event in heard] == [InitialResponse, Event]


async def test_what_is_wrong_with_a_response_is_said() -> None:
    cut: Response[AsyncBody] = Response(200, headers=list(EVENTS.items()), body=pieces(octets("A")[:-1], 5))
    failing: Response[AsyncBody] = Response(
        200, headers=list(EVENTS.items()), body=pieces(octets("Bad", b"", "exception"), 5)
    )
    coded: Response[AsyncBody] = Response(
        200, headers=[*EVENTS.items(), ("Content-Encoding", "gzip")], body=pieces(b"", 5)
    )
    other: Response[AsyncBody] = Response(200, headers=[("Content-Type", "a b")], body=pieces(b"", 5))

    for response, kind in (
        (cut, TruncatedStreamError),
        (failing, EventStreamError),
        (coded, ContentDecodingError),
        (other, StreamFormatError),
    ):
        with pytest.raises(kind):
            [event async for event in aread_events(response)]


async def pieces(octets: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(octets), size):
        yield octets[start : start + size]


# --- who signs ----------------------------------------------------------------------------------


async def test_signed_events_need_a_signer_that_goes_on() -> None:
    with Origin() as origin:
        async with AsyncH11Connector() as connector:
            with pytest.raises(SigningError, match="the pipeline has none"):
                async with AsyncPipeline(connector).open(as_event_stream(post(origin.url), signed=True)):
                    pass
        assert origin.connections == ()


def test_marking_a_request_leaves_it_as_it_was() -> None:
    request = post("https://a.test/")

    marked = as_event_stream(request, signed=True)

    assert (len(request.headers), len(request.extensions)) == (0, 0)
    assert marked.headers["content-type"] == EVENTS["Content-Type"]
    assert SECRET not in repr(marked.extensions)
