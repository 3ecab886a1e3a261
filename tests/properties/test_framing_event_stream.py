"""Event streams against themselves, against damage, and against botocore's decoder."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from uuid import UUID
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp.framing import (
    EventHeader,
    EventMessage,
    EventStreamDecoder,
    HeaderType,
    StreamFormatError,
    encode_event_headers,
    encode_event_message,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = TEXT.filter(lambda name: 1 <= len(name.encode()) <= 255)


def integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


VALUES: dict[HeaderType, st.SearchStrategy[Any]] = {
    HeaderType.BOOLEAN: st.booleans(),
    HeaderType.BYTE: integers(8),
    HeaderType.SHORT: integers(16),
    HeaderType.INTEGER: integers(32),
    HeaderType.LONG: integers(64),
    HeaderType.BYTE_ARRAY: st.binary(max_size=300),
    HeaderType.STRING: TEXT,
    HeaderType.TIMESTAMP: integers(64),
    HeaderType.UUID: st.uuids(),
}
HEADERS = st.sampled_from(list(HeaderType)).flatmap(
    lambda kind: st.builds(EventHeader, NAMES, st.just(kind), VALUES[kind])
)
MESSAGES = st.builds(
    EventMessage,
    st.lists(HEADERS, max_size=6, unique_by=lambda header: header.name).map(tuple),
    st.binary(max_size=300),
)


def decode(pieces: Iterable[bytes]) -> list[EventMessage]:
    decoder = EventStreamDecoder()
    messages = [message for piece in pieces for message in decoder.feed(piece)]
    decoder.finish()
    return messages


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(octets) + 1) for place in places), len(octets)]
    return [octets[start:end] for start, end in pairwise(marks)]


def frame(headers: bytes, payload: bytes = b"") -> bytes:
    lengths = struct.pack(">II", len(headers) + len(payload) + 16, len(headers))
    start = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return start + struct.pack(">I", crc32(start))


@given(st.lists(MESSAGES, max_size=4), st.lists(st.integers(min_value=0), max_size=8))
def test_messages_come_back_from_octets_in_any_pieces(messages: list[EventMessage], places: list[int]) -> None:
    """S15."""
    wire = b"".join(encode_event_message(message) for message in messages)

    assert decode(cut(wire, places)) == messages


@given(MESSAGES, st.integers(min_value=0), st.integers(1, 255))
def test_every_change_of_an_octet_is_noticed(message: EventMessage, place: int, change: int) -> None:
    wire = bytearray(encode_event_message(message))
    wire[place % len(wire)] ^= change

    with pytest.raises(StreamFormatError):
        decode([bytes(wire)])


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.integers(min_value=1))
def test_every_missing_tail_is_noticed(messages: list[EventMessage], missing: int) -> None:
    wires = [encode_event_message(message) for message in messages]
    wire = b"".join(wires)
    kept = wire[: len(wire) - 1 - missing % len(wire)]
    between = {len(b"".join(wires[:count])): count for count in range(len(wires))}

    if len(kept) in between:
        assert decode([kept]) == messages[: between[len(kept)]]
    else:
        with pytest.raises(StreamFormatError):
            decode([kept])


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0), max_size=5))
def test_any_octets_are_messages_or_an_error_of_ours_whatever_the_pieces(octets: bytes, places: list[int]) -> None:
    outcomes = []
    for pieces in ([octets], cut(octets, places)):
        try:
            outcomes.append(str(decode(pieces)))
        except StreamFormatError as error:
            outcomes.append(f"{type(error)} {error}")

    assert outcomes[0] == outcomes[1]


# --- botocore --------------------------------------------------------------------------------------


def botocore_decode(octets: bytes) -> list[tuple[dict[str, Any], bytes]]:
    eventstream = pytest.importorskip("botocore.eventstream")
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(octets)
    return [(message.headers, message.payload) for message in buffer]


def as_botocore(message: EventMessage) -> tuple[dict[str, Any], bytes]:
    values = {
        header.name: header.value.bytes if isinstance(header.value, UUID) else header.value
        for header in message.headers
    }
    return values, message.payload


@given(st.lists(MESSAGES, max_size=3))
def test_botocore_reads_what_we_write(messages: list[EventMessage]) -> None:
    wire = b"".join(encode_event_message(message) for message in messages)

    assert botocore_decode(wire) == [as_botocore(message) for message in messages]


@given(st.lists(HEADERS, max_size=3), st.integers(min_value=0), st.binary(max_size=3), st.integers(0, 3))
def test_botocore_agrees_on_damaged_headers_with_right_checksums(
    headers: list[EventHeader], place: int, inserted: bytes, dropped: int
) -> None:
    """What we accept, botocore reads in the same way; we refuse more than it does."""
    octets = encode_event_headers(headers)
    place %= len(octets) + 1
    wire = frame(octets[:place] + inserted + octets[place + dropped :], b"x")

    try:
        messages = decode([wire])
    except StreamFormatError:
        return

    assert botocore_decode(wire) == [as_botocore(message) for message in messages]
