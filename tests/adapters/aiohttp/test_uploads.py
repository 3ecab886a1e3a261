"""Content on its way out: early responses, expectations, failures, and a body closed exactly once."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from tests.adapters.aiohttp.bodies import WatchedBody
from tests.adapters.aiohttp.peers import peer

from stablehttp import (
    AsyncPipeline,
    ContentLengthError,
    DisconnectedError,
    ReadTimeoutError,
    Request,
    Timeouts,
    WriteTimeoutError,
)
from stablehttp.testing import Answer, Fault, Gate, Hang, OnHead, Origin, Reset
from stablehttp_aiohttp import AsyncAiohttpConnector


def early(*, connection: str | None = None) -> OnHead:
    """An answer to the head alone, whatever content follows."""
    answer = Answer(413, b"too large", reading="never", connection="keep" if connection is None else "close")
    return OnHead(lambda _: answer)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("length", [None, 1_000_000], ids=["chunked", "with a length"])
async def test_an_early_response_is_given_and_the_content_is_stopped(
    origin: Origin, connector: AsyncAiohttpConnector, length: int | None
) -> None:
    """U-J2, U-H7: the body is closed, the response can still be read, and the connection serves nobody else."""
    origin.answer(early())
    body = WatchedBody([b"first"], length=length, endless=True)
    pipeline = AsyncPipeline(connector)

    async with asyncio.timeout(5):
        response = await pipeline.send(Request("PUT", origin.url, body=body))
        assert (response.status, body.begun, body.closed) == (413, 1, 1)
        assert await response.aread() == b"too large"

    origin.answer(Answer(200, b"good"))
    again = await pipeline.send(Request("GET", origin.url))
    assert (await again.aread(), again.connection.reused) == (b"good", False)
    await origin.awatch(lambda: origin.connections[0].ended != "open")


async def test_a_reset_between_two_chunks_is_a_disconnection_and_nothing_is_left_for_nobody(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-E5: aiohttp meets it in a task that nobody awaits, and then looks at a connection that is gone."""
    origin.answer(Answer(faults=[Fault(Reset(), "request content", after=1)]))
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: reported.append(about))

    for _ in range(20):
        body = WatchedBody([b"x" * 1000] * 4)
        with pytest.raises(DisconnectedError):
            await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))
        assert body.closed == body.begun == 1
    gc.collect()
    await settle()

    assert reported == []


