"""Cancellation at every turn of the event loop, several loops, threads and forks, on every connector."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import AsyncConnector, AsyncPipeline, HttpSettings, Request, SyncConnector, SyncPipeline, TLSSettings
from stablehttp.testing import Answer, Gate, Origin
from stablehttp.testing.contract import Bench, Subject

FORK: Final = """
    import asyncio, os, signal, sys
    from stablehttp import AsyncPipeline, ForeignLoopError, HttpSettings, HttpVersion, Request
    from stablehttp import SyncPipeline, TLSSettings
    from stablehttp_{client} import {name} as Make

    connector = Make(
        versions=(HttpVersion({version!r}),), settings=HttpSettings(tls=TLSSettings(ca_file={ca_file!r}))
    )

    async def asynchronous():
        response = await AsyncPipeline(connector).send(Request("GET", {url!r}))
        return await response.aread()

    def send():
        if {colour!r} == "async":
            return asyncio.run(asynchronous())
        return SyncPipeline(connector).send(Request("GET", {url!r})).read()

    assert send() == b"hello"
    child = os.fork()
    if child == 0:
        signal.alarm(8)
        try:
            os._exit(0 if send() == b"hello" else 2)
        except ForeignLoopError:
            os._exit(3)
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert send() == b"hello", "the parent goes on"
    os._exit(os.waitstatus_to_exitcode(status) & 0x7F)
