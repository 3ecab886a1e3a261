"""Rules about the content of a request: octets, framing, length, closing, colour.

Stands on the bench.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Final

from stablehttp._body import BytesBody
from stablehttp._capability import Capability
from stablehttp._errors import (
    BodyColourError,
    BodyTakenError,
    ContentLengthError,
    DisconnectedError,
)
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import ready
from stablehttp.testing.contract._rule import HTTP_1, Rule, fails, require, same
from stablehttp.testing.contract._source import Step

EVERY_OCTET: Final = bytes(range(256)) * 5


async def sends_bytes_with_their_length(bench: Bench) -> None:
    for content in (b"x", EVERY_OCTET, b"\r\n0\r\n\r\n", bytes(70_000)):
        received = await bench.deliver(Request("POST", bench.url("/bytes"), body=content))
        same(received.values("content-length"), (str(len(content)).encode(),), "Content-Length")


async def sends_an_iterable_of_known_length_with_it(bench: Bench) -> None:
    source = bench.source(b"one,", b"two,", b"three", length=13)
    received = await bench.deliver(Request("PUT", bench.url("/iterable"), body=source))
    same(received.values("content-length"), (b"13",), "Content-Length")
    source = bench.source(b"ab", b"", b"cd")
    received = await bench.deliver(Request("PUT", bench.url("/own"), headers=[("content-length", "4")], body=source))
    same(received.values("content-length"), (b"4",), "Content-Length given by the caller")


async def sends_an_iterable_of_unknown_length(bench: Bench) -> None:
    source = bench.source(b"one,", b"", b"two,", EVERY_OCTET)
    received = await bench.deliver(Request("PUT", bench.url("/iterable"), body=source))
    same(received.values("content-length"), (), "Content-Length")
    coding = (b"chunked",) if bench.version is HttpVersion.HTTP_1_1 else ()
    same(received.values("transfer-encoding"), coding, "Transfer-Encoding")
    await bench.deliver(Request("PUT", bench.url("/empty"), body=bench.source()))
    await bench.deliver(Request("GET", bench.url("/get"), body=bench.source(b"content of a GET")))


async def sends_bytes_in_chunks_if_told_to(bench: Bench) -> None:
    lines = [("X-A", "1"), ("transfer-encoding", "chunked"), ("X-B", "2")]
    await bench.deliver(Request("PUT", bench.url("/chunked"), headers=lines, body=EVERY_OCTET))
    await bench.deliver(Request("PUT", bench.url("/chunked"), headers=lines, body=bench.source(b"ab", b"cd")))


async def frames_empty_content_by_the_method(bench: Bench) -> None:
    for method in ("POST", "PUT", "PATCH"):
        received = await bench.deliver(Request(method, bench.url("/empty")))
        same(received.values("content-length"), (b"0",), f"Content-Length of {method}")
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PURGE"):
        received = await bench.deliver(Request(method, bench.url("/empty")))
        same(received.values("content-length"), (), f"Content-Length of {method}")
    received = await bench.deliver(Request("DELETE", bench.url("/empty"), headers=[("Content-Length", "0")]))
    same(received.values("content-length"), (b"0",), "Content-Length given by the caller")


async def sends_content_with_any_method(bench: Bench) -> None:
    for method in ("GET", "DELETE", "OPTIONS", "PROPFIND", "post"):
        await bench.deliver(Request(method, bench.url("/any"), body=b"content"))


async def sends_large_content_unharmed(bench: Bench) -> None:
    blocks = [bytes([number]) * 80_000 for number in range(6)]
    digest = hashlib.sha256(b"".join(blocks)).hexdigest()
    for body in (BytesBody(b"".join(blocks)), bench.source(*blocks, length=480_000)):
        await bench.exchange(Request("PUT", bench.url("/large"), body=body))
        received = await bench.origin.atake()
        same((received.content_sha256, received.complete), (digest, True), "digest of the content")


async def takes_chunks_of_any_buffer(bench: Bench) -> None:
    source = bench.source(bytearray(b"bytearray,"), memoryview(b"memoryview,"), b"bytes", length=26)
    await bench.deliver(Request("PUT", bench.url("/buffers"), body=source))


async def stops_content_that_is_longer_than_declared(bench: Bench) -> None:
    for steps in ([b"12345", b"67890", b"more"], [b"1234567890more"], [b"1234567890", b"more"]):
        source = bench.source(*steps, length=10)
        with fails(ContentLengthError) as caught:
            await bench.exchange(Request("PUT", bench.url("/longer"), body=source))
        same(caught.error.declared, 10, "declared")
        same((source.opened, source.closed), (1, 1), "times that the body was opened and closed")
    await _still_works(bench)
    for received in bench.origin.requests:
        require(received.content_length <= 10, "octets beyond the declared length never leave")


async def reports_content_that_is_shorter_than_declared(bench: Bench) -> None:
    for steps in ([b"12345"], []):
        source = bench.source(*steps, length=10)
        with fails(ContentLengthError) as caught:
            await bench.exchange(Request("PUT", bench.url("/shorter"), body=source))
        same((caught.error.declared, caught.error.found), (10, source.given), "declared and found")
        same((source.opened, source.closed), (1, 1), "times that the body was opened and closed")
    await _still_works(bench)
    cut = [received for received in bench.origin.requests if received.target == b"/shorter"]
    require(not any(received.complete for received in cut), "no cut request looks complete")


class _OwnError(Exception):
    """An exception of the caller's own."""


