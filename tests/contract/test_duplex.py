"""Duplex, seen from outside the contract: why it is checked at all, and what an exchange costs over time."""

from __future__ import annotations

import asyncio
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable

import pytest
from tests.contract.subjects import missing, subjects, talking_aiohttp

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    Capability,
    Duplex,
    Extensions,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    TLSSettings,
    UnsupportedTransportError,
)
from stablehttp.testing import Answer, Origin
from stablehttp.testing.contract import Subject
from stablehttp.testing.contract._driver import ready

MIB = 1 << 20


def made(subject: Subject, origin: Origin, *versions: HttpVersion) -> AsyncConnector:
    tls = TLSSettings(ca_file=str(origin.ca_file)) if origin.url.startswith("https") else TLSSettings()
    connector = subject.make(HttpSettings(tls=tls), versions or (subject.version,))
    assert isinstance(connector, AsyncConnector)
    return connector


def _declares(subject: Subject) -> bool:
    return Capability.DUPLEX in subject.make(HttpSettings(), (subject.version,)).capabilities[subject.version]


THERE = [subject for subject in subjects() if subject.colour == "async" and missing(subject.name) is None]
TALKING = [subject for subject in THERE if _declares(subject)]
TALKING += [talking_aiohttp()] if missing("aiohttp") is None else []
SILENT = [subject for subject in THERE if subject.name in ("httpx", "httpx2")]


