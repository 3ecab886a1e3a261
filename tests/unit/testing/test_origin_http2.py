"""The recording origin on HTTP/2, as seen by an h2 client whose checks are off."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Self

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import hpack
import httpx
import pytest

from stablehttp._errors import MissingExtraError
from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_frames import PREFACE, frame
from stablehttp.testing._origin_script import (
    Answer,
    Close,
    Fault,
    Gate,
    GoAway,
    Hang,
    Informational,
    Pause,
    Point,
    Reset,
    ResetStream,
    What,
)
from stablehttp.testing._origin_tls import TLS

Line = tuple[bytes, bytes]
GET: list[Line] = [(b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a.test"), (b":path", b"/a?b")]
POST: list[Line] = [(b":method", b"POST"), *GET[1:]]


class Client:
    """An h2 connection on a blocking socket; what it receives lies in `heads`, `content`, `trailers`, `resets`."""

    def __init__(self, origin: Origin, *, window: int | None = None) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", origin.port), timeout=10)
        if origin.url.startswith("https"):
            context = ssl.create_default_context(cafile=origin.ca_file)
            context.set_alpn_protocols(["h2"])
            self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding=None,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        if window is not None:
            self.h2.local_settings = h2.settings.Settings(
                client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window}
            )
        self.h2.initiate_connection()
        self.heads: dict[int, list[Line]] = {}
        self.informational: dict[int, list[Line]] = {}
        self.content: dict[int, bytes] = {}
        self.pieces: list[tuple[int, bytes]] = []
        self.trailers: dict[int, list[Line]] = {}
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self.goaway: tuple[int, int] | None = None
        self.end = ""
        self.broken = False
        self.rest = b""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def flush(self) -> None:
        self.sock.sendall(self.h2.data_to_send())

    def request(self, lines: list[Line], content: bytes | None = None, *, end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, lines, end_stream=end and content is None)
        if content is not None:
            self.h2.send_data(stream, content, end_stream=end)
        self.flush()
        return stream

    def data(self, stream: int, content: bytes, *, end: bool = False) -> None:
        self.h2.send_data(stream, content, end_stream=end)
        self.flush()

    def until(self, *what: object) -> None:
        """Read until one of the streams has ended, or the connection."""
        while not self.end and not any(stream in self.ended or stream in self.resets for stream in what):
            self.step()

    def until_end(self) -> None:
        while not self.end:
            self.step()

    def step(self) -> None:
        try:
            octets = self.sock.recv(65536)
        except ConnectionResetError:
            self.end = "reset"
            return
        if not octets:
            self.end = "reset" if self.broken else "closed"
            return
        if self.goaway is not None:  # after which h2 takes nothing more
            self.rest += octets
            return
        for event in self.h2.receive_data(octets):
            match event:
                case h2.events.ResponseReceived(stream_id=stream):
                    self.heads[stream] = [(bytes(line[0]), bytes(line[1])) for line in event.headers]
                case h2.events.InformationalResponseReceived(stream_id=stream):
                    self.informational[stream] = [(bytes(line[0]), bytes(line[1])) for line in event.headers]
                case h2.events.DataReceived(stream_id=stream):
                    self.content[stream] = self.content.get(stream, b"") + event.data
                    self.pieces.append((stream, event.data))
                    if event.flow_controlled_length:
                        self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
                case h2.events.TrailersReceived(stream_id=stream):
                    self.trailers[stream] = [(bytes(line[0]), bytes(line[1])) for line in event.headers]
                case h2.events.StreamEnded(stream_id=stream):
                    self.ended.add(stream)
                case h2.events.StreamReset(stream_id=stream):
                    self.resets[stream] = int(event.error_code)
                case h2.events.ConnectionTerminated():
                    self.goaway = (int(event.error_code), event.last_stream_id)
                case _:
                    pass
        try:
            self.sock.sendall(self.h2.data_to_send())
        except ConnectionError:  # there may still be something to read
            self.broken = True


# --- requests are kept as they came -------------------------------------------------------------


def test_the_head_is_kept_with_its_pseudo_fields_apart() -> None:
    lines = [*POST, (b"x-d", b"1"), (b"x-e", b"\xe9\xff"), (b"x-d", b"2"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]

    with Origin(http2=True) as origin, Client(origin) as client:
        client.until(client.request(lines, b"abc"))
        received = origin.take()

    assert client.heads[1] == [(b":status", b"200"), (b"content-length", b"0")]
    assert (received.http_version, received.version, received.stream, received.index) == ("HTTP/2", b"HTTP/2", 1, 0)
    assert (received.method, received.scheme, received.authority, received.target) == (
        b"POST",
        b"http",
        b"a.test",
        b"/a?b",
    )
    assert received.raw_fields == tuple(lines)
    assert received.fields == tuple(lines[4:])
    assert (received.content, received.complete, received.problems) == (b"abc", True, ())


def test_the_octets_of_the_head_are_its_frames() -> None:
    lines = [*GET, (b"x-long", b"0123456789abcdef" * 4000), (b"x-other", b"z" * 90000)]

    with Origin(http2=True) as origin, Client(origin) as client:
        client.until(client.request(lines))
        received = origin.take()

    at, block, kinds = 0, b"", []
    while at < len(received.raw_head):
        length = int.from_bytes(received.raw_head[at : at + 3], "big")
        kinds.append(received.raw_head[at + 3])
        block += received.raw_head[at + 9 : at + 9 + length]
        at += 9 + length
    assert kinds[0] == 1
    assert set(kinds[1:]) == {9}
    assert [
        (bytes(n), bytes(v)) for n, v in hpack.Decoder(max_header_list_size=1 << 20).decode(block, raw=True)
    ] == lines


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        pytest.param([*GET, (b"X-Upper", b"1")], "not a token in lower case", id="upper case"),
        pytest.param([*GET, (b"x y", b"1")], "not a token in lower case", id="space in a name"),
        pytest.param([*GET, (b"x\r\ny", b"1")], "not a token in lower case", id="CRLF in a name"),
        pytest.param([*GET, (b"x", b"1\r\ny: 2")], "control characters", id="CRLF in a value"),
        pytest.param([*GET, (b"x", b"1\0")], "control characters", id="NUL in a value"),
        pytest.param([*GET, (b"x", b" 1")], "outer whitespace", id="space before a value"),
        pytest.param([(b":method", b"GE\r\nT"), *GET[1:]], "control characters", id="CRLF in the method"),
        pytest.param([*GET[:3], (b":path", b"/a b\n")], "control characters", id="LF in the target"),
        pytest.param([*GET, (b"connection", b"close")], "HTTP/1.1 connections", id="Connection"),
        pytest.param([*GET, (b"te", b"gzip")], "HTTP/1.1 connections", id="TE"),
        pytest.param([*GET[:3], (b"x", b"1"), GET[3]], "after a field", id="pseudo-field after a field"),
        pytest.param([*GET, (b":path", b"/2")], "repeated or unknown", id="two targets"),
        pytest.param([*GET, (b":other", b"/2")], "repeated or unknown", id="unknown pseudo-field"),
        pytest.param(GET[:3], "no :path", id="no target"),
    ],
)
def test_a_careless_request_is_kept_whole_with_a_remark(lines: list[Line], problem: str) -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        client.until(client.request(lines))
        received = origin.take()

    assert received.raw_fields == tuple(lines)
    assert problem in "; ".join(received.problems)
    assert client.heads[1][0] == (b":status", b"200")


def test_connect_has_no_scheme_and_no_target() -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        client.until(client.request([(b":method", b"CONNECT"), (b":authority", b"a.test:443")]))
        received = origin.take()

    assert (received.method, received.authority, received.target, received.problems) == (
        b"CONNECT",
        b"a.test:443",
        b"",
        (),
    )


def test_content_frames_and_trailers_are_recorded() -> None:
    with Origin(Answer.echo(), http2=True) as origin, Client(origin) as client:
        stream = client.request(POST, b"abc", end=False)
        client.data(stream, b"defgh")
        client.h2.send_headers(stream, [(b"x-sum", b"1"), (b"x-sum", b"2")], end_stream=True)
        client.flush()
        client.until(stream)
        received = origin.take()

    assert (received.content, received.chunks) == (b"abcdefgh", (3, 5))
    assert received.trailers == ((b"x-sum", b"1"), (b"x-sum", b"2"))
    assert client.content[stream] == b"abcdefgh"


@pytest.mark.parametrize(
    ("length", "problem"),
    [(b"5", "Expected 5 bytes, received 3"), (b"+3", "Invalid content-length")],
    ids=["wrong", "odd"],
)
def test_a_length_that_is_not_kept_ends_the_connection_and_is_recorded(length: bytes, problem: str) -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        client.request([*POST, (b"content-length", length)], b"abc")
        client.until_end()
        received = origin.take()

    assert not received.complete
    assert (b"content-length", length) in received.fields
    assert problem in "; ".join(received.problems)
    assert client.goaway is not None


def test_only_octets_of_requests_count_as_such() -> None:
    octets = PREFACE + frame(4, 0, 0, b"") + frame(6, 0, 0, b"01234567")

    with Origin(http2=True) as origin:
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
            sock.sendall(octets)
            answer = b""
            while frame(6, 1, 0, b"01234567") not in answer:
                answer += sock.recv(1000)
        connection = origin.connections[0]

    assert (connection.octets_received, connection.request_octets) == (len(octets), 0)
    assert connection.http_version == "HTTP/2"


@pytest.mark.parametrize("count", [4, 9, 20])
def test_a_head_that_was_cut_is_counted_and_recorded(count: int) -> None:
    head = frame(1, 4, 1, b"\x82" * 30)[:count]

    with Origin(http2=True) as origin, Client(origin) as client:
        client.sock.sendall(head)
        origin.watch(lambda: origin.connections[0].request_octets == count)
        client.sock.close()
        received = origin.take()

    assert (received.raw_head, received.complete, received.problems) == (head, False, ("the request head was cut",))


def test_content_that_was_cut_is_recorded() -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        client.request(POST, b"abc", end=False)
        origin.watch(lambda: origin.connections[0].requests == 1)
        client.sock.close()
        received = origin.take()

    assert (received.content, received.complete) == (b"abc", False)


def test_a_stream_that_the_client_resets_is_recorded_and_the_others_go_on() -> None:
    with Origin(Answer.echo(), http2=True) as origin, Client(origin) as client:
        first, second = client.request(POST, b"abc", end=False), client.request(POST, b"abc", end=False)
        client.h2.reset_stream(first, h2.errors.ErrorCodes.CANCEL)
        client.data(second, b"def", end=True)
        client.until(second)
        outcomes = {received.stream: (received.content, received.complete) for received in origin.requests}

    assert outcomes == {first: (b"abc", False), second: (b"abcdef", True)}


def test_beyond_the_limit_content_is_counted_and_hashed() -> None:
    content = bytes(range(256)) * 60

    with Origin(http2=True, content_limit=100) as origin, Client(origin) as client:
        client.until(client.request(POST, content))
        received = origin.take()

    assert (received.content, received.content_length) == (content[:100], len(content))
    assert received.content_sha256 == hashlib.sha256(content).hexdigest()


# --- the version is chosen by the client --------------------------------------------------------


@pytest.mark.parametrize("http2", [True, False], ids=["HTTP/2", "HTTP/1.1"])
@pytest.mark.parametrize("tls", [True, False], ids=["TLS", "clear"])
async def test_one_origin_speaks_both_versions(tls: bool, http2: bool) -> None:
    content = bytes(range(256)) * 4096

    async with Origin(Answer.echo(), tls=tls, http2=True) as origin:
        context = ssl.create_default_context(cafile=origin.ca_file) if tls else True
        async with httpx.AsyncClient(verify=context, http2=http2, http1=not http2 or tls, trust_env=False) as client:
            responses = await asyncio.gather(*(client.post(origin.url + f"/{n}", content=content) for n in range(5)))
        versions = {received.http_version for received in origin.requests}

    assert versions == {response.http_version for response in responses} == {"HTTP/2" if http2 else "HTTP/1.1"}
    assert [response.content for response in responses] == [content] * 5
    assert {received.target for received in origin.requests} == {b"/0", b"/1", b"/2", b"/3", b"/4"}
    assert all(received.content == content and not received.problems for received in origin.requests)


def test_alpn_decides_over_tls() -> None:
    with Origin(tls=TLS(alpn=["h2"]), http2=True) as origin, Client(origin) as client:
        client.until(client.request(GET))
        received = origin.take()

    assert (received.alpn, received.tls, received.http_version) == ("h2", True, "HTTP/2")
    assert origin.connections[0].alpn == "h2"


# --- answers ------------------------------------------------------------------------------------


def test_an_answer_goes_out_in_lower_case_and_without_what_http2_does_not_have() -> None:
    answer = Answer(
        299,
        b"hi",
        fields=[("X-B", "1"), (b"x-b", b"\xe9"), ("Connection", "close"), ("Transfer-Encoding", "chunked")],
        trailers=[("X-T", "1"), ("x-t", "2")],
        informational=[Informational(103, [("Link", "<a>")])],
    )

    with Origin(answer, http2=True) as origin, Client(origin) as client:
        stream = client.request(GET)
        client.until(stream)

    assert client.informational[stream] == [(b":status", b"103"), (b"link", b"<a>")]
    assert client.heads[stream] == [(b":status", b"299"), (b"x-b", b"1"), (b"x-b", b"\xe9"), (b"content-length", b"2")]
    assert client.content[stream] == b"hi"
    assert client.trailers[stream] == [(b"x-t", b"1"), (b"x-t", b"2")]


def test_head_and_204_have_no_content() -> None:
    with Origin(Answer(200, b"abc"), http2=True) as origin, Client(origin) as client:
        first = client.request([(b":method", b"HEAD"), *GET[1:]])
        client.until(first)
        origin.answer(Answer(204))
        second = client.request(GET)
        client.until(second)

    assert client.heads == {
        first: [(b":status", b"200"), (b"content-length", b"3")],
        second: [(b":status", b"204")],
    }
    assert client.content == {}


def test_pieces_are_frames() -> None:
    with Origin(Answer(content=[b"ab", Pause(0.001), b"cde"]), http2=True) as origin, Client(origin) as client:
        stream = client.request(GET)
        client.until(stream)

    assert [piece for _, piece in client.pieces if piece] == [b"ab", b"cde"]
    assert client.heads[stream] == [(b":status", b"200")]


def test_a_small_window_of_the_client_is_respected() -> None:
    with Origin(Answer(content=300_000), http2=True) as origin, Client(origin, window=1000) as client:
        stream = client.request(GET)
        client.until(stream)

    assert len(client.content[stream]) == 300_000
    assert max(len(piece) for _, piece in client.pieces) <= 1000


def test_streams_are_served_side_by_side() -> None:
    gate = Gate()

    with Origin(http2=True) as origin, Client(origin) as client:
        origin.script([Answer(201, hold=gate), Answer(202)])
        first = client.request(GET)
        gate.wait()
        second = client.request(GET)
        client.until(second)
        assert first not in client.heads
        gate.open()
        client.until(first)

    assert (client.heads[first][0][1], client.heads[second][0][1]) == (b"201", b"202")


def test_duplex_sends_each_frame_back_as_it_arrives() -> None:
    with Origin(Answer.duplex(), http2=True) as origin, Client(origin) as client:
        stream = client.request(POST, end=False)
        while stream not in client.heads:
            client.step()
        for number, word in enumerate((b"one", b"two", b"three")):
            client.data(stream, word)
            while len(client.pieces) <= number:
                client.step()
            assert client.pieces[number] == (stream, word)
        client.data(stream, b"", end=True)
        client.until(stream)
        received = origin.take()

    assert (received.content, received.chunks, received.complete) == (b"onetwothree", (3, 3, 5), True)


def test_100_is_sent_before_the_content_is_read() -> None:
    with Origin(Answer.echo(), http2=True) as origin, Client(origin) as client:
        stream = client.request([*POST, (b"expect", b"100-continue")], end=False)
        while stream not in client.informational:
            client.step()
        client.data(stream, b"abc", end=True)
        client.until(stream)

    assert client.informational[stream] == [(b":status", b"100")]
    assert client.content[stream] == b"abc"


def test_an_answer_without_reading_asks_the_client_to_stop() -> None:
    with Origin(Answer(413, reading="never"), http2=True) as origin, Client(origin) as client:
        stream = client.request(POST, b"abc", end=False)
        while stream not in client.resets:
            client.step()
        received = origin.take()

    assert client.heads[stream][0] == (b":status", b"413")
    assert client.resets[stream] == h2.errors.ErrorCodes.NO_ERROR
    assert not received.complete


def test_raw_octets_are_sent_on_the_connection() -> None:
    with Origin(Answer(raw=b"this is no frame"), http2=True) as origin:
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
            sock.sendall(PREFACE + frame(4, 0, 0, b"") + frame(1, 5, 1, hpack.Encoder().encode(GET)))
            octets = b""
            while piece := sock.recv(1000):
                octets += piece

    assert octets.endswith(b"this is no frame")


# --- faults -------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1, 2, 7, 8, 11])
@pytest.mark.parametrize("at", ["request start", "request head", "request", "response content", "response end"])
def test_a_stream_can_be_reset_with_any_code_and_the_connection_goes_on(at: Point, code: int) -> None:
    with Origin(Answer(200), http2=True) as origin, Client(origin) as client:
        origin.script([Answer.failing(ResetStream(code), at, content=b"0123456789")])
        first = client.request(POST, b"abc")
        client.until(first)
        second = client.request(GET)
        client.until(second)

    assert client.resets == {first: code}
    assert (first in client.heads) == at.startswith("response")
    assert client.heads[second][0] == (b":status", b"200")
    assert [received.stream for received in origin.requests] == [first, second]


@pytest.mark.parametrize(
    ("goaway", "promised", "answered"),
    [
        pytest.param(GoAway(2), 1, False, id="without this stream"),
        pytest.param(GoAway(2, "this"), 3, True, id="with this stream"),
        pytest.param(GoAway(2, 0), 0, False, id="without any stream"),
        pytest.param(GoAway(2, 2**31 - 1), 2**31 - 1, True, id="as a first warning"),
    ],
)
def test_goaway_says_which_streams_will_be_processed(goaway: GoAway, promised: int, answered: bool) -> None:
    gate = Gate()

    with Origin(http2=True) as origin, Client(origin) as client:
        client.until(client.request(GET))
        origin.script([Answer(201, hold=gate, faults=[Fault(goaway, "request")])])
        stream = client.request(GET)
        while client.goaway is None:
            client.step()
        gate.open()
        client.until_end()

    assert client.goaway == (2, promised)
    assert client.end == "closed"
    assert (client.rest[3:9] == b"\x01\x05" + stream.to_bytes(4, "big")) == answered
    assert [(received.stream, received.complete) for received in origin.requests] == [(1, True), (3, True)]


def test_streams_before_a_goaway_are_finished() -> None:
    gate = Gate()

    with Origin(http2=True) as origin:
        origin.script([Answer(201, b"done", hold=gate), Answer.failing(GoAway(), "request head")])
        with Client(origin) as client:
            first = client.request(GET)
            gate.wait()
            client.request(GET)
            while client.goaway is None:
                client.step()
            gate.open()
            client.until_end()

    assert client.goaway == (0, first)
    assert b"done" in client.rest


@pytest.mark.parametrize(("what", "end"), [(Close(), "closed"), (Reset(), "reset")], ids=["close", "reset"])
@pytest.mark.parametrize(
    "at",
    [
        "open",
        "request start",
        "request head",
        "request content",
        "request",
        "response head",
        "response content",
        "response",
    ],
)
def test_a_connection_can_end_at_every_point(what: What, end: str, at: Point) -> None:
    with Origin(Answer.failing(what, at, content=b"0123456789"), http2=True) as origin:
        try:
            with Client(origin) as client:
                stream = client.request(POST, b"abc")
                client.until_end()
        except ConnectionError:  # the reset came while the client was still sending
            assert (end, at) == ("reset", "open")
            return
        origin.watch(lambda: origin.open_connections == 0)

    assert client.end == end
    assert (stream in client.heads) == (at in ("response content", "response"))
    assert client.content.get(stream, b"") == {"response content": b"01234", "response": b"0123456789"}.get(at, b"")
    assert origin.connections[0].ended == end


def test_nothing_follows_half_a_frame() -> None:
    """What came after it would be read as its rest."""
    with Origin(http2=True) as origin:
        with Client(origin) as client:
            origin.script([Answer.failing(Hang(), "response head", 9)])
            client.request(GET)
            origin.watch(lambda: origin.count == 1)
            client.request(GET)
            origin.watch(lambda: origin.count == 2)
            origin.close()
            client.until_end()

        assert client.heads == {}


def test_a_hanging_stream_takes_no_content_and_leaves_the_others_alone() -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        origin.script([Answer.failing(Hang(), "request head")])
        first = client.request(POST, b"x" * 16000, end=False)
        client.data(first, b"x" * 16000)
        second = client.request(GET)
        client.until(second)

        assert client.h2.local_flow_control_window(first) == 65535 - 32000
        assert first not in client.heads


def test_what_arrives_after_the_origin_closed_is_recorded_as_such_and_not_answered() -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        origin.script([Answer.failing(Close(), "response")])
        first = client.request(GET)
        client.until_end()
        client.end = ""
        second = client.request(POST, b"abc")
        early, late = origin.take(), origin.take()

    assert (early.stream, early.after_close) == (first, False)
    assert (late.stream, late.after_close, late.content, late.complete) == (second, True, b"abc", True)
    assert second not in client.heads


def test_unread_content_of_a_finished_stream_gives_its_window_back() -> None:
    with Origin(Answer.failing(ResetStream(), "request head"), http2=True) as origin, Client(origin) as client:
        for _ in range(10):  # ten times 16 kB do not fit into the window of the connection
            client.until(client.request(POST, b"x" * 16000))
        origin.answer(Answer.echo())
        stream = client.request(POST, b"x" * 16000)
        client.until(stream)

    assert client.content[stream] == b"x" * 16000


def test_an_error_of_the_script_is_raised_where_the_origin_ends() -> None:
    def broken() -> Iterator[bytes]:
        yield b"first"
        raise LookupError("no more content")

    with pytest.raises(LookupError, match="no more content"):
        with Origin(lambda _: Answer(content=broken()), http2=True) as origin, Client(origin) as client:
            client.request(GET)
            client.until_end()


def test_an_idle_connection_says_goaway_and_closes() -> None:
    with Origin(Answer(idle=0.01), http2=True) as origin, Client(origin) as client:
        client.until(client.request(GET))
        client.until_end()

    assert (client.goaway, client.end) == ((0, 1), "closed")


def test_an_announced_close_is_a_goaway_after_the_answer() -> None:
    with Origin(Answer(200, b"x", connection="close"), http2=True) as origin, Client(origin) as client:
        stream = client.request(GET)
        client.until_end()

    assert client.content[stream] == b"x"
    assert (client.goaway, client.end) == ((0, stream), "closed")


def test_an_endless_head_goes_on_until_the_client_has_enough() -> None:
    with Origin(Answer(head="endless"), http2=True) as origin, Client(origin) as client:
        client.request(GET)
        octets = 0
        while octets < 1_000_000:
            octets += len(client.sock.recv(65536))
        client.sock.close()
        origin.watch(lambda: origin.open_connections == 0)

    assert origin.errors == ()


def test_rubbish_after_the_preface_ends_the_connection() -> None:
    with Origin(http2=True) as origin, Client(origin) as client:
        client.sock.sendall(frame(9, 4, 5, b"continuing nothing"))
        client.until_end()
        received = origin.take()

    assert client.goaway is not None
    assert not received.complete
    assert received.problems


# --- what must be installed ---------------------------------------------------------------------


def test_a_missing_h2_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("stablehttp.testing._origin_http2")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "h2.config", None)

    with pytest.raises(MissingExtraError, match=r"install stablehttp\[testing\]") as caught:
        Origin(http2=True)

    assert caught.value.extra == "testing"


def test_plain_http1_needs_the_standard_library_only() -> None:
    program = """
import sys
from collections.abc import Iterator
for name in ("h2", "h11", "hpack", "hyperframe", "trustme", "httpx", "cryptography"):
    sys.modules[name] = None
from stablehttp.testing._origin import Origin
import http.client
with Origin() as origin:
    client = http.client.HTTPConnection("127.0.0.1", origin.port)
    client.request("GET", "/")
    print(client.getresponse().status)
    client.close()
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(p for p in sys.path if p)},
        timeout=60,
    )

    assert (run.stdout, run.stderr) == ("200\n", "")
