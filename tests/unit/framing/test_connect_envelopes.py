"""Connect envelopes: what is read, and each thing that must be refused with a text of its own (R5)."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterable

import pytest

from stablehttp._errors import ContentTooLargeError, MisuseError
from stablehttp.framing import (
    ConnectCode,
    ConnectDetail,
    EndOfStream,
    EnvelopeDecoder,
    EnvelopeError,
    FrameTooLargeError,
    InvalidFrameError,
    StreamFormatError,
    TruncatedStreamError,
    WireError,
    compress_gzip,
    decompress_gzip,
    encode_end_of_stream,
    encode_envelope,
)

END = encode_end_of_stream()


def envelope(flags: int, message: bytes, *, length: int | None = None) -> bytes:
    return struct.pack(">BI", flags, len(message) if length is None else length) + message


def decode(pieces: Iterable[bytes], *, limit: int = 1000, gzip: bool = False) -> list[bytes | EndOfStream]:
    decoder = EnvelopeDecoder(limit=limit, decompress=decompress_gzip if gzip else None)
    items = [item for piece in pieces for item in decoder.feed(piece)]
    decoder.finish()
    return items


def bytewise(octets: bytes) -> list[bytes]:
    return [octets[place : place + 1] for place in range(len(octets))]


# --- what is read --------------------------------------------------------------------------------

STREAMS = {
    "messages": (encode_envelope(b"ab") + encode_envelope(b"") + END, [b"ab", b"", EndOfStream()]),
    "an end alone": (END, [EndOfStream()]),
    "compressed and not": (
        encode_envelope(b"ab", compress=compress_gzip) + encode_envelope(b"cd") + END,
        [b"ab", b"cd", EndOfStream()],
    ),
    "nothing, marked as compressed": (envelope(1, b"") + END, [b"", EndOfStream()]),
    "a compressed end": (
        encode_end_of_stream(WireError(ConnectCode.ABORTED, "no"), [("a", "b")], compress=compress_gzip),
        [EndOfStream(WireError(ConnectCode.ABORTED, "no"), (("a", "b"),))],
    ),
}


@pytest.mark.parametrize(("octets", "items"), STREAMS.values(), ids=STREAMS.keys())
def test_a_stream_gives_its_messages_however_it_is_cut(octets: bytes, items: list[bytes | EndOfStream]) -> None:
    """R5."""
    assert decode([octets], gzip=True) == items
    assert decode(bytewise(octets), gzip=True) == items
    for place in range(len(octets) + 1):
        assert decode([octets[:place], octets[place:]], gzip=True) == items


@pytest.mark.parametrize(("octets", "_"), STREAMS.values(), ids=STREAMS.keys())
def test_every_missing_tail_is_noticed(octets: bytes, _: object) -> None:
    """R5: even one that leaves whole envelopes only, since then the end is missing."""
    for place in range(len(octets)):
        with pytest.raises(TruncatedStreamError):
            decode([octets[:place]], gzip=True)


def test_an_envelope_is_a_flag_a_length_and_the_message() -> None:
    """R5."""
    assert encode_envelope(b"abc").hex() == "00" + "00000003" + "616263"
    assert END.hex() == "02" + "00000002" + b"{}".hex()
    assert encode_envelope(b"abc", compress=bytes.upper) == b"\x01\x00\x00\x00\x03ABC"


def test_nothing_is_not_compressed() -> None:
    assert encode_envelope(b"", compress=compress_gzip) == bytes(5)


def test_a_message_that_no_length_can_say_is_not_written() -> None:
    class Endless(bytes):
        def __len__(self) -> int:
            return 1 << 32

    with pytest.raises(InvalidFrameError, match="does not fit an envelope"):
        encode_envelope(Endless())


# --- what is refused -----------------------------------------------------------------------------

REFUSED = {
    "an unknown flag": (envelope(0b100, b"") + END, EnvelopeError, "flags 0b00000100; only the lowest two"),
    "all flags": (envelope(0xFF, b"") + END, EnvelopeError, "flags 0b11111111"),
    "compressed without a compression": (envelope(1, b"x") + END, EnvelopeError, "the response named no compression"),
    "nothing, compressed without a compression": (envelope(1, b""), EnvelopeError, "named no compression"),
    "a compressed end without a compression": (envelope(3, b"{}"), EnvelopeError, "named no compression"),
    "too long": (
        envelope(0, b"", length=1001),
        FrameTooLargeError,
        "declares 1001 octets, more than the limit of 1000",
    ),
    "much too long": (envelope(0, b"", length=0xFFFFFFFF), FrameTooLargeError, "declares 4294967295 octets"),
    "an end that is too long": (envelope(2, b"", length=1001), FrameTooLargeError, "declares 1001 octets"),
    "octets after the end": (END + b"\x00", EnvelopeError, "octets follow the end-of-stream message"),
    "a message after the end": (END + encode_envelope(b"x"), EnvelopeError, "octets follow the end-of-stream"),
    "a second end": (END + END, EnvelopeError, "octets follow the end-of-stream message"),
    "a partial prefix": (b"\x00\x00", TruncatedStreamError, "ended inside an envelope, after 2 octets"),
    "a partial message": (envelope(0, b"ab", length=3), TruncatedStreamError, "after 7 octets of 8"),
    "no end": (encode_envelope(b"ab"), TruncatedStreamError, "without an end-of-stream message"),
    "nothing at all": (b"", TruncatedStreamError, "without an end-of-stream message"),
}


@pytest.mark.parametrize(("octets", "kind", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_a_broken_stream_is_refused_by_name_however_it_is_cut(
    octets: bytes, kind: type[StreamFormatError], match: str
) -> None:
    """R5: each has its own text."""
    cuts = [[octets[:place], octets[place:]] for place in range(len(octets) + 1)]
    for pieces in [[octets], bytewise(octets), *cuts]:
        with pytest.raises(kind, match=match):
            decode(pieces)


@pytest.mark.parametrize("bit", range(2, 8))
def test_each_reserved_flag_is_refused(bit: int) -> None:
    """R5: mask 0b11."""
    with pytest.raises(EnvelopeError, match="only the lowest two bits"):
        decode([envelope(1 << bit, b"") + END], gzip=True)


EACH_REASON = [
    ("flags", envelope(4, b""), False),
    ("named no compression", envelope(1, b"x"), False),
    ("declares", envelope(0, b"", length=101), False),
    ("octets follow", END + b"x", False),
    ("inside an envelope", b"\x00", False),
    ("without an end", b"", False),
    ("becomes", encode_envelope(bytes(101), compress=compress_gzip), True),
]


@pytest.mark.parametrize(("part", "octets", "gzip"), EACH_REASON, ids=[part for part, _, _ in EACH_REASON])
def test_each_reason_to_refuse_has_a_text_of_its_own(part: str, octets: bytes, gzip: bool) -> None:
    """R5."""
    with pytest.raises(StreamFormatError) as caught:
        decode([octets], limit=100, gzip=gzip)

    assert [other for other, _, _ in EACH_REASON if other in str(caught.value)] == [part]


def test_a_length_is_refused_before_anything_is_kept() -> None:
    """R5."""
    decoder = EnvelopeDecoder(limit=10)

    assert list(decoder.feed(b"\x00\x00\x00\x00")) == []
    with pytest.raises(FrameTooLargeError) as caught:
        list(decoder.feed(b"\x0b"))

    assert (caught.value.declared, caught.value.limit) == (11, 10)
    assert isinstance(caught.value, ContentTooLargeError)


def test_a_message_of_exactly_the_limit_passes() -> None:
    assert decode([encode_envelope(bytes(10)) + END], limit=10) == [bytes(10), EndOfStream()]


def test_messages_before_a_broken_envelope_are_given_first() -> None:
    decoder = EnvelopeDecoder()
    items = decoder.feed(encode_envelope(b"a") + envelope(4, b""))

    assert next(items) == b"a"
    with pytest.raises(EnvelopeError):
        next(items)


def test_a_decoder_that_failed_or_finished_takes_nothing() -> None:
    failed, finished = EnvelopeDecoder(), EnvelopeDecoder()
    with pytest.raises(EnvelopeError):
        list(failed.feed(envelope(4, b"")))
    assert list(finished.feed(END)) == [EndOfStream()]
    finished.finish()

    with pytest.raises(EnvelopeError):
        failed.feed(END)
    with pytest.raises(MisuseError):
        finished.feed(b"")


# --- compression ---------------------------------------------------------------------------------


def test_what_comes_out_of_a_compressed_message_is_bounded() -> None:
    """R5."""
    bomb = encode_envelope(bytes(50_000_000), compress=compress_gzip)
    tracemalloc.start()
    try:
        with pytest.raises(FrameTooLargeError, match="becomes larger than the limit of 100000"):
            decode([bomb], limit=100_000, gzip=True)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_a_decompressor_is_told_the_limit_and_checked_against_it() -> None:
    asked: list[int] = []

    def decompress(octets: bytes, limit: int) -> bytes:
        asked.append(limit)
        return octets * 4

    decoder = EnvelopeDecoder(decompress=decompress, limit=10)

    assert list(decoder.feed(envelope(1, b"ab"))) == [b"abababab"]
    with pytest.raises(FrameTooLargeError):
        list(decoder.feed(envelope(1, b"abc")))
    assert asked == [10, 10]


FAILURES = {
    "any exception": (RuntimeError("secret"), EnvelopeError),
    "too large, in the words of the library": (ContentTooLargeError("x"), FrameTooLargeError),
    "an error of a stream": (EnvelopeError("x"), EnvelopeError),
}


@pytest.mark.parametrize(("failure", "kind"), FAILURES.values(), ids=FAILURES.keys())
def test_what_a_decompressor_raises_becomes_an_error_of_the_stream(
    failure: Exception, kind: type[StreamFormatError]
) -> None:
    def decompress(octets: bytes, limit: int) -> bytes:
        raise failure

    with pytest.raises(kind) as caught:
        list(EnvelopeDecoder(decompress=decompress).feed(envelope(1, b"x")))

    assert "secret" not in str(caught.value)


def test_a_message_that_is_not_compressed_as_it_says_is_refused() -> None:
    with pytest.raises(EnvelopeError, match="2 octets that is marked as compressed is not gzip"):
        decode([envelope(1, b"ab")], gzip=True)


def test_gzip_gives_back_what_it_got_and_is_the_same_each_time() -> None:
    octets = bytes(range(256)) * 100

    assert decompress_gzip(compress_gzip(octets), len(octets)) == octets
    assert compress_gzip(octets) == compress_gzip(octets)
    assert decompress_gzip(b"", 0) == b""


def test_gzip_reads_all_members_and_bounds_them_together() -> None:
    two = compress_gzip(b"abc") + compress_gzip(b"def")

    assert decompress_gzip(two, 6) == b"abcdef"
    with pytest.raises(FrameTooLargeError):
        decompress_gzip(two, 5)


@pytest.mark.timeout(30)
def test_many_empty_gzip_members_cost_no_more_than_their_length() -> None:
    octets = compress_gzip(b"") * 200_000

    assert decompress_gzip(octets, 0) == b""


def test_every_cut_and_every_tail_of_a_gzip_message_is_noticed() -> None:
    octets = compress_gzip(b"abcabcabc")

    for place in range(1, len(octets)):
        with pytest.raises(EnvelopeError, match="ends inside a member"):
            decompress_gzip(octets[:place], 100)
    with pytest.raises(EnvelopeError):
        decompress_gzip(octets + b"\x00", 100)


# --- the end -------------------------------------------------------------------------------------

ENDS = {
    "an empty object": (b"{}", EndOfStream()),
    "white space": (b' {\n"metadata": { } }\n', EndOfStream()),
    "unknown members": (b'{"code": "aborted", "x": [1, null]}', EndOfStream()),
    "null is the same as absent": (b'{"error": null, "metadata": null}', EndOfStream()),
    "an error": (b'{"error": {"code": "aborted", "message": "no"}}', EndOfStream(WireError(ConnectCode.ABORTED, "no"))),
    "an error without a code": (b'{"error": {}}', EndOfStream(WireError(None))),
    "an error with code null": (b'{"error": {"code": null, "message": "x"}}', EndOfStream(WireError(None, "x"))),
    "an error with a code that is no string": (b'{"error": {"code": 13}}', EndOfStream(WireError(None))),
    "an error with another code": (b'{"error": {"code": "ABORTED"}}', EndOfStream(WireError(None))),
    "metadata in order, with repetition": (
        b'{"metadata": {"b": ["1", "2"], "A": [], "a": [" 3\\t"]}}',
        EndOfStream(None, (("b", "1"), ("b", "2"), ("a", "3"))),
    ),
    "metadata above ASCII": ('{"metadata": {"a": ["é"]}}'.encode(), EndOfStream(None, (("a", "é"),))),
    "details": (
        b'{"error": {"code": "aborted", "details": [{"type": "t", "value": "AQI", "debug": {"x": 1}, "y": 2}]}}',
        EndOfStream(WireError(ConnectCode.ABORTED, None, (ConnectDetail("t", b"\x01\x02"),))),
    ),
    "padded details": (
        b'{"error": {"details": [{"type": "t", "value": "AQI="}]}}',
        EndOfStream(WireError(None, None, (ConnectDetail("t", b"\x01\x02"),))),
    ),
    "a lone surrogate in a message": (b'{"error": {"message": "\\ud800x"}}', EndOfStream(WireError(None, "\ufffdx"))),
}


@pytest.mark.parametrize(("content", "end"), ENDS.values(), ids=ENDS.keys())
def test_the_end_says_how_the_call_ended(content: bytes, end: EndOfStream) -> None:
    """R5, R8."""
    assert decode([envelope(2, content)]) == [end]


BAD_ENDS = {
    "no JSON": (b"secret", "octets are not a JSON text in UTF-8"),
    "nothing": (b"", "0 octets are not a JSON text"),
    "UTF-16": ("{}".encode("utf-16"), "not a JSON text in UTF-8"),
    "NaN": (b'{"x": NaN}', "not a JSON text"),
    "deep nesting": (b'{"x":' + b"[" * 100_000, "not a JSON text"),
    "an array": (b"[]", "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "an error that is a string": (b'{"error": "secret"}', "the error of a Connect response is not a JSON object"),
    "an error that is an array": (b'{"error": []}', "not a JSON object"),
    "a message that is a number": (b'{"error": {"code": "aborted", "message": 1}}', "message .* is not a string"),
    "details that are an object": (b'{"error": {"details": {}}}', "details .* are not an array"),
    "a detail that is null": (b'{"error": {"details": [null]}}', "needs the strings"),
    "a detail without a value": (b'{"error": {"details": [{"type": "t"}]}}', "needs the strings"),
    "a detail that is not base64": (b'{"error": {"details": [{"type": "t", "value": "*"}]}}', "not base64"),
    "metadata that are an array": (b'{"metadata": []}', "metadata .* are not a JSON object"),
    "metadata that are a string": (b'{"metadata": {"a": "secret"}}', "arrays of strings"),
    "a value that is null": (b'{"metadata": {"a": [null]}}', "'a' .* cannot be a field value"),
    "a value with a line break": (b'{"metadata": {"a": ["secret\\r\\nb: c"]}}', "'a' .* cannot be a field value"),
    "a value with NUL": (b'{"metadata": {"a": ["\\u0000"]}}', "cannot be a field value"),
    "a name that is no token": (b'{"metadata": {"a b": ["x"]}}', "field names"),
    "an empty name": (b'{"metadata": {"": ["x"]}}', "field names"),
}


@pytest.mark.parametrize(("content", "match"), BAD_ENDS.values(), ids=BAD_ENDS.keys())
def test_an_end_that_cannot_be_read_is_refused_and_not_shown(content: bytes, match: str) -> None:
    """R5, R8: trailers are fields, so what no field can hold does not pass."""
    with pytest.raises(StreamFormatError, match=match) as caught:
        decode([envelope(2, content)], limit=1_000_000)

    assert "secret" not in str(caught.value)


def test_an_end_is_written_as_it_is_read() -> None:
    end = EndOfStream(
        WireError(ConnectCode.NOT_FOUND, "é", (ConnectDetail("t", b"\xff"),)), (("a", "1"), ("b", "2"), ("a", "3"))
    )

    wire = encode_end_of_stream(end.error, end.metadata)

    assert decode([wire]) == [EndOfStream(end.error, (("a", "1"), ("a", "3"), ("b", "2")))]
    assert encode_end_of_stream(WireError(None)) == envelope(2, b'{"error":{"code":"unknown"}}')
