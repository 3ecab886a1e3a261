"""Responses of Connect calls, from head to end: the shared vectors, and the rules behind them (R4-R8, R11)."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp._errors import InvalidMessageError, MisuseError, TrailersUnavailableError
from stablehttp.framing import (
    ConnectCallError,
    ConnectCode,
    ConnectDetail,
    ConnectOutcome,
    EnvelopeError,
    FieldPair,
    FrameTooLargeError,
    StreamKind,
    StreamReader,
    TruncatedStreamError,
    UnaryReader,
    WireError,
    code_of_status,
    compress_gzip,
    encode_end_of_stream,
    encode_envelope,
    make_reader,
    read_response,
)

CASES: list[dict[str, Any]] = vectors("connect/raw-responses.json")
KINDS: dict[str, StreamKind] = {
    "unary": "unary",
    "client_stream": "client",
    "server_stream": "server",
    "half_duplex_bidi_stream": "bidi",
    "full_duplex_bidi_stream": "bidi",
}
PROTO: tuple[FieldPair, ...] = (("content-type", "application/proto"),)
JSON: tuple[FieldPair, ...] = (("Content-Type", "application/json; charset=utf-8"),)
STREAM: tuple[FieldPair, ...] = (("content-type", "application/connect+proto"),)
GZIP_STREAM: tuple[FieldPair, ...] = (*STREAM, ("Connect-Content-Encoding", "gzip"))
END = encode_end_of_stream()


def unary(status: int, headers: tuple[FieldPair, ...], content: bytes = b"", **options: Any) -> ConnectOutcome:
    return read_response(status, headers, content, codec="proto", kind="unary", **options)


def stream(content: bytes, kind: StreamKind = "server", headers: tuple[FieldPair, ...] = STREAM) -> ConnectOutcome:
    return read_response(200, headers, content, codec="proto", kind=kind, limit=1000)


def failure(outcome: ConnectOutcome) -> tuple[str, str | None]:
    assert outcome.error is not None
    return outcome.error.code.value, outcome.error.message


# --- the vectors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_response_has_the_outcome_that_conformance_asks_for_however_it_is_cut(case: dict[str, Any]) -> None:
    """R11."""
    content = bytes.fromhex(case["body"])
    headers = [(name, value) for name, value in case["headers"]]
    kind = KINDS[case["stream_type"]]
    cuts = [[content[:place], content[place:]] for place in range(len(content) + 1)]
    bytewise = [content[place : place + 1] for place in range(len(content))]

    for pieces in [[content], bytewise, *cuts]:
        outcome = read_response(case["status"] or 200, headers, pieces, codec="proto", kind=kind)

        wanted = case["error"]
        if wanted is None:
            assert outcome.error is None
            assert outcome.messages == (b"",)
            assert outcome.trailers == (("x-custom-trailer", "bing"),)
            assert ("x-custom-header", "foo") in outcome.headers
        else:
            code, message = failure(outcome)
            assert code in {wanted["code"], *case["other_codes"]}
            assert message == wanted["message"]


# --- unary ---------------------------------------------------------------------------------------


def test_a_unary_message_is_the_content() -> None:
    outcome = unary(200, (*PROTO, ("a", "1"), ("a", "2"), ("Trailer-B", "3")), b"abc")

    assert outcome.error is None
    assert outcome.messages == (b"abc",)
    assert outcome.headers == (*PROTO, ("a", "1"), ("a", "2"))
    assert outcome.trailers == (("B", "3"),)


STATUSES = {
    400: "internal", 401: "unauthenticated", 403: "permission_denied", 404: "unimplemented", 429: "unavailable",
    502: "unavailable", 503: "unavailable", 504: "unavailable", 409: "unknown", 412: "unknown", 499: "unknown",
    500: "unknown", 501: "unknown", 204: "unknown", 304: "unknown",
}  # fmt: skip


@pytest.mark.parametrize(("status", "code"), STATUSES.items())
def test_a_status_without_an_error_stands_for_a_code(status: int, code: str) -> None:
    outcome = unary(status, ())

    assert failure(outcome) == (code, None)
    assert code_of_status(status) == code
    assert outcome.error is not None
    assert not outcome.error.said_by_peer
    assert outcome.error.status == status


NO_ERROR_INSIDE = {
    "no JSON": b"<html>",
    "nothing": b"",
    "null": b"null",
    "a string": b'"unavailable"',
    "an array": b'[{"code": "aborted"}]',
    "a message that is no string": b'{"code": "aborted", "message": {}}',
    "details that are no array": b'{"code": "aborted", "details": "x"}',
    "a detail that is no object": b'{"code": "aborted", "details": ["x"]}',
    "a detail whose value is no base64": b'{"code": "aborted", "details": [{"type": "t", "value": "!"}]}',
    "UTF-16": '{"code": "aborted"}'.encode("utf-16"),
    "larger than the limit": b'{"code": "aborted"}' + b" " * 1000,
}


@pytest.mark.parametrize("content", NO_ERROR_INSIDE.values(), ids=NO_ERROR_INSIDE.keys())
def test_an_error_that_cannot_be_read_leaves_the_code_of_the_status(content: bytes) -> None:
    assert failure(unary(401, JSON, content, limit=1000)) == ("unauthenticated", None)


CODES = {
    "missing": (b'{"message": "oops"}', ("unauthenticated", "oops")),
    "null": (b'{"code": null, "message": "oops"}', ("unauthenticated", "oops")),
    "a number": (b'{"code": 14, "message": "oops"}', ("unauthenticated", "oops")),
    "not known": (b'{"code": "nope", "message": "oops"}', ("unauthenticated", "oops")),
    "in another case": (b'{"code": "Aborted", "message": "oops"}', ("unauthenticated", "oops")),
    "known": (b'{"code": "aborted", "message": "oops"}', ("aborted", "oops")),
    "known, with message null": (b'{"code": "aborted", "message": null, "details": null}', ("aborted", None)),
    "known, with an empty message": (b'{"code": "aborted", "message": ""}', ("aborted", None)),
}


@pytest.mark.parametrize(("content", "wanted"), CODES.values(), ids=CODES.keys())
def test_a_code_that_is_not_known_gives_way_to_the_status_and_the_message_stays(
    content: bytes, wanted: tuple[str, str | None]
) -> None:
    assert failure(unary(401, JSON, content)) == wanted


@pytest.mark.parametrize(
    "headers", [(), PROTO, STREAM, (("content-type", "text/html"),)], ids=["none", "proto", "connect", "html"]
)
def test_an_error_of_another_content_type_is_not_read(headers: tuple[FieldPair, ...]) -> None:
    assert failure(unary(503, headers, b'{"code": "aborted", "message": "oops"}')) == ("unavailable", None)


def test_an_error_keeps_its_details_and_all_metadata() -> None:
    content = b'{"code": "aborted", "message": "oops", "details": [{"type": "t", "value": "AQI", "debug": 1}]}'

    outcome = unary(409, (*JSON, ("a", "1"), ("trailer-b", "2")), content)

    error = outcome.error
    assert error is not None
    assert (error.details, error.said_by_peer) == ((ConnectDetail("t", b"\x01\x02", 1),), True)
    assert (outcome.headers, outcome.trailers) == ((*JSON, ("a", "1")), (("b", "2"),))
    assert (error.headers, error.trailers) == (outcome.headers, outcome.trailers)


CONTENT_TYPES: dict[str, tuple[tuple[FieldPair, ...], StreamKind, str]] = {
    "none": ((), "unary", "unknown"),
    "html": ((("content-type", "text/html"),), "unary", "unknown"),
    "another codec": ((("content-type", "application/json"),), "unary", "internal"),
    "a stream for unary": (STREAM, "unary", "internal"),
    "unary for a stream": (PROTO, "server", "unknown"),
    "json for a stream": ((("content-type", "application/json"),), "client", "unknown"),
    "another codec of streams": ((("content-type", "application/connect+json"),), "bidi", "internal"),
    "two lines": ((*PROTO, *PROTO), "unary", "internal"),
}


@pytest.mark.parametrize(("headers", "kind", "code"), CONTENT_TYPES.values(), ids=CONTENT_TYPES.keys())
def test_a_response_of_another_content_type_is_no_answer(
    headers: tuple[FieldPair, ...], kind: StreamKind, code: str
) -> None:
    """R6: what does not even look like Connect is unknown, another codec is internal."""
    assert failure(read_response(200, headers, b"", codec="proto", kind=kind)) == (code, None)


def test_parameters_and_case_of_a_content_type_make_no_difference() -> None:
    """R6."""
    assert unary(200, (("CONTENT-TYPE", "Application/Proto; x=y"),), b"a").messages == (b"a",)
    assert stream(END, headers=(("content-type", "Application/Connect+Proto;x=y"),)).error is None


def test_unary_content_is_decompressed_as_it_says() -> None:
    outcome = unary(200, (*PROTO, ("Content-Encoding", "GZIP")), compress_gzip(b"abc"))

    assert outcome.messages == (b"abc",)


@pytest.mark.parametrize("status", [200, 401])
def test_content_of_no_octets_is_not_decompressed(status: int) -> None:
    outcome = unary(status, ((*PROTO, *JSON)[status == 401], ("content-encoding", "gzip")))

    assert outcome.messages == ((b"",) if status == 200 else ())


def test_a_compressed_error_is_read() -> None:
    content = compress_gzip(b'{"code": "aborted", "message": "oops"}')

    assert failure(unary(401, (*JSON, ("content-encoding", "gzip")), content)) == ("aborted", "oops")
    assert failure(unary(401, (*JSON, ("content-encoding", "gzip")), b"x")) == ("unauthenticated", None)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "zstd"])
def test_a_compression_that_was_not_offered_is_refused(encoding: str) -> None:
    for kind, headers, field in (("unary", PROTO, "content-encoding"), ("server", STREAM, "connect-content-encoding")):
        known: StreamKind = "unary" if kind == "unary" else "server"
        outcome = read_response(200, (*headers, (field, encoding)), b"", codec="proto", kind=known)

        assert failure(outcome) == ("internal", None)
        assert "gzip" in str(outcome.error)


def test_identity_is_no_compression() -> None:
    assert unary(200, (*PROTO, ("content-encoding", "identity")), b"abc").messages == (b"abc",)


def test_other_compressions_are_given_by_the_caller() -> None:
    outcome = unary(
        200, (*PROTO, ("content-encoding", "up")), b"abc", decompressors={"up": lambda octets, _: octets.upper()}
    )

    assert outcome.messages == (b"ABC",)


def test_unary_content_is_bounded_before_and_after_decompression() -> None:
    gzip = (*PROTO, ("content-encoding", "gzip"))

    assert unary(200, PROTO, bytes(10), limit=10).messages == (bytes(10),)
    assert failure(unary(200, PROTO, bytes(11), limit=10)) == ("resource_exhausted", None)
    assert failure(unary(200, gzip, compress_gzip(bytes(100)), limit=50)) == ("resource_exhausted", None)


def test_content_that_cannot_be_decompressed_is_internal() -> None:
    outcome = unary(200, (*PROTO, ("content-encoding", "gzip")), b"abc")

    assert failure(outcome) == ("internal", None)
    assert outcome.error is not None
    assert isinstance(outcome.error.__cause__, EnvelopeError)


# --- streams -------------------------------------------------------------------------------------


def test_a_stream_gives_messages_headers_and_trailers() -> None:
    """R4, R8."""
    content = encode_envelope(b"a") + encode_envelope(b"b") + encode_end_of_stream(None, [("t", "1"), ("t", "2")])

    outcome = stream(content, headers=(*STREAM, ("trailer-x", "kept")))

    assert outcome.error is None
    assert outcome.messages == (b"a", b"b")
    assert outcome.headers == (*STREAM, ("trailer-x", "kept"))
    assert outcome.trailers == (("t", "1"), ("t", "2"))


def test_a_stream_of_status_200_fails_at_its_end() -> None:
    """R4: the messages before the failure are there too."""
    end = encode_end_of_stream(WireError(ConnectCode.ABORTED, "oops"), [("t", "1")])

    outcome = stream(encode_envelope(b"a") + end)

    assert failure(outcome) == ("aborted", "oops")
    assert outcome.messages == (b"a",)
    assert outcome.trailers == (("t", "1"),)
    assert outcome.error is not None
    assert outcome.error.said_by_peer


@pytest.mark.parametrize("status", [401, 204, 500])
def test_a_stream_of_another_status_is_inferred_from_it(status: int) -> None:
    outcome = read_response(status, JSON, b'{"code": "aborted"}', codec="json", kind="server")

    assert failure(outcome) == (code_of_status(status), None)


BROKEN = {
    "no end": (encode_envelope(b"a"), "internal", TruncatedStreamError),
    "nothing": (b"", "internal", TruncatedStreamError),
    "a cut": (encode_envelope(b"abc")[:-1], "internal", TruncatedStreamError),
    "an unknown flag": (b"\x04\0\0\0\0", "internal", EnvelopeError),
    "compressed without a compression": (b"\x01\0\0\0\0", "internal", EnvelopeError),
    "octets after the end": (END + b"\0", "internal", EnvelopeError),
    "a message that is too large": (b"\0\0\0\xff\0", "resource_exhausted", FrameTooLargeError),
    "an end that is no JSON": (b"\x02\0\0\0\x01x", "internal", Exception),
}


@pytest.mark.parametrize(("content", "code", "cause"), BROKEN.values(), ids=BROKEN.keys())
def test_a_stream_that_breaks_the_protocol_fails_with_the_broken_rule_as_cause(
    content: bytes, code: str, cause: type[Exception]
) -> None:
    """R5."""
    outcome = stream(content)

    assert failure(outcome) == (code, None)
    assert outcome.error is not None
    assert isinstance(outcome.error.__cause__, cause)
    assert str(outcome.error.__cause__) in str(outcome.error)
    assert not outcome.error.said_by_peer


def test_a_compressed_end_with_an_error_is_read() -> None:
    """R11: compressed errors at the end of a stream."""
    end = encode_end_of_stream(WireError(ConnectCode.INTERNAL, "oops"), compress=compress_gzip)

    assert failure(stream(end, headers=GZIP_STREAM)) == ("internal", "oops")
    assert failure(stream(end)) == ("internal", None)


def test_a_stream_message_is_bounded_after_decompression() -> None:
    content = encode_envelope(bytes(5000), compress=compress_gzip) + END

    assert failure(stream(content, headers=GZIP_STREAM)) == ("resource_exhausted", None)


COUNTS = {
    "one": (encode_envelope(b"a") + END, None),
    "none": (END, "unimplemented"),
    "two": (encode_envelope(b"a") * 2 + END, "unimplemented"),
    "two and a failure": (
        encode_envelope(b"a") * 2 + encode_end_of_stream(WireError(ConnectCode.ABORTED)),
        "unimplemented",
    ),
    "none and a failure": (encode_end_of_stream(WireError(ConnectCode.ABORTED)), "aborted"),
    "one and a failure": (encode_envelope(b"a") + encode_end_of_stream(WireError(ConnectCode.ABORTED)), "aborted"),
    "none and no end": (b"", "internal"),
}


@pytest.mark.parametrize(("content", "code"), COUNTS.values(), ids=COUNTS.keys())
def test_a_client_stream_is_answered_by_exactly_one_message(content: bytes, code: str | None) -> None:
    outcome = stream(content, kind="client")

    assert (outcome.error.code.value if outcome.error else None) == code


@pytest.mark.parametrize("kind", ["server", "bidi"])
def test_other_streams_are_answered_by_any_number(kind: StreamKind) -> None:
    assert stream(END, kind=kind).error is None
    assert stream(encode_envelope(b"a") * 3 + END, kind=kind).messages == (b"a",) * 3


# --- readers -------------------------------------------------------------------------------------


def test_a_stream_reader_gives_messages_as_they_come_and_trailers_at_the_end() -> None:
    """R8."""
    reader = make_reader(200, STREAM, codec="proto", kind="bidi")
    assert isinstance(reader, StreamReader)

    assert reader.headers == STREAM
    assert list(reader.feed(encode_envelope(b"a"))) == [b"a"]
    with pytest.raises(TrailersUnavailableError):
        _ = reader.trailers
    assert list(reader.feed(encode_end_of_stream(None, [("t", "1")]))) == []
    assert reader.finish() == ()
    assert reader.trailers == (("t", "1"),)


def test_the_error_of_a_stream_is_raised_as_soon_as_it_is_read_and_stays() -> None:
    """An error that arrives while the request is open must not wait for the end of the content."""
    reader = make_reader(200, STREAM, codec="proto", kind="bidi")

    with pytest.raises(ConnectCallError, match="ended the call with 'aborted'"):
        list(reader.feed(encode_end_of_stream(WireError(ConnectCode.ABORTED, "secret"))))
    with pytest.raises(ConnectCallError):
        reader.feed(b"")
    with pytest.raises(ConnectCallError):
        reader.finish()


def test_a_unary_reader_gives_its_message_at_the_end_and_takes_nothing_after() -> None:
    reader = make_reader(200, PROTO, codec="proto", kind="unary")
    assert isinstance(reader, UnaryReader)

    assert list(reader.feed(b"a")) == []
    assert list(reader.feed(bytearray(b"b"))) == []
    assert (reader.finish(), reader.headers, reader.trailers) == ((b"ab",), PROTO, ())
    with pytest.raises(MisuseError):
        reader.feed(b"c")


def test_a_unary_reader_that_failed_stays_failed() -> None:
    reader = make_reader(200, PROTO, codec="proto", kind="unary", limit=1)

    with pytest.raises(ConnectCallError, match="larger than the limit of 1 octets"):
        reader.feed(b"ab")
    with pytest.raises(ConnectCallError):
        reader.feed(b"")
    with pytest.raises(ConnectCallError):
        reader.finish()


def test_no_more_pieces_are_taken_than_a_failed_call_needs() -> None:
    taken: list[bytes] = []
    pieces = [encode_end_of_stream(WireError(ConnectCode.ABORTED)), b"never"]

    outcome = read_response(
        200, STREAM, (taken.append(piece) or piece for piece in pieces), codec="proto", kind="server"
    )

    assert outcome.error is not None
    assert taken == pieces[:1]


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(InvalidMessageError, match="limit 'limit' is -1"):
        make_reader(200, PROTO, codec="proto", kind="unary", limit=-1)


def test_an_error_does_not_show_what_the_server_wrote_and_survives_pickling() -> None:
    content = json.dumps({"code": "aborted", "message": "secret", "details": [{"type": "t", "value": "AQI"}]}).encode()

    error = unary(409, (*JSON, ("a", "secret")), content).error

    assert error is not None
    assert "secret" not in str(error)
    assert "secret" not in repr(error)
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, again.details, again.headers) == (
        ConnectCode.ABORTED, "secret", error.details, error.headers,
    )  # fmt: skip
    assert (error.sent, error.processed) == ("yes", "yes")
    assert isinstance(error, RuntimeError)
