"""What must type-check."""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from stablehttp import (
    AsyncBody,
    AsyncPipeline,
    AsyncReader,
    BytesBody,
    DualBody,
    Fields,
    Reader,
    Request,
    Response,
    SyncBody,
    SyncPipeline,
)


async def asynchronous() -> AsyncIterator[bytes]:
    yield b"a"


def synchronous() -> Iterator[bytes]:
    yield b"a"


def requests_know_their_body() -> None:
    assert_type(Request("GET", "https://a/"), Request[BytesBody])
    assert_type(Request("PUT", "https://a/", body=b"x"), Request[BytesBody])
    assert_type(Request("PUT", "https://a/", body=asynchronous()), Request[AsyncBody])
    assert_type(Request("PUT", "https://a/", body=synchronous()), Request[SyncBody])
    assert_type(Request("PUT", "https://a/", body=[b"a", b"b"]), Request[SyncBody])
    assert_type(Request("GET", "https://a/").with_body(asynchronous()), Request[AsyncBody])


def readers_are_bodies(blocking: Reader, awaited: AsyncReader, stream: StreamReader) -> None:
    assert_type(Request("PUT", "https://a/", body=blocking), Request[DualBody])
    assert_type(Request("PUT", "https://a/", body=awaited), Request[AsyncBody])
    assert_type(Request("GET", "https://a/").with_body(stream), Request[AsyncBody])


async def bytes_go_through_both(pipeline: AsyncPipeline, twin: SyncPipeline) -> None:
    request = Request("PUT", "https://a/", body=b"x")
    assert_type(await pipeline.send(request), Response[AsyncBody])
    assert_type(twin.send(request), Response[SyncBody])
    assert_type(await (await pipeline.send(request)).aread(), bytes)
    assert_type(twin.send(request).read(), bytes)


def fields_take_what_a_field_can_be_made_of() -> None:
    fields = Fields([("A", "1"), ("B", b"2")])
    Fields({"A": "1"})
    Fields(fields)
    assert_type(fields["A"], str)
    assert_type(fields.get("A"), str | None)
    assert_type(fields.get("A", ""), str)
    assert_type(fields.values("A"), tuple[str, ...])
    assert_type(list(fields), list[tuple[str, str]])
