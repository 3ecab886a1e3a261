"""What messages of an event stream mean, and the handlers that are told (S15)."""

from __future__ import annotations

import pickle

import pytest

from stablehttp.framing import (
    INITIAL_RESPONSE,
    ChecksumError,
    ErrorEvent,
    Event,
    EventHandlers,
    EventHeader,
    EventMessage,
    EventReader,
    EventStreamError,
    ExceptionEvent,
    HeaderType,
    InitialResponse,
    InvalidFrameError,
    StreamEvent,
    StreamFormatError,
    TruncatedStreamError,
    check_event,
    classify_message,
    encode_event_message,
    make_event,
)


def message(*headers: tuple[str, str], payload: bytes = b"") -> EventMessage:
    return EventMessage(tuple(EventHeader.of(name, value) for name, value in headers), payload)


RECORDS = make_event("Records", b"a,b", content_type="application/octet-stream")
INITIAL = make_event(INITIAL_RESPONSE, b"{}", content_type="application/json")
EXCEPTION = message((":message-type", "exception"), (":exception-type", "Throttled"), payload=b'{"message":"secret"}')
ERROR = message((":message-type", "error"), (":error-code", "InternalError"), (":error-message", "secret"))


def test_each_message_means_one_of_four_things() -> None:
    """S15."""
    assert classify_message(RECORDS) == Event(RECORDS, "Records")
    assert classify_message(INITIAL) == InitialResponse(INITIAL)
    assert classify_message(EXCEPTION) == ExceptionEvent(EXCEPTION, "Throttled")
    assert classify_message(ERROR) == ErrorEvent(ERROR, "InternalError", "secret")


def test_an_event_gives_its_payload_and_content_type() -> None:
    event = classify_message(RECORDS)

    assert (event.payload, event.content_type) == (b"a,b", "application/octet-stream")
    assert classify_message(EXCEPTION).content_type is None


def test_an_error_may_lack_a_text() -> None:
    event = classify_message(message((":message-type", "error"), (":error-code", "X")))

    assert isinstance(event, ErrorEvent)
    assert event.text is None


UNCLEAR = {
    "no message type": (message((":event-type", "a")), "no header ':message-type'"),
    "no event type": (message((":message-type", "event")), "no header ':event-type'"),
    "no exception type": (message((":message-type", "exception")), "no header ':exception-type'"),
    "no error code": (message((":message-type", "error")), "no header ':error-code'"),
    "an unknown message type": (message((":message-type", "note")), "unknown :message-type 'note'"),
    "a message type that is no string": (
        EventMessage((EventHeader(":message-type", HeaderType.BYTE, 1),)),
        "HeaderType.BYTE and must be a string",
    ),
}


@pytest.mark.parametrize(("given", "match"), UNCLEAR.values(), ids=UNCLEAR.keys())
def test_a_message_that_does_not_say_what_it_means_is_refused(given: EventMessage, match: str) -> None:
    with pytest.raises(StreamFormatError, match=match):
        classify_message(given)


def test_make_event_puts_what_it_is_first_and_refuses_a_name_twice() -> None:
    made = make_event("A", b"x", headers=[EventHeader.of("seq", True)])

    assert [header.name for header in made.headers] == [":message-type", ":event-type", "seq"]
    with pytest.raises(InvalidFrameError, match="':event-type' stands twice"):
        make_event("A", headers=[EventHeader.of(":event-type", "B")])


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "code"), [(EXCEPTION, "Throttled"), (ERROR, "InternalError")], ids=["modelled", "not"]
)
def test_a_failure_becomes_an_error_that_names_it_and_does_not_show_the_rest(given: EventMessage, code: str) -> None:
    """S15."""
    event = classify_message(given)

    with pytest.raises(EventStreamError, match=code) as caught:
        check_event(event)

    assert "secret" not in str(caught.value)
    assert (caught.value.code, caught.value.event) == (code, event)
    assert (caught.value.sent, caught.value.processed) == ("yes", "yes")
    assert pickle.loads(pickle.dumps(caught.value)).event == event


