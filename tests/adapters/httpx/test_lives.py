"""How connections live and end: pools, HTTP/2 that many share, loops, closing, dropped responses."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from stablehttp import (
    AsyncPipeline,
    ClosedError,
    ForeignLoopError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    PoolTimeoutError,
    Request,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    TrailersUnavailableError,
    TransportError,
)
from stablehttp.testing import Answer, Gate, Origin
from stablehttp_httpx import AsyncHttpxConnector, SyncHttpxConnector

TWO = HttpVersion.HTTP_2


async def get(connector: AsyncHttpxConnector, url: str) -> bytes:
    return await (await AsyncPipeline(connector).send(Request("GET", url))).aread()


async def test_http2_carries_many_exchanges_on_one_connection() -> None:
    async with Origin(Answer(200, b"hello"), http2=True) as origin:
        async with AsyncHttpxConnector(versions=(TWO,)) as connector:
            await get(connector, origin.url)
            contents = await asyncio.gather(*(get(connector, origin.url) for _ in range(40)))

    assert contents == [b"hello"] * 40
    assert len(origin.connections) == 1


def test_threads_do_not_share_an_http2_connection() -> None:
    """httpx would let their frames get mixed up."""
    with Origin(lambda received: Answer(200, received.content), http2=True) as origin:
        with SyncHttpxConnector(versions=(TWO,), settings=HttpSettings(max_connections=8)) as connector:

            def echo(number: int) -> bool:
                content = str(number).encode() * 1000
                return SyncPipeline(connector).send(Request("PUT", origin.url, body=content)).read() == content

            with ThreadPoolExecutor(8) as threads:
                assert all(threads.map(echo, range(80)))

        assert not any(received.problems for received in origin.requests)
        assert len(origin.connections) <= 8


async def test_an_http2_exchange_that_was_cancelled_does_not_burden_the_next_ones() -> None:
    """httpx sends no RST_STREAM, so streams and window would run out."""
    gate = Gate()
    async with Origin(Answer(200, b"good"), http2=True) as origin:
        async with AsyncHttpxConnector(versions=(TWO,)) as connector:
            origin.script([Answer(hold=gate)] * 5)
            for number in range(5):
                task = asyncio.create_task(get(connector, origin.url))
                await gate.await_(number + 1)
                task.cancel()
                await asyncio.wait([task])
            contents = [await get(connector, origin.url) for _ in range(3)]
        gate.open()

    assert contents == [b"good"] * 3
    assert len(origin.connections) == 6


async def test_exchanges_in_flight_outlive_one_that_was_cancelled() -> None:
    """The transport that is retired is closed when its last exchange has ended."""
    gate, other = Gate(), Gate()
    async with Origin(http2=True) as origin, AsyncHttpxConnector(versions=(TWO,)) as connector:
        await get(connector, origin.url)
        origin.script([Answer(200, b"slow", hold=gate), Answer(hold=other)])
        slow = asyncio.create_task(get(connector, origin.url))
        await gate.await_()
        cancelled = asyncio.create_task(get(connector, origin.url))
        await other.await_()
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await get(connector, origin.url)
        gate.open()

        assert await slow == b"slow"
        await origin.awatch(lambda: origin.open_connections == 1)
        other.open()


async def test_small_content_that_nobody_read_does_not_cost_the_connection() -> None:
    for http2 in (False, True):
        async with Origin(Answer(404, b"x" * 2000), http2=http2) as origin:
            versions = (TWO,) if http2 else (HttpVersion.HTTP_1_1,)
            async with AsyncHttpxConnector(versions=versions) as connector:
                for _ in range(3):
                    response = await AsyncPipeline(connector).send(Request("GET", origin.url))
                    await response.aclose()

        assert len(origin.connections) == 1


async def test_closing_a_response_in_the_middle_leaves_no_task(origin: Origin) -> None:
    gate = Gate()
    origin.answer(Answer(200, [b"first", gate]))
    async with AsyncHttpxConnector() as connector:
        response = await AsyncPipeline(connector).send(Request("GET", origin.url))
        assert await anext(aiter(response.body)) == b"first"

        await response.aclose()
        await connector.aclose()

        assert asyncio.all_tasks() == {asyncio.current_task()}
    gate.open()


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
async def test_a_response_that_was_dropped_gives_its_place_back(http2: bool) -> None:
    """U-F4: and somebody is warned."""
    async with Origin(Answer(200, b"x" * 500_000), http2=http2) as origin:
        versions = (TWO,) if http2 else (HttpVersion.HTTP_1_1,)
        async with AsyncHttpxConnector(versions=versions, settings=HttpSettings(max_connections=1)) as connector:
            for _ in range(2):
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    response = await AsyncPipeline(connector).send(Request("GET", origin.url))
                    del response
                    gc.collect()
                told = [str(each.message) for each in caught if each.category is ResourceWarning]
                caught.clear()  # each holds what it warns of
                assert len(told) == 1
                assert told[0].startswith("a response to GET http")
            content = await asyncio.wait_for(get(connector, origin.url), 5)

    assert len(content) == 500_000


async def test_waiting_for_a_connection_is_bounded(origin: Origin) -> None:
    gate = Gate()
    origin.answer(Answer(hold=gate))
    async with AsyncHttpxConnector(settings=HttpSettings(max_connections=1)) as connector:
        held = asyncio.create_task(get(connector, origin.url))
        await gate.await_()

        with pytest.raises(PoolTimeoutError, match="none of the 1 connections became free") as caught:
            await AsyncPipeline(connector, timeouts=Timeouts(pool=0.05)).send(Request("GET", origin.url))
        assert (caught.value.sent, caught.value.seconds) == ("no", 0.05)
        gate.open()
        await held


def test_a_total_that_is_used_up_in_the_queue_is_the_total(origin: Origin) -> None:
    gate = Gate()
    origin.answer(Answer(200, [b"first", gate]))
    with SyncHttpxConnector(settings=HttpSettings(max_connections=1)) as connector:
        held = SyncPipeline(connector).send(Request("GET", origin.url))

        with pytest.raises(TotalTimeoutError) as caught:
            SyncPipeline(connector, timeouts=Timeouts(pool=9.0, total=0.05)).send(Request("GET", origin.url))
        assert (caught.value.sent, caught.value.processed) == ("no", "no")
        gate.open()
        assert held.read() == b"first"


async def test_trailers_of_a_response_are_not_delivered(origin: Origin) -> None:
    """U-J6: which is not the same as none."""
    origin.answer(Answer(200, [b"content"], trailers=[("X-Sum", "1")]))
    async with AsyncHttpxConnector() as connector:
        response = await AsyncPipeline(connector).send(Request("GET", origin.url))
        await response.aread()

        with pytest.raises(TrailersUnavailableError):
            _ = response.trailers


@pytest.mark.parametrize("versions", [(HttpVersion.HTTP_1_1,), (HttpVersion.HTTP_1_1, TWO)])
def test_a_connector_moves_on_when_its_loop_has_ended(versions: tuple[HttpVersion, ...]) -> None:
    """U-F2: three times `asyncio.run`, without closing, and without a warning."""
    with Origin(Answer(200, b"hello")) as origin:
        connector = AsyncHttpxConnector(versions=versions)
        for _ in range(3):
            assert asyncio.run(get(connector, origin.url)) == b"hello"
        origin.watch(lambda: origin.open_connections == 0)
        gc.collect()


@pytest.mark.parametrize("version", [HttpVersion.HTTP_1_1, TWO], ids=str)
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "left"])
def test_a_response_dropped_at_the_very_end_leaves_no_socket(version: HttpVersion, *, closes: bool) -> None:
    """U-F4: the connection of a response that nobody wants ends with the connector, or with the loop."""

    async def drop(origin: Origin) -> None:
        connector = AsyncHttpxConnector(versions=(version,))
        pipeline = AsyncPipeline(connector)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ResourceWarning)
            await pipeline.send(Request("GET", origin.url))
            gc.collect()
        assert ["dropped before its content" in str(each.message) for each in caught] == [True]
        if closes:
            await connector.aclose()

    with Origin(Answer(200, 64_000_000), http2=version is TWO) as origin:
        asyncio.run(drop(origin))
        gc.collect()
        origin.watch(lambda: origin.open_connections == 0)


@pytest.mark.parametrize("versions", [(HttpVersion.HTTP_1_1,), (HttpVersion.HTTP_1_1, TWO)])
async def test_another_loop_is_refused_while_the_first_one_uses_it(
    versions: tuple[HttpVersion, ...], origin: Origin
) -> None:
    async with AsyncHttpxConnector(versions=versions) as connector:
        await get(connector, origin.url)

        def elsewhere() -> None:
            asyncio.run(get(connector, origin.url))

        with pytest.raises(ForeignLoopError):
            await asyncio.to_thread(elsewhere)
        await get(connector, origin.url)


def test_no_event_loop_is_refused_by_name() -> None:
    sending = AsyncHttpxConnector().send(Request("GET", "http://a.test/", headers=[("Host", "a.test")]))

    with pytest.raises(MisuseError, match="runs on asyncio"):
        sending.send(None)


async def test_a_closed_connector_refuses_and_a_response_in_flight_can_be_read(origin: Origin) -> None:
    """U-F5: closing is graceful."""
    gate = Gate()
    origin.answer(Answer(200, [b"first", gate, b"second"]))
    connector = AsyncHttpxConnector()
    response = await AsyncPipeline(connector).send(Request("GET", origin.url))

    await connector.aclose()
    gate.open()

    assert await response.aread() == b"firstsecond"
    with pytest.raises(ClosedError):
        await AsyncPipeline(connector).send(Request("GET", origin.url))
    await connector.aclose()
    await origin.awatch(lambda: origin.open_connections == 0)


async def test_what_the_body_raises_comes_out_even_if_httpx_takes_it_for_its_own(origin: Origin) -> None:
    """A failure to write is one that httpx goes on after."""
    import httpx

    error = httpx.WriteError("from the body")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise error

    async with AsyncHttpxConnector() as connector:
        with pytest.raises(httpx.WriteError) as caught:
            await AsyncPipeline(connector).send(Request("PUT", origin.url, body=chunks()))
        await get(connector, origin.url)

    assert caught.value is error
    assert not isinstance(error, TransportError)