@pytest.mark.parametrize("subject", SILENT, ids=str)
async def test_without_the_check_a_transport_that_is_not_duplex_stalls_and_with_it_fails_at_once(
    subject: Subject,
) -> None:
    """D11, D8: why there is a check at all."""
    heard, stop = asyncio.Event(), asyncio.Event()

    async def talk() -> AsyncIterator[bytes]:
        yield b"one"
        waiting = [asyncio.ensure_future(event.wait()) for event in (heard, stop)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()

    async def unchecked(connector: AsyncConnector, url: str) -> Response[AsyncBody]:
        return await connector.send(ready(Request("POST", url, body=talk()), connector))

    with Origin(Answer.duplex(), tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        async with made(subject, origin) as connector:
            stalled = asyncio.create_task(unchecked(connector, origin.url))
            assert not (await asyncio.wait([stalled], timeout=0.5))[0]
            stop.set()
            await (await stalled).aread()

            took = []
            for _ in range(5):
                marked = Request("POST", origin.url, body=talk(), extensions=Extensions([Duplex()]))
                since = time.perf_counter()
                with pytest.raises(UnsupportedTransportError):
                    await AsyncPipeline(connector).send(marked)
                with pytest.raises(UnsupportedTransportError):
                    AsyncPipeline(connector).open(Request("POST", origin.url))
                took.append(time.perf_counter() - since)

            assert min(took) < 0.002


@pytest.mark.parametrize("subject", [each for each in TALKING if each.name == "crt"], ids=str)
async def test_a_connector_that_fell_back_refuses_before_it_sends(subject: Subject) -> None:
    """D13: ALPN chose HTTP/1.1, over which the CRT is not duplex."""
    both = (HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)
    with Origin(Answer.duplex(), tls=True) as origin:
        async with made(subject, origin, *both) as connector:
            for _ in range(2):
                async with AsyncPipeline(connector).open(Request("POST", origin.url)) as exchange:
                    with pytest.raises(UnsupportedTransportError, match="over HTTP/1.1") as caught:
                        await exchange.response()
                assert caught.value.negotiated == "HTTP/1.1"
                assert (caught.value.sent, caught.value.processed) == ("no", "no")
            response = await AsyncPipeline(connector).send(Request("POST", origin.url, body=b"whole"))
            assert await response.aread() == b"whole"

        assert len(origin.requests) == 1


@pytest.mark.parametrize("subject", TALKING, ids=str)
async def test_an_idle_exchange_wakes_nobody(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """U-J3: no polling; aiohttp, which wakes nobody when a connection is closed, is looked after twice a second."""
    loop = asyncio.get_running_loop()
    selector: object = getattr(loop, "_selector", None)
    if selector is None:
        pytest.skip("this event loop does not tell how often it wakes")
    turns = _count(selector, monkeypatch)

    with Origin(Answer.duplex(), tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        async with made(subject, origin) as connector, AsyncPipeline(connector).open(post(origin)) as exchange:
            await exchange.send(b"one")
            assert await exchange.receive() == b"one"
            receiving = asyncio.create_task(exchange.receive())
            await asyncio.sleep(0.05)
            before = turns()
            await asyncio.sleep(0.8)

            assert turns() - before <= (4 if subject.name == "aiohttp" else 2)
            await exchange.send(b"two")
            assert await receiving == b"two"


def _count(selector: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often an event loop has woken."""
    count = 0
    select = selector.select  # type: ignore[attr-defined]

    def counting(timeout: float | None = None) -> object:
        nonlocal count
        count += 1
        return select(timeout)

    monkeypatch.setattr(selector, "select", counting)
    return lambda: count


def post(origin: Origin) -> Request[AsyncBody]:
    return Request("POST", origin.url)


@pytest.mark.slow
@pytest.mark.parametrize("subject", TALKING, ids=str)
async def test_ten_idle_seconds_cost_less_than_a_fiftieth_of_a_core(subject: Subject) -> None:
    """U-J3."""
    with Origin(Answer.duplex(), tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        async with made(subject, origin) as connector, AsyncPipeline(connector).open(post(origin)) as exchange:
            await exchange.send(b"one")
            assert await exchange.receive() == b"one"
            receiving = asyncio.create_task(exchange.receive())
            cost = time.process_time()
            await asyncio.sleep(10)
            cost = time.process_time() - cost

            since = time.monotonic()
            await exchange.send(b"two")
            assert await receiving == b"two"
            took = time.monotonic() - since

    assert cost < 0.2
    assert took < 0.05


@pytest.mark.parametrize(
    "subject",
    # the CRT waits 40 ms for each acknowledgement (docs/streams.md), which takes too long here
    [pytest.param(each, marks=pytest.mark.slow if each.name == "crt" else ()) for each in TALKING],
    ids=str,
)
async def test_memory_stays_flat_in_both_directions(subject: Subject) -> None:
    """U-J7 R10: 16 MiB go and come back, and a fraction of that is ever held here."""
    block, count = bytes(MIB // 4), 64
    origin = Origin(
        Answer.duplex(), tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2, content_limit=0, history=1
    )
    with origin:
        async with made(subject, origin) as connector, AsyncPipeline(connector).open(post(origin)) as exchange:

            async def send() -> None:
                for _ in range(count):
                    await exchange.send(block)
                await exchange.send_end()

            tracemalloc.start()
            try:
                sending, total = asyncio.create_task(send()), 0
                async for chunk in exchange:
                    total += len(chunk)
                await sending
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    assert total == 16 * MIB
    assert peak < 6 * MIB


@pytest.mark.slow
@pytest.mark.parametrize("subject", [each for each in TALKING if each.version is HttpVersion.HTTP_1_1], ids=str)
async def test_a_gibibyte_goes_and_comes_back_in_flat_memory(subject: Subject) -> None:
    """U-J7: what the process holds does not grow, client and origin together."""
    resource = pytest.importorskip("resource")
    block = bytes(MIB)
    origin = Origin(Answer.duplex(), content_limit=0, history=1)
    with origin:
        async with made(subject, origin) as connector, AsyncPipeline(connector).open(post(origin)) as exchange:

            async def send() -> None:
                for _ in range(1024):
                    await exchange.send(block)
                await exchange.send_end()

            sending, total, early = asyncio.create_task(send()), 0, 0
            async for chunk in exchange:
                total += len(chunk)
                if not early and total > 64 * MIB:
                    early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            await sending
            late = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert total == 1 << 30
    assert late - early < 64 * 1024  # in KiB


@pytest.mark.parametrize("subject", TALKING, ids=str)
async def test_a_server_that_does_not_answer_early_is_waited_for(subject: Subject) -> None:
    """What is declared for HTTP/1.1 needs a willing server; with another one an exchange is a slow upload."""
    with Origin(Answer.echo(), tls=subject.tls, http2=subject.version is HttpVersion.HTTP_2) as origin:
        async with made(subject, origin) as connector, AsyncPipeline(connector).open(post(origin)) as exchange:
            await exchange.send(b"one")
            receiving = asyncio.create_task(exchange.receive())
            assert not (await asyncio.wait([receiving], timeout=0.2))[0]
            await exchange.send(b"two")
            await exchange.send_end()
            assert await receiving == b"onetwo"
            await exchange.wait_closed()
