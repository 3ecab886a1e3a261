"""Content on its way out is counted, and its body is closed once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp import (
    AsyncIterableBody,
    BodyColourError,
    BodyTakenError,
    ContentLengthError,
    IterableBody,
    MisuseError,
    Request,
)
from stablehttp._completion import complete
from stablehttp.adapting import AsyncOutgoing, SyncOutgoing


class Source:
    """An iterator of both colours that notes what was asked of it."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = list(parts)
        self.given = 0
        self.closed = 0

    def sync(self) -> Iterator[bytes]:
        try:
            for part in self.parts:
                self.given += 1
                yield part
        finally:
            self.closed += 1

    async def asynchronous(self) -> AsyncIterator[bytes]:
        try:
            for part in self.parts:
                self.given += 1
                yield part
        finally:
            self.closed += 1


def declared(length: int, source: Source) -> Request[AsyncIterableBody]:
    request = Request("PUT", "http://a/", body=AsyncIterableBody(source.asynchronous(), length=length))
    complete(request)
    return request


async def test_content_arrives_whole_and_without_empty_chunks() -> None:
    source = Source(b"a", b"", b"bc")
    outgoing = AsyncOutgoing(declared(3, source), "a test")

    assert [chunk async for chunk in outgoing] == [b"a", b"bc"]
    assert outgoing.sent == outgoing.length == 3


async def test_octets_beyond_the_declared_length_are_never_given_out() -> None:
    """U-H2."""
    outgoing = AsyncOutgoing(declared(3, Source(b"ab", b"cd")), "a test")
    given = [await anext(outgoing)]

    with pytest.raises(ContentLengthError, match=r"more octets \(4 so far\) than the 3"):
        given.append(await anext(outgoing))

    assert given == [b"ab"]


async def test_fewer_octets_than_declared_are_an_error() -> None:
    """U-H2."""
    outgoing = AsyncOutgoing(declared(3, Source(b"ab")), "a test")

    with pytest.raises(ContentLengthError, match="fewer octets") as caught:
        _ = [chunk async for chunk in outgoing]

    assert (caught.value.declared, caught.value.found) == (3, 2)


def test_the_synchronous_twin_counts_alike() -> None:
    def outgoing(length: int, *parts: bytes) -> SyncOutgoing:
        request = Request("PUT", "http://a/", body=IterableBody(Source(*parts).sync(), length=length))
        complete(request)
        return SyncOutgoing(request, "a test")

    assert list(outgoing(3, b"ab", b"c")) == [b"ab", b"c"]
    with pytest.raises(ContentLengthError, match="more"):
        list(outgoing(3, b"ab", b"cd"))
    with pytest.raises(ContentLengthError, match="fewer"):
        list(outgoing(3, b"ab"))


async def test_a_body_is_closed_once_and_a_generator_that_was_started_is_ended() -> None:
    """U-H7."""
    source = Source(b"a", b"b")
    outgoing = AsyncOutgoing(declared(2, source), "a test")
    await anext(outgoing)

    await outgoing.aclose()
    await outgoing.aclose()

    assert source.closed == 1


async def test_a_body_that_nobody_read_is_left_as_it_was() -> None:
    """D4: it stays un-started, and usable."""
    source = Source(b"ab")
    request = declared(2, source)

    await AsyncOutgoing(request, "a test").aclose()

    assert (source.given, source.closed) == (0, 0)
    assert [chunk async for chunk in request.body] == [b"ab"]


def test_the_wrong_colour_is_refused_with_a_way_out() -> None:
    """U-H5."""
    asynchronous = declared(2, Source(b"ab"))
    synchronous = Request("PUT", "http://a/", body=Source(b"ab").sync())
    complete(synchronous)

    with pytest.raises(BodyColourError, match="use an AsyncPipeline"):
        SyncOutgoing(asynchronous, "a test")  # type: ignore[arg-type]
    with pytest.raises(BodyColourError, match="use a SyncPipeline"):
        AsyncOutgoing(synchronous, "a test")  # type: ignore[arg-type]


async def test_a_taken_body_says_who_took_it() -> None:
    """U-H4."""
    request = declared(2, Source(b"ab"))
    _ = [chunk async for chunk in AsyncOutgoing(request, "connector 'first'")]

    with pytest.raises(BodyTakenError, match="by connector 'first'"):
        AsyncOutgoing(request, "connector 'second'")


def test_a_request_that_was_not_completed_is_refused() -> None:
    with pytest.raises(MisuseError, match="send it through a pipeline"):
        AsyncOutgoing(Request("GET", "http://a/"), "a test")
