"""All kinds of Connect calls but the bidirectional, to a service written with connectrpc, through every connector.

Proves R1, R3, R4, R5, R6, R8 and R9 against somebody else's implementation.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tests.connect_callers import AsyncCaller, calling
from tests.contract.subjects import missing, subjects
from tests.integration.connect_server import ConnectServer

from stablehttp import AnyRequest, AnyResponse, HttpVersion, Interceptor
from stablehttp.connect import (
    GZIP,
    ConnectCallError,
    ConnectCode,
    ConnectDeadlineError,
    ConnectMethod,
    decode_binary_metadata,
    encode_binary_metadata,
)
from stablehttp.testing.contract import Subject

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.timeout(30)]

SAY = ConnectMethod("test.v1.Talk/Say", codec="json")
SEEN = ConnectMethod("test.v1.Talk/Seen", codec="json")
COLLECT = ConnectMethod("test.v1.Talk/Collect", codec="json")
COUNT = ConnectMethod("test.v1.Talk/Count", codec="json")


def cases() -> Iterator[object]:
    for subject in subjects():
        if subject.version is HttpVersion.HTTP_2 and not subject.tls and subject.name != "httpx":
            continue  # HTTP/2 is the same with TLS and without; once is enough here
        reason = missing(subject.name, subject.colour)
        yield pytest.param(subject, id=str(subject), marks=[pytest.mark.skip(reason=reason)] if reason else [])


every_connector = pytest.mark.parametrize("subject", list(cases()))


def wish(**wishes: object) -> bytes:
    return json.dumps(wishes).encode()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + 5
    while not await holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


NEVER_RESETS = {(name, "sync", HttpVersion.HTTP_2) for name in ("httpx", "httpx2")}
"""httpcore leaves a stream that is closed early to its server, which hears of it when the connection is closed."""

ECHO = [("x-echo", "one"), ("x-echo", "two"), ("x-echo-bin", encode_binary_metadata(b"\x00\xff\x10"))]


@every_connector
async def test_a_unary_call_carries_a_message_and_metadata_both_ways(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R8: repeated lines and octets come back as headers and as trailers."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        reply = await caller.unary(SAY, wish(text="hëllo"), headers=ECHO)

        assert json.loads(reply.message)["text"] == "hëllo"
        assert reply.headers.values("x-echo") == ("one", "two")
        assert reply.trailers.values("x-end") == ("one", "two")
        assert decode_binary_metadata(reply.trailers["x-end-bin"]) == b"\x00\xff\x10"
        assert not [name for name, _ in reply.headers if name.lower().startswith("trailer-")]


@every_connector
async def test_an_error_of_a_unary_call_keeps_code_message_details_and_metadata(
    subject: Subject, connect_server: ConnectServer
) -> None:
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        with pytest.raises(ConnectCallError) as caught:
            await caller.unary(SAY, wish(fail="not_found", why="nö such", details=True), headers=ECHO)

    error = caught.value
    assert (error.code, error.message, error.said_by_peer) == (ConnectCode.NOT_FOUND, "nö such", True)
    assert [(detail.type, detail.value) for detail in error.details] == [("google.protobuf.Duration", b"\x08\x05")]
    assert ("x-end", "one") in error.trailers
    assert (error.status, error.method, error.origin) == (404, "POST", connect_server.url(subject))
    assert (error.sent, error.processed) == ("yes", "yes")


@every_connector
async def test_a_client_stream_is_answered_by_one_message(subject: Subject, connect_server: ConnectServer) -> None:
    """R1, R3."""
    messages = [wish(text="first"), b"", b"x" * 300_000, b"last"]

    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        reply = await caller.client_stream(COLLECT, messages, headers=ECHO)

    assert {"text": "first", "count": 4, "size": sum(map(len, messages))}.items() <= json.loads(reply.message).items()
    assert reply.headers.values("x-echo") == ("one", "two")
    assert reply.trailers.values("x-end") == ("one", "two")


@every_connector
async def test_a_server_stream_gives_its_messages_and_then_its_trailers(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R1, R3, R8."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        heard = await caller.server_stream(COUNT, wish(count=4), headers=ECHO)

    assert [json.loads(message)["number"] for message in heard.messages] == [0, 1, 2, 3]
    assert heard.headers.values("x-echo") == ("one", "two")
    assert heard.trailers is not None
    assert heard.trailers.values("x-end") == ("one", "two")


@every_connector
async def test_a_stream_that_fails_gives_its_messages_first_and_its_error_after_them(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R4: the status is 200, and only the last envelope tells."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        heard = await caller.server_stream(COUNT, wish(count=2, fail="aborted", details=True), headers=ECHO)

    assert len(heard.messages) == 2
    assert isinstance(heard.error, ConnectCallError)
    assert (heard.error.code, heard.error.message, heard.error.status) == (ConnectCode.ABORTED, "as you wished", 200)
    assert [detail.type for detail in heard.error.details] == ["google.protobuf.Duration"]
    assert ("x-end", "two") in heard.error.trailers


@every_connector
async def test_large_messages_are_compressed_both_ways(subject: Subject, connect_server: ConnectServer) -> None:
    url = connect_server.url(subject)
    async with calling(subject, url, connect_server.ca_file, compression=GZIP) as caller:
        single = await caller.unary(SAY, wish(text="y" * 500_000, size=3_000_000))
        gathered = await caller.client_stream(COLLECT, [wish(), b"z" * 900_000, b"z" * 900_000])
        heard = await caller.server_stream(COUNT, wish(count=3, size=1_000_000))

    assert single.headers["content-encoding"] == "gzip"
    assert json.loads(single.message)["encoding"] == "gzip"
    assert len(single.message) > 3_500_000
    assert json.loads(gathered.message)["size"] > 1_800_000
    assert heard.headers["connect-content-encoding"] == "gzip"
    assert [len(message) > 1_000_000 for message in heard.messages] == [True] * 3


@every_connector
async def test_messages_are_not_compressed_when_nothing_is_accepted(
    subject: Subject, connect_server: ConnectServer
) -> None:
    async with calling(subject, connect_server.url(subject), connect_server.ca_file, accept=()) as caller:
        heard = await caller.server_stream(COUNT, wish(count=1, size=100_000))

    assert heard.headers.get("connect-content-encoding") in (None, "identity")
    assert len(heard.messages[0]) > 100_000


@every_connector
async def test_a_message_above_the_limit_of_the_server_is_its_error(
    subject: Subject, connect_server: ConnectServer
) -> None:
    async with calling(subject, connect_server.url(subject), connect_server.ca_file, compression=GZIP) as caller:
        with pytest.raises(ConnectCallError) as caught:
            await caller.unary(SAY, wish(text="y" * 2_000_000))

    assert (caught.value.code, caught.value.said_by_peer) == (ConnectCode.RESOURCE_EXHAUSTED, True)


@every_connector
async def test_a_message_above_the_limit_of_the_client_is_refused(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R5."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file, limit=10_000) as caller:
        with pytest.raises(ConnectCallError) as caught:
            await caller.unary(SAY, wish(size=20_000))
        heard = await caller.server_stream(COUNT, wish(count=2, size=20_000))

    for error in (caught.value, heard.error):
        assert isinstance(error, ConnectCallError)
        assert (error.code, error.said_by_peer) == (ConnectCode.RESOURCE_EXHAUSTED, False)


@every_connector
async def test_a_deadline_is_told_to_the_server_and_kept_here(subject: Subject, connect_server: ConnectServer) -> None:
    """R10, R11 (timeouts)."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        reply = await caller.unary(SAY, wish(), deadline=20)
        since = time.monotonic()
        with pytest.raises(ConnectCallError) as caught:
            await caller.unary(SAY, wish(sleep=10), deadline=0.25)

    assert 15_000 < json.loads(reply.message)["timeout"] <= 20_000
    assert caught.value.code is ConnectCode.DEADLINE_EXCEEDED
    assert caught.value.said_by_peer or isinstance(caught.value, ConnectDeadlineError)
    assert time.monotonic() - since < 3


