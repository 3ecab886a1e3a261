"""Time: each timeout has one meaning, whatever aiohttp means by its own."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.adapters.aiohttp.peers import peer, saying

from stablehttp import (
    AsyncPipeline,
    ConnectTimeoutError,
    HttpSettings,
    PoolTimeoutError,
    ReadTimeoutError,
    Request,
    Timeouts,
    TotalTimeoutError,
)
from stablehttp.testing import TLS, Answer, Gate, Hang, Origin, Pause
from stablehttp_aiohttp import AsyncAiohttpConnector


async def test_a_pause_counts_only_while_somebody_waits_for_content(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-D1: aiohttp's own timer would run while the caller is busy with what has arrived."""
    gate = Gate()
    origin.answer(Answer(200, [b"one", gate, b"two"]))
    response = await AsyncPipeline(connector, timeouts=Timeouts(read=0.2)).send(Request("GET", origin.url))
    chunks = aiter(response.body)

    assert await anext(chunks) == b"one"
    await asyncio.sleep(0.4)
    gate.open()

    assert await anext(chunks) == b"two"
    assert [chunk async for chunk in chunks] == []


async def test_a_trickled_head_is_no_pause(connector: AsyncAiohttpConnector) -> None:
    """U-D1."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

    async with peer(saying(*(bytes([octet]) for octet in head), pause=0.02)) as url:
        response = await AsyncPipeline(connector, timeouts=Timeouts(read=0.3)).send(Request("GET", url))
        await response.aread()

    assert response.status == 200


@pytest.mark.parametrize("where", ["request", "response content"])
async def test_a_silent_peer_is_a_read_timeout(origin: Origin, connector: AsyncAiohttpConnector, where: str) -> None:
    """U-D1, U-E3."""
    faults = Answer.failing(Hang(), "request" if where == "request" else "response content", content=b"0123456789")
    origin.answer(faults)
    pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=0.2))

    with pytest.raises(ReadTimeoutError) as caught:
        await (await pipeline.send(Request("GET", origin.url))).aread()

    in_content = where == "response content"
    assert caught.value.seconds == 0.2
    assert (caught.value.sent, caught.value.status) == (("yes", 200) if in_content else ("maybe", None))


@pytest.mark.parametrize("where", ["before the head", "in the content", "between reads"])
async def test_total_bounds_the_whole_call(origin: Origin, connector: AsyncAiohttpConnector, where: str) -> None:
    """U-D1."""
    content = [b"one", *(step for _ in range(40) for step in (Pause(0.05), b"more"))]
    origin.answer(Answer.failing(Hang(), "request") if where == "before the head" else Answer(200, content))
    pipeline = AsyncPipeline(connector, timeouts=Timeouts(total=0.3))
    since = time.monotonic()

    with pytest.raises(TotalTimeoutError) as caught:
        response = await pipeline.send(Request("GET", origin.url))
        async for _ in response.body:
            if where == "between reads":
                await asyncio.sleep(0.4)

    assert 0.25 < time.monotonic() - since < 2
    assert (caught.value.seconds, caught.value.sent) == (0.3, "maybe" if where == "before the head" else "yes")
    await origin.awatch(lambda: origin.open_connections == 0)


async def test_pool_bounds_the_wait_for_a_place_and_connect_timeout_does_not(origin: Origin) -> None:
    """U-D1, U-E3: aiohttp has one class and one clock for both."""
    gate = Gate()
    origin.answer(Answer(200, [b"one", gate]))
    settings = HttpSettings(max_connections=1, connect_timeout=0.1)
    async with AsyncAiohttpConnector(settings=settings) as connector:
        first = await AsyncPipeline(connector).send(Request("GET", origin.url))

        with pytest.raises(PoolTimeoutError) as caught:
            await AsyncPipeline(connector, timeouts=Timeouts(pool=0.3)).send(Request("GET", origin.url))
        waiting = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url)))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        gate.open()
        await first.aread()
        await (await waiting).aread()

    assert (caught.value.seconds, caught.value.sent, caught.value.processed) == (0.3, "no", "no")


async def test_connect_timeout_covers_the_handshake() -> None:
    """U-D1, U-E3."""
    with Origin(Answer.failing(Hang(), "accept"), tls=TLS()) as origin:
        async with AsyncAiohttpConnector(settings=HttpSettings(connect_timeout=0.2)) as connector:
            with pytest.raises(ConnectTimeoutError) as caught:
                await AsyncPipeline(connector).send(Request("GET", origin.url))

    assert (caught.value.seconds, caught.value.sent) == (0.2, "no")


async def test_timeouts_of_one_call_are_forgotten_in_the_next(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    request = Request("GET", origin.url)
    await (await AsyncPipeline(connector, timeouts=Timeouts(read=0.1, total=0.2)).send(request)).aread()
    origin.answer(Answer(200, b"late", delay=0.4))

    response = await AsyncPipeline(connector, timeouts=Timeouts()).send(request)

    assert (await response.aread(), response.connection.reused) == (b"late", True)


async def test_a_thousand_different_timeouts_are_not_kept(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """Timeouts are no part of any key."""
    for number in range(200):
        timeouts = Timeouts(read=10 + number / 1000)
        await (await AsyncPipeline(connector, timeouts=timeouts).send(Request("GET", origin.url))).aread()

    assert len(origin.connections) == 1
