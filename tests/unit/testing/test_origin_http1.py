"""The recording origin on HTTP/1.1: what it keeps is what was sent, however odd that was."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import socket
import threading

import httpx
import pytest

from stablehttp._errors import HTTPTimeoutError, MisuseError
from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_log import Received
from stablehttp.testing._origin_script import Answer, Informational, OnHead


def talk(origin: Origin, *octets: bytes, half_close: bool = True) -> bytes:
    """Send octets as they are, and read until the origin closes."""
    with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
        for piece in octets:
            sock.sendall(piece)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer


HEAD = b"POST /a%2fb?c=%C3%A9&&d HTTP/1.1\r\nHost: a.test\r\nX-D:1\r\nx-d:  two \t\r\nX-D:\r\nX-Raw: \xe9\xff\r\n"


# --- requests are kept as they came -------------------------------------------------------------


def test_the_head_is_kept_octet_for_octet() -> None:
    with Origin() as origin:
        talk(origin, HEAD + b"Content-Length: 3\r\n\r\nxyz")

    received = origin.take()
    assert received.raw_head == HEAD + b"Content-Length: 3\r\n\r\n"
    assert (received.method, received.target, received.version) == (b"POST", b"/a%2fb?c=%C3%A9&&d", b"HTTP/1.1")
    assert received.fields == (
        (b"Host", b"a.test"),
        (b"X-D", b"1"),
        (b"x-d", b"two"),
        (b"X-D", b""),
        (b"X-Raw", b"\xe9\xff"),
        (b"Content-Length", b"3"),
    )
    assert received.values("X-d") == (b"1", b"two", b"")
    assert (received.content, received.raw_content, received.complete) == (b"xyz", b"xyz", True)
    assert received.problems == ()


def test_chunked_content_is_kept_framed_and_unframed() -> None:
    framed = b"3;x=y\r\nabc\r\n0a\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n"

    with Origin() as origin:
        talk(origin, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + framed)

    received = origin.take()
    assert received.content == b"abc0123456789"
    assert received.raw_content == framed
    assert received.chunks == (3, 10)
    assert received.trailers == ((b"X-Sum", b"1"), (b"x-sum", b"2"))
    assert received.complete


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64])
def test_it_does_not_matter_how_the_octets_are_cut_up(size: int) -> None:
    octets = HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nf\r\n0123456789abcde\r\n0\r\nX-T: 1\r\n\r\n"

    with Origin() as origin:
        answer = talk(origin, *(octets[at : at + size] for at in range(0, len(octets), size)))

    received = origin.take()
    assert received.raw_head + received.raw_content == octets
    assert received.content == b"abc0123456789abcde"
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_client_is_recorded_with_the_fields_it_adds() -> None:
    with Origin(Answer(200, b"hello")) as origin:
        client = http.client.HTTPConnection("127.0.0.1", origin.port)
        client.request("PUT", "/x?y", body=b"1234", headers={"X-A": "b"})
        content = client.getresponse().read()
        client.close()

    received = origin.take()
    assert content == b"hello"
    assert received.fields == (
        (b"Host", origin.authority.encode()),
        (b"Accept-Encoding", b"identity"),
        (b"Content-Length", b"4"),
        (b"X-A", b"b"),
    )
    assert received.content == b"1234"


async def test_httpx_can_talk_to_it_from_an_event_loop() -> None:
    async with Origin(Answer.echo()) as origin:
        async with httpx.AsyncClient(trust_env=False) as client:
            response = await client.post(origin.url + "/p", content=b"ping")
        received = await origin.atake()

    assert response.content == b"ping"
    assert (received.target, received.content, received.connection) == (b"/p", b"ping", 0)


def test_requests_on_one_connection_are_numbered_and_connections_are_counted() -> None:
    with Origin() as origin:
        request = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
        talk(origin, request % 0, request % 1)
        talk(origin, request % 2)

    assert [(r.number, r.target, r.connection, r.index) for r in origin.requests] == [
        (0, b"/0", 0, 0),
        (1, b"/1", 0, 1),
        (2, b"/2", 1, 0),
    ]
    assert [(c.requests, c.ended, c.octets_received) for c in origin.connections] == [
        (2, "client closed", 2 * len(request % 0)),
        (1, "client closed", len(request % 0)),
    ]
    assert origin.open_connections == 0


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", "CR or LF", id="bare LF"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "CR or LF", id="bare CR"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "control character", id="NUL"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n", "not a token", id="space before colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "no colon", id="no colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", "not a token", id="empty name"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "folded", id="folded line"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", "0 Host lines", id="no Host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "2 Host lines", id="two Host lines"),
        pytest.param(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "empty lines", id="leading CRLF"),
        pytest.param(b"GET /\r\nHost: a\r\n\r\n", "fewer than three", id="no version"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "beside",
            id="both framings",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "differing", id="lengths"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "not a number", id="length with a sign"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "not chunked", id="chunked first"
        ),
    ],
)
def test_a_careless_request_is_kept_whole_with_a_remark(octets: bytes, problem: str) -> None:
    with Origin() as origin:
        answer = talk(origin, octets)

    received = origin.take()
    assert octets.startswith(received.raw_head)
    assert problem in "; ".join(received.problems)
    assert received.complete
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("octets", "head", "content"),
    [
        pytest.param(b"GET / HT", b"GET / HT", b"", id="head"),
        pytest.param(b"\x16\x03\x01\x02\x00", b"\x16\x03\x01\x02\x00", b"", id="TLS to a plain port"),
        pytest.param(HEAD + b"Content-Length: 5\r\n\r\nab", HEAD + b"Content-Length: 5\r\n\r\n", b"ab", id="length"),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            b"5\r\nab",
            id="chunk",
        ),
        pytest.param(
            HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
            b"zz\r\n",
            id="chunk size",
        ),
    ],
)
def test_a_request_that_never_became_whole_is_kept_as_incomplete(octets: bytes, head: bytes, content: bytes) -> None:
    with Origin() as origin:
        talk(origin, octets)
        received = origin.take()

    assert not received.complete
    assert (received.raw_head, received.raw_content) == (head, content)
    assert received.problems
    assert origin.connections[0].request_octets == len(octets)


def test_a_connection_without_octets_is_counted_and_makes_no_request() -> None:
    with Origin() as origin:
        talk(origin)

    assert origin.requests == ()
    assert [(c.octets_received, c.request_octets, c.ended) for c in origin.connections] == [(0, 0, "client closed")]


def test_beyond_the_limit_content_is_counted_and_hashed_but_not_kept() -> None:
    content = bytes(range(256)) * 4096

    with Origin(content_limit=1000) as origin:
        client = http.client.HTTPConnection("127.0.0.1", origin.port)
        client.request("PUT", "/", body=content)
        client.getresponse().read()
        client.request("PUT", "/", body=iter([content[:500], content[500:]]), encode_chunked=True)
        client.getresponse().read()
        client.close()

    for received in (origin.take(), origin.take()):
        assert received.content == content[:1000]
        assert received.content_length == len(content)
        assert received.content_sha256 == hashlib.sha256(content).hexdigest()
        assert len(received.raw_content) == 1000


def test_history_keeps_the_newest_requests_and_counts_all() -> None:
    with Origin(history=2) as origin:
        talk(origin, *(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5)))

    assert [received.target for received in origin.requests] == [b"/3", b"/4"]
    assert origin.count == 5


# --- waiting ------------------------------------------------------------------------------------


def test_take_waits_for_a_request_and_says_what_it_saw_when_none_comes() -> None:
    with Origin() as origin:
        client = threading.Thread(target=talk, args=(origin, b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n"))
        client.start()
        received = origin.take()
        client.join()

        with pytest.raises(
            HTTPTimeoutError, match=r"no further request within 0\.01 seconds; so far it saw 1 requests"
        ):
            origin.take(timeout=0.01)

    assert received.target == b"/late"


async def test_atake_and_awatch_wait_without_blocking_the_loop() -> None:
    async with Origin() as origin:
        taking = asyncio.ensure_future(origin.atake())
        watching = asyncio.ensure_future(origin.awatch(lambda: origin.count == 2))
        _, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.write(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")

        assert (await taking).target == b"/1"
        await watching
        writer.close()
        await writer.wait_closed()
        await origin.awatch(lambda: origin.open_connections == 0)
        with pytest.raises(HTTPTimeoutError, match=r"did not come to hold within 0\.01 seconds"):
            await origin.awatch(lambda: origin.count == 3, timeout=0.01)


# --- answers ------------------------------------------------------------------------------------


def answered(answer: Answer, request: bytes = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> bytes:
    with Origin(answer) as origin:
        return talk(origin, request)


def test_an_answer_goes_out_as_it_was_written() -> None:
    answer = Answer(
        299,
        b"hi",
        reason="Odd Thing",
        fields=[("X-B", "1"), (b"x-b", b"\xe9"), ("CONTENT-length", "2"), ("X-B", "3")],
    )

    assert answered(answer) == (
        b"HTTP/1.1 299 Odd Thing\r\nX-B: 1\r\nx-b: \xe9\r\nCONTENT-length: 2\r\nX-B: 3\r\n\r\nhi"
    )


@pytest.mark.parametrize(
    ("answer", "octets"),
    [
        pytest.param(Answer(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", id="nothing"),
        pytest.param(Answer(204), b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
        pytest.param(
            Answer(204, b"x"), b"HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\nx", id="204 with content"
        ),
        pytest.param(Answer(content=3), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n012", id="generated"),
        pytest.param(
            Answer(content=[b"a", b"bc"]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
            id="pieces",
        ),
        pytest.param(
            Answer(content=b"abc", piece=2, framing="chunked", trailers=[("X-T", "1")]),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n",
            id="cut up, with a trailer",
        ),
        pytest.param(
            Answer(content=[b"a", b"bc"], framing="close"), b"HTTP/1.1 200 OK\r\n\r\nabc", id="ended by closing"
        ),
        pytest.param(
            Answer(content=b"abc", declared=5), b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", id="too short"
        ),
        pytest.param(
            Answer(content=b"abc", declared=1), b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc", id="too long"
        ),
        pytest.param(
            Answer(content=b"a", connection="close"),
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na",
            id="announced closing",
        ),
        pytest.param(
            Answer(201, informational=[Informational(103, [("Link", "<a>")]), Informational(199, reason="Odd")]),
            b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n"
            b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
            id="informational",
        ),
        pytest.param(Answer(raw=b"HTTP/9 what\n\n"), b"HTTP/9 what\n\n", id="raw"),
        pytest.param(Answer(raw=[b"a", b"b"]), b"ab", id="raw in pieces"),
        pytest.param(Answer(version=b"HTTP/1.0"), b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="version"),
    ],
)
def test_framing_is_added_unless_it_is_given(answer: Answer, octets: bytes) -> None:
    assert answered(answer) == octets


def test_head_gets_the_fields_of_the_content_and_no_content() -> None:
    for answer in (Answer(content=b"abc"), Answer(content=[b"abc"]), Answer(content=b"abc", declared=9)):
        octets = answered(answer, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")

        assert octets.endswith(b"\r\n\r\n")
        assert b"Content-Length" in octets or b"chunked" in octets


def test_connections_are_kept_as_http_says() -> None:
    with Origin(Answer(200, b"x")) as origin:
        keep = talk(origin, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        close = talk(origin, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" * 2)
        old = talk(origin, b"GET / HTTP/1.0\r\n\r\n" * 2)
        old_kept = talk(origin, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)

    assert [octets.count(b"200 OK") for octets in (keep, close, old, old_kept)] == [2, 1, 1, 2]
    assert [r.after_close for r in origin.requests] == [False, False, False, True, False, True, False, False]


def test_the_script_is_played_in_order_and_then_the_default_again() -> None:
    with Origin(Answer(200)) as origin:
        origin.script([Answer(201), Answer(202)])
        assert origin.unplayed == 2
        octets = talk(origin, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 4)
        origin.answer(Answer(404))
        last = talk(origin, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert [line.split()[1] for line in octets.split(b"\r\n") if line.startswith(b"HTTP")] == [
        b"200" if status == 200 else b"%d" % status for status in (201, 202, 200, 200)
    ]
    assert last.startswith(b"HTTP/1.1 404 Not Found\r\n")
    assert origin.unplayed == 0


def test_a_callable_answers_from_the_whole_request() -> None:
    def decide(received: Received) -> Answer:
        return Answer(200, received.content + received.target)

    with Origin(decide) as origin:
        octets = talk(origin, b"POST /t HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")

    assert octets.endswith(b"\r\n\r\nab/t")


def test_a_callable_on_the_head_decides_before_the_content_is_read() -> None:
    seen: list[Received] = []

    def decide(received: Received) -> Answer:
        seen.append(received)
        return Answer(417, reading="never")

    with Origin(OnHead(decide)) as origin:
        octets = talk(origin, b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")

    assert octets.startswith(b"HTTP/1.1 417 Expectation Failed\r\n")
    assert (seen[0].complete, seen[0].content, seen[0].values("expect")) == (False, b"", (b"100-continue",))


def test_an_error_of_the_script_is_answered_with_500_and_raised_where_the_origin_ends() -> None:
    def decide(received: Received) -> Answer:
        raise LookupError("no answer for this")

    with pytest.raises(LookupError, match="no answer for this"):
        with Origin(decide) as origin:
            octets = talk(origin, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert octets.startswith(b"HTTP/1.1 500 ")


# --- its life -----------------------------------------------------------------------------------


def test_closing_ends_idle_connections_and_the_thread() -> None:
    before = threading.active_count()
    origin = Origin()
    origin.start()
    clients = [socket.create_connection(("127.0.0.1", origin.port), timeout=10) for _ in range(20)]
    origin.watch(lambda: origin.open_connections == 20)

    origin.close()

    assert [client.recv(10) for client in clients] == [b""] * 20
    assert threading.active_count() == before
    assert {connection.ended for connection in origin.connections} == {"closed"}
    for client in clients:
        client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", origin.port), timeout=10)


def test_closing_twice_or_before_the_start_is_harmless_and_starting_twice_is_refused() -> None:
    Origin().close()
    origin = Origin()
    origin.start()
    with pytest.raises(MisuseError, match="started before"):
        origin.start()
    origin.close()
    origin.close()
    with pytest.raises(MisuseError, match="started before"):
        origin.start()


def test_hundreds_of_connections_are_served_at_once() -> None:
    with Origin(Answer.echo()) as origin:
        socks = [socket.create_connection(("127.0.0.1", origin.port), timeout=10) for _ in range(300)]
        for number, sock in enumerate(socks):
            sock.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d" % number)
        answers = [sock.recv(1000) for sock in socks]
        for sock in socks:
            sock.close()

    assert [answer[-3:] for answer in answers] == [b"%03d" % number for number in range(300)]


def test_it_listens_on_ipv6_when_asked() -> None:
    with Origin(host="::1") as origin:
        assert origin.url == f"http://[::1]:{origin.port}"
        assert httpx.get(origin.url, trust_env=False).status_code == 200