def test_what_is_no_failure_passes_the_check() -> None:
    event = classify_message(RECORDS)

    assert check_event(event) is event


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_reader_gives_events_of_octets_in_any_pieces(size: int) -> None:
    """S15: typed iteration is the Python way."""
    wire = b"".join(encode_event_message(each) for each in (INITIAL, RECORDS, EXCEPTION))
    reader = EventReader()

    events: list[StreamEvent] = []
    for place in range(0, len(wire), size):
        events += reader.feed(wire[place : place + size])
    reader.finish()

    assert events == [InitialResponse(INITIAL), Event(RECORDS, "Records"), ExceptionEvent(EXCEPTION, "Throttled")]


def test_a_reader_notices_a_cut_and_damage() -> None:
    wire = encode_event_message(RECORDS)
    cut, damaged = EventReader(), EventReader()
    assert list(cut.feed(wire[:-1])) == []

    with pytest.raises(TruncatedStreamError):
        cut.finish()
    with pytest.raises(ChecksumError):
        list(damaged.feed(wire[:-1] + b"\x00"))
    with pytest.raises(ChecksumError):
        damaged.feed(b"")


def test_a_reader_that_met_an_unclear_message_stays_failed() -> None:
    reader = EventReader()
    wire = encode_event_message(message(("a", "b"))) + encode_event_message(RECORDS)

    for _ in range(2):
        with pytest.raises(StreamFormatError, match="no header ':message-type'"):
            list(reader.feed(wire))


# --- handlers ------------------------------------------------------------------------------------


def test_handlers_are_told_of_what_they_asked_for_in_order() -> None:
    """S15: handlers per event type, on_error, on_headers and on_raw."""
    told: list[tuple[str, object]] = []
    handlers = EventHandlers()
    handlers.on("Records", lambda event: told.append(("records", event.payload)))
    handlers.on("Records", lambda event: told.append(("again", event.type)))
    handlers.on("Stats", lambda event: told.append(("stats", event)))
    handlers.on_initial_response(lambda event: told.append(("initial", event.payload)))
    handlers.on_error(lambda event: told.append(("error", event.message)))
    handlers.on_headers(lambda headers: told.append(("headers", headers)))
    handlers.on_raw(lambda raw: told.append(("raw", raw)))

    handlers.dispatch_headers([("Content-Type", "x")])
    for each in (INITIAL, RECORDS, make_event("Unknown"), ERROR):
        handlers.dispatch(each)

    assert told == [
        ("headers", [("Content-Type", "x")]),
        ("raw", INITIAL), ("initial", b"{}"),
        ("raw", RECORDS), ("records", b"a,b"), ("again", "Records"),
        ("raw", make_event("Unknown")),
        ("raw", ERROR), ("error", ERROR),
    ]  # fmt: skip


def test_dispatch_gives_what_the_message_means() -> None:
    assert EventHandlers().dispatch(RECORDS) == Event(RECORDS, "Records")


def test_a_failure_that_no_handler_takes_is_raised() -> None:
    """S15."""
    handlers = EventHandlers()

    with pytest.raises(EventStreamError, match="Throttled"):
        handlers.dispatch(EXCEPTION)


def test_raw_handlers_see_a_message_that_means_nothing() -> None:
    seen: list[EventMessage] = []
    handlers = EventHandlers()
    handlers.on_raw(seen.append)

    with pytest.raises(StreamFormatError):
        handlers.dispatch(message(("a", "b")))

    assert seen == [message(("a", "b"))]


def test_what_a_handler_raises_reaches_the_caller_and_stops_the_rest() -> None:
    def fail(event: Event) -> None:
        raise LookupError(event.type)

    later: list[Event] = []
    handlers = EventHandlers()
    handlers.on("Records", fail)
    handlers.on("Records", later.append)

    with pytest.raises(LookupError, match="Records"):
        handlers.dispatch(RECORDS)

    assert later == []
