"""What comes in: lines as octets, odd heads, and content that breaks."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.adapters.aiohttp.peers import peer, saying

from stablehttp import (
    AsyncPipeline,
    FieldValue,
    HttpSettings,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    Request,
    Timeouts,
    TLSSettings,
    TrailersUnavailableError,
)
from stablehttp.testing import TLS, Answer, Origin
from stablehttp_aiohttp import AsyncAiohttpConnector

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_lines_come_back_in_order_spelling_and_repetition(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-K2."""
    lines = [("X-D", "1"), ("Set-Cookie", "a=1, b"), ("x-d", "2"), ("Y", ""), ("Set-Cookie", "c"), ("X-D", "3")]
    origin.answer(Answer(200, fields=lines))

    response = await AsyncPipeline(connector).send(Request("GET", origin.url))

    assert (response.headers.values("X-d"), response.headers["x-D"]) == (("1", "2", "3"), "1, 2, 3")
    assert response.headers.values("set-cookie") == ("a=1, b", "c")
    assert "\N{KELVIN SIGN}" not in response.headers
    assert response.headers.items()[: len(lines)] == lines
    await response.aclose()


async def test_octets_above_0x7f_are_read_as_latin_1_and_come_out_without_loss(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-K5: aiohttp decodes them as UTF-8, with surrogates for the rest."""
    origin.answer(Answer(200, reason=b"caf\xe9", fields=[(b"X-A", b"\xe9\xff"), (b"X-B", "é".encode())]))

    response = await AsyncPipeline(connector).send(Request("GET", origin.url))
    await response.aclose()

    value = response.headers["x-a"]
    assert isinstance(value, FieldValue)
    assert (value.octets, response.headers["x-b"]) == (b"\xe9\xff", "\xc3\xa9")
    assert dict(response.headers.items())["X-A"] == value
    assert response.reason == "caf\xe9"


async def test_a_name_that_was_seen_before_is_still_looked_up_without_regard_to_case(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    pipeline = AsyncPipeline(connector)
    for name in ("X-One", "x-ONE"):
        origin.answer(Answer(200, fields=[(name, "1")]))
        response = await pipeline.send(Request("GET", origin.url))
        await response.aclose()
        assert response.headers["X-one"] == "1"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_content_is_delivered_as_it_stands_on_the_wire(
    origin: Origin, connector: AsyncAiohttpConnector, method: str
) -> None:
    """U-D2: no decoding, and the length of a response to HEAD is the peer's."""
    origin.answer(Answer(200, b"not gzip", fields=[("Content-Encoding", "gzip")]))

    response = await AsyncPipeline(connector).send(Request(method, origin.url))

    assert await response.aread() == (b"not gzip" if method == "GET" else b"")
    assert (response.headers["content-encoding"], response.headers["content-length"]) == ("gzip", "8")


async def test_of_a_folded_line_aiohttp_takes_out_the_line_break_alone(connector: AsyncAiohttpConnector) -> None:
    async with peer(saying(OK + b"X-A: a\r\n b\r\nContent-Length: 0\r\n\r\n")) as url:
        response = await AsyncPipeline(connector).send(Request("GET", url))
        await response.aclose()

    assert response.headers["x-a"] == "a b"


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (b"HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", "status 099"),
        (b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "switched protocols"),
        (b"HTTP/2.0 200 X\r\nContent-Length: 0\r\n\r\n", "protocol version"),
        (b"HTTP/0.9 200 X\r\nContent-Length: 0\r\n\r\n", "protocol version"),
        (OK + b"Transfer-Encoding: gzip\r\n\r\nx", "transfer coding"),
        (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "HTTP allows|transfer coding"),
        (b"HTTP/1.1 200 a\0b\r\nContent-Length: 0\r\n\r\n", "reason phrase"),
    ],
    ids=["status 099", "101", "HTTP/2.0 in text", "HTTP/0.9", "a coding", "a coding twice", "NUL in the reason"],
)
async def test_what_aiohttp_takes_and_http_does_not_is_invalid(
    connector: AsyncAiohttpConnector, response: bytes, message: str
) -> None:
    """U-E1, U-M2."""
    async with peer(saying(response)) as url:
        with pytest.raises(InvalidResponseError, match=message) as caught:
            await AsyncPipeline(connector).send(Request("GET", url))

    assert caught.value.sent == "yes"


async def test_interim_responses_are_skipped(connector: AsyncAiohttpConnector) -> None:
    """U-M2."""
    early = b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n"
    async with peer(saying(early, early, OK + b"Content-Length: 2\r\n\r\nhi", pause=0.01)) as url:
        response = await AsyncPipeline(connector).send(Request("GET", url))

        assert (response.status, "link" in response.headers, await response.aread()) == (200, False, b"hi")


