"""The fields of a Connect call: content types, timeouts, trailers, binary metadata (R6, R8)."""

from __future__ import annotations

import math

import pytest

from stablehttp.framing import (
    InvalidFrameError,
    StreamFormatError,
    StreamKind,
    connect_content_type,
    decode_binary_metadata,
    encode_binary_metadata,
    encode_timeout,
    make_call_fields,
    matches_content_type,
    split_trailers,
)


def test_unary_calls_and_streams_have_their_own_content_types() -> None:
    """R6."""
    kinds: list[StreamKind] = ["client", "server", "bidi"]

    assert connect_content_type("proto", "unary") == "application/proto"
    assert {connect_content_type("json", kind) for kind in kinds} == {"application/connect+json"}


MATCHES: dict[str, tuple[str, str, StreamKind, bool]] = {
    "the same": ("application/connect+proto", "proto", "server", True),
    "other case": ("Application/Connect+PROTO", "proto", "server", True),
    "parameters": ("application/json; charset=utf-8", "json", "unary", True),
    "parameters and space": (" application/json ;charset=utf-8; x=y", "json", "unary", True),
    "a codec in upper case": ("application/json", "JSON", "unary", True),
    "another codec": ("application/json", "proto", "unary", False),
    "a stream for unary": ("application/connect+proto", "proto", "unary", False),
    "unary for a stream": ("application/proto", "proto", "bidi", False),
    "a longer name": ("application/proto2", "proto", "unary", False),
    "nothing": ("", "proto", "unary", False),
    "two values": ("application/proto, application/proto", "proto", "unary", False),
}


@pytest.mark.parametrize(("value", "codec", "kind", "matches"), MATCHES.values(), ids=MATCHES.keys())
def test_content_types_match_without_parameters_and_case(
    value: str, codec: str, kind: StreamKind, matches: bool
) -> None:
    """R6."""
    assert matches_content_type(value, codec, kind) is matches


TIMEOUTS = {
    "seconds": (5, "5000"),
    "cut to milliseconds": (1.9999, "1999"),
    "never zero": (0.0001, "1"),
    "ten digits": (9_999_999.999, "9999999999"),
    "eleven digits": (10_000_000, None),
    "forever": (math.inf, None),
}


@pytest.mark.parametrize(("seconds", "value"), TIMEOUTS.values(), ids=TIMEOUTS.keys())
def test_a_timeout_is_whole_milliseconds_of_at_most_ten_digits(seconds: float, value: str | None) -> None:
    assert encode_timeout(seconds) == value


@pytest.mark.parametrize("seconds", [0, -1, math.nan, -math.inf])
def test_a_timeout_that_is_over_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidFrameError, match="over before the call begins"):
        encode_timeout(seconds)


def test_the_fields_of_a_unary_call() -> None:
    assert make_call_fields("proto", "unary", timeout=1, encoding="gzip", accepted=["gzip", "br"]) == (
        ("content-type", "application/proto"),
        ("connect-protocol-version", "1"),
        ("connect-timeout-ms", "1000"),
        ("content-encoding", "gzip"),
        ("accept-encoding", "gzip, br"),
    )


def test_the_fields_of_a_stream_keep_the_whole_of_it_uncompressed() -> None:
    assert make_call_fields("json", "bidi", timeout=math.inf, encoding="gzip", accepted=["gzip"]) == (
        ("content-type", "application/connect+json"),
        ("connect-protocol-version", "1"),
        ("connect-content-encoding", "gzip"),
        ("accept-encoding", "identity"),
        ("connect-accept-encoding", "gzip"),
    )


def test_prefixed_fields_are_trailers_in_any_case_in_order_and_repeated() -> None:
    """R8."""
    headers, trailers = split_trailers(
        [("a", "1"), ("Trailer-X", "2"), ("trailer-x", "3"), ("trailer", "4"), ("trailer-", "5"), ("a", "6")]
    )

    assert headers == (("a", "1"), ("trailer", "4"), ("trailer-", "5"), ("a", "6"))
    assert trailers == (("X", "2"), ("x", "3"))


def test_binary_metadata_are_written_without_padding_and_read_with_or_without() -> None:
    """R8."""
    assert [encode_binary_metadata(octets) for octets in (b"", b"\xff", b"\xff\xfe", b"\xff\xfe\xfd")] == [
        "", "/w", "//4", "//79",
    ]  # fmt: skip
    assert [decode_binary_metadata(value) for value in ("", "/w", "/w==", "//4", "//4=", "//79")] == [
        b"", b"\xff", b"\xff", b"\xff\xfe", b"\xff\xfe", b"\xff\xfe\xfd",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["a", "/w===", "_w", "/w /w", "/w,/w", "/=w", "é", "====="])
def test_what_is_not_base64_is_refused_and_not_shown(value: str) -> None:
    with pytest.raises(StreamFormatError, match=rf"^binary metadata of {len(value)} characters is not base64"):
        decode_binary_metadata(value)
