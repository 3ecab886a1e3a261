"""Responses through the CRT: what it hides, what it lacks, and what it gives too much of."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.adapters.crt.peers import answering, listening, read_head, trusting

from stablehttp import (
    AsyncPipeline,
    DisconnectedError,
    ForeignLoopError,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    ReadTimeoutError,
    Request,
    SyncPipeline,
    Timeouts,
    TrailersUnavailableError,
)
from stablehttp.testing import Answer, Close, Fault, Gate, Informational, Origin, Reset
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector
from stablehttp_crt._exchange import WINDOW

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


@pytest.fixture(params=[HTTP_1, HTTP_2], ids=str)
def version(request: pytest.FixtureRequest) -> HttpVersion:
    assert isinstance(request.param, HttpVersion)
    return request.param


@pytest.fixture
def origin(version: HttpVersion) -> Iterator[Origin]:
    with Origin(tls=version is HTTP_2, http2=version is HTTP_2) as started:
        yield started


@pytest.fixture
async def pipeline(version: HttpVersion, origin: Origin) -> AsyncIterator[AsyncPipeline]:
    async with AsyncCrtConnector(versions=[version], settings=trusting(origin)) as connector:
        yield AsyncPipeline(connector)


async def test_reason_interim_responses_and_trailers_are_not_told(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-J6: trailers that cannot be had are an error, and never an empty section."""
    origin.answer(
        Answer(200, [b"content"], reason="Fine", trailers=[("X-Sum", "1")], informational=[Informational(103)])
    )

    response = await pipeline.send(Request("GET", origin.url))
    content = await response.aread()

    assert (response.status, response.reason, content) == (200, "", b"content")
    with pytest.raises(TrailersUnavailableError):
        _ = response.trailers


async def test_a_value_that_is_not_utf_8_is_an_error_that_says_so(
    origin: Origin, pipeline: AsyncPipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    """U-K5: the CRT prints a traceback, too, which we cannot keep from it."""
    origin.script([Answer(200, b"x", fields=[("X-A", b"caf\xe9")])])

    with pytest.raises(InvalidResponseError, match="not UTF-8") as caught:
        await pipeline.send(Request("GET", origin.url))
    after = await (await pipeline.send(Request("GET", origin.url))).aread()

    assert (caught.value.sent, caught.value.processed, after) == ("yes", "maybe", b"")
    assert "UnicodeDecodeError" in capfd.readouterr().err


async def test_a_value_in_utf_8_comes_out_as_its_octets(origin: Origin, pipeline: AsyncPipeline) -> None:
    origin.answer(Answer(200, fields=[("X-A", "é".encode())]))

    response = await pipeline.send(Request("GET", origin.url))
    await response.aread()

    assert response.headers["x-a"].encode("latin-1") == "é".encode()


@pytest.mark.parametrize(
    "octets",
    [b"HTTP/1.1 200 OK\r\n\r\ncontent", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\nx"],
    ids=["content", "none", "HTTP/1.0"],
)
async def test_content_that_ends_with_the_connection_cannot_be_read(octets: bytes) -> None:
    """The CRT loses it; its head can be seen, and there is never a wrong content."""
    with listening(answering(octets)) as port:
        async with AsyncCrtConnector() as connector:
            response = await AsyncPipeline(connector).send(Request("GET", f"http://127.0.0.1:{port}"))
            with pytest.raises(InvalidResponseError, match="ends with the connection") as caught:
                await response.aread()

    assert (response.status, caught.value.status, caught.value.processed) == (200, 200, "yes")


async def test_over_http_1_a_head_waits_for_the_first_octet_of_content() -> None:
    """So a connection that ends between them has brought no response."""
    gate = Gate()
    with Origin(Answer(200, [gate, b"content"])) as origin:
        async with AsyncCrtConnector() as connector:
            sending = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url)))
            await gate.await_()
            done, _ = await asyncio.wait([sending], timeout=0.2)
            gate.open()
            assert await (await sending).aread() == b"content"
            assert not done
            origin.answer(Answer(200, b"0123", faults=[Fault(Close(), "response content", 0)]))
            with pytest.raises(DisconnectedError) as caught:
                await AsyncPipeline(connector).send(Request("GET", origin.url))

    assert (caught.value.sent, caught.value.processed) == ("maybe", "maybe")