async def test_trailers_are_dropped_by_aiohttp_and_that_is_told(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-J6."""
    origin.answer(Answer(200, b"content", trailers=[("X-T", "1")]))
    response = await AsyncPipeline(connector).send(Request("GET", origin.url))
    await response.aread()

    with pytest.raises(TrailersUnavailableError, match="does not deliver trailers"):
        _ = response.trailers


@pytest.mark.parametrize(
    "content",
    [b"zz\r\nhi\r\n", b"5\r\nhelloXX\r\n0\r\n\r\n", b"2\r\nhi\r\n0\r\nX T: 1\r\n\r\n"],
    ids=["no size", "no end of a chunk", "a bad trailer"],
)
@pytest.mark.parametrize("timeouts", [Timeouts(), Timeouts(read=30)], ids=["no timeout", "a read timeout"])
async def test_a_broken_chunked_coding_is_told_to_whoever_waits(
    connector: AsyncAiohttpConnector, content: bytes, timeouts: Timeouts
) -> None:
    """U-E1, U-E5: aiohttp alone would let them wait for ever."""
    async with peer(saying(CHUNKED + b"1\r\na\r\n", content, b"", b"", b"", pause=0.05)) as url:
        response = await AsyncPipeline(connector, timeouts=timeouts).send(Request("GET", url))
        since = time.monotonic()

        with pytest.raises(InvalidResponseError, match="framing") as caught:
            await response.aread()

    assert time.monotonic() - since < 3
    assert (caught.value.sent, caught.value.processed, caught.value.status) == ("yes", "yes", 200)


@pytest.mark.parametrize(
    ("response", "expected", "received"),
    [
        (OK + b"Content-Length: 10\r\n\r\nhi", 10, 2),
        (CHUNKED + b"5\r\nhello\r\n", None, 5),
        (CHUNKED + b"5\r\nhe", None, 2),
    ],
    ids=["by length", "between chunks", "in a chunk"],
)
async def test_content_that_is_cut_is_incomplete(
    connector: AsyncAiohttpConnector, response: bytes, expected: int | None, received: int
) -> None:
    """U-E1."""
    head, _, content = response.partition(b"\r\n\r\n")
    async with peer(saying(head + b"\r\n\r\n", content, pause=0.05)) as url:
        arrived = await AsyncPipeline(connector).send(Request("GET", url))

        with pytest.raises(IncompleteResponseError) as caught:
            await arrived.aread()

    assert (caught.value.expected, caught.value.received, caught.value.status) == (expected, received, 200)


async def test_content_that_ends_with_a_reset_is_not_taken_for_whole(connector: AsyncAiohttpConnector) -> None:
    """U-E1: without a length aiohttp takes any end for the end."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"\r\nhalf")
        await asyncio.sleep(0.05)
        writer.get_extra_info("socket").setsockopt(1, 13, b"\x01\x00\x00\x00\x00\x00\x00\x00")  # SO_LINGER
        writer.transport.abort()

    async with peer(reset) as url:
        response = await AsyncPipeline(connector).send(Request("GET", url))

        with pytest.raises(IncompleteResponseError):
            await response.aread()


async def test_what_nobody_asked_for_is_not_taken_for_a_response(connector: AsyncAiohttpConnector) -> None:
    """aiohttp would hand a response that arrived on an idle connection to the next request."""
    told = asyncio.Event()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Content-Length: 4\r\n\r\ngood")
        if b"/first" in head:
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 408 Late\r\nContent-Length: 3\r\n\r\nbad")
            await writer.drain()
            told.set()
            await reader.read()

    async with peer(play) as url:
        pipeline = AsyncPipeline(connector)
        await (await pipeline.send(Request("GET", url + "/first"))).aread()
        await told.wait()
        await asyncio.sleep(0.05)

        response = await pipeline.send(Request("GET", url + "/second"))

        assert (response.status, await response.aread(), response.connection.reused) == (200, b"good", False)


async def test_a_connection_that_brought_an_invalid_response_serves_nobody_else(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    origin.script([Answer(status=99, connection="keep"), Answer(200, b"good")])
    pipeline = AsyncPipeline(connector)

    with pytest.raises(InvalidResponseError, match="status 099"):
        await pipeline.send(Request("GET", origin.url))

    response = await pipeline.send(Request("GET", origin.url))
    assert (await response.aread(), response.connection.reused) == (b"good", False)


async def test_the_connection_is_described() -> None:

    with Origin(tls=TLS()) as origin:
        settings = HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file)))
        async with AsyncAiohttpConnector(settings=settings) as secured:
            pipeline = AsyncPipeline(secured)
            first, second = [await pipeline.send(Request("GET", origin.url)) for _ in range(2)]
            await first.aclose()
            await second.aclose()

    assert (first.connection.reused, second.connection.reused) == (False, True)
    assert (second.connection.peer, second.connection.alpn) == (origin.authority, "http/1.1")
    assert second.connection.tls_version in ("TLSv1.2", "TLSv1.3")
    assert (first.http_version, first.reason) == (HttpVersion.HTTP_1_1, "OK")
