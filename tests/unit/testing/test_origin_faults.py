"""Faults of the recording origin on HTTP/1.1: each strikes at its point, and nowhere else."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time

import httpx
import pytest

from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_script import Answer, Close, Echo, Fault, Gate, GoAway, Hang, Pause, Point, Reset, What

HEAD = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
REQUEST = HEAD + b"abcd"
FULL = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"
CONTENT = b"0123456789"


def connect(origin: Origin) -> socket.socket:
    return socket.create_connection(("127.0.0.1", origin.port), timeout=10)


def read_all(sock: socket.socket) -> tuple[bytes, str]:
    """What comes until the end, and how it ends."""
    octets = b""
    try:
        while piece := sock.recv(65536):
            octets += piece
    except ConnectionResetError:
        return octets, "reset"
    return octets, "closed"


def exchange(origin: Origin, request: bytes = REQUEST) -> tuple[bytes, str]:
    try:
        with connect(origin) as sock:
            sock.sendall(request)
            return read_all(sock)
    except ConnectionError:  # it may come that early
        return b"", "reset"


HEAD_LENGTH = len(FULL) - 10


@pytest.mark.parametrize(
    ("what", "end"), [pytest.param(Close(), "closed", id="close"), pytest.param(Reset(), "reset", id="reset")]
)
@pytest.mark.parametrize(
    ("at", "after", "answered"),
    [
        ("accept", None, 0),
        ("open", None, 0),
        ("request start", None, 0),
        ("request head", None, 0),
        ("request content", 2, 0),
        ("request", None, 0),
        ("response head", None, HEAD_LENGTH // 2),
        ("response head", 5, 5),
        ("response content", None, HEAD_LENGTH + 5),
        ("response content", 7, HEAD_LENGTH + 7),
        ("response end", None, len(FULL)),
        ("response", None, len(FULL)),
    ],
)
def test_a_fault_ends_the_connection_at_its_point(
    what: What, end: str, at: Point, after: int | None, answered: int
) -> None:
    with Origin() as origin:
        origin.script([Answer.failing(what, at, after, content=CONTENT)])
        outcome = exchange(origin)
        origin.watch(lambda: origin.open_connections == 0)

        assert outcome == (FULL[:answered], end)
        assert origin.connections[0].ended == ("closed" if end == "closed" else "reset")


@pytest.mark.parametrize(
    ("at", "after", "head", "content", "complete"),
    [
        ("request start", None, None, b"", False),
        ("request head", None, HEAD, b"", False),
        ("request content", 2, HEAD, b"ab", False),
        ("request", None, HEAD, b"abcd", True),
        ("response head", None, HEAD, b"abcd", True),
        ("response content", None, HEAD, b"abcd", True),
        ("response", None, HEAD, b"abcd", True),
    ],
)
def test_what_had_arrived_before_the_fault_is_recorded_once(
    at: Point, after: int | None, head: bytes | None, content: bytes, complete: bool
) -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Reset(), at, after, content=CONTENT)])
        with connect(origin) as sock:
            sock.sendall(HEAD + b"ab")
            if at not in ("request start", "request head"):
                origin.watch(lambda: origin.connections[0].octets_received == len(HEAD) + 2)
            if complete:
                sock.sendall(b"cd")
            read_all(sock)

        received = origin.take()
        assert origin.count == 1
        assert received.raw_head == (HEAD + b"ab" if head is None else head)
        assert (received.content, received.complete) == (content, complete)


def test_octets_that_arrived_before_a_reset_are_counted() -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Reset(), "request head")])
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            read_all(sock)
        origin.watch(lambda: origin.open_connections == 0)

        assert origin.connections[0].request_octets == len(REQUEST)


def test_what_arrives_after_the_origin_closed_is_recorded_as_such_and_not_answered() -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Close(), "response")])
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            octets, end = read_all(sock)
            sock.sendall(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        first, second = origin.take(), origin.take()

    assert (octets.count(b"HTTP/1.1"), end) == (1, "closed")
    assert (first.after_close, second.after_close) == (False, True)
    assert (second.target, second.complete, second.index) == (b"/late", True, 1)


def test_the_rest_of_a_content_is_no_request_when_the_origin_closed_in_its_middle() -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Close(), "request head")])
        with connect(origin) as sock:
            sock.sendall(HEAD + b"GE")
            read_all(sock)
            sock.sendall(b"T / HTTP/1.1\r\n\r\n")
        origin.watch(lambda: origin.open_connections == 0)

        assert origin.count == 1


def test_an_idle_connection_is_closed_after_its_time() -> None:
    with Origin() as origin:
        origin.script([Answer(content=CONTENT, idle=0.01)])
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            assert read_all(sock) == (FULL, "closed")

        origin.watch(lambda: origin.open_connections == 0)
        assert origin.connections[0].ended == "closed"


@pytest.mark.parametrize(
    "at", ["accept", "open", "request start", "request head", "request", "response head", "response"]
)
def test_hanging_ends_when_the_client_goes(at: Point) -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Hang(), at)])
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            origin.watch(lambda: origin.connections[0].octets_received == len(REQUEST))
            assert origin.open_connections == 1
        origin.watch(lambda: origin.open_connections == 0)

        assert origin.connections[0].ended.startswith("client")


def test_hanging_ends_when_the_origin_is_closed() -> None:
    with Origin() as origin:
        origin.script([Answer.failing(Hang(), "request")])
        sock = connect(origin)
        sock.sendall(REQUEST)
        origin.take()

    assert read_all(sock)[0] == b""
    sock.close()


def test_a_hanging_origin_holds_back_a_client_that_goes_on_sending() -> None:
    with Origin(receive_buffer=4096) as origin:
        origin.script([Answer.failing(Hang(), "request head")])
        with connect(origin) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            sock.settimeout(0.2)
            with pytest.raises(TimeoutError):
                sock.sendall(bytes(100_000_000))


def test_a_fault_for_http2_on_http1_is_an_error_of_the_script() -> None:
    origin = Origin(Answer.failing(GoAway(), "request"))
    origin.start()
    outcome = exchange(origin)
    origin.close()

    assert outcome == (b"", "reset")
    assert [str(error) for error in origin.errors] == [
        "GoAway(code=0, last='before') needs an HTTP/2 stream, and there is none here"
    ]


@pytest.mark.parametrize(
    ("answer", "octets"),
    [
        pytest.param(
            Answer(content=[b"ab", b"cd"], faults=[Fault(Close(), "response end")]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n",
            id="no last chunk",
        ),
        pytest.param(
            Answer(content=[b"ab", b"cd"], faults=[Fault(Close(), "response content", 3)]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\nc",
            id="cut inside a chunk",
        ),
        pytest.param(
            Answer(content=[b"ab", b"cd"], faults=[Fault(Close(), "response content")]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
            id="after the first piece",
        ),
    ],
)
def test_chunked_content_can_be_cut(answer: Answer, octets: bytes) -> None:
    with Origin(answer) as origin:
        assert exchange(origin) == (octets, "closed")


def test_an_endless_head_goes_on_until_the_client_has_enough() -> None:
    with Origin(Answer(head="endless")) as origin:
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            octets = b""
            while len(octets) < 1_000_000:
                octets += sock.recv(65536)
        origin.watch(lambda: origin.open_connections == 0)

    assert octets.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in octets


# --- when things happen -------------------------------------------------------------------------


def test_a_gate_holds_the_answer_until_the_test_opens_it() -> None:
    gate = Gate()

    with Origin(Answer(hold=gate, content=CONTENT)) as origin:
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            gate.wait()
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
            sock.settimeout(10)
            gate.open()
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == (FULL, "closed")

    assert gate.arrived == 1


async def test_a_gate_inside_the_content_holds_the_rest_of_it() -> None:
    gate = Gate()

    async with Origin(Answer(content=[b"first", gate, b"second"])) as origin:
        async with httpx.AsyncClient(trust_env=False) as client, client.stream("GET", origin.url) as response:
            pieces = response.aiter_raw()
            assert await anext(pieces) == b"first"
            await gate.await_()
            gate.open()
            assert await anext(pieces) == b"second"


def test_a_client_that_leaves_while_the_answer_is_held_ends_the_connection() -> None:
    gate = Gate()

    with Origin(Answer(hold=gate)) as origin:
        with connect(origin) as sock:
            sock.sendall(REQUEST)
            gate.wait()
        origin.watch(lambda: origin.open_connections == 0)

        assert not gate.arrived > 1


def test_pieces_trickle_with_pauses() -> None:
    with Origin(Answer(content=b"abc", piece=1, pause=0.02, delay=0.02, framing="close")) as origin:
        start = time.monotonic()
        octets, _ = exchange(origin)

    assert octets.endswith(b"\r\n\r\nabc")
    assert time.monotonic() - start >= 0.055


def test_a_head_can_trickle_as_raw_octets() -> None:
    with Origin(Answer(raw=[b"HTTP/1.1 200", Pause(0.01), b" OK\r\n\r\n"])) as origin:
        assert exchange(origin) == (b"HTTP/1.1 200 OK\r\n\r\n", "closed")


# --- the order of request and response ----------------------------------------------------------


def test_100_is_sent_before_the_content_is_read() -> None:
    with Origin(Answer(content=Echo())) as origin:
        with connect(origin) as sock:
            sock.sendall(HEAD.replace(b"Host: a", b"Host: a\r\nExpect: 100-continue"))
            assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sock.sendall(b"abcd")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock)[0].endswith(b"\r\n\r\nabcd")


def test_100_can_be_withheld() -> None:
    with Origin(Answer(content=Echo(), expect="nothing")) as origin:
        with connect(origin) as sock:
            sock.sendall(HEAD.replace(b"Host: a", b"Host: a\r\nExpect: 100-continue"))
            origin.watch(lambda: origin.connections[0].requests == 1)
            sock.sendall(b"abcd")
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock)[0].startswith(b"HTTP/1.1 200 OK")


def test_an_answer_without_reading_ends_the_connection_and_records_the_head() -> None:
    with Origin(Answer(417, reading="never")) as origin:
        with connect(origin) as sock:
            sock.sendall(HEAD)
            octets, end = read_all(sock)
            sock.sendall(b"abcd")
        received = origin.take()
        origin.watch(lambda: origin.open_connections == 0)

    assert (octets[:12], end) == (b"HTTP/1.1 417", "closed")
    assert (received.raw_head, received.content, received.complete) == (HEAD, b"", False)
    assert origin.connections[0].octets_received == len(REQUEST)
    assert origin.count == 1


def test_an_early_answer_can_be_followed_by_reading_and_by_the_next_request() -> None:
    with Origin() as origin:
        origin.script([Answer(201, reading="after")])
        with connect(origin) as sock:
            sock.sendall(HEAD)
            assert sock.recv(1000).startswith(b"HTTP/1.1 201 ")
            assert origin.count == 0
            sock.sendall(b"abcd")
            assert origin.take().content == b"abcd"
            sock.sendall(REQUEST)
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_duplex_sends_each_chunk_back_as_it_arrives() -> None:
    with Origin(Answer.duplex()) as origin:
        with connect(origin) as sock:
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            assert sock.recv(1000) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            for word in (b"one", b"two", b"three"):
                chunk = b"%x\r\n%b\r\n" % (len(word), word)
                sock.sendall(chunk)
                assert sock.recv(1000) == chunk
            sock.sendall(b"0\r\n\r\n")
            assert sock.recv(1000) == b"0\r\n\r\n"
        assert origin.take().chunks == (3, 3, 5)


def test_a_response_can_be_sent_while_the_request_is_still_coming() -> None:
    gate = Gate()

    with Origin(Answer(content=[b"whole answer", gate], reading="while", framing="close")) as origin:
        with connect(origin) as sock:
            sock.sendall(HEAD + b"ab")
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
            sock.sendall(b"cd")
            assert origin.take().content == b"abcd"
            gate.open()
            assert read_all(sock)[1] == "closed"


def test_a_large_answer_goes_out_with_flat_memory_and_whole() -> None:
    size = 50_000_000

    with Origin(Answer(content=size)) as origin:
        with connect(origin) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            count = 0
            while piece := sock.recv(1 << 20):
                count += len(piece)

    assert count == size + len(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")


async def test_faults_hit_exactly_the_requests_they_are_scripted_for_under_load() -> None:
    async def once(origin: Origin) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        try:
            writer.write(REQUEST)
            return "answered" if (await reader.read(100)).startswith(b"HTTP/1.1 200") else "closed"
        except ConnectionError:
            return "reset"
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    kinds = [Answer(), Answer.failing(Close(), "request"), Answer.failing(Reset(), "request head")] * 60
    before = threading.active_count()
    async with Origin() as origin:
        origin.script(kinds)
        outcomes = await asyncio.gather(*(once(origin) for _ in kinds))
        await origin.awatch(lambda: origin.open_connections == 0)

    assert sorted(outcomes) == ["answered"] * 60 + ["closed"] * 60 + ["reset"] * 60
    assert origin.count == 180
    assert threading.active_count() == before
