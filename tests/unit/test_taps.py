"""Progress and computed trailers: content passes by, and stays as it is."""

from __future__ import annotations

import hashlib
import io
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable

import pytest

from stablehttp import (
    AsyncBody,
    BytesBody,
    DualBody,
    InvalidBodyError,
    InvalidFieldError,
    MisuseError,
    Progress,
    Request,
    SyncBody,
    with_checksum,
    with_progress,
    with_trailers,
)
from stablehttp._completion import complete
from stablehttp._signing import aread_digest, digest_at_hand
from stablehttp.adapting import AsyncOutgoing, SyncOutgoing


async def stream(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def sha(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


def test_a_tap_has_the_colour_and_the_length_of_what_is_below() -> None:
    seen: list[Progress] = []

    dual = with_progress(b"abc", seen.append)
    asynchronous = with_progress(stream(b"a"), seen.append)
    synchronous = with_progress(iter([b"a"]), seen.append)

    assert isinstance(dual, DualBody)
    assert (dual.length, dual.replayable) == (3, True)
    assert isinstance(asynchronous, AsyncBody)
    assert not isinstance(asynchronous, SyncBody)
    assert isinstance(synchronous, SyncBody)
    assert not isinstance(synchronous, AsyncBody)
    assert (synchronous.length, synchronous.replayable) == (None, False)


async def test_progress_counts_what_was_given_out_and_begins_anew_with_each_reading() -> None:
    seen: list[Progress] = []
    body = with_progress(io.BytesIO(b"abc"), seen.append)

    assert b"".join(body) == b"".join([chunk async for chunk in body]) == b"abc"

    assert seen == [Progress("sent", 3, 3)] * 2


async def test_reading_the_digest_for_a_signer_is_no_progress() -> None:
    seen: list[Progress] = []
    body = with_progress(io.BytesIO(b"abc"), seen.append)

    digest = await aread_digest(body, "sha256")

    assert digest == hashlib.sha256(b"abc").hexdigest() == digest_at_hand(with_progress(b"abc", seen.append), "sha256")
    assert seen == []


async def test_a_checksum_is_announced_before_and_computed_while_the_content_is_sent() -> None:
    request = Request("PUT", "http://a/", body=with_checksum(stream(b"ab", b"c"), "X-Sum"), trailers=[("X-Given", "1")])
    complete(request)

    outgoing = AsyncOutgoing(request, "a test")
    with pytest.raises(MisuseError, match="content, which has not ended"):
        outgoing.trailers()
    content = b"".join([chunk async for chunk in outgoing])

    assert list(request.headers)[1:] == [("Transfer-Encoding", "chunked"), ("Trailer", "X-Given, X-Sum")]
    assert content == b"abc"
    assert list(outgoing.trailers()) == [("X-Given", "1"), ("X-Sum", sha(b"abc"))]
    assert list(request.trailers) == [("X-Given", "1")]


def test_content_in_memory_with_a_checksum_behind_it_is_chunked_and_can_be_sent_again() -> None:
    """U-H4."""
    request = Request("PUT", "http://a/", body=with_checksum(b"abc", "X-Sum"))
    complete(request)

    for _ in range(2):
        outgoing = SyncOutgoing(request, "a test")
        assert b"".join(outgoing) == b"abc"
        assert list(outgoing.trailers()) == [("X-Sum", sha(b"abc"))]
        outgoing.close()


@pytest.mark.parametrize(("algorithm", "expected"), [("crc32", "352441c2"), ("md5", hashlib.md5(b"abc").hexdigest())])
def test_checksums_of_other_kinds(algorithm: str, expected: str) -> None:
    body = with_checksum([b"a", b"bc"], "X-Sum", algorithm, encoding="hex")
    list(body)

    assert list(body.computed_trailers()) == [("X-Sum", expected)]


def test_taps_can_stand_on_one_another() -> None:
    seen: list[Progress] = []
    body = with_progress(with_checksum(with_checksum(b"abc", "A", "crc32"), "B", "md5"), seen.append)

    assert body.trailer_names == ("A", "B")
    assert list(body) == [b"abc"]
    assert [name for name, _ in body.computed_trailers()] == ["A", "B"]
    assert body.bare == BytesBody(b"abc")


def test_names_and_algorithms_are_checked_when_the_body_is_built() -> None:
    with pytest.raises(InvalidFieldError, match="not a token"):
        with_checksum(b"", "X Sum")
    with pytest.raises(InvalidFieldError, match="may not stand in trailers"):
        with_checksum(b"", "Content-Length")
    with pytest.raises(InvalidBodyError, match="algorithm must be one of"):
        with_checksum(b"", "X", "sha0")


def test_a_body_that_computes_other_trailers_than_it_announced_is_an_error() -> None:
    class Wrong:
        def update(self, octets: bytes, /) -> None: ...

        def lines(self) -> Iterable[tuple[str, str]]:
            return [("X-Other", "1")]

    request = Request("PUT", "http://a/", body=with_trailers(b"abc", ["X-Sum"], Wrong))
    complete(request)
    outgoing = SyncOutgoing(request, "a test")
    list(outgoing)

    with pytest.raises(InvalidBodyError, match="other trailers than it announced"):
        outgoing.trailers()
