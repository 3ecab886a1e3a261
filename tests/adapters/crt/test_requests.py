"""What the CRT puts on the wire: content above all, which it would drop, poll for or cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.adapters.crt.peers import trusting

from stablehttp import (
    AsyncPipeline,
    HttpSettings,
    HttpVersion,
    Request,
    SyncPipeline,
    Timeouts,
    UnsupportedTransportError,
    WriteTimeoutError,
)
from stablehttp._completion import complete
from stablehttp.testing import Answer, Gate, Hang, Origin, RecordingProxy
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


@pytest.fixture(params=[HTTP_1, HTTP_2], ids=str)
def version(request: pytest.FixtureRequest) -> HttpVersion:
    assert isinstance(request.param, HttpVersion)
    return request.param


@pytest.fixture
def origin(version: HttpVersion) -> Iterator[Origin]:
    with Origin(tls=version is HTTP_2, http2=version is HTTP_2) as started:
        yield started


@pytest.fixture
async def pipeline(version: HttpVersion, origin: Origin) -> AsyncIterator[AsyncPipeline]:
    async with AsyncCrtConnector(versions=[version], settings=trusting(origin)) as connector:
        yield AsyncPipeline(connector)


async def test_content_in_memory_goes_out_because_the_list_frames_it(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-B6: without framing in the list the CRT would send nothing, and say nothing."""
    content = bytes(range(256)) * 1000

    await (await pipeline.send(Request("PUT", origin.url, body=content))).aread()

    received = await origin.atake()
    assert (received.values("content-length"), received.content == content) == ((b"256000",), True)


async def test_a_body_may_change_its_buffer_after_giving_it(origin: Origin, pipeline: AsyncPipeline) -> None:
    """What waits for the CRT is ours alone."""
    buffer = bytearray(1000)

    async def body() -> AsyncIterator[bytes]:
        for number in range(50):
            buffer[:] = bytes([number]) * 1000
            yield buffer  # type: ignore[misc]  # any buffer will do at run time
        buffer[:] = b"x" * 1000

    await (await pipeline.send(Request("PUT", origin.url, body=body()))).aread()

    assert (await origin.atake()).content == b"".join(bytes([number]) * 1000 for number in range(50))


async def test_a_slow_body_costs_little_and_holds_nobody_up(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-J3: the CRT would ask for content as fast as it can."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.sleep(1.0)
        yield b"second"

    began, busy = time.monotonic(), time.process_time()
    upload = asyncio.create_task(pipeline.send(Request("PUT", origin.url, body=slow())))
    await asyncio.sleep(0.2)
    quick = time.monotonic()
    await (await pipeline.send(Request("GET", origin.url))).aread()
    quick = time.monotonic() - quick
    await (await upload).aread()
    share = (time.process_time() - busy) / (time.monotonic() - began)

    assert quick < 0.5
    assert share < 0.3  # a poll would take all of a core, and the origin lives in this process too


async def test_a_written_chunk_leaves_at_once(origin: Origin, pipeline: AsyncPipeline) -> None:
    """U-J3: it waits neither for more nor for a poll."""
    origin.answer(Answer.duplex())
    written: list[float] = []

    async def body() -> AsyncIterator[bytes]:
        for _ in range(5):
            await asyncio.sleep(0.05)
            written.append(time.monotonic())
            yield b"x"

    response = await pipeline.send(Request("POST", origin.url, body=body()))
    delays = [time.monotonic() - written[number] async for number, _ in _numbered(response.body.achunks())]

    assert len(delays) == 5
    assert sorted(delays)[2] < 0.05


async def _numbered(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes]]:
    number = 0
    async for chunk in chunks:
        yield number, chunk
        number += 1


async def test_an_unbounded_body_is_held_back_by_a_peer_that_does_not_read(
    origin: Origin, pipeline: AsyncPipeline
) -> None:
    """U-J7."""
    origin.answer(Answer.failing(Hang(), "request head"))
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1 << 16
            yield bytes(1 << 16)

    pipeline = AsyncPipeline(pipeline._connector, timeouts=Timeouts(write=0.3))
    with pytest.raises(WriteTimeoutError):
        await pipeline.send(Request("PUT", origin.url, body=endless()))

    assert given < 32 << 20  # the buffers of the system, and little more


async def test_content_beyond_its_declared_length_makes_no_complete_request(
    origin: Origin, pipeline: AsyncPipeline
) -> None:
    """U-H2: the last chunk of a declared length waits until the body has ended."""
    from stablehttp import ContentLengthError

    async def body() -> AsyncIterator[bytes]:
        yield b"12345"
        await asyncio.sleep(0.05)
        yield b"6"

    for _ in range(5):
        with pytest.raises(ContentLengthError):
            await pipeline.send(Request("PUT", origin.url, headers=[("Content-Length", "5")], body=body()))

    assert not any(received.complete for received in origin.requests)


