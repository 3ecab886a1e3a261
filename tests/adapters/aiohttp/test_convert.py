"""To aiohttp's types and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from stablehttp import (
    URI,
    BodyTakenError,
    BytesBody,
    InvalidFieldError,
    Request,
    UnsupportedTransportError,
    with_checksum,
)
from stablehttp.testing import Origin
from stablehttp_aiohttp import from_aiohttp, to_aiohttp
from stablehttp_aiohttp._body import AiohttpContent

LINES = [("Host", "a.test"), ("X-D", "1"), ("Y", "2"), ("x-d", "3")]


async def chunks() -> AsyncIterator[bytes]:
    yield b"first"
    yield b"second"


def test_what_to_aiohttp_gives_is_new_and_belongs_to_the_caller() -> None:
    """W2, W4, U-B3."""
    request = Request("get", "http://a.test/%2f?q", headers=LINES)
    before = request.copy()

    one, two = to_aiohttp(request), to_aiohttp(request)
    one.headers["X-D"] = "changed"
    one.headers.add("X-New", "1")

    assert request == before
    assert list(two.headers.items()) == LINES
    assert (two.method, str(two.url), two.data) == ("get", "http://a.test/%2f?q", None)


def test_to_aiohttp_touches_no_content() -> None:
    body = chunks()
    request = Request(
        "PUT", "http://a.test/", headers=[("Host", "a.test"), ("Transfer-Encoding", "chunked")], body=body
    )

    made = to_aiohttp(request)

    assert isinstance(made.data, AiohttpContent)
    assert (request.body.taken_by, made.data.size) == (None, None)


async def test_content_can_only_be_written() -> None:
    made = to_aiohttp(Request("PUT", "http://a.test/", headers=[("Host", "a.test")], body=bytes(1 << 20)))

    assert isinstance(made.data, AiohttpContent)
    assert (made.data.size, made.data.consumed, made.data.autoclose) == (1 << 20, True, True)
    with pytest.raises(TypeError, match="only be written"):
        made.data.decode()


async def seen_in_a_middleware(origin: Origin, **arguments: object) -> Request:  # type: ignore[type-arg]
    seen = []

    async def look(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        converted = from_aiohttp(request)
        seen.append(converted)
        return await handler(request)

    async with aiohttp.ClientSession(middlewares=(look,)) as session:
        async with session.request(**arguments) as response:  # type: ignore[arg-type]
            await response.read()
    return seen[0]


@pytest.mark.parametrize(
    "target", ["/a%2Fb/%E9?q=%2F%20x", "/", "/?a=1&a=2", "/a|b"], ids=["escapes", "root", "query", "no URI"]
)
async def test_from_aiohttp_reads_what_aiohttp_will_send(origin: Origin, target: str) -> None:
    """U-K3."""
    url = URL.build(scheme="http", host="127.0.0.1", port=origin.port, path=target, encoded=True)

    request = await seen_in_a_middleware(
        origin, method="POST", url=url, data=b"content", headers=CIMultiDict([("X", "é"), ("x", "2")])
    )

    received = await origin.atake()
    assert (request.method.encode(), request.target.encode()) == (received.method, received.target)
    assert [(name.encode(), value.encode("latin-1")) for name, value in request.headers] == list(received.fields)
    assert b"".join([chunk async for chunk in request.body]) == received.content


async def test_content_of_another_payload_is_read_once(origin: Origin) -> None:
    request = await seen_in_a_middleware(origin, method="PUT", url=origin.url, data=b"content")

    assert (request.body.length, request.body.taken_by) == (7, None)
    assert [chunk async for chunk in request.body] == [b"content"]
    with pytest.raises(BodyTakenError):
        _ = [chunk async for chunk in request.body]


async def test_a_request_without_content_has_none(origin: Origin) -> None:
    request = await seen_in_a_middleware(origin, method="GET", url=origin.url)

    assert request.body == BytesBody()


async def test_what_aiohttp_would_send_and_http_forbids_is_refused() -> None:
    """U-B1: aiohttp's writer lets a field name with a space through."""
    async with aiohttp.ClientSession() as session:
        request = aiohttp.ClientRequest(
            "GET", URL("http://a.test/"), loop=asyncio.get_running_loop(), session=session, headers={"X Y": "1"}
        )

        with pytest.raises(InvalidFieldError, match="'X Y' is not a token"):
            from_aiohttp(request)


def test_trailers_that_are_given_or_computed_are_refused() -> None:
    """Nothing is dropped silently, also without a connector."""
    given = Request("PUT", "http://a.test/", headers=LINES, body=b"x", trailers=[("X-Sum", "1")])
    computed = Request("PUT", "http://a.test/", headers=LINES, body=with_checksum(b"x", "X-Sum"))

    for request in (given, computed):
        with pytest.raises(UnsupportedTransportError, match="request trailers"):
            to_aiohttp(request)


async def test_there_and_back_nothing_is_lost() -> None:
    """U-K3."""
    uri = URI.verbatim("http://a.test:8080", "/|%zz?")
    request = Request("get", uri, headers=[*LINES, ("Transfer-Encoding", "chunked")], body=chunks())
    parts = to_aiohttp(request)
    async with aiohttp.ClientSession() as session:
        foreign = aiohttp.ClientRequest(
            "GET", parts.url, data=parts.data, loop=asyncio.get_running_loop(), session=session
        )
        foreign.method = parts.method
        foreign.headers = parts.headers

        back = from_aiohttp(foreign)

    assert (back.method, back.target, back.uri.origin) == ("get", "/|%zz?", "http://a.test:8080")
    assert back.headers.items()[:-1] == LINES
    assert back.body is request.body
