"""Content signed chunk by chunk (W11)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.vectors import vectors

from stablehttp._errors import ClosedError, SigningError
from stablehttp.signers import ChunkedContent, ChunkSigner, Credentials, SigV4Signer, chunked_length

CASE: dict[str, Any] = vectors("sigv4/chunked.json")
SEED: str = CASE["seed_signature"]
TRAILERS = [("x-amz-checksum-crc32c", "sOO8/Q==")]


@pytest.fixture
def chunk_signer() -> ChunkSigner:
    context = CASE["context"]
    signer = SigV4Signer.for_s3(Credentials(context["access_key"], context["secret_key"]), region=context["region"])
    return signer.chunk_signer(datetime(2013, 5, 24, tzinfo=UTC))


def test_the_chain_of_chunks_is_the_published_one(chunk_signer: ChunkSigner) -> None:
    """W11: a running signature in, a running signature out."""
    signatures, previous = [], SEED

    for size in CASE["chunk_sizes"]:
        previous = chunk_signer.sign_chunk(previous, CASE["chunk_byte"].encode() * size)
        signatures.append(previous)

    assert signatures == CASE["chunk_signatures"]


def test_the_chain_with_a_trailer_is_the_one_in_amazons_documentation(chunk_signer: ChunkSigner) -> None:
    previous = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
    for size in (65536, 1024, 0):
        previous = chunk_signer.sign_chunk(previous, b"a" * size)

    trailer = chunk_signer.sign_trailers(previous, TRAILERS)

    assert previous == "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
    assert trailer == "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def test_trailers_are_signed_in_lower_case_and_in_order_of_their_names(chunk_signer: ChunkSigner) -> None:
    one = chunk_signer.sign_trailers(SEED, [("B", " 2 "), ("a", "1")])

    assert one == chunk_signer.sign_trailers(SEED, [("a", "1"), ("b", "2")])


def test_signed_content_carries_each_signature_and_ends_with_an_empty_chunk(chunk_signer: ChunkSigner) -> None:
    content = ChunkedContent(chunk_signer, SEED)
    first, second, last = CASE["chunk_signatures"]

    octets = content.chunk(b"a" * 65536) + content.chunk(b"a" * 1024) + content.end()

    assert octets == b"".join(
        [
            f"10000;chunk-signature={first}\r\n".encode() + b"a" * 65536 + b"\r\n",
            f"400;chunk-signature={second}\r\n".encode() + b"a" * 1024 + b"\r\n",
            f"0;chunk-signature={last}\r\n\r\n".encode(),
        ]
    )


def test_unsigned_content_carries_lengths_and_trailers_only() -> None:
    content = ChunkedContent(None)

    octets = content.chunk(b"hello") + content.end(TRAILERS)

    assert octets == b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"


def test_signed_trailers_are_followed_by_their_signature(chunk_signer: ChunkSigner) -> None:
    content = ChunkedContent(chunk_signer, SEED)
    last = chunk_signer.sign_chunk(SEED, b"")

    octets = content.end(TRAILERS)

    signature = chunk_signer.sign_trailers(last, TRAILERS)
    assert octets.endswith(f"\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode())


@pytest.mark.parametrize("length", [0, 1, 8191, 65536, 65537, 200_000])
@pytest.mark.parametrize("content", ["signed-chunks", "signed-chunks-and-trailer", "unsigned-chunks-and-trailer"])
def test_the_length_is_known_beforehand(chunk_signer: ChunkSigner, length: int, content: Any) -> None:
    trailers = [] if content == "signed-chunks" else TRAILERS
    encoder = ChunkedContent(None if content.startswith("unsigned") else chunk_signer, SEED)

    pieces = [encoder.chunk(bytes(length)[at : at + 65536]) for at in range(0, length, 65536)]

    known = chunked_length(length, 65536, content, [(name, len(value)) for name, value in trailers])
    assert len(b"".join(pieces) + encoder.end(trailers)) == known


def test_no_data_is_no_chunk(chunk_signer: ChunkSigner) -> None:
    content = ChunkedContent(chunk_signer, SEED)

    assert content.chunk(b"") == b""
    assert content.end() == ChunkedContent(chunk_signer, SEED).end()


def test_nothing_follows_the_last_chunk(chunk_signer: ChunkSigner) -> None:
    content = ChunkedContent(chunk_signer, SEED)
    content.end()

    with pytest.raises(ClosedError, match="has ended with its last chunk"):
        content.chunk(b"a")
    with pytest.raises(ClosedError, match="has ended with its last chunk"):
        content.end()


def test_signed_chunks_need_the_signature_of_the_request(chunk_signer: ChunkSigner) -> None:
    with pytest.raises(SigningError, match="give it as seed"):
        ChunkedContent(chunk_signer)


@pytest.mark.parametrize("trailer", [("a", "b\r\nc:d"), ("a\n", "b")])
def test_a_line_break_in_a_trailer_is_refused_and_the_content_not_ended(
    chunk_signer: ChunkSigner, trailer: tuple[str, str]
) -> None:
    content = ChunkedContent(chunk_signer, SEED)

    with pytest.raises(SigningError, match="holds a line break"):
        content.end([trailer])

    assert content.end() == ChunkedContent(chunk_signer, SEED).end()


def test_chunks_too_small_for_s3_are_refused() -> None:
    with pytest.raises(SigningError, match="make them 8192 or more"):
        chunked_length(100_000, 1024, "signed-chunks")


def test_content_that_is_not_sent_in_chunks_has_no_such_length() -> None:
    with pytest.raises(SigningError, match="content='digest' is not sent in chunks"):
        chunked_length(1, 65536, "digest")


def test_the_key_is_not_shown(chunk_signer: ChunkSigner) -> None:
    assert "sign=" not in repr(chunk_signer)
