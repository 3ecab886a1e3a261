"""What happens on both sides at once: uploads, early answers, `Expect`, limits of time, cancellation."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.adapters.h11.peers import COLOURS, Colour, RawPeer, answering, fetch, read_head

from stablehttp import (
    AsyncPipeline,
    DisconnectedError,
    HttpSettings,
    PoolTimeoutError,
    ReadTimeoutError,
    Request,
    StableHTTPError,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    WriteTimeoutError,
)
from stablehttp.testing import Answer, Gate, Origin
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Source:
    """Chunks of either colour, and what became of them."""

    def __init__(self, *chunks: bytes, pause: float = 0.0) -> None:
        self.chunks = chunks
        self.pause = pause
        self.given = 0
        self.ended = False

    def sync(self) -> Iterator[bytes]:
        try:
            for chunk in self.chunks:
                self.given += 1
                yield chunk
                time.sleep(self.pause)
        finally:
            self.ended = True

    async def aio(self) -> AsyncIterator[bytes]:
        try:
            for chunk in self.chunks:
                self.given += 1
                yield chunk
                await asyncio.sleep(self.pause)
        finally:
            self.ended = True

    def body(self, colour: Colour) -> AsyncIterator[bytes]:
        return self.aio() if colour == "async" else self.sync()  # type: ignore[return-value]


def small_buffers(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


# --- early answers and duplex ---------------------------------------------------------------------


async def test_the_head_is_given_while_content_is_still_sent_and_each_side_hears_the_other() -> None:
    """D11: duplex in fact, on HTTP/1.1, though not declared."""
    heard = asyncio.Event()

    async def talk() -> AsyncIterator[bytes]:
        yield b"one"
        await heard.wait()
        yield b"two"

    with Origin(Answer.duplex()) as origin:
        async with AsyncH11Connector() as connector, asyncio.timeout(5):
            response = await AsyncPipeline(connector).send(Request("POST", origin.url + "/", body=talk()))
            chunks: list[bytes] = []
            async for chunk in response.body.achunks():
                chunks.append(chunk)
                heard.set()

    assert b"".join(chunks) == b"onetwo"
    assert len(chunks) >= 2


async def test_closing_the_response_ends_sending_and_closes_the_body() -> None:
    """U-H7, U-J2."""
    source = Source(*[b"x"] * 1000, pause=0.01)

    with Origin(Answer.duplex()) as origin:
        async with AsyncH11Connector() as connector:
            response = await AsyncPipeline(connector).send(Request("POST", origin.url + "/", body=source.aio()))
            await response.aclose()

            assert source.ended
            assert source.given < 1000


@pytest.mark.parametrize("colour", COLOURS)
def test_an_early_error_ends_the_upload_of_large_content_in_memory(colour: Colour) -> None:
    """U-J2: the peer never reads it, and keeps the connection open."""

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        connection.settimeout(5)
        time.sleep(0.2)
        while connection.recv(1 << 20):
            pass

    with RawPeer(serve) as peer:
        began = time.monotonic()
        [outcome] = fetch(colour, Request("PUT", peer.url + "/", body=bytes(50_000_000)))

    assert (outcome.status, outcome.content) == (413, b"no")
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("colour", COLOURS)
def test_an_early_error_ends_the_upload_of_a_stream(colour: Colour) -> None:
    """U-J2, U-H7."""
    source = Source(*[b"x" * 1000] * 10_000, pause=0.002)

    with RawPeer(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", hold=True)) as peer:
        [outcome] = fetch(colour, Request("PUT", peer.url + "/", body=source.body(colour)))

    assert (outcome.status, outcome.content) == (403, b"no")
    assert source.ended
    assert source.given < 1000


@pytest.mark.parametrize("colour", COLOURS)
def test_an_early_success_does_not_end_the_upload(colour: Colour) -> None:
    arrived = bytearray()

    def serve(connection: socket.socket) -> None:
        arrived.extend(read_head(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not arrived.endswith(b"0\r\n\r\n"):
            arrived.extend(connection.recv(65536))
        connection.sendall(b"2\r\nok\r\n0\r\n\r\n")
        connection.recv(1)

    source = Source(*[b"x" * 100] * 20, pause=0.002)
    with RawPeer(serve) as peer:
        [outcome] = fetch(colour, Request("PUT", peer.url + "/", body=source.body(colour)))

    assert outcome.content == b"ok"
    assert arrived.count(b"x" * 100) == 20


@pytest.mark.parametrize("colour", COLOURS)
def test_an_answer_that_arrived_before_the_connection_broke_is_given(colour: Colour) -> None:
    """The peer answers, and resets the connection because octets of the request are left unread."""

    def serve(connection: socket.socket) -> None:
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        time.sleep(0.1)

    with RawPeer(serve) as peer:
        [outcome] = fetch(colour, Request("PUT", peer.url + "/", body=Source(*[b"x"] * 50, pause=0.01).body(colour)))

    assert (outcome.status, outcome.content) == (403, b"no")


@pytest.mark.parametrize("colour", COLOURS)
def test_an_error_of_the_body_comes_out_though_the_response_is_on_its_way(colour: Colour) -> None:
    class OwnError(Exception):
        pass

    async def fail() -> AsyncIterator[bytes]:
        yield b"x"
        raise OwnError

    def fail_sync() -> Iterator[bytes]:
        yield b"x"
        raise OwnError

    body = fail() if colour == "async" else fail_sync()
    with Origin(Answer.duplex()) as origin, pytest.raises(OwnError):
        fetch(colour, Request("POST", origin.url + "/", body=body))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "error", [TimeoutError, ConnectionResetError, asyncio.CancelledError], ids=lambda e: e.__name__
)
async def test_an_error_of_the_body_is_not_taken_for_one_of_the_wire(error: type[BaseException]) -> None:
    async def fail() -> AsyncIterator[bytes]:
        yield b"x"
        raise error

    with Origin() as origin:
        async with AsyncH11Connector() as connector:
            with pytest.raises(error) as caught:
                await AsyncPipeline(connector).send(Request("POST", origin.url + "/", body=fail()))

    assert not isinstance(caught.value, StableHTTPError)


# --- Expect ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("kind", ["bytes", "stream"])
def test_content_is_held_until_the_peer_asks_for_it(colour: Colour, kind: str) -> None:
    """U-M1."""
    early: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        early.append(read_head(connection).partition(b"\r\n\r\n")[2])
        time.sleep(0.1)
        connection.settimeout(0)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.settimeout(None)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert connection.recv(5) == b"hello"
        connection.sendall(OK)
        connection.recv(1)

    body = b"hello" if kind == "bytes" else Source(b"hello").body(colour)
    headers = [("Expect", "100-continue"), ("Content-Length", "5")]
    with RawPeer(serve) as peer:
        request = Request("PUT", peer.url + "/", headers=headers, body=body)  # type: ignore[call-overload]
        [outcome] = fetch(colour, request)

    assert outcome.content == b"ok"
    assert early == [b""]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_final_answer_instead_of_100_leaves_the_body_untouched(colour: Colour) -> None:
    """U-M1: not one octet of content is sent, and the connection is not used again."""
    source = Source(b"hello")

    with Origin() as origin:
        origin.script([Answer(417, reading="never", connection="keep")])
        expecting = Request("PUT", origin.url + "/", headers=[("Expect", "100-continue")], body=source.body(colour))
        first, second = fetch(colour, expecting, Request("GET", origin.url + "/"))

        assert first.status == 417
        assert second.reused is False
        assert origin.requests[0].content_length == 0
    assert source.given == 0


@pytest.mark.parametrize("colour", COLOURS)
def test_content_is_sent_when_the_peer_keeps_silent_for_a_while(colour: Colour) -> None:
    def serve(connection: socket.socket) -> None:
        octets = read_head(connection)
        while not octets.endswith(b"hello"):
            octets += connection.recv(100)
        connection.sendall(OK)
        connection.recv(1)

    with RawPeer(serve) as peer:
        request = Request("PUT", peer.url + "/", headers=[("Expect", "100-continue")], body=b"hello")
        began = time.monotonic()
        if colour == "sync":
            with SyncH11Connector(continue_timeout=0.2) as connector:
                assert SyncPipeline(connector).send(request).read() == b"ok"
        else:
            asyncio.run(_send_soon(request))

    assert 0.15 < time.monotonic() - began < 1


async def _send_soon(request: Request) -> None:  # type: ignore[type-arg]
    async with AsyncH11Connector(continue_timeout=0.2) as connector:
        assert await (await AsyncPipeline(connector).send(request)).aread() == b"ok"


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_the_limit_for_reading_begins_when_all_is_sent(colour: Colour) -> None:
    """U-D1: a slow upload is no silent peer."""
    source = Source(*[b"x"] * 10, pause=0.05)

    with Origin() as origin:
        [outcome] = fetch(
            colour, Request("PUT", origin.url + "/", body=source.body(colour)), timeouts=Timeouts(read=0.3)
        )

    assert outcome.status == 200


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("kind", ["bytes", "stream"])
def test_a_peer_that_takes_nothing_is_told(colour: Colour, kind: str) -> None:
    """U-D1."""

    def serve(connection: socket.socket) -> None:
        time.sleep(1)

    body = bytes(50_000_000) if kind == "bytes" else Source(*[bytes(1_000_000)] * 50).body(colour)
    with RawPeer(serve) as peer, pytest.raises(WriteTimeoutError) as caught:
        fetch(colour, Request("PUT", peer.url + "/", body=body), timeouts=Timeouts(write=0.3))  # type: ignore[call-overload]

    assert (caught.value.sent, caught.value.processed, caught.value.seconds) == ("maybe", "maybe", 0.3)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("kind", ["bytes", "stream"])
def test_a_peer_that_takes_octets_slowly_is_waited_for(colour: Colour, kind: str) -> None:
    """U-D1: the limit is for the longest pause, not for all of the content."""

    def serve(connection: socket.socket) -> None:
        left = 40_000_000
        connection.settimeout(5)
        while left > 0:
            taken = 0
            while taken < min(left, 4_000_000):
                taken += len(connection.recv(1_000_000))
            left -= taken
            time.sleep(0.15)
        connection.sendall(OK)
        connection.recv(1)

    body = bytes(40_000_000) if kind == "bytes" else Source(*[bytes(1_000_000)] * 40).body(colour)
    with RawPeer(serve) as peer:
        request = Request("PUT", peer.url + "/", body=body)  # type: ignore[call-overload]
        [outcome] = fetch(colour, request, timeouts=Timeouts(write=0.5, read=2))

    assert outcome.content == b"ok"


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("timeouts", "kind"),
    [
        pytest.param(Timeouts(read=0.2), ReadTimeoutError, id="read"),
        pytest.param(Timeouts(total=0.2), TotalTimeoutError, id="total"),
        pytest.param(Timeouts(read=5, write=5, pool=5, total=0.2), TotalTimeoutError, id="total among others"),
        pytest.param(Timeouts(read=0.2, total=5), ReadTimeoutError, id="read before total"),
    ],
)
@pytest.mark.parametrize("octets", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi"])
def test_a_silent_peer_is_told_at_every_stage(
    colour: Colour, timeouts: Timeouts, kind: type[StableHTTPError], octets: bytes
) -> None:
    """U-D1, U-E3."""
    began = time.monotonic()
    with RawPeer(answering(octets, hold=True)) as peer, pytest.raises(kind) as caught:
        fetch(colour, Request("GET", peer.url + "/"), timeouts=timeouts)

    assert 0.15 < time.monotonic() - began < 2
    assert type(caught.value) is kind
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.sent == ("yes" if octets else "maybe")
    assert caught.value.status == (200 if b"hi" in octets else None)


@pytest.mark.parametrize("colour", COLOURS)
def test_total_bounds_content_that_keeps_coming(colour: Colour) -> None:
    """U-D1: the trickle."""
    with Origin(Answer(200, bytes(100), piece=1, pause=0.02)) as origin:
        assert fetch(colour, Request("GET", origin.url + "/"), timeouts=Timeouts(read=1))[0].content == bytes(100)
        with pytest.raises(TotalTimeoutError) as caught:
            fetch(colour, Request("GET", origin.url + "/"), timeouts=Timeouts(read=1, total=0.3))

    assert (caught.value.sent, caught.value.processed, caught.value.status) == ("yes", "yes", 200)


async def test_total_bounds_the_wait_for_a_connection_of_the_pool() -> None:
    gate = Gate()
    with Origin(Answer(hold=gate)) as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            first = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url + "/")))
            await origin.awatch(lambda: origin.open_connections == 1)
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=5, total=0.1))
            with pytest.raises(TotalTimeoutError) as caught:
                await pipeline.send(Request("GET", origin.url + "/"))
            with pytest.raises(PoolTimeoutError):
                await AsyncPipeline(connector, timeouts=Timeouts(pool=0.1)).send(Request("GET", origin.url + "/"))
            gate.open()
            await (await first).aread()

    assert (caught.value.sent, caught.value.processed) == ("no", "no")


# --- giving up ------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", range(12))
async def test_a_send_cancelled_after_any_number_of_turns_leaves_nothing_behind(turns: int) -> None:
    """U-F3."""
    source = Source(*[b"x"] * 5)
    with Origin() as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=2))
            task = asyncio.create_task(pipeline.send(Request("PUT", origin.url + "/", body=source.aio())))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
            [outcome] = await asyncio.gather(task, return_exceptions=True)
            if not isinstance(outcome, BaseException):
                await outcome.aclose()

            assert source.ended == (source.given > 0)
            assert (await (await pipeline.send(Request("GET", origin.url + "/"))).aread()) == b""
            assert len(asyncio.all_tasks()) == 1


async def test_a_hundred_cancelled_sends_are_followed_by_five_good_ones() -> None:
    """U-F3."""
    gate = Gate()
    with Origin(Answer(hold=gate)) as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=5)) as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=5))
            tasks = [asyncio.create_task(pipeline.send(Request("GET", origin.url + "/"))) for _ in range(100)]
            await origin.awatch(lambda: origin.open_connections == 5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            gate.open()
            good = await asyncio.gather(*[pipeline.send(Request("GET", origin.url + "/")) for _ in range(5)])

            assert [response.status for response in good] == [200] * 5
            assert len(asyncio.all_tasks()) == 1


async def test_a_response_that_is_dropped_warns_once_and_gives_its_place_back() -> None:
    """U-F4: no task is started for it."""
    with Origin(Answer(200, bytes(1_000_000))) as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=2))
            held = [await pipeline.send(Request("GET", origin.url + "/a?secret=1"))]
            with pytest.warns(ResourceWarning, match=r"a response to GET http://127\.0\.0\.1:\d+ was dropped") as seen:
                held.clear()

            assert len([warning for warning in seen if warning.category is ResourceWarning]) == 1
            assert len(asyncio.all_tasks()) == 1
            await (await pipeline.send(Request("GET", origin.url + "/"))).aread()


def test_a_synchronous_response_that_is_dropped_warns_once_and_gives_its_place_back() -> None:
    """U-F4."""
    with Origin(Answer(200, bytes(5_000_000))) as origin:
        with SyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            pipeline = SyncPipeline(connector, timeouts=Timeouts(pool=2))
            held = [pipeline.send(Request("GET", origin.url + "/a?secret=1"))]
            with pytest.warns(ResourceWarning, match=r"a response to GET http://127\.0\.0\.1:\d+ was dropped"):
                held.clear()

            assert len(pipeline.send(Request("GET", origin.url + "/")).read()) == 5_000_000


async def test_a_small_response_that_is_never_read_holds_no_connection() -> None:
    """U-F4: it is all there, so the connection is free at once."""
    with Origin(Answer(200, b"small")) as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=2))
            responses = [await pipeline.send(Request("GET", origin.url + "/")) for _ in range(3)]

            assert [await response.aread() for response in responses] == [b"small"] * 3
            assert len(origin.connections) == 1


async def test_a_response_that_is_closed_gives_its_connection_back_if_the_rest_is_there() -> None:
    with Origin(Answer(200, [b"one", b"two"])) as origin:
        async with AsyncH11Connector(settings=HttpSettings(max_connections=1)) as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(pool=2))
            response = await pipeline.send(Request("GET", origin.url + "/"))
            await asyncio.sleep(0.05)
            await response.aclose()
            second = await pipeline.send(Request("GET", origin.url + "/"))

            assert second.connection.reused is True
            await second.aclose()


async def test_a_response_being_read_is_read_to_its_end_though_the_connector_was_closed() -> None:
    """U-F5."""
    gate = Gate()
    with Origin(Answer(200, [b"one", gate, b"two"])) as origin:
        connector = AsyncH11Connector()
        response = await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))
        await connector.aclose()
        gate.open()

        assert await response.aread() == b"onetwo"
        await origin.awatch(lambda: origin.open_connections == 0)


async def test_back_pressure_reaches_the_peer() -> None:
    """U-J7: what nobody reads is not gathered."""
    sent = 0
    done = threading.Event()

    def serve(connection: socket.socket) -> None:
        nonlocal sent
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.settimeout(0.5)
        try:
            while sent < 200_000_000:
                sent += connection.send(bytes(100_000))
        finally:
            done.set()

    with RawPeer(serve) as peer:
        async with AsyncH11Connector() as connector:
            response = await AsyncPipeline(connector).send(Request("GET", peer.url + "/"))
            await asyncio.to_thread(done.wait, 10)
            await response.aclose()

    assert sent < 50_000_000


async def test_a_connection_closed_while_idle_is_not_used_though_the_loop_had_no_turn_to_notice() -> None:
    """U-E4."""
    octets = b"HTTP/1.1 204 OK\r\n\r\n"
    closing = threading.Event()
    closed = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(octets)
        if closing.wait(5):
            connection.shutdown(socket.SHUT_RDWR)
            closed.set()

    with RawPeer(serve) as peer:
        async with AsyncH11Connector() as connector:
            pipeline = AsyncPipeline(connector)
            await (await pipeline.send(Request("GET", peer.url + "/"))).aread()
            closing.set()
            closed.wait(5)
            time.sleep(0.02)  # noqa: ASYNC251 (blocks the loop, on purpose)
            second = await pipeline.send(Request("GET", peer.url + "/"))

            assert second.connection.reused is False


async def test_reading_in_another_loop_is_refused_and_does_no_harm() -> None:
    """U-F2."""
    gate = Gate()
    with Origin(Answer(200, [b"one", gate, b"two"])) as origin:
        async with AsyncH11Connector() as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))

            def elsewhere() -> None:
                with pytest.raises(StableHTTPError, match="belongs to another event loop"):
                    asyncio.run(response.aread())

            await asyncio.to_thread(elsewhere)
            gate.open()
            await origin.awatch(lambda: origin.open_connections == 0)


def test_a_response_left_open_at_the_end_of_its_loop_leaves_no_socket_open() -> None:
    """U-F2, U-F4."""
    with Origin(Answer(200, bytes(5_000_000))) as origin:
        connector = AsyncH11Connector()

        async def use() -> int:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))
            return response.status

        for _ in range(3):
            with pytest.warns(ResourceWarning, match="was dropped"):
                asyncio.run(use())
        origin.watch(lambda: origin.open_connections == 0)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_reset_says_what_can_have_happened(colour: Colour) -> None:
    """U-E2."""

    def reset(connection: socket.socket) -> None:
        read_head(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    with RawPeer(reset) as peer, pytest.raises(DisconnectedError) as caught:
        fetch(colour, Request("GET", peer.url + "/"))

    assert (caught.value.sent, caught.value.processed) == ("maybe", "maybe")
    assert isinstance(caught.value.__cause__, ConnectionResetError)
