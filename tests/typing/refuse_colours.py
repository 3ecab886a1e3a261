"""What must not type-check: each line that ends in `# refused` is an error, and no other is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from stablehttp import AsyncPipeline, BytesBody, Fields, HttpVersion, Request, Response, SyncPipeline


async def asynchronous() -> AsyncIterator[bytes]:
    yield b"a"


def synchronous() -> Iterator[bytes]:
    yield b"a"


async def the_wrong_colour(pipeline: AsyncPipeline, twin: SyncPipeline) -> None:
    await pipeline.send(Request("PUT", "https://a/", body=synchronous()))  # refused
    twin.send(Request("PUT", "https://a/", body=asynchronous()))  # refused
    response = await pipeline.send(Request("GET", "https://a/"))
    response.read()  # refused
    await twin.send(Request("GET", "https://a/")).aread()  # refused


def the_wrong_thing(request: Request[BytesBody], fields: Fields) -> None:
    Request("PUT", "https://a/", body="text")  # refused
    request.body = BytesBody(b"x")  # refused
    fields.add("A", 1)  # refused
    fields["A"] = None  # refused
    Fields({"A": 1})  # refused
    Response("200")  # refused
    HttpVersion.parse(2)  # refused
    Request("GET", "https://a/", {"A": "1"})  # refused
