"""Server-sent events read from a response, in both colours; the format itself is tested with the framing."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Sequence
from typing import Any

import pytest
from tests.contract.test_connect_responses import ca_of, every_connector, origin_for

from stablehttp import (
    AsyncConnector,
    AsyncPipeline,
    AsyncServerSentEvents,
    ContentDecodingError,
    HttpSettings,
    IncompleteResponseError,
    ReadTimeoutError,
    Request,
    Response,
    StableHTTPError,
    SyncPipeline,
    SyncServerSentEvents,
    Timeouts,
    TLSSettings,
    adecoded,
    decoded,
)
from stablehttp.framing import FrameTooLargeError, ServerSentEvent, ServerSentEventLimits, StreamFormatError
from stablehttp.testing import Answer, AsyncMemoryConnector, Close, Fault, Gate, Rule, SyncMemoryConnector
from stablehttp.testing.contract import Subject

pytestmark = pytest.mark.timeout(30)

EVENTS = [("Content-Type", "Text/Event-Stream; charset=utf-8")]
STREAM = b"retry: 250\nid: 7\ndata: one\n\nevent: news\ndata: two\ndata: lines\n\ndata: never whole"

both_colours = pytest.mark.parametrize("colour", ["async", "sync"])


async def get(colour: str, content: bytes, headers: Sequence[tuple[str, str]] = EVENTS, status: int = 200) -> Any:
    rules = [Rule(Response(status, headers=headers, body=content))]
    request = Request("GET", "https://a.test/")
    if colour == "async":
        return await AsyncPipeline(AsyncMemoryConnector(rules)).send(request)
    return SyncPipeline(SyncMemoryConnector(rules)).send(request)


def events_in(colour: str, response: Any, **options: Any) -> Any:
    return (
        AsyncServerSentEvents(response, **options) if colour == "async" else SyncServerSentEvents(response, **options)
    )


async def read(events: Any) -> list[ServerSentEvent]:
    return [each async for each in events] if isinstance(events, AsyncServerSentEvents) else list(events)


@both_colours
async def test_the_events_of_a_response_are_iterated(colour: str) -> None:
    events = events_in(colour, await get(colour, STREAM), last_event_id="6")
    assert (events.last_event_id, events.retry) == ("6", None)

    found = await read(events)

    assert found == [ServerSentEvent("message", "one", "7"), ServerSentEvent("news", "two\nlines", "7")]
    assert (events.last_event_id, events.retry) == ("7", 250)
    assert await read(events) == []


REFUSED: dict[str, tuple[int, list[tuple[str, str]], type[StableHTTPError], str]] = {
    "a status that asks to stop": (204, EVENTS, StreamFormatError, "204 asks not to connect again"),
    "an error": (500, EVENTS, StreamFormatError, "status 500 holds no events"),
    "another content type": (200, [("Content-Type", "text/html")], StreamFormatError, "'text/event-stream'"),
    "no content type": (200, [], StreamFormatError, "'text/event-stream'"),
    "a content type that is none": (200, [("Content-Type", "events")], StreamFormatError, "'text/event-stream'"),
    "coded content": (200, [*EVENTS, ("Content-Encoding", "gzip")], ContentDecodingError, r"decoded\(response\)"),
}


@both_colours
@pytest.mark.parametrize(("status", "headers", "kind", "text"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_response_without_events_is_refused_and_left_as_it_was(
    colour: str, status: int, headers: list[tuple[str, str]], kind: type[StableHTTPError], text: str
) -> None:
    content = b"" if status == 204 else b"what it says"
    response = await get(colour, content, headers, status)

    with pytest.raises(kind, match=text):
        events_in(colour, response)

    assert (await response.aread() if colour == "async" else response.read()) == content


@both_colours
async def test_coded_events_are_read_from_the_decoded_response(colour: str) -> None:
    response = await get(colour, gzip.compress(STREAM), [*EVENTS, ("Content-Encoding", "gzip")])

    events = events_in(colour, adecoded(response) if colour == "async" else decoded(response))

    assert [event.type for event in await read(events)] == ["message", "news"]


@both_colours
async def test_a_line_and_an_event_are_bounded(colour: str) -> None:
    for limits in (ServerSentEventLimits(line=100), ServerSentEventLimits(event=150)):
        content = b"data: fine\n\n" + b"data: " + b"x" * 90 + b"\ndata: " + b"y" * 120 + b"\n\n"
        events = events_in(colour, await get(colour, content), limits=limits)
        first = await anext(events) if colour == "async" else next(events)
        with pytest.raises(FrameTooLargeError):
            await read(events)

        assert first.data == "fine"
        assert await read(events) == []


@both_colours
async def test_events_that_are_left_early_are_over(colour: str) -> None:
    response = await get(colour, STREAM)
    if colour == "async":
        async with AsyncServerSentEvents(response) as events:
            assert (await anext(events)).data == "one"
    else:
        with SyncServerSentEvents(response) as events:
            assert next(events).data == "one"

    assert await read(events) == []
    assert response.body.closed


@every_connector
async def test_an_event_is_there_before_the_next_is_sent_and_a_cut_is_no_end(subject: Subject) -> None:
    """R10: through every connector; silence is bounded by the read timeout."""
    gate = Gate()
    answers = [
        Answer(200, [b"data: one\n\n", gate, b"data: two\n\n"], fields=EVENTS),
        Answer(200, [b"data: one\n\n", Gate()], fields=EVENTS),
        Answer(200, [b"data: one\n\n", b"data: two\n"], fields=EVENTS, faults=[Fault(Close(), "response end")]),
    ]
    outcomes: list[object] = []
    with origin_for(subject) as origin:
        origin.script(answers)
        ca = ca_of(origin, subject)
        settings = HttpSettings(tls=TLSSettings(ca_file=ca)) if ca else HttpSettings()
        connector = subject.make(settings, (subject.version,))

        async def aread() -> None:
            assert isinstance(connector, AsyncConnector)
            async with connector, AsyncPipeline(connector, timeouts=Timeouts(read=0.5)) as pipeline:
                for _ in answers:
                    async with AsyncServerSentEvents(await pipeline.send(Request("GET", origin.url))) as events:
                        await anext(events)
                        gate.open()
                        try:
                            outcomes.append([event.data async for event in events])
                        except StableHTTPError as error:
                            outcomes.append(error)

        def read() -> None:
            assert not isinstance(connector, AsyncConnector)
            with connector, SyncPipeline(connector, timeouts=Timeouts(read=0.5)) as pipeline:
                for _ in answers:
                    with SyncServerSentEvents(pipeline.send(Request("GET", origin.url))) as events:
                        next(events)
                        gate.open()
                        try:
                            outcomes.append([event.data for event in events])
                        except StableHTTPError as error:
                            outcomes.append(error)

        await (aread() if isinstance(connector, AsyncConnector) else asyncio.to_thread(read))

    whole, silent, cut = outcomes
    assert whole == ["two"]
    assert isinstance(silent, ReadTimeoutError)
    assert isinstance(cut, IncompleteResponseError)
    assert cut.status == 200