"""


def chosen(which: Callable[[Subject], bool]) -> Iterator[object]:
    for subject in subjects():
        if which(subject):
            reason = missing(subject.name, subject.colour)
            marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
            yield pytest.param(subject, id=str(subject), marks=marks)


ASYNC: Final = list(chosen(lambda subject: subject.colour == "async"))
SYNC: Final = list(chosen(lambda subject: subject.colour == "sync"))


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("subject", ASYNC)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
async def test_sends_cancelled_after_any_number_of_turns_leave_a_pool_of_five_whole(
    subject: Subject, times: int
) -> None:
    """U-F3, U-H7."""
    outcomes: list[object] = []
    async with Bench(subject) as bench:
        driver = bench.connect(replace(bench.settings, max_connections=5))
        bench.origin.answer(Answer(200, b"hello"))

        async def send(number: int) -> None:
            source = bench.source(b"con", b"tent", length=7) if number % 2 else None
            reply = await driver.send(Request("PUT", bench.url(), body=source))
            await reply.read()

        for number in range(100):
            task = asyncio.ensure_future(send(number))
            await turns(number // 2)
            for _ in range(times):
                task.cancel()
                await turns(1)
            outcomes += await asyncio.gather(task, return_exceptions=True)
        bench.origin.answer(Answer(200, b"good"))
        async with asyncio.timeout(10):
            replies = await asyncio.gather(*(driver.send(Request("GET", bench.url())) for _ in range(5)))
            contents = [await reply.read() for reply in replies]
        await driver.close()
        await bench.origin.awatch(lambda: bench.origin.open_connections == 0)
        closed = [source for source in bench.sources if source.closed != 1 and source.opened]

    assert {type(outcome) for outcome in outcomes} <= {asyncio.CancelledError, type(None)}
    assert contents == [b"good"] * 5
    assert closed == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("subject", ASYNC)
def test_one_connector_works_in_three_event_loops_one_after_another(subject: Subject) -> None:
    """U-F2."""
    with Origin(Answer(200, b"hello"), tls=subject.tls, http2=subject.version.value == "HTTP/2") as origin:
        connector = subject.make(settings_for(origin), (subject.version,))
        assert isinstance(connector, AsyncConnector)

        async def send() -> bytes:
            async with asyncio.timeout(5):
                return await (await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))).aread()

        contents = [asyncio.run(send()) for _ in range(3)]
        asyncio.run(connector.aclose())

    assert contents == [b"hello"] * 3
    assert origin.count == 3


@pytest.mark.timeout(30)
@pytest.mark.parametrize("subject", SYNC)
def test_one_connector_serves_several_threads(subject: Subject) -> None:
    """U-F1, U-F3."""

    def echo(received: object) -> Answer:
        return Answer(200, getattr(received, "target", b""))

    with Origin(echo, tls=subject.tls, http2=subject.version.value == "HTTP/2") as origin:
        connector = subject.make(replace(settings_for(origin), max_connections=4), (subject.version,))
        assert isinstance(connector, SyncConnector)
        pipeline = SyncPipeline(connector)

        def send(number: int) -> bytes:
            with pipeline.send(Request("POST", f"{origin.url}/{number}", body=b"x" * number)) as response:
                return response.read()

        with ThreadPoolExecutor(8) as threads:
            contents = list(threads.map(send, range(120)))
        connector.close()

    assert contents == [b"/%d" % number for number in range(120)]
    assert origin.count == 120


@pytest.mark.timeout(40)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("subject", [*ASYNC, *SYNC])
def test_after_a_fork_a_connector_works_or_says_so(subject: Subject) -> None:
    """U-F2."""
    with Origin(Answer(200, b"hello"), tls=subject.tls, http2=subject.version.value == "HTTP/2") as origin:
        program = textwrap.dedent(FORK).format(
            client=subject.name,
            name=f"{subject.colour.capitalize()}{subject.name.capitalize()}Connector",
            version=subject.version.value,
            ca_file=str(origin.ca_file) if subject.tls else None,
            url=origin.url + "/",
            colour=subject.colour,
        )

        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=30, check=False
        )

    assert done.returncode in (0, 3), f"{done.returncode}: {done.stdout} {done.stderr}"


def settings_for(origin: Origin) -> HttpSettings:
    secure = origin.url.startswith("https")
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file))) if secure else HttpSettings()


# --- what is no error of this library ------------------------------------------------------------


class StopNow(BaseException):
    """Like a KeyboardInterrupt, which a task of asyncio would not keep to itself."""


@pytest.mark.timeout(30)
@pytest.mark.parametrize("when", ["while sending", "while waiting for the response"])
@pytest.mark.parametrize("subject", SYNC)
def test_an_interrupt_of_the_keyboard_comes_out_as_it_is(subject: Subject, when: str) -> None:
    """U-E3: and the connector goes on."""
    interrupt = KeyboardInterrupt("now")

    def body() -> Iterator[bytes]:
        yield b"first"
        raise interrupt

    def beat(*_: object) -> None:
        raise interrupt

    gate = Gate()
    with Origin(tls=subject.tls, http2=subject.version.value == "HTTP/2") as origin:
        connector = subject.make(settings_for(origin), (subject.version,))
        assert isinstance(connector, SyncConnector)
        pipeline = SyncPipeline(connector)
        before = signal.signal(signal.SIGALRM, beat)
        try:
            if when == "while sending":
                request = Request("PUT", origin.url, body=body())
            else:
                request = Request("GET", origin.url)
                origin.script([Answer(200, hold=gate)])
                signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(KeyboardInterrupt) as caught:
                pipeline.send(request).read()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            gate.open()
        assert pipeline.send(Request("GET", origin.url)).read() == b""
        connector.close()
        origin.watch(lambda: origin.open_connections == 0)

    assert caught.value is interrupt


@pytest.mark.timeout(30)
@pytest.mark.parametrize("subject", ASYNC)
async def test_what_a_body_raises_that_is_no_exception_comes_out_as_it_is(subject: Subject) -> None:
    """U-E3: and the connector goes on."""
    stop = StopNow()

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        raise stop

    async with Bench(subject) as bench:
        assert isinstance(bench.connector, AsyncConnector)
        pipeline = AsyncPipeline(bench.connector)
        with pytest.raises(StopNow) as caught:
            await pipeline.send(Request("PUT", bench.url(), body=body()))
        async with asyncio.timeout(5):
            assert await (await pipeline.send(Request("GET", bench.url()))).aread() == b""

    assert caught.value is stop
