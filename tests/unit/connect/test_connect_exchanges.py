"""Connect calls in which both sides stream, on a connector in memory and on scripted origins."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from stablehttp import (
    AnyRequest,
    AsyncBody,
    AsyncPipeline,
    CallOptions,
    ClosedError,
    DisconnectedError,
    Interceptor,
    InvalidBodyError,
    MisuseError,
    PeerEndedError,
    Response,
    StableHTTPError,
    Timeouts,
    TrailersUnavailableError,
)
from stablehttp.connect import GZIP, AsyncConnectClient, ConnectCallError, ConnectCode, ConnectMethod
from stablehttp.framing import WireError, encode_end_of_stream, encode_envelope
from stablehttp.testing import Answer, AsyncMemoryConnector, Close, Early, Fault, Gate, Origin, Rule
from stablehttp_h11 import AsyncH11Connector

TALK = ConnectMethod("acme.v1.Talk/Talk", codec="proto")
STREAM = [("Content-Type", "application/connect+proto"), ("X-Head", "h")]
END = encode_end_of_stream(metadata=[("X-End", "e")])


def echo(request: AnyRequest) -> Response[AsyncBody]:
    """What is sent comes back, piece by piece, and then the end."""
    body = request.body
    assert isinstance(body, AsyncBody)

    async def content() -> AsyncIterator[bytes]:
        async for chunk in body:
            yield chunk
        yield END

    return Response(200, headers=[*STREAM, ("Connect-Content-Encoding", "gzip")], body=content())


def talking(rule: Rule, **options: Any) -> AsyncConnectClient:
    return AsyncConnectClient(AsyncPipeline(AsyncMemoryConnector([rule])), "https://a.test", **options)


@pytest.mark.parametrize("compression", [None, GZIP], ids=["plain", "gzip"])
async def test_messages_go_to_and_fro(compression: Any) -> None:
    """R1, R3, R8, U-J1: each answer is there before the next message is made."""
    async with talking(Rule(Early(echo)), compression=compression).open(TALK) as talk:
        assert talk.can_send
        for message in (b"one", b"", b"three" * 1000):
            await talk.send(message)
            assert await anext(talk) == message
        assert (await talk.headers())["x-head"] == "h"
        with pytest.raises(TrailersUnavailableError):
            _ = talk.trailers
        await talk.send_end()
        assert not talk.can_send
        assert [message async for message in talk] == []
        assert talk.trailers["x-end"] == "e"

        with pytest.raises(ClosedError):  # S17
            await talk.send(b"late")


async def test_an_interceptor_sees_a_conversation_as_any_other_request() -> None:
    """R9."""

    class Mark(Interceptor):
        def modify_before_signing(self, request: AnyRequest) -> None:
            request.headers.add("X-Mark", "m")

    memory = AsyncMemoryConnector([Rule(Early(echo))])
    client = AsyncConnectClient(AsyncPipeline(memory, interceptors=[Mark()]), "https://a.test")
    async with client.open(TALK, headers=[("x-mine", "1")], deadline=60) as talk:
        await talk.wait_closed()
    async with await client.bidi_stream(TALK, [b"a"]) as stream:
        assert [message async for message in stream] == [b"a"]

    for request in memory.requests:
        assert request.headers["x-mark"] == "m"
        assert request.headers["content-type"] == "application/connect+proto"


async def test_a_conversation_may_be_silent_for_as_long_as_it_likes_unless_told_otherwise() -> None:
    """R10: the bound on silence that other calls have by themselves is none of a conversation's."""
    seen: list[Timeouts | None] = []

    class Look(Interceptor):
        def read_before_transmit(self, request: AnyRequest) -> None:
            seen.append(request.extensions.get(Timeouts))

    memory = AsyncMemoryConnector([Rule(Early(echo))])
    client = AsyncConnectClient(AsyncPipeline(memory, interceptors=[Look()]), "https://a.test")
    await (await client.bidi_stream(TALK, [b"a"])).aclose()
    async with client.open(TALK):
        pass
    bounded = CallOptions(timeouts=Timeouts(read=5))
    await (await client.bidi_stream(TALK, [b"a"], options=bounded)).aclose()

    assert seen == [None, None, Timeouts(read=5)]


