"""Content codings are undone when asked for, and never further than a limit."""

from __future__ import annotations

import builtins
import gzip
import sys
import zlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablehttp import (
    ContentDecodingError,
    ContentTooLargeError,
    MissingExtraError,
    Response,
    SyncBody,
    adecoded,
    decoded,
)


def bare(content: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(content) + engine.flush()


def brotli(content: bytes) -> bytes:
    compress: Callable[[bytes], bytes] = pytest.importorskip("brotli").compress
    return compress(content)


def zstd(content: bytes) -> bytes:
    engine = pytest.importorskip("zstandard").ZstdCompressor()
    packed: bytes = engine.compress(content)
    return packed


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress), ("deflate", bare),
    ("br", brotli), ("zstd", zstd),
]  # fmt: skip
each_coding = pytest.mark.parametrize(
    ("coding", "encode"), CODINGS, ids=["gzip", "x-gzip", "deflate", "bare deflate", "br", "zstd"]
)


def coded(coding: str, *chunks: bytes) -> Response[SyncBody]:
    return Response(
        200,
        headers=[("Content-Encoding", coding), ("Content-Length", str(sum(map(len, chunks)))), ("X", "1")],
        body=list(chunks),
        reason="Fine",
    )


@each_coding
async def test_content_comes_out_as_it_was_in_both_colours(coding: str, encode: Callable[[bytes], bytes]) -> None:
    content = b"hello " * 1000 + bytes(range(256)) * 100
    packed = encode(content)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(packed), 7):
            yield packed[start : start + 7]

    received = coded(coding, packed)
    response = decoded(received)
    asynchronous = adecoded(Response(200, headers=[("Content-Encoding", coding)], body=pieces()))

    assert response.read() == content
    assert await asynchronous.aread() == content
    assert list(response.headers) == [("X", "1")]
    assert (response.status, response.reason) == (200, "Fine")
    assert "content-encoding" in received.headers, "the received response is left as it was"


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 20))
def test_gzip_of_several_members_wherever_it_is_cut(members: list[bytes], step: int) -> None:
    """RFC 1952 §2.2."""
    packed = b"".join(map(gzip.compress, members))
    chunks = [packed[start : start + step] for start in range(0, len(packed), step)]

    assert decoded(coded("gzip", *chunks)).read() == b"".join(members)


def test_codings_are_undone_from_the_last_to_the_first() -> None:
    packed = gzip.compress(zlib.compress(b"content"))
    two = Response(200, headers=[("Content-Encoding", "deflate, identity"), ("content-encoding", "gzip")], body=packed)

    assert decoded(two).read() == b"content"
    with pytest.raises(ContentDecodingError, match="5 times"):
        decoded(coded("gzip, gzip, gzip, gzip, gzip", b""))


def test_content_that_is_not_coded_is_the_same_response() -> None:
    plain = Response(200, headers=[("Content-Encoding", "identity")], body=b"abc")

    assert decoded(plain) is plain


@each_coding
def test_content_that_is_cut_or_corrupt_is_an_error_and_not_an_end(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    packed = encode(b"content " * 100)

    for content in (packed[:-1], packed[: len(packed) // 2], b"nonsense, not coded at all"):
        with pytest.raises(ContentDecodingError, match="the content is not "):
            decoded(coded(coding, content)).read()


@pytest.mark.parametrize(("coding", "encode"), [CODINGS[2], CODINGS[4]], ids=["deflate", "br"])
def test_octets_behind_the_end_are_an_error(coding: str, encode: Callable[[bytes], bytes]) -> None:
    packed = encode(b"content")

    with pytest.raises(ContentDecodingError):
        decoded(coded(coding, packed, b"more")).read()


@each_coding
def test_a_bomb_stops_at_the_limit_and_its_pieces_are_small(coding: str, encode: Callable[[bytes], bytes]) -> None:
    """256 MiB that were never held."""
    packed = encode(b"\0" * (32 * 1024 * 1024))

    with pytest.raises(ContentTooLargeError, match="1000000 octets when it is decoded"):
        decoded(coded(coding, packed), limit=1_000_000).read()
    sizes = [len(piece) for piece in decoded(coded(coding, packed), limit=None).body]

    assert sum(sizes) == 32 * 1024 * 1024
    assert max(sizes) <= 1024 * 1024


def test_gzip_of_gzip_of_zeros_is_stopped_as_well() -> None:
    packed = gzip.compress(gzip.compress(b"\0" * (64 * 1024 * 1024)))

    with pytest.raises(ContentTooLargeError):
        decoded(coded("gzip, gzip", packed), limit=1000).read()


def test_an_unknown_coding_is_refused_before_the_content_is_read() -> None:
    """U-D2: the raw content stays readable."""
    response = coded("compress", b"abc")

    with pytest.raises(ContentDecodingError, match="content coding 'compress' is unknown"):
        decoded(response)

    assert response.read() == b"abc"


@pytest.mark.parametrize(("coding", "package"), [("br", "brotli"), ("zstd", "zstandard")])
def test_a_missing_package_names_the_extra_that_installs_it(
    coding: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(MissingExtraError, match=rf"install stablehttp\[{coding}\]") as caught:
        decoded(coded(coding, b"abc"))

    assert caught.value.extra == coding
    assert isinstance(caught.value, builtins.ImportError)


async def test_decoded_content_can_be_read_as_text_and_closes_what_is_below() -> None:
    closed = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal closed
        try:
            yield gzip.compress(b"one\ntwo")
        finally:
            closed += 1

    response = adecoded(Response(200, headers=[("Content-Encoding", "gzip")], body=pieces()))

    assert [line async for line in response.alines()] == ["one", "two"]
    assert closed == 1