def test_a_synchronous_body_runs_in_the_context_of_its_caller(version: HttpVersion, origin: Origin) -> None:
    """It is read in a thread of its own."""
    from contextvars import ContextVar

    variable: ContextVar[bytes] = ContextVar("variable", default=b"unset")

    def body() -> Iterator[bytes]:
        yield variable.get()

    token = variable.set(b"set by the caller")
    with SyncCrtConnector(versions=[version], settings=trusting(origin)) as connector:
        SyncPipeline(connector).send(Request("PUT", origin.url, body=body())).read()
    variable.reset(token)

    assert origin.take().content == b"set by the caller"


def test_a_synchronous_talk_goes_both_ways_over_http_2() -> None:
    """U-J1."""
    from queue import SimpleQueue

    questions: SimpleQueue[bytes] = SimpleQueue()
    with Origin(Answer.duplex(), tls=True, http2=True) as origin:
        with SyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            questions.put(b"one")
            response = SyncPipeline(connector).send(Request("POST", origin.url, body=iter(questions.get, b"")))
            chunks = response.body.chunks()
            heard = [next(chunks)]
            questions.put(b"two")
            heard.append(next(chunks))
            questions.put(b"")
            heard += list(chunks)

    assert heard == [b"one", b"two"]


async def test_an_error_ends_an_upload_and_a_success_does_not() -> None:
    """U-J2: what a peer refuses is not wanted; one that says 200 early may still read."""
    for status, whole in ((413, False), (200, True)):
        gate, more, closed = Gate(), asyncio.Event(), asyncio.Event()

        async def body(more: asyncio.Event = more, closed: asyncio.Event = closed) -> AsyncIterator[bytes]:
            try:
                yield b"first"
                await more.wait()
                yield b"second"
            finally:
                closed.set()

        with Origin(Answer(status, [b"begin", gate, b"end"], reading="while"), tls=True, http2=True) as origin:
            async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
                response = await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body()))
                assert closed.is_set() is not whole
                more.set()
                await asyncio.wait_for(closed.wait(), 5)
                gate.open()
                assert await response.aread() == b"beginend"
                assert closed.is_set()
            received = await origin.atake()

        assert (received.complete, received.content) == ((True, b"firstsecond") if whole else (False, b"first"))


async def test_without_tls_only_http_1_is_spoken() -> None:
    """HTTP/2 without TLS is not offered by the binding."""
    with Origin(http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2]) as connector:
            with pytest.raises(UnsupportedTransportError, match="connections without TLS"):
                await AsyncPipeline(connector).send(Request("GET", origin.url))
        async with AsyncCrtConnector(versions=[HTTP_2, HTTP_1]) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            await response.aread()

    assert response.http_version is HTTP_1
    assert len(origin.connections) == 1


@pytest.mark.parametrize("secure", [False, True], ids=["forwarding", "a tunnel"])
async def test_a_proxy_keeps_the_octets_of_the_target(*, secure: bool) -> None:
    """U-B1, U-D4: a forwarding proxy is told the origin before it, and a tunnel changes nothing."""
    target = "/a//b/./..?x='y'&&%2f%41"
    with Origin(tls=secure) as origin, RecordingProxy() as proxy:
        settings = HttpSettings(
            tls=trusting(origin).tls, proxy=proxy.url.replace("://", "://us%20er:pass@"), connect_timeout=5
        )
        async with AsyncCrtConnector(settings=settings) as connector:
            request = Request("POST", origin.url + target, headers=[("X-A", "1")], body=b"content")
            await (await AsyncPipeline(connector).send(request)).aread()
        received, asked = await origin.atake(), await proxy.atake()

    assert (received.target, received.content) == (target.encode(), b"content")
    assert [name for name, _ in received.fields] == [b"Host", b"X-A", b"Content-Length"]
    assert asked.values("proxy-authorization") == (b"Basic dXMgZXI6cGFzcw==",)
    assert asked.method == (b"CONNECT" if secure else b"POST")


async def test_a_forwarding_proxy_is_given_no_other_form_of_the_target() -> None:
    from stablehttp import URI

    async with AsyncCrtConnector(settings=HttpSettings(proxy="http://127.0.0.1:9")) as connector:
        request = Request("OPTIONS", URI.verbatim("http://a.test", "*"))
        with pytest.raises(UnsupportedTransportError, match="must begin with '/'"):
            await AsyncPipeline(connector).send(request)


async def test_a_request_is_unchanged_after_sending(origin: Origin, version: HttpVersion) -> None:
    """U-B3."""
    request = Request("PUT", origin.url + "/x", headers=[("X-A", "1"), ("x-a", "2")], body=b"content")
    complete(request)
    before = (request.method, str(request.uri), request.headers.items(), request.body.content)

    async with AsyncCrtConnector(versions=[version], settings=trusting(origin)) as connector:
        for _ in range(2):
            await (await connector.send(request)).aread()

    assert (request.method, str(request.uri), request.headers.items(), request.body.content) == before