async def test_a_message_that_is_no_octets_is_refused_and_the_call_goes_on() -> None:
    text: Any = "text"

    async with talking(Rule(Early(echo))).open(TALK) as talk:
        with pytest.raises(InvalidBodyError):
            await talk.send(text)
        await talk.send(b"octets")
        assert await anext(talk) == b"octets"


async def test_a_head_that_tells_of_failure_is_told_to_whoever_receives() -> None:
    reply = Response(503, headers=[("Content-Type", "text/html")], body=b"<html>")

    async with talking(Rule(Early(reply))).open(TALK) as talk:
        for ask in (talk.headers(), anext(talk), talk.headers()):
            with pytest.raises(ConnectCallError) as caught:
                await ask
            assert (caught.value.code, caught.value.status) == (ConnectCode.UNAVAILABLE, 503)
        with pytest.raises(StableHTTPError):
            await talk.send(b"late")

    assert (caught.value.method, caught.value.origin) == ("POST", "https://a.test")


async def test_a_connection_that_breaks_is_told_to_both_tasks() -> None:
    broken = DisconnectedError("gone", sent="maybe", processed="maybe")

    async with talking(Rule(broken)).open(TALK) as talk:
        with pytest.raises(DisconnectedError):
            await talk.headers()
        with pytest.raises(DisconnectedError):
            await anext(talk)
        with pytest.raises(StableHTTPError):
            await talk.send(b"late")


async def test_a_call_is_used_inside_its_block_and_once() -> None:
    client = talking(Rule(Early(echo)))
    talk = client.open(TALK)
    with pytest.raises(MisuseError, match="entered"):
        await talk.send(b"")

    async with talk:
        await talk.send(b"a")
    with pytest.raises(ClosedError):
        await talk.send(b"b")
    with pytest.raises(StableHTTPError):
        await anext(talk)
    await talk.abort()
    assert repr(talk) == "<AsyncConnectExchange of /acme.v1.Talk/Talk>"


async def test_whoever_waits_for_a_message_is_woken_when_the_call_is_aborted() -> None:
    """U-J2."""
    async with talking(Rule(Early(echo))).open(TALK) as talk:
        await talk.send(b"a")
        await anext(talk)
        waiting = asyncio.create_task(_next(talk))
        await asyncio.sleep(0.01)
        await talk.abort()
        with pytest.raises(ClosedError):
            await asyncio.wait_for(waiting, 2)


async def _next(talk: Any) -> bytes:
    return await anext(talk)  # type: ignore[no-any-return]


async def test_an_error_that_ends_the_stream_comes_while_the_request_is_open() -> None:
    """R4, U-J2: within a second, also when the response itself goes on."""
    gate = Gate()
    end = encode_end_of_stream(WireError(ConnectCode.ABORTED, "enough"))
    with Origin(Answer(200, [encode_envelope(b"one") + end, gate], fields=STREAM, reading="while")) as origin:
        async with (
            AsyncH11Connector() as connector,
            AsyncConnectClient(AsyncPipeline(connector), origin.url).open(TALK) as talk,
        ):
            await talk.send(b"a")
            assert await anext(talk) == b"one"
            since = time.monotonic()
            with pytest.raises(ConnectCallError, match="aborted") as caught:
                await anext(talk)
            assert time.monotonic() - since < 1
            with pytest.raises(StableHTTPError):
                await talk.send(b"b")
        gate.open()

    assert caught.value.message == "enough"


async def test_a_server_that_has_ended_takes_no_more_and_the_call_has_succeeded() -> None:
    with Origin(Answer(200, encode_envelope(b"one") + END, fields=STREAM, reading="never")) as origin:
        async with (
            AsyncH11Connector() as connector,
            AsyncConnectClient(AsyncPipeline(connector), origin.url).open(TALK) as talk,
        ):
            assert [message async for message in talk] == [b"one"]
            with pytest.raises(PeerEndedError):
                await talk.send(b"late")
            assert talk.trailers["x-end"] == "e"


async def test_a_connection_that_is_cut_is_no_end() -> None:
    """R4."""
    cut = Answer(200, [encode_envelope(b"one")], fields=STREAM, faults=[Fault(Close(), "response end")])
    with Origin(cut) as origin:
        async with (
            AsyncH11Connector() as connector,
            AsyncConnectClient(AsyncPipeline(connector), origin.url).open(TALK) as talk,
        ):
            await talk.send_end()
            assert await anext(talk) == b"one"
            with pytest.raises(DisconnectedError):
                await anext(talk)
