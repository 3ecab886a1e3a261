"""Connect calls in which both sides stream, to a service written with connectrpc.

On every asynchronous connector: what declares duplex carries them, anything else refuses at once (R2).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.connect_callers import AsyncCaller, calling
from tests.contract.subjects import missing, subjects, talking_aiohttp
from tests.integration.connect_server import ConnectServer

from stablehttp import (
    Capability,
    ClosedError,
    HttpSettings,
    PeerEndedError,
    StableHTTPError,
    SyncPipeline,
    TrailersUnavailableError,
    UnsupportedTransportError,
)
from stablehttp.connect import ConnectCallError, ConnectCode, ConnectMethod, SyncConnectClient
from stablehttp.testing import Origin, SyncMemoryConnector
from stablehttp.testing.contract import Subject

pytestmark = [pytest.mark.xdist_group("connect"), pytest.mark.timeout(30)]

TALK = ConnectMethod("test.v1.Talk/Talk", codec="json")
SEEN = ConnectMethod("test.v1.Talk/Seen", codec="json")


def asynchronous() -> list[Subject]:
    every = [*subjects(), talking_aiohttp()]
    return [each for each in every if each.colour == "async" and not missing(each.name, each.colour)]


def can(subject: Subject) -> bool:
    return Capability.DUPLEX in subject.make(HttpSettings(), (subject.version,)).capabilities[subject.version]


def where(duplex: bool) -> Iterator[object]:
    yield from (pytest.param(each, id=str(each)) for each in asynchronous() if can(each) == duplex)


duplex_connectors = pytest.mark.parametrize("subject", list(where(True)))
other_connectors = pytest.mark.parametrize("subject", list(where(False)))


def say(**parts: object) -> bytes:
    return json.dumps(parts).encode()


@pytest.fixture
async def caller(subject: Subject, connect_server: ConnectServer) -> AsyncIterator[AsyncCaller]:
    async with calling(subject, connect_server.url(subject), connect_server.ca_file) as made:
        assert isinstance(made, AsyncCaller)
        yield made


def test_there_are_connectors_of_both_sorts() -> None:
    assert list(where(True))
    assert list(where(False))


@duplex_connectors
async def test_both_sides_speak_in_turn(caller: AsyncCaller) -> None:
    """R1, R3, R8, U-J1: each answer is there before the next message is made."""
    async with caller.client.open(TALK, headers=[("x-echo", "one"), ("x-echo", "two")]) as talk:
        for number in range(5):
            await talk.send(say(number=number))
            assert json.loads(await anext(talk)) == {"number": number}
        assert (await talk.headers()).values("x-echo") == ("one", "two")
        with pytest.raises(TrailersUnavailableError):
            _ = talk.trailers
        await talk.send_end()
        assert [message async for message in talk] == []
        assert talk.trailers.values("x-end") == ("one", "two")
        with pytest.raises(ClosedError):
            await talk.send(b"{}")


@duplex_connectors
async def test_messages_may_come_from_an_iterator_that_waits_for_the_answers(caller: AsyncCaller) -> None:
    """R3: an AsyncIterator for sending, and one for receiving."""
    answered: asyncio.Queue[bytes] = asyncio.Queue()

    async def messages() -> AsyncIterator[bytes]:
        message = say(number=0)
        for _ in range(4):
            yield message
            message = say(number=json.loads(await answered.get())["number"] + 1)

    heard: list[int] = []
    async with await caller.client.bidi_stream(TALK, messages(), headers=[("x-echo", "it")]) as stream:
        async for message in stream:
            heard.append(json.loads(message)["number"])
            answered.put_nowait(message)

    assert heard == [0, 1, 2, 3]
    assert stream.headers["x-echo"] == "it"
    assert stream.trailers["x-end"] == "it"


@duplex_connectors
async def test_one_task_sends_much_while_another_receives(caller: AsyncCaller) -> None:
    """R10: neither side waits for the other to be done."""
    message = say(pad="p" * 50_000)

    async with caller.client.open(TALK) as talk:

        async def send() -> None:
            for _ in range(40):
                await talk.send(message)
            await talk.send_end()

        sending = asyncio.create_task(send())
        heard = [each async for each in talk]
        await sending

    assert heard == [message] * 40


@duplex_connectors
async def test_an_error_of_the_server_ends_the_call_while_the_client_may_still_send(caller: AsyncCaller) -> None:
    """R4, U-J2: it comes within a second, after the messages before it."""
    async with caller.client.open(TALK, headers=[("x-echo", "e")]) as talk:
        await talk.send(say(number=1))
        await talk.send(say(fail="failed_precondition", details=True))
        assert json.loads(await anext(talk)) == {"number": 1}
        since = time.monotonic()
        with pytest.raises(ConnectCallError) as caught:
            await anext(talk)
        assert time.monotonic() - since < 1
        with pytest.raises(ConnectCallError):
            await anext(talk)
        with pytest.raises(StableHTTPError):
            await talk.send(b"{}")

    assert (caught.value.code, caught.value.said_by_peer) == (ConnectCode.FAILED_PRECONDITION, True)
    assert ("x-end", "e") in caught.value.trailers


@duplex_connectors
async def test_a_server_that_is_done_first_takes_no_more(caller: AsyncCaller) -> None:
    async with caller.client.open(TALK) as talk:
        await talk.send(say(stop=True))
        assert [json.loads(message) async for message in talk] == [{"stop": True}]
        with pytest.raises(PeerEndedError):
            await talk.send(b"{}")
        await talk.wait_closed()


@duplex_connectors
async def test_a_call_that_is_left_is_cancelled_on_the_server(caller: AsyncCaller) -> None:
    """R11 (client_cancellation), U-J2."""

    async def ended() -> int:
        seen: dict[str, int] = json.loads((await caller.unary(SEEN, b"{}")).message)
        return sum(count for name, count in seen.items() if name.startswith("talk"))

    before = await ended()
    async with caller.client.open(TALK) as talk:
        await talk.send(say(number=1))
        await anext(talk)

    end = time.monotonic() + 5
    while await ended() == before:
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    with pytest.raises(ClosedError):
        await anext(talk)


@duplex_connectors
async def test_a_deadline_ends_a_conversation(caller: AsyncCaller) -> None:
    with pytest.raises(ConnectCallError) as caught:
        async with caller.client.open(TALK, deadline=0.3) as talk:
            await talk.send(say(number=1))
            async for _ in talk:
                pass

    assert caught.value.code is ConnectCode.DEADLINE_EXCEEDED


@duplex_connectors
async def test_waiting_for_the_end_says_whether_the_call_succeeded(caller: AsyncCaller) -> None:
    """S15, S16: a join half-closes and waits for the server."""
    async with caller.client.open(TALK) as talk:
        await talk.send(say(number=1))
        await talk.wait_closed()
    async with caller.client.open(TALK) as talk:
        await talk.send(say(fail="internal"))
        with pytest.raises(ConnectCallError):
            await talk.wait_closed()


@other_connectors
async def test_a_connector_without_duplex_refuses_at_once(subject: Subject) -> None:
    """R2, U-J1: nothing is sent, and the iterator is not begun."""
    begun: list[int] = []

    async def messages() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"{}"

    given = messages()
    with Origin() as origin:
        async with calling(subject, origin.url) as caller:
            assert isinstance(caller, AsyncCaller)
            with pytest.raises(UnsupportedTransportError, match="duplex") as caught:
                caller.client.open(TALK)
            with pytest.raises(UnsupportedTransportError, match="duplex"):
                await caller.client.bidi_stream(TALK, given)

        assert (caught.value.operation, caught.value.transport) == ("/test.v1.Talk/Talk", subject.name)
        assert (caught.value.sent, begun, origin.connections) == ("no", [], ())
    await given.aclose()  # type: ignore[attr-defined]


def test_a_client_that_blocks_says_that_such_calls_are_asynchronous() -> None:
    """R2, R3."""
    client = SyncConnectClient(SyncPipeline(SyncMemoryConnector([])), "https://a.test")

    with pytest.raises(UnsupportedTransportError, match="use AsyncConnectClient"):
        client.bidi_stream(TALK, [b"{}"])