async def lets_errors_of_the_body_through(bench: Bench) -> None:
    error = _OwnError("from the body")
    steps: tuple[Step, ...]
    for steps in ((error,), (b"first", error)):
        for length in (10, None) if bench.can(Capability.STREAMED_REQUEST) else (10,):
            source = bench.source(*steps, length=length)
            with fails(_OwnError) as caught:
                await bench.exchange(Request("PUT", bench.url("/own"), body=source))
            same(caught.error, error, "the error itself")
            same(source.closed, 1, "times that the body was closed")
    with suppress(DisconnectedError):  # the reset may reach a connection that is idle by then
        await bench.exchange(Request("GET", bench.url("/between")))
    await _still_works(bench)


async def _still_works(bench: Bench) -> None:
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


async def closes_the_body_once(bench: Bench) -> None:
    source = bench.source(b"content", length=7)
    await bench.exchange(Request("PUT", bench.url("/good"), body=source))
    same((source.opened, source.closed), (1, 1), "times that the body was opened and closed")
    source = bench.source(b"content", length=7)
    with bench.dead_end() as url, fails(ConnectionError):
        await bench.exchange(Request("PUT", url, body=source))
    require(source.closed <= 1, "the body is not closed twice")
    require(source.closed == source.opened or source.closed == 1, "a body that was opened is closed")


async def refuses_a_body_of_the_wrong_colour(bench: Bench) -> None:
    source = bench.driver.foreign_source(b"content")
    for send in (bench.driver.send, bench.driver.send_bare):
        with fails(BodyColourError) as caught:
            await send(ready(Request("PUT", bench.url("/colour"), body=source), bench.connector))
        same((caught.error.sent, caught.error.processed), ("no", "no"), "sent and processed")
    same((source.opened, source.closed, bench.octets), (0, 0, 0), "opened, closed, and octets that arrived")


async def refuses_a_body_that_was_read(bench: Bench) -> None:
    source = bench.source(b"content", length=7)
    await bench.exchange(Request("PUT", bench.url("/first"), body=source))
    before = bench.octets
    for send in (bench.driver.send, bench.driver.send_bare):
        with fails(BodyTakenError):
            await send(ready(Request("PUT", bench.url("/second"), body=source), bench.connector))
    same(bench.octets, before, "octets that arrived of the second request")


async def sends_a_replayable_body_again(bench: Bench) -> None:
    source = bench.source(b"ab", b"cd", length=4, replayable=True)
    request = Request("PUT", bench.url("/again"), body=source)
    await bench.deliver(request)
    await bench.deliver(request)
    same(source.opened, 2, "times that the body was opened")


async def sends_trailers(bench: Bench) -> None:
    trailers: list[tuple[str, str | bytes]] = [("X-Sum", "1"), ("x-other", "a"), ("X-Sum", "2")]
    source = bench.source(b"content")
    received = await bench.deliver(Request("PUT", bench.url("/trailers"), body=source, trailers=trailers))
    same(len(received.trailers), 3, "trailer lines")
    await bench.deliver(Request("PUT", bench.url("/bytes"), body=b"content", trailers=trailers[:1]))
    await bench.deliver(Request("PUT", bench.url("/none"), body=b"content"))


RULES: Final = (
    Rule("bytes are sent with their length", sends_bytes_with_their_length, "U-B6 U-H1"),
    Rule("an iterable of known length is sent with it", sends_an_iterable_of_known_length_with_it, "U-B6 U-H1"),
    Rule(
        "an iterable of unknown length is sent as it comes",
        sends_an_iterable_of_unknown_length,
        "U-B6 U-H1 S2",
        needs=Capability.STREAMED_REQUEST,
    ),
    Rule("bytes are sent in chunks if told to", sends_bytes_in_chunks_if_told_to, "U-H1", versions=HTTP_1),
    Rule("empty content is framed by the method", frames_empty_content_by_the_method, "U-H1"),
    Rule("any method can have content", sends_content_with_any_method, "U-H1"),
    Rule("large content arrives with its digest", sends_large_content_unharmed, "U-B6"),
    Rule("chunks may be any buffer", takes_chunks_of_any_buffer, "U-G3"),
    Rule("content longer than declared is stopped", stops_content_that_is_longer_than_declared, "U-H2 U-H7"),
    Rule("content shorter than declared is an error", reports_content_that_is_shorter_than_declared, "U-H2 U-H7"),
    Rule("errors of the body come out as they are", lets_errors_of_the_body_through, "U-H7"),
    Rule("the body is closed once", closes_the_body_once, "U-H7"),
    Rule("a body of the wrong colour is refused", refuses_a_body_of_the_wrong_colour, "U-H5"),
    Rule("a body that was read is refused", refuses_a_body_that_was_read, "U-H4"),
    Rule("a replayable body is sent again", sends_a_replayable_body_again, "U-H4"),
    Rule("request trailers are sent", sends_trailers, "R8", needs=Capability.REQUEST_TRAILERS),
)