@pytest.mark.parametrize("what", [Close(), Reset()], ids=["closed", "reset"])
async def test_content_that_was_cut_is_incomplete(what: Close | Reset, origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-E1: the CRT says so only when the exchange has ended."""
    for answer in (Answer(200, b"0123456789"), Answer(200, [b"01234", b"56789"], framing="chunked")):
        origin.script(
            [Answer(200, answer.content, framing=answer.framing, faults=[Fault(what, "response content", 4)])]
        )
        response = await pipeline.send(Request("GET", origin.url))
        got = b""
        with pytest.raises(IncompleteResponseError) as caught:
            async for chunk in response.body:
                got += chunk
        assert (got, caught.value.received, caught.value.status) == (b"0123", 4, 200)


@pytest.mark.parametrize(
    "rest",
    [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"],
    ids=["a response", "an empty line first"],
)
def test_what_follows_a_response_is_neither_its_content_nor_the_next_one(rest: bytes) -> None:
    """The CRT may append it to the content, if the response comes fast."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"

    with listening(lambda connection: answering(head + b"ok" + rest, close=False)(connection)) as port:
        with SyncCrtConnector() as connector:
            contents = [
                SyncPipeline(connector).send(Request("GET", f"http://127.0.0.1:{port}")).read() for _ in range(20)
            ]

    assert contents == [b"ok"] * 20


async def test_a_silent_end_of_an_early_response_is_found_by_closing() -> None:
    """U-J2: HTTP/1.1 does not tell us the end of chunks before the request was sent."""
    chunks = b"3\r\ntoo\r\n6\r\n large\r\n"
    early = b"HTTP/1.1 413 Too Large\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(60)

    for octets, whole in ((early + b"0\r\n\r\n", True), (early, False)):
        with listening(answering(octets, close=False)) as port:
            async with AsyncCrtConnector() as connector:
                began = time.monotonic()
                request = Request("PUT", f"http://127.0.0.1:{port}", body=body())
                response = await AsyncPipeline(connector).send(request)
                if whole:
                    assert await response.aread() == b"too large"
                else:
                    with pytest.raises(IncompleteResponseError):
                        await response.aread()
        assert 0.9 < time.monotonic() - began < 5


async def test_a_response_that_nobody_reads_holds_little_memory(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-J7: the peer is held back."""
    size = 64 << 20
    origin.answer(Answer(200, size))

    response = await pipeline.send(Request("GET", origin.url))
    await asyncio.sleep(0.5)
    stalled = origin.connections[0].octets_sent
    total = 0
    async for chunk in response.body:
        total += len(chunk)

    assert stalled < WINDOW + (16 << 20)  # what the system buffers comes on top
    assert total == size


async def test_a_response_that_has_arrived_gives_its_connection_back_unread(
    origin: Origin, pipeline: AsyncPipeline
) -> None:
    origin.answer(Answer(200, b"content"))

    first = await pipeline.send(Request("GET", origin.url))
    await asyncio.sleep(0.2)
    second = await pipeline.send(Request("GET", origin.url))

    assert (first.connection.reused, second.connection.reused) == (False, True)
    assert [await first.aread(), await second.aread()] == [b"content", b"content"]


def drop(held: list[Any]) -> None:
    held.clear()
    gc.collect()


async def test_a_response_that_is_dropped_unread_warns_once_and_gives_its_connection_up(
    origin: Origin, pipeline: AsyncPipeline
) -> None:
    """U-F4."""
    gate = Gate()
    origin.script([Answer(200, [b"first", gate])])
    response = await pipeline.send(Request("GET", origin.url + "/path?secret"))

    held = [response]
    del response
    with pytest.warns(ResourceWarning) as caught:
        drop(held)
    await origin.awatch(lambda: origin.connections[0].ended != "open")
    gate.open()

    said = [str(warning.message) for warning in caught]
    assert len(said) == 1
    assert said[0].startswith(f"a response to GET {origin.url} was dropped before its content was read; ")


def test_a_synchronous_response_that_is_dropped_does_the_same(version: HttpVersion, origin: Origin) -> None:
    """U-F4."""
    gate = Gate()
    origin.script([Answer(200, [b"first", gate])])
    with SyncCrtConnector(versions=[version], settings=trusting(origin)) as connector:
        response = SyncPipeline(connector).send(Request("GET", origin.url))
        held = [response]
        del response
        with pytest.warns(ResourceWarning, match="a response to GET .* was dropped"):
            drop(held)
        origin.watch(lambda: origin.connections[0].ended != "open")
    gate.open()


async def test_a_pause_counts_only_while_somebody_waits(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-D1."""
    origin.answer(Answer(200, [b"first", b"second"]))
    pipeline = AsyncPipeline(pipeline._connector, timeouts=Timeouts(read=0.2))

    response = await pipeline.send(Request("GET", origin.url))
    await asyncio.sleep(0.4)

    assert await response.aread() == b"firstsecond"


async def test_a_slow_body_is_no_silence_of_the_peer(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-D1: while the caller has content to give, the peer has nothing to answer."""

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(0.5)
        yield b"second"

    pipeline = AsyncPipeline(pipeline._connector, timeouts=Timeouts(read=0.2, write=0.2))
    response = await pipeline.send(Request("PUT", origin.url, body=body()))
    await response.aread()
    gate = Gate()
    origin.answer(Answer(200, hold=gate))
    began = time.monotonic()
    with pytest.raises(ReadTimeoutError):
        await pipeline.send(Request("PUT", origin.url, body=body()))
    gate.open()

    assert 0.65 < time.monotonic() - began < 3


def test_a_response_is_read_in_the_loop_it_belongs_to(origin: Origin, version: HttpVersion) -> None:
    """U-F2."""
    connector = AsyncCrtConnector(versions=[version], settings=trusting(origin))
    origin.answer(Answer(200, 5 << 20))
    loop = asyncio.new_event_loop()
    response = loop.run_until_complete(AsyncPipeline(connector).send(Request("GET", origin.url)))

    with pytest.raises(ForeignLoopError):
        asyncio.run(response.aread())

    loop.run_until_complete(response.aclose())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


def test_a_server_that_goes_without_an_answer_is_no_hang() -> None:
    """U-E1: the status never comes, and only the end of the exchange says why."""

    def serve(connection: socket.socket) -> None:
        read_head(connection)

    with listening(serve) as port:
        with SyncCrtConnector() as connector:
            with pytest.raises(DisconnectedError) as caught:
                SyncPipeline(connector).send(Request("POST", f"http://127.0.0.1:{port}", body=b"x"))

    assert (caught.value.sent, caught.value.processed) == ("maybe", "maybe")
