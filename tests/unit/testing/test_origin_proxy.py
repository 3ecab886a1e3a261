"""The recording proxy: it records what it is told, and passes on everything else."""

from __future__ import annotations

import http.client
import socket
import ssl

import httpx
import pytest

from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_proxy import RecordingProxy
from stablehttp.testing._origin_script import Answer, Close, Hang, Reset


def talk(proxy: RecordingProxy, octets: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
        sock.sendall(octets)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(65536):
            answer += piece
        return answer


def test_an_absolute_target_is_recorded_and_becomes_a_path_for_the_origin() -> None:
    with (
        Origin(Answer(200, b"hi", connection="close")) as origin,
        RecordingProxy(routes={"a.test:80": origin.authority}) as proxy,
    ):
        head = (
            b"POST http://a.test/x%2f?y HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic c2VjcmV0\r\nX-D: 1\r\n"
            b"x-d:  2\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        content = b"3;ext\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
        answer = talk(proxy, head + content)
        at_proxy, at_origin = proxy.take(), origin.take()

    assert answer.endswith(b"\r\n\r\nhi")
    assert (at_proxy.raw_head, at_proxy.raw_content, at_proxy.complete) == (head, content, True)
    assert at_origin.raw_head == (
        b"POST /x%2f?y HTTP/1.1\r\nHost: a.test\r\nX-D: 1\r\nx-d:  2\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert at_origin.raw_content == content


def test_requests_on_one_connection_reach_their_origins() -> None:
    with Origin(Answer(200, b"first")) as first, Origin(Answer.echo()) as second, RecordingProxy() as proxy:
        client = http.client.HTTPConnection("127.0.0.1", proxy.port)
        answers: list[bytes] = []
        for url in (f"{first.url}/1", f"{first.url}/2", f"{second.url}/3", f"{first.url}?4"):
            client.request("PUT", url, body=b"content")
            answers.append(client.getresponse().read())
        client.close()

    assert answers == [b"first", b"first", b"content", b"first"]
    assert [received.target for received in first.requests] == [b"/1", b"/2", b"/?4"]
    assert [(received.content, received.connection) for received in proxy.requests] == [(b"content", 0)] * 4


async def test_a_tunnel_carries_tls_that_the_proxy_cannot_read() -> None:
    content = bytes(range(256)) * 4096

    async with Origin(Answer.echo(), tls=True, http2=True) as origin, RecordingProxy() as proxy:
        context = ssl.create_default_context(cafile=origin.ca_file)
        async with httpx.AsyncClient(proxy=proxy.url, verify=context, http2=True, trust_env=False) as client:
            response = await client.post(origin.url + "/secret", content=content)
        await proxy.awatch(lambda: proxy.open_connections == 0)

    assert (response.content, response.http_version) == (content, "HTTP/2")
    assert [(received.method, received.target) for received in proxy.requests] == [
        (b"CONNECT", origin.authority.encode())
    ]
    assert origin.requests[0].target == b"/secret"


async def test_the_proxy_itself_can_speak_tls() -> None:
    async with Origin(Answer(200, b"hi")) as origin, RecordingProxy(tls=True) as proxy:
        context = ssl.create_default_context(cafile=proxy.ca_file)
        mount = httpx.Proxy(proxy.url, ssl_context=context)
        async with httpx.AsyncClient(proxy=mount, trust_env=False) as client:
            response = await client.get(origin.url + "/x")

    assert response.content == b"hi"
    assert proxy.requests[0].tls
    assert proxy.requests[0].target == f"{origin.url}/x".encode()


@pytest.mark.parametrize(
    "target",
    [b"http://192.0.2.1/", b"http://a.test/", b"/path", b"https://127.0.0.1/", b"http://127.0.0.1:1/"],
    ids=["another host", "unknown name", "no host", "another scheme", "nobody there"],
)
def test_what_cannot_be_reached_is_a_bad_gateway(target: bytes) -> None:
    with RecordingProxy() as proxy:
        answer = talk(proxy, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert proxy.take().target == target


def test_a_tunnel_can_be_refused() -> None:
    with Origin() as origin, RecordingProxy() as proxy:
        proxy.refuse([Answer(407, fields=[("Proxy-Authenticate", "Basic")])])
        connect = b"CONNECT %b HTTP/1.1\r\nHost: x\r\n\r\n" % origin.authority.encode()
        refused = talk(proxy, connect)
        accepted = talk(proxy, connect + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")

    assert refused.startswith(b"HTTP/1.1 407 ")
    assert accepted.startswith(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert origin.count == 1


@pytest.mark.parametrize(("what", "end"), [(Close(), b""), (Reset(), None)], ids=["close", "reset"])
def test_a_failing_proxy_fails_at_its_point(what: Close | Reset, end: bytes | None) -> None:
    with RecordingProxy() as proxy:
        proxy.refuse([Answer.failing(what, "request head")])
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                outcome: bytes | None = sock.recv(100)
            except ConnectionResetError:
                outcome = None

    assert outcome == end


@pytest.mark.parametrize(("what", "end"), [(Close(), "closed"), (Reset(), "reset")], ids=["close", "reset"])
def test_the_end_of_the_origin_comes_through(what: Close | Reset, end: str) -> None:
    with (
        Origin(Answer.failing(what, "response content", 4, content=b"0123456789")) as origin,
        RecordingProxy() as proxy,
    ):
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as sock:
            sock.sendall(b"GET %b/ HTTP/1.1\r\nHost: a\r\n\r\n" % origin.url.encode())
            octets = b""
            ended = "closed"
            try:
                while piece := sock.recv(1000):
                    octets += piece
            except ConnectionResetError:
                ended = "reset"

    assert octets.endswith(b"\r\n\r\n0123")
    assert ended == end


def test_closing_the_proxy_ends_its_tunnels() -> None:
    with Origin(Answer.failing(Hang(), "request")) as origin:
        with RecordingProxy() as proxy:
            sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
            sock.sendall(
                b"CONNECT %b HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n" % origin.authority.encode()
            )
            origin.take()
        origin.watch(lambda: origin.open_connections == 0)
        sock.close()
