"""Server-sent events as the WHATWG HTML standard reads them (§9.2.6)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from stablehttp._errors import MisuseError
from stablehttp.framing import (
    FrameTooLargeError,
    InvalidFrameError,
    ServerSentEvent,
    ServerSentEventDecoder,
    ServerSentEventLimits,
)


def event(data: str, kind: str = "message", last: str = "") -> ServerSentEvent:
    return ServerSentEvent(kind, data, last)


def decode(pieces: Iterable[bytes]) -> list[ServerSentEvent]:
    decoder = ServerSentEventDecoder()
    events = [found for piece in pieces for found in decoder.feed(piece)]
    decoder.finish()
    return events


STREAMS = {
    # The examples of §9.2.6.
    "three lines of data": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [event("YHOO\n+2\n10")]),
    "four blocks": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n",
        [event("first event", last="1"), event("second event")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [event(""), event("\n")]),
    "one space is taken off": (b"data:a\n\ndata: a\n\ndata:  a\n\n", [event("a"), event("a"), event(" a")]),
    # Ends of lines.
    "CR": (b"data: a\r\rdata: b\r\r", [event("a"), event("b")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [event("a"), event("b")]),
    "LF then CR are two ends": (b"data: a\n\rdata: b\n\r", [event("a"), event("b")]),
    "mixed": (b"data: a\rdata: b\ndata: c\r\n\n", [event("a\nb\nc")]),
    "nothing else ends a line": ("data: a\x0b\x0c\x1c\x85\u2028b\n\n".encode(), [event("a\x0b\x0c\x1c\x85\u2028b")]),
    # Fields.
    "type and id": (b"event: add\nid: 7\ndata: x\n\n", [event("x", "add", "7")]),
    "a type lasts for one event": (b"event: add\ndata: x\n\ndata: y\n\n", [event("x", "add"), event("y")]),
    "a type without data is forgotten": (b"event: add\n\ndata: y\n\n", [event("y")]),
    "an empty type is a message": (b"event: add\nevent:\ndata: x\n\n", [event("x")]),
    "an id lasts": (b"id: 1\ndata: x\n\ndata: y\n\n", [event("x", last="1"), event("y", last="1")]),
    "an id without data lasts": (b"id: 1\n\ndata: y\n\n", [event("y", last="1")]),
    "an id with NUL is ignored": (b"id: 1\nid: 2\x003\ndata: x\n\n", [event("x", last="1")]),
    "an empty id resets it": (b"id: 1\ndata: x\n\nid\ndata: y\n\n", [event("x", last="1"), event("y")]),
    "unknown fields are ignored": (b"foo: bar\ndata: x\nDATA: y\n data: z\n\n", [event("x")]),
    "comments are ignored": (b":\n: ping\ndata: x\n:data: y\n\n", [event("x")]),
    "a colon in the value": (b"data: a:b: c\n\n", [event("a:b: c")]),
    "NUL in data stays": (b"data: a\x00b\n\n", [event("a\x00b")]),
    # Octets.
    "one byte order mark is skipped": (b"\xef\xbb\xbfdata: x\n\n", [event("x")]),
    "a second byte order mark is not": (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\n", []),
    "a byte order mark later is not": (b"\n\xef\xbb\xbfdata: x\n\n", []),
    "not UTF-8": (b"data: \xff\xc3\n\ndata: \xe2\x82x\n\n", [event("\ufffd\ufffd"), event("\ufffdx")]),
    # Ends of streams.
    "an event without an empty line is dropped": (b"data: x\n\ndata: y\n", [event("x")]),
    "an event in the middle of a line is dropped": (b"data: x\n\ndata: y", [event("x")]),
    "an event that ends with one CR": (b"data: x\r", []),
    "nothing": (b"", []),
    "only a byte order mark": (b"\xef\xbb\xbf", []),
    "empty lines only": (b"\n\r\n\r", []),
}  # fmt: skip


@pytest.mark.parametrize(("octets", "wanted"), STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_gives_its_events_however_it_is_cut(octets: bytes, wanted: list[ServerSentEvent]) -> None:
    assert decode([octets]) == wanted
    assert decode(octets[place : place + 1] for place in range(len(octets))) == wanted
    for place in range(len(octets) + 1):
        assert decode([octets[:place], b"", octets[place:]]) == wanted


@pytest.mark.parametrize("octets", [b"data: x\n\n", b"data: x\r\r", b"data: x\r\n\r"], ids=["LF", "CR", "CRLF"])
def test_an_event_does_not_wait_for_an_octet_after_its_end(octets: bytes) -> None:
    assert list(ServerSentEventDecoder().feed(octets)) == [event("x")]


def test_an_lf_after_the_cr_of_the_last_piece_ends_no_line() -> None:
    decoder = ServerSentEventDecoder()

    assert list(decoder.feed(b"data: x\r\n\r")) == [event("x")]
    assert list(decoder.feed(b"\ndata: y\r\n\r\n")) == [event("y")]


RETRIES = {
    "digits": (b"retry: 3000\n\n", 3000),
    "no event is needed": (b"retry: 10\n", 10),
    "zero": (b"retry: 0\n", 0),
    "nothing": (b"retry\n", None),
    "a sign": (b"retry: -1\n", None),
    "a fraction": (b"retry: 1.5\n", None),
    "a space after": (b"retry: 1 \n", None),
    "other digits": ("retry: ٣\n".encode(), None),
    "more digits than any clock has": (b"retry: " + b"9" * 5000 + b"\n", None),
    "the last one counts": (b"retry: 1\nretry: 2\nretry: x\n", 2),
}


@pytest.mark.parametrize(("octets", "wanted"), RETRIES.values(), ids=RETRIES.keys())
def test_retry_takes_ascii_digits_only(octets: bytes, wanted: int | None) -> None:
    decoder = ServerSentEventDecoder()

    assert list(decoder.feed(octets)) == []
    assert decoder.retry == wanted


def test_the_last_event_id_is_that_of_the_last_whole_block() -> None:
    decoder = ServerSentEventDecoder(last_event_id="0", retry=5)

    assert list(decoder.feed(b"data: x\n\nid: 1\n\nid: 2\ndata: y\n")) == [event("x", last="0")]
    decoder.finish()

    assert (decoder.last_event_id, decoder.retry) == ("1", 5)


def test_a_line_beyond_the_limit_is_refused_before_its_end() -> None:
    decoder = ServerSentEventDecoder(limits=ServerSentEventLimits(line=8))

    assert list(decoder.feed(b"data: xy\n\n")) == [event("xy")]
    assert list(decoder.feed(b"data: xy")) == []
    with pytest.raises(FrameTooLargeError, match="longer than the limit of 8 octets") as caught:
        list(decoder.feed(b"z"))
    assert caught.value.limit == 8
    with pytest.raises(FrameTooLargeError):
        decoder.finish()


def test_a_whole_line_beyond_the_limit_is_refused_too() -> None:
    decoder = ServerSentEventDecoder(limits=ServerSentEventLimits(line=8))

    with pytest.raises(FrameTooLargeError):
        list(decoder.feed(b"data: xyz\n\n"))


def test_an_event_beyond_the_limit_is_refused_and_the_limit_is_for_each() -> None:
    decoder = ServerSentEventDecoder(limits=ServerSentEventLimits(line=8, event=16))

    assert list(decoder.feed(b"data: ab\ndata: cd\n\n" * 3)) == [event("ab\ncd")] * 3
    with pytest.raises(FrameTooLargeError, match="lines of an event are longer than the limit of 16 octets"):
        list(decoder.feed(b"data: ab\ndata: cd\ndata: e\n"))


def test_empty_data_lines_count_so_that_they_are_bounded_too() -> None:
    decoder = ServerSentEventDecoder(limits=ServerSentEventLimits(event=100))

    with pytest.raises(FrameTooLargeError):
        list(decoder.feed(b"data\n" * 1000))


def test_events_before_a_line_that_is_too_long_are_given_first() -> None:
    decoder = ServerSentEventDecoder(limits=ServerSentEventLimits(line=8))
    events = decoder.feed(b"data: x\n\n" + b"z" * 9)

    assert next(events) == event("x")
    with pytest.raises(FrameTooLargeError):
        next(events)


def test_a_finished_decoder_takes_nothing() -> None:
    decoder = ServerSentEventDecoder()
    decoder.finish()

    with pytest.raises(MisuseError):
        decoder.feed(b"data: x\n\n")


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidFrameError, match="limit 'line' is -1"):
        ServerSentEventLimits(line=-1)
