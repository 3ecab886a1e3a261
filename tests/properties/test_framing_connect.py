"""Connect envelopes against themselves, against damage, and against a naive reader."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp.framing import (
    ConnectCode,
    ConnectDetail,
    EndOfStream,
    EnvelopeDecoder,
    FieldPair,
    StreamFormatError,
    StreamKind,
    TruncatedStreamError,
    WireError,
    compress_gzip,
    decode_binary_metadata,
    decompress_gzip,
    encode_binary_metadata,
    encode_end_of_stream,
    encode_envelope,
    read_response,
)

LIMIT = 500
PLACES = st.lists(st.integers(min_value=0), max_size=8)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
DETAILS = st.lists(st.builds(ConnectDetail, TEXT, st.binary(max_size=20)), max_size=3).map(tuple)
ERRORS = st.builds(WireError, st.sampled_from(ConnectCode), st.none() | TEXT, DETAILS)
NAMES = st.from_regex(r"[a-z0-9_.-]{1,10}", fullmatch=True)
VALUES = st.from_regex(r"([!-~]([ -~]*[!-~])?)?", fullmatch=True)
METADATA: st.SearchStrategy[list[FieldPair]] = st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda p: p[0])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "message", "details"]), inner),
    max_leaves=8,
)


def cut(octets: bytes, places: Iterable[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(octets) + 1) for place in places), len(octets)]
    return [octets[start:end] for start, end in pairwise(marks)]


def decode(pieces: Iterable[bytes], limit: int = LIMIT) -> list[bytes | EndOfStream]:
    decoder = EnvelopeDecoder(decompress=decompress_gzip, limit=limit)
    items = [item for piece in pieces for item in decoder.feed(piece)]
    decoder.finish()
    return items


@given(st.lists(st.tuples(st.binary(max_size=100), st.booleans()), max_size=5), st.none() | ERRORS, METADATA, PLACES)
def test_messages_and_the_end_come_back_from_octets_in_any_pieces(
    messages: list[tuple[bytes, bool]], error: WireError | None, metadata: list[FieldPair], places: list[int]
) -> None:
    """R5, R8."""
    wire = b"".join(encode_envelope(message, compress=compress_gzip if gzip else None) for message, gzip in messages)
    end = encode_end_of_stream(error, metadata, compress=compress_gzip)

    assert decode(cut(wire + end, places), limit=1_000_000) == [
        *(message for message, _ in messages),
        EndOfStream(error, tuple(metadata)),
    ]


@given(st.lists(st.binary(max_size=50), max_size=4), st.integers(min_value=1))
def test_every_missing_tail_is_noticed(messages: list[bytes], missing: int) -> None:
    """R5."""
    wire = b"".join(map(encode_envelope, messages)) + encode_end_of_stream()

    with pytest.raises(TruncatedStreamError):
        decode([wire[: len(wire) - 1 - missing % len(wire)]])


@given(st.binary(max_size=60), PLACES)
def test_any_octets_are_a_stream_or_an_error_of_ours_whatever_the_pieces(octets: bytes, places: list[int]) -> None:
    outcomes = []
    for pieces in ([octets], cut(octets, places)):
        try:
            outcomes.append(str(decode(pieces)))
        except StreamFormatError as error:
            outcomes.append(f"{type(error)} {error}")

    assert outcomes[0] == outcomes[1]


@given(
    st.sampled_from([200, 401, 503]),
    st.sampled_from(["application/json", "application/connect+json", "text/html", "application/proto"]),
    st.sampled_from(["", "gzip", "br"]),
    st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(["unary", "client", "server", "bidi"]),
    PLACES,
)
def test_any_response_has_an_outcome_whatever_the_pieces(
    status: int, content_type: str, encoding: str, content: bytes, kind: StreamKind, places: list[int]
) -> None:
    """R4: nothing but an outcome comes out of a response, and only status 200 can be a success."""
    fields = [("content-type", content_type), ("content-encoding", encoding), ("connect-content-encoding", encoding)]

    outcomes = [
        read_response(status, fields, pieces, codec="json", kind=kind, limit=LIMIT)
        for pieces in (content, cut(content, places))
    ]

    assert len({str((each.messages, each.error, each.trailers)) for each in outcomes}) == 1
    assert status == 200 or outcomes[0].error is not None


@given(JSON)
def test_any_json_in_place_of_an_error_gives_a_code(value: object) -> None:
    content = json.dumps(value).encode()

    error = read_response(401, [("content-type", "application/json")], content, codec="proto", kind="unary").error

    named = value.get("code") if isinstance(value, dict) else None
    assert error is not None
    assert error.code in {ConnectCode.UNAUTHENTICATED, *(code for code in ConnectCode if code == named)}


@given(st.binary(max_size=300), st.integers(0, 300))
def test_gzip_is_bounded_and_comes_back(octets: bytes, limit: int) -> None:
    compressed = compress_gzip(octets)

    if len(octets) <= limit:
        assert decompress_gzip(compressed, limit) == octets
    else:
        with pytest.raises(StreamFormatError):
            decompress_gzip(compressed, limit)


@given(st.binary(max_size=50))
def test_binary_metadata_come_back_padded_or_not(octets: bytes) -> None:
    value = encode_binary_metadata(octets)

    assert decode_binary_metadata(value) == octets
    assert decode_binary_metadata(value + "=" * (-len(value) % 4)) == octets
