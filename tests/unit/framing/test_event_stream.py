"""Amazon event streams, octet by octet: the shared vectors, damage, cuts and limits (S15)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from tests.vectors import vectors

from stablehttp._errors import MisuseError, StableHTTPError
from stablehttp.framing import (
    ChecksumError,
    EventHeader,
    EventMessage,
    EventStreamDecoder,
    EventStreamLimits,
    FrameTooLargeError,
    HeaderType,
    InvalidFrameError,
    StreamFormatError,
    TruncatedStreamError,
    encode_event_message,
)

CASES: list[dict[str, Any]] = vectors("eventstream/messages.json")
SMALL = [case for case in CASES if "hex" in case]
VALID = [case for case in SMALL if case["valid"]]
INVALID = [case for case in SMALL if not case["valid"]]

HEADER = EventHeader.of("content-type", "application/json")
MESSAGE = EventMessage((HEADER, EventHeader("n", HeaderType.SHORT, -2)), b"{'foo':'bar'}")
WIRE = encode_event_message(MESSAGE)


def named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])


def decode(pieces: Iterable[bytes]) -> list[EventMessage]:
    decoder = EventStreamDecoder()
    messages = [message for piece in pieces for message in decoder.feed(piece)]
    decoder.finish()
    return messages


def bytewise(octets: bytes) -> list[bytes]:
    return [octets[place : place + 1] for place in range(len(octets))]


def expected(case: dict[str, Any]) -> list[EventMessage]:
    from_json: dict[str, Callable[[Any], Any]] = {"byte_array": bytes.fromhex, "uuid": lambda value: UUID(hex=value)}
    return [
        EventMessage(
            tuple(
                EventHeader(name, HeaderType(kind), from_json.get(kind, lambda value: value)(value))
                for name, kind, value in message["headers"]
            ),
            bytes.fromhex(message["payload"]),
        )
        for message in case["messages"]
    ]


def frame(headers: bytes, payload: bytes = b"", *, total: int | None = None, declared: int | None = None) -> bytes:
    """A message with right checksums, whatever its lengths and headers say."""
    length = len(headers) + len(payload) + 16 if total is None else total
    lengths = struct.pack(">II", length, len(headers) if declared is None else declared)
    start = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return start + struct.pack(">I", crc32(start))


# --- the vectors --------------------------------------------------------------------------------


@named(VALID)
def test_a_valid_stream_gives_its_messages_however_it_is_cut(case: dict[str, Any]) -> None:
    """S15."""
    octets = bytes.fromhex(case["hex"])
    wanted = expected(case)

    assert decode([octets]) == wanted
    assert decode(bytewise(octets)) == wanted
    for place in range(len(octets) + 1):
        assert decode([octets[:place], octets[place:]]) == wanted


@named(VALID)
def test_a_valid_stream_is_written_again_octet_for_octet(case: dict[str, Any]) -> None:
    """S15."""
    assert b"".join(encode_event_message(message) for message in expected(case)).hex() == case["hex"]


@named(INVALID)
def test_an_invalid_stream_is_refused_however_it_is_cut(case: dict[str, Any]) -> None:
    """S15."""
    octets = bytes.fromhex(case["hex"])

    cuts = [[octets[:place], octets[place:]] for place in range(len(octets) + 1)]
    for pieces in [[octets], bytewise(octets), *cuts]:
        with pytest.raises(StreamFormatError):
            decode(pieces)


@named([case for case in CASES if "parts" in case])
def test_a_message_that_is_too_large_is_refused_from_its_first_twelve_octets(case: dict[str, Any]) -> None:
    """S15: the rest of it is never wanted."""
    head = bytes.fromhex(case["parts"][0])

    for pieces in ([head], bytewise(head), [head + b"0" * 100]):
        with pytest.raises(FrameTooLargeError):
            decode(pieces)


@named(VALID)
def test_every_changed_octet_is_noticed(case: dict[str, Any]) -> None:
    """S15."""
    octets = bytes.fromhex(case["hex"])

    for place, octet in enumerate(octets):
        for other in range(256):
            if other != octet:
                with pytest.raises(StreamFormatError):
                    decode([octets[:place], bytes([other]), octets[place + 1 :]])


@named(VALID)
def test_every_missing_tail_is_noticed(case: dict[str, Any]) -> None:
    """S15: a cut between two messages leaves fewer of them, any other is an error."""
    octets = bytes.fromhex(case["hex"])
    lengths = [len(encode_event_message(message)) for message in expected(case)]
    between = {sum(lengths[:count]): count for count in range(len(lengths))}

    for place in range(len(octets)):
        if place in between:
            assert len(decode([octets[:place]])) == between[place]
        else:
            with pytest.raises(
                TruncatedStreamError, match=f"after {place - max(b for b in between if b < place)} octets"
            ):
                decode([octets[:place]])


# --- every type of header -----------------------------------------------------------------------

EVERY_TYPE = (
    (EventHeader("t", HeaderType.BOOLEAN, True), "0174 00"),
    (EventHeader("f", HeaderType.BOOLEAN, False), "0166 01"),
    (EventHeader("b", HeaderType.BYTE, -128), "0162 02 80"),
    (EventHeader("s", HeaderType.SHORT, 32767), "0173 03 7fff"),
    (EventHeader("i", HeaderType.INTEGER, -2), "0169 04 fffffffe"),
    (EventHeader("l", HeaderType.LONG, 1 << 40), "016c 05 0000010000000000"),
    (EventHeader("a", HeaderType.BYTE_ARRAY, b"\x00\xff"), "0161 06 0002 00ff"),
    (EventHeader("é", HeaderType.STRING, "ü"), "02c3a9 07 0002 c3bc"),
    (EventHeader("e", HeaderType.STRING, ""), "0165 07 0000"),
    (EventHeader("d", HeaderType.TIMESTAMP, -1), "0164 08 ffffffffffffffff"),
    (EventHeader("u", HeaderType.UUID, UUID(int=1)), "0175 09 00000000000000000000000000000001"),
)


@pytest.mark.parametrize(("header", "octets"), EVERY_TYPE, ids=[repr(header) for header, _ in EVERY_TYPE])
def test_each_type_of_header_has_its_octets(header: EventHeader, octets: str) -> None:
    """S15."""
    wire = frame(bytes.fromhex(octets.replace(" ", "")))

    assert encode_event_message(EventMessage((header,))) == wire
    assert decode([wire]) == [EventMessage((header,))]


# --- what is refused though its checksums are right ------------------------------------------------

MALFORMED = {
    "an empty name": (b"\x00\x00", "empty name"),
    "a name twice": (b"\x01a\x00\x01a\x01", "'a' stands twice"),
    "a name that is not UTF-8": (b"\x01\xff\x00", "name of an event-stream header is not UTF-8 at octet 0"),
    "a string that is not UTF-8": (
        b"\x01a\x07\x00\x02a\xc3",
        "value of an event-stream header is not UTF-8 at octet 1",
    ),
    "a string with a surrogate": (b"\x01a\x07\x00\x03\xed\xa0\x80", "not UTF-8"),
    "an unknown type": (b"\x01a\x0a", "unknown type 10"),
    "a name past the end": (b"\x05a", "4 octets inside a header"),
    "no type": (b"\x01a", "1 octets inside a header"),
    "a number past the end": (b"\x01a\x05\x00", "7 octets inside a header"),
    "a length past the end": (b"\x01a\x06\x00", "1 octets inside a header"),
    "a byte array past the end": (b"\x01a\x06\x00\x03ab", "1 octets inside a header"),
    "a uuid past the end": (b"\x01a\x09" + bytes(15), "1 octets inside a header"),
    "a value of 2^15 octets": (b"\x01a\x06\x80\x00" + bytes(0x8000), "declares 32768 octets"),
}


@pytest.mark.parametrize(("headers", "match"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_headers_are_refused_though_the_checksums_match(headers: bytes, match: str) -> None:
    with pytest.raises(StreamFormatError, match=match):
        decode([frame(headers, b"payload")])


@pytest.mark.parametrize(
    ("total", "headers"), [(15, 0), (0, 0), (16, 1), (20, 5)], ids=["short", "empty", "no room", "one too many"]
)
def test_lengths_that_cannot_be_are_refused(total: int, headers: int) -> None:
    with pytest.raises(StreamFormatError, match="cannot hold"):
        decode([frame(b"", bytes(8), total=total, declared=headers)])


def test_headers_beyond_the_limit_are_refused_from_the_first_twelve_octets() -> None:
    with pytest.raises(FrameTooLargeError, match="131073 octets of headers") as caught:
        decode([frame(b"", total=0xFFFFFFFF, declared=128 * 1024 + 1)[:12]])

    assert (caught.value.limit, caught.value.declared) == (128 * 1024, 128 * 1024 + 1)


def test_a_wrong_prelude_is_told_from_a_wrong_message_and_lengths_are_not_believed_before() -> None:
    with pytest.raises(ChecksumError, match="first twelve octets"):
        decode([b"\xff" * 12])
    with pytest.raises(ChecksumError, match="message does not match"):
        decode([WIRE[:-1], b"\x00"])


def test_limits_can_be_narrowed_and_widened() -> None:
    narrow = EventStreamDecoder(limits=EventStreamLimits(payload=12))
    wide = EventStreamDecoder(limits=EventStreamLimits(headers=1 << 20))
    long = frame(b"".join(struct.pack(">B4sBH", 4, b"%04d" % n, 6, 0x7000) + bytes(0x7000) for n in range(5)))

    with pytest.raises(FrameTooLargeError, match="13 octets of payload, more than the limit of 12"):
        list(narrow.feed(WIRE))
    assert len(next(wide.feed(long)).headers) == 5
    with pytest.raises(FrameTooLargeError):
        decode([long])


def test_a_message_at_the_limit_of_the_format_passes() -> None:
    message = EventMessage((), bytes(24 * 1024 * 1024))
    wire = encode_event_message(message)

    assert decode([wire[:5], wire[5:20_000_000], wire[20_000_000:]]) == [message]


# --- the decoder as an object ---------------------------------------------------------------------


def test_whole_messages_before_a_bad_one_are_given_first() -> None:
    decoder = EventStreamDecoder()
    messages = decoder.feed(WIRE + b"\x00" * 12)

    assert next(messages) == MESSAGE
    with pytest.raises(ChecksumError):
        next(messages)


def test_a_decoder_that_failed_stays_failed() -> None:
    decoder = EventStreamDecoder()
    with pytest.raises(ChecksumError):
        list(decoder.feed(b"\x00" * 12))

    with pytest.raises(ChecksumError):
        decoder.feed(WIRE)
    with pytest.raises(ChecksumError):
        decoder.finish()


def test_messages_that_were_not_taken_come_with_the_next_octets() -> None:
    decoder = EventStreamDecoder()
    decoder.feed(WIRE)

    assert list(decoder.feed(WIRE)) == [MESSAGE, MESSAGE]
    decoder.finish()


def test_finishing_with_messages_that_nobody_took_is_an_error() -> None:
    decoder = EventStreamDecoder()
    decoder.feed(WIRE)

    with pytest.raises(MisuseError, match="nobody took"):
        decoder.finish()


def test_a_finished_decoder_takes_nothing_and_may_be_finished_again() -> None:
    decoder = EventStreamDecoder()
    decoder.finish()
    decoder.finish()

    with pytest.raises(MisuseError, match="is finished"):
        decoder.feed(b"")


def test_a_failed_finish_fails_again() -> None:
    decoder = EventStreamDecoder()
    assert list(decoder.feed(WIRE[:20])) == []

    for _ in range(2):
        with pytest.raises(TruncatedStreamError, match=f"after 20 octets of {len(WIRE)}"):
            decoder.finish()


def test_what_was_fed_may_be_changed_afterwards() -> None:
    lent = bytearray(WIRE)
    decoder = EventStreamDecoder()
    messages = decoder.feed(memoryview(lent))
    lent[:] = bytes(len(lent))

    assert list(messages) == [MESSAGE]


# --- values that cannot be -------------------------------------------------------------------------

BAD_VALUES = {
    "a name of no octets": ("", HeaderType.BOOLEAN, True),
    "a name of 256 octets": ("é" * 128, HeaderType.BOOLEAN, True),
    "a name with a lone surrogate": ("\ud800", HeaderType.BOOLEAN, True),
    "an int as boolean": ("a", HeaderType.BOOLEAN, 1),
    "a boolean as int": ("a", HeaderType.BYTE, True),
    "a byte of 9 bits": ("a", HeaderType.BYTE, 128),
    "a short of 17 bits": ("a", HeaderType.SHORT, -32769),
    "an integer of 33 bits": ("a", HeaderType.INTEGER, 1 << 31),
    "a long of 65 bits": ("a", HeaderType.LONG, 1 << 63),
    "a timestamp of 65 bits": ("a", HeaderType.TIMESTAMP, -(1 << 63) - 1),
    "a float as timestamp": ("a", HeaderType.TIMESTAMP, 1.5),
    "text as octets": ("a", HeaderType.BYTE_ARRAY, "x"),
    "octets as text": ("a", HeaderType.STRING, b"x"),
    "text that is too long": ("a", HeaderType.STRING, "é" * 0x4000),
    "octets that are too many": ("a", HeaderType.BYTE_ARRAY, bytes(0x8000)),
    "text with a lone surrogate": ("a", HeaderType.STRING, "\ud800"),
    "octets as uuid": ("a", HeaderType.UUID, bytes(16)),
}


@pytest.mark.parametrize(("name", "kind", "value"), BAD_VALUES.values(), ids=BAD_VALUES.keys())
def test_a_header_that_cannot_be_written_cannot_be_built(name: str, kind: HeaderType, value: Any) -> None:
    with pytest.raises(InvalidFrameError, match="event-stream header"):
        EventHeader(name, kind, value)


def test_a_message_with_a_name_twice_cannot_be_built() -> None:
    with pytest.raises(InvalidFrameError, match="'content-type' stands twice"):
        EventMessage((HEADER, HEADER))


def test_a_message_beyond_the_limits_is_not_written() -> None:
    large = EventMessage(tuple(EventHeader.of(f"{n}", bytes(0x7FFF)) for n in range(5)))

    with pytest.raises(InvalidFrameError, match="headers of an event-stream message have 163860 octets"):
        encode_event_message(large)
    with pytest.raises(InvalidFrameError, match="payload of an event-stream message have 2 octets"):
        encode_event_message(EventMessage((), b"ab"), limits=EventStreamLimits(payload=1))
    assert encode_event_message(large, limits=EventStreamLimits(headers=1 << 20))


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidFrameError, match="limit 'headers' is -1"):
        EventStreamLimits(headers=-1)


def test_errors_of_the_peer_say_that_the_request_was_acted_on_and_ours_that_nothing_was_sent() -> None:
    assert (StreamFormatError("x").sent, StreamFormatError("x").processed) == ("yes", "yes")
    assert (InvalidFrameError("x").sent, InvalidFrameError("x").processed) == ("no", "no")
    assert issubclass(TruncatedStreamError, EOFError)
    assert issubclass(StreamFormatError, ValueError)
    assert issubclass(StreamFormatError, StableHTTPError)