async def test_an_early_response_with_content_that_never_ends_is_streamed(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-J2."""
    gate = Gate()
    origin.answer(OnHead(lambda _: Answer(200, [b"one", gate, b"two"], reading="never")))
    body = WatchedBody([b"first"], endless=True)

    async with asyncio.timeout(5):
        response = await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))
        chunks = aiter(response.body)
        assert await anext(chunks) == b"one"
        gate.open()
        assert await anext(chunks) == b"two"
        await response.aclose()

    assert body.closed == 1


async def test_a_peer_that_answers_early_and_reads_nothing_keeps_no_socket_open(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    origin.answer(early())
    body = WatchedBody([bytes(1 << 20)] * 64, length=64 << 20)

    async with asyncio.timeout(5):
        response = await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))
        await response.aread()
        await response.aclose()

    assert body.closed == 1
    await settle()
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_content_that_was_sent_whole_leaves_the_connection_to_others(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    pipeline = AsyncPipeline(connector)
    reused = []
    for length in (None, 10, None, 10):
        body = WatchedBody([b"first", b"other"], length=length)
        response = await pipeline.send(Request("PUT", origin.url, body=body))
        await response.aread()
        reused.append(response.connection.reused)
        assert (body.begun, body.closed) == (1, 1)

    assert reused == [False, True, True, True]


@pytest.mark.parametrize("length", [None, 12], ids=["chunked", "with a length"])
async def test_what_the_body_raises_comes_out_as_it_is(
    origin: Origin, connector: AsyncAiohttpConnector, length: int | None
) -> None:
    """U-H7, U-E1."""
    failure = TimeoutError("mine")
    body = WatchedBody([b"first"], length=length, failure=failure)
    pipeline = AsyncPipeline(connector, timeouts=Timeouts(total=30))

    with pytest.raises(TimeoutError, match="mine") as caught:
        await pipeline.send(Request("PUT", origin.url, body=body))

    assert (caught.value, caught.value.__cause__) == (failure, None)
    assert (body.begun, body.closed) == (1, 1)
    await origin.awatch(lambda: origin.open_connections == 0)
    assert (await (await pipeline.send(Request("GET", origin.url))).aread()) == b""


@pytest.mark.parametrize(("chunks", "found"), [([b"fir"], 3), ([b"first", b"second"], 11)], ids=["fewer", "more"])
async def test_content_of_another_length_than_declared_is_an_error_and_nothing_beyond_it_leaves(
    origin: Origin, connector: AsyncAiohttpConnector, chunks: list[bytes], found: int
) -> None:
    """U-H2."""
    body = WatchedBody(chunks, length=5)

    with pytest.raises(ContentLengthError) as caught:
        await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))

    assert (caught.value.declared, caught.value.found, body.closed) == (5, found, 1)
    await origin.awatch(lambda: origin.open_connections == 0)
    assert all(request.content in (b"", b"fir", b"first") for request in origin.requests)


async def test_content_waits_for_100(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-M1."""
    origin.answer(Answer.echo())
    request = Request("PUT", origin.url, headers=[("Expect", "100-continue")], body=b"content")

    response = await AsyncPipeline(connector).send(request)

    assert await response.aread() == b"content"
    assert (await origin.atake()).values("expect") == (b"100-continue",)


@pytest.mark.parametrize("status", [417, 401, 307, 200])
async def test_without_100_no_octet_of_content_leaves_and_the_body_is_untouched(
    origin: Origin, connector: AsyncAiohttpConnector, status: int
) -> None:
    """U-M1."""
    origin.answer(OnHead(lambda _: Answer(status, b"no", reading="never", expect="nothing", connection="keep")))
    body = WatchedBody([b"content"])
    request = Request("PUT", origin.url, headers=[("Expect", "100-continue")], body=body)
    pipeline = AsyncPipeline(connector)

    async with asyncio.timeout(5):
        response = await pipeline.send(request)
        assert (response.status, await response.aread()) == (status, b"no")

    assert (body.begun, body.closed, body.taken_by) == (0, 0, None)
    assert (await origin.atake()).raw_content == b""
    origin.answer(Answer(200))
    again = await pipeline.send(Request("GET", origin.url))
    assert again.connection.reused is False
    await again.aread()


async def test_an_expectation_without_content_waits_for_nothing(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    origin.answer(Answer(200, b"good", expect="nothing"))

    async with asyncio.timeout(5):
        response = await AsyncPipeline(connector).send(
            Request("POST", origin.url, headers=[("Expect", "100-continue")])
        )

    assert await response.aread() == b"good"


@pytest.mark.parametrize("expect", [False, True], ids=["103 at once", "100 for an expectation"])
async def test_an_interim_response_does_not_start_the_clock_while_it_is_we_who_send(
    connector: AsyncAiohttpConnector, expect: bool
) -> None:
    """U-D1, U-M2: aiohttp's read timer would run from the first octet received, however long the upload takes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" if expect else b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await reader.readuntil(b"0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"content"
            await asyncio.sleep(0.25)

    headers = [("Expect", "100-continue")] if expect else []
    async with peer(answer) as url:
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=0.2))
        response = await pipeline.send(Request("PUT", url, headers=headers, body=slowly()))

        assert await response.aread() == b"good"


async def test_a_peer_that_never_says_100_runs_into_the_read_timeout(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-D1: aiohttp by itself would wait for ever."""
    origin.answer(Answer.failing(Hang(), "request head"))
    body = WatchedBody([b"content"])
    request = Request("PUT", origin.url, headers=[("Expect", "100-continue")], body=body)

    with pytest.raises(ReadTimeoutError) as caught:
        await AsyncPipeline(connector, timeouts=Timeouts(read=0.2)).send(request)

    assert (caught.value.seconds, caught.value.sent, body.begun, body.closed) == (0.2, "maybe", 0, 0)


async def test_a_write_timeout_counts_the_time_in_which_the_peer_takes_nothing(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-D1."""
    origin.answer(Answer.failing(Hang(), "request head"))
    body = WatchedBody([bytes(1 << 20)] * 64, length=64 << 20)
    pipeline = AsyncPipeline(connector, timeouts=Timeouts(write=0.2))

    with pytest.raises(WriteTimeoutError) as caught:
        await pipeline.send(Request("PUT", origin.url, body=body))

    assert (caught.value.seconds, caught.value.sent, body.closed) == (0.2, "maybe", 1)


async def test_a_peer_that_takes_content_slowly_is_given_its_time(connector: AsyncAiohttpConnector) -> None:
    """U-D1: what counts is a pause in which nothing is taken, not how long one chunk takes."""

    async def take_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = 4 << 20
        await reader.readuntil(b"\r\n\r\n")
        while left > 0:
            left -= len(await reader.read(1 << 18))
            await asyncio.sleep(0.03)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with peer(take_slowly) as url:
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(write=0.25))
        response = await pipeline.send(Request("PUT", url, body=bytes(4 << 20)))
        await response.aread()

    assert response.status == 200