@every_connector
async def test_a_stream_that_is_left_early_is_cancelled_on_the_server(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R11 (client_cancellation): and the connector goes on working."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:

        async def cancelled() -> int:
            seen: dict[str, int] = json.loads((await caller.unary(SEEN, b"{}")).message)
            return sum(count for name, count in seen.items() if name.startswith("count"))

        async def told() -> bool:
            return await cancelled() > before

        before = await cancelled()
        heard = await caller.server_stream(COUNT, wish(count=1000, pause=0.02), most=2)
        if (subject.name, subject.colour, subject.version) not in NEVER_RESETS:
            await until(told)
        assert (await caller.unary(SAY, wish())).message

    assert len(heard.messages) == 2
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        await until(told)


@every_connector
async def test_an_interceptor_that_touches_fields_needs_no_change_for_streams(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R9."""

    class Mark(Interceptor):
        def __init__(self) -> None:
            self.statuses: list[int] = []

        def modify_before_signing(self, request: AnyRequest) -> None:
            request.headers.add("X-Echo", "from the interceptor")

        def read_after_transmit(self, response: AnyResponse) -> None:
            self.statuses.append(response.status)

    mark = Mark()
    async with calling(subject, connect_server.url(subject), connect_server.ca_file, interceptors=[mark]) as caller:
        single = await caller.unary(SAY, wish())
        gathered = await caller.client_stream(COLLECT, [wish()])
        heard = await caller.server_stream(COUNT, wish(count=1))

    assert [each.headers.get("x-echo") for each in (single, gathered, heard)] == ["from the interceptor"] * 3
    assert mark.statuses == [200, 200, 200]


@pytest.mark.parametrize("subject", [case for case in cases() if "async" in str(case)])
async def test_a_call_that_is_cancelled_here_is_cancelled_on_the_server(
    subject: Subject, connect_server: ConnectServer
) -> None:
    """R11 (client_cancellation)."""
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:
        assert isinstance(caller, AsyncCaller)

        async def cancelled() -> int:
            seen: dict[str, int] = json.loads((await caller.unary(SEEN, b"{}")).message)
            return seen.get("say CancelledError", 0)

        before = await cancelled()
        call: asyncio.Task[Any] = asyncio.create_task(caller.unary(SAY, wish(sleep=20)))
        await asyncio.sleep(0.3)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        async def told() -> bool:
            return await cancelled() > before

        await until(told)


@every_connector
async def test_many_calls_at_once_are_kept_apart(subject: Subject, connect_server: ConnectServer) -> None:
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as caller:

        async def stream(number: int) -> list[int]:
            heard = await caller.server_stream(COUNT, wish(count=number))
            return [json.loads(message)["number"] for message in heard.messages]

        async def single(number: int) -> str:
            text: str = json.loads((await caller.unary(SAY, wish(text=str(number)))).message)["text"]
            return text

        async def gathered(number: int) -> int:
            count: int = json.loads((await caller.client_stream(COLLECT, [wish()] * number)).message)["count"]
            return count

        streams = asyncio.gather(*map(stream, range(12)))
        singles = asyncio.gather(*map(single, range(12)))
        counts = asyncio.gather(*map(gathered, range(1, 13)))

        assert await streams == [list(range(number)) for number in range(12)]
        assert await singles == [str(number) for number in range(12)]
        assert await counts == list(range(1, 13))
