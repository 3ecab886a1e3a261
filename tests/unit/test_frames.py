"""Messages as frames: content, and the trailers last."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp import (
    AsyncFramesBody,
    AsyncPipeline,
    BodyTakenError,
    Fields,
    Frame,
    FramesBody,
    InvalidBodyError,
    InvalidFieldError,
    Request,
    Response,
    SyncPipeline,
    TrailersUnavailableError,
    aframes,
    frames,
)
from stablehttp.testing import Answer, Origin

LAST = Fields([("X-Sum", "1"), ("X-Sum", "2")])


async def given() -> AsyncIterator[Frame]:
    yield b"one"
    yield b""
    yield b"two"
    yield LAST


def test_both_shapes_of_a_response_are_the_same_message() -> None:
    """W13."""
    response = Response(200, body=[b"one", b"two"], trailers=LAST)

    *content, last = frames(response)

    assert content == [b"one", b"two"]
    assert isinstance(last, Fields)
    assert last.items() == response.trailers.items() == LAST.items()


@pytest.mark.parametrize("colour", ["async", "sync"])
async def test_frames_go_out_and_come_in_over_the_wire(colour: str) -> None:
    """W13, U-J6: content then trailers, in both directions; and with the same body again."""
    answer = Answer(200, [b"three", b"four"], trailers=[("X-Sum", "3"), ("X-Sum", "4")])
    got: list[Frame] = []
    with Origin(answer) as origin:
        if colour == "async":
            body = AsyncFramesBody(given(), trailer_names=["X-Sum"])
            async with AsyncPipeline() as pipeline:
                response = await pipeline.send(Request("PUT", origin.url, body=body))
                got = [frame async for frame in aframes(response)]
        else:
            blocking = FramesBody([b"one", b"", b"two", LAST], trailer_names=["X-Sum"])
            assert blocking.replayable
            with SyncPipeline() as twin:
                got = list(frames(twin.send(Request("PUT", origin.url, body=blocking))))
        received = await origin.atake()

    assert (received.content, received.trailers) == (b"onetwo", ((b"X-Sum", b"1"), (b"X-Sum", b"2")))
    assert received.values("trailer") == (b"X-Sum",)
    *content, last = got
    assert b"".join(chunk for chunk in content if isinstance(chunk, bytes)) == b"threefour"
    assert isinstance(last, Fields)
    assert last.values("x-sum") == ("3", "4")


async def test_where_trailers_cannot_be_had_the_last_frame_is_an_error_and_never_an_empty_section() -> None:
    """U-J6."""
    from stablehttp_aiohttp import AsyncAiohttpConnector

    with Origin(Answer(200, [b"content"], trailers=[("X-Sum", "1")])) as origin:
        async with AsyncAiohttpConnector() as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            coming = aframes(response)

            assert await anext(coming) == b"content"
            with pytest.raises(TrailersUnavailableError):
                await anext(coming)


def test_a_frame_after_the_trailers_is_an_error_and_so_are_names_that_may_not_stand_there() -> None:
    late = FramesBody([b"one", LAST, b"two"], trailer_names=["X-Sum"])
    with pytest.raises(InvalidBodyError, match="follows the trailers"):
        list(late)
    with pytest.raises(InvalidBodyError, match="content is bytes"):
        list(FramesBody(["text"]))  # type: ignore[list-item]
    for bad in ("X Y", "Content-Length"):
        with pytest.raises(InvalidFieldError):
            FramesBody([], trailer_names=[bad])


def test_an_iterator_of_frames_can_be_read_once_and_is_ended() -> None:
    """U-H4, U-H7."""
    ended = 0

    def once() -> Iterator[Frame]:
        nonlocal ended
        try:
            yield b"one"
            yield LAST
        finally:
            ended += 1

    body = FramesBody(once(), length=3)
    assert (body.length, body.replayable, list(body), ended) == (3, False, [b"one"], 1)
    with pytest.raises(BodyTakenError):
        list(body)
