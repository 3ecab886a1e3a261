"""Cancelled, dropped and closed: nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator

import pytest
from tests.adapters.aiohttp.bodies import WatchedBody

from stablehttp import AsyncPipeline, ClosedError, HttpSettings, Request, Timeouts
from stablehttp.testing import Answer, Gate, Hang, Origin
from stablehttp_aiohttp import AsyncAiohttpConnector

FIVE = HttpSettings(max_connections=5)


async def no_other_task() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=5)
    assert [task for task in others if not task.done()] == []


@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 30, 100])
async def test_a_hundred_cancelled_sends_on_a_pool_of_five_are_followed_by_five_good_ones(
    origin: Origin, turns: int, twice: bool
) -> None:
    """U-F3, U-H7."""
    origin.answer(Answer(200, b"content", delay=0.005))
    bodies = [WatchedBody([b"first"], length=5 if number % 2 else None) for number in range(100)]
    async with AsyncAiohttpConnector(settings=FIVE) as connector:
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=5))

        async def call(body: WatchedBody) -> None:
            response = await pipeline.send(Request("PUT", origin.url, body=body))
            await response.aread()

        tasks = [asyncio.create_task(call(body)) for body in bodies]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        if twice:
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)

        assert all(outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
        await no_other_task()
        assert [body for body in bodies if body.begun != body.closed] == []
        good = await asyncio.gather(*(pipeline.send(Request("GET", origin.url)) for _ in range(5)))
        assert [await response.aread() for response in good] == [b"content"] * 5


async def test_a_response_that_is_cancelled_while_it_is_read_gives_its_place_back(origin: Origin) -> None:
    """U-F3."""
    origin.answer(Answer.failing(Hang(), "response content", content=b"0123456789"))
    async with AsyncAiohttpConnector(settings=HttpSettings(max_connections=1)) as connector:
        pipeline = AsyncPipeline(connector)
        response = await pipeline.send(Request("GET", origin.url))
        reading = asyncio.create_task(response.aread())
        await asyncio.sleep(0.05)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        origin.answer(Answer(200, b"good"))
        again = await pipeline.send(Request("GET", origin.url))
        assert await again.aread() == b"good"


async def test_a_closed_response_gives_its_place_back_and_discards_the_connection(origin: Origin) -> None:
    gate = Gate()
    origin.answer(Answer(200, [b"one", gate]))
    async with AsyncAiohttpConnector(settings=HttpSettings(max_connections=1)) as connector:
        pipeline = AsyncPipeline(connector)
        async with await pipeline.send(Request("GET", origin.url)):
            pass
        gate.open()

        again = await pipeline.send(Request("GET", origin.url))
        assert (await again.aread(), again.connection.reused) == (b"one", False)


async def test_content_that_has_arrived_unread_leaves_the_connection_to_others(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    origin.answer(Answer(200, b"content"))
    pipeline = AsyncPipeline(connector)
    await (await pipeline.send(Request("GET", origin.url))).aclose()

    again = await pipeline.send(Request("GET", origin.url))

    assert (await again.aread(), again.connection.reused) == (b"content", True)


async def test_a_dropped_response_warns_once_and_gives_its_place_back(origin: Origin) -> None:
    """U-F4."""
    gate = Gate()
    origin.answer(Answer(200, [b"one", gate]))
    async with AsyncAiohttpConnector(settings=HttpSettings(max_connections=1)) as connector:
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=5))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            await pipeline.send(Request("GET", origin.url + "/secret?secret"))
            gc.collect()
        gate.open()
        again = await pipeline.send(Request("GET", origin.url))
        assert await again.aread() == b"one"

    said = [str(each.message) for each in caught]
    assert len(said) == 1
    assert said[0].startswith(f"a response to GET {origin.url} was dropped before its content was read; ")
    assert caught[0].category is ResourceWarning


async def test_a_closed_connector_refuses_and_lets_what_is_being_read_come_to_its_end(origin: Origin) -> None:
    """U-F5."""
    gate = Gate()
    origin.answer(Answer(200, [b"first", gate, b"second"]))
    connector = AsyncAiohttpConnector()
    pipeline = AsyncPipeline(connector)
    response = await pipeline.send(Request("GET", origin.url))
    reading = asyncio.create_task(response.aread())
    await asyncio.sleep(0.05)

    await connector.aclose()
    await connector.aclose()

    async with asyncio.timeout(5):
        with pytest.raises(ClosedError, match="closed"):
            await pipeline.send(Request("GET", origin.url))
        gate.open()
        assert await reading == b"firstsecond"
        await origin.awatch(lambda: origin.open_connections == 0)
    await no_other_task()


async def test_who_waits_for_a_place_is_refused_when_the_connector_is_closed(origin: Origin) -> None:
    """U-F5, U-E2."""
    gate = Gate()
    origin.answer(Answer(200, [b"first", gate, b"second"]))
    connector = AsyncAiohttpConnector(settings=HttpSettings(max_connections=1))
    pipeline = AsyncPipeline(connector)
    response = await pipeline.send(Request("GET", origin.url))
    waiting = asyncio.create_task(pipeline.send(Request("PUT", origin.url, body=b"x")))
    await asyncio.sleep(0.05)

    await connector.aclose()

    async with asyncio.timeout(5):
        with pytest.raises(ClosedError) as caught:
            await waiting
        gate.open()
        await response.aread()
    assert (caught.value.sent, caught.value.processed) == ("no", "no")
    await no_other_task()


async def test_a_request_that_is_under_way_when_its_connector_is_closed_goes_on(origin: Origin) -> None:
    origin.answer(Answer.failing(Hang(), "request"))
    connector = AsyncAiohttpConnector()
    body = WatchedBody([b"first"], endless=True)
    sending = asyncio.create_task(AsyncPipeline(connector).send(Request("PUT", origin.url, body=body)))
    await body.waits.wait()

    await connector.aclose()
    await asyncio.sleep(0.05)

    assert not sending.done()
    sending.cancel()
    await asyncio.wait([sending], timeout=5)
    assert sending.cancelled()
    assert (body.begun, body.closed) == (1, 1)
    await origin.awatch(lambda: origin.open_connections == 0)
    await no_other_task()


async def test_a_body_that_ends_slowly_is_awaited(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-H7: when a cancelled send is over, so is the body."""
    ended = []

    async def slow() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            ended.append(True)

    sending = asyncio.create_task(AsyncPipeline(connector).send(Request("PUT", origin.url, body=slow())))
    await origin.awatch(lambda: origin.connections != () and origin.connections[0].octets_received > 0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending

    assert ended == [True]
