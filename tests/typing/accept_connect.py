"""What an SDK writes against `stablehttp.connect`, and the types that come of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TypedDict, assert_type

from stablehttp import AsyncPipeline, AsyncServerSentEvents, Fields, Request, SyncPipeline
from stablehttp.connect import (
    AsyncConnectClient,
    AsyncConnectExchange,
    AsyncConnectStream,
    ConnectMethod,
    ConnectReply,
    SyncConnectClient,
    SyncConnectStream,
)
from stablehttp.framing import ServerSentEvent


class Question(TypedDict):
    text: str


def ask(question: Question) -> bytes:
    return json.dumps(question).encode()


def answer(octets: bytes) -> list[str]:
    return octets.decode().split()


OCTETS = ConnectMethod("a.B/C", codec="proto")
TYPED = ConnectMethod("a.B/D", codec="json", encode=ask, decode=answer)
assert_type(OCTETS, ConnectMethod[bytes, bytes])
assert_type(TYPED, ConnectMethod[Question, list[str]])


async def questions() -> AsyncIterator[Question]:
    yield Question(text="why")


async def call(client: AsyncConnectClient, pipeline: AsyncPipeline) -> None:
    reply = await client.unary(TYPED, Question(text="why"))
    assert_type(reply, ConnectReply[list[str]])
    assert_type(reply.trailers, Fields)
    assert_type((await client.client_stream(TYPED, questions())).message, list[str])
    assert_type((await client.client_stream(TYPED, [Question(text="why")])).message, list[str])
    assert_type(await client.server_stream(OCTETS, b""), AsyncConnectStream[bytes])
    async with await client.bidi_stream(TYPED, questions()) as stream:
        async for message in stream:
            assert_type(message, list[str])
    async with client.open(TYPED) as talk:
        assert_type(talk, AsyncConnectExchange[Question, list[str]])
        await talk.send(Question(text="why"))
        assert_type(await anext(talk), list[str])
    async with AsyncServerSentEvents(await pipeline.send(Request("GET", "https://a.test/"))) as events:
        assert_type(await anext(events), ServerSentEvent)


def call_blocking(pipeline: SyncPipeline) -> None:
    client = SyncConnectClient(pipeline, "https://a.test")
    assert_type(client.unary(TYPED, Question(text="why")).message, list[str])
    with client.server_stream(TYPED, Question(text="why")) as stream:
        assert_type(stream, SyncConnectStream[list[str]])
        assert_type(next(stream), list[str])
