"""The recording origin over TLS."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
from collections.abc import Sequence

import httpx
import pytest

from stablehttp._errors import MissingExtraError, MisuseError
from stablehttp.testing import _origin_tls
from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_script import Answer, Close, Hang, Point, Reset
from stablehttp.testing._origin_tls import TLS, Certificate

REQUEST = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"


def secured(origin: Origin, *, alpn: Sequence[str] = (), name: str = "localhost") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=origin.ca_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    plain = socket.create_connection(("127.0.0.1", origin.port), timeout=10)
    try:
        return context.wrap_socket(plain, server_hostname=name, suppress_ragged_eofs=False)
    except BaseException:
        plain.close()
        raise


def read_all(sock: socket.socket) -> tuple[bytes, str]:
    octets = b""
    try:
        while piece := sock.recv(65536):
            octets += piece
    except ConnectionResetError:
        return octets, "reset"
    except ssl.SSLEOFError:
        return octets, "truncated"
    return octets, "closed"


def test_a_client_that_trusts_the_authority_is_served_and_recorded() -> None:
    with Origin(Answer(200, b"hello"), tls=True) as origin:
        assert origin.url == f"https://127.0.0.1:{origin.port}"
        client = http.client.HTTPSConnection(
            "localhost", origin.port, context=ssl.create_default_context(cadata=origin.ca_pem.decode())
        )
        client.request("GET", "/a")
        content = client.getresponse().read()
        client.close()
        received = origin.take()
        origin.watch(lambda: origin.open_connections == 0)
        connection = origin.connections[0]

    assert content == b"hello"
    assert (received.tls, received.alpn, received.target) == (True, None, b"/a")
    assert (connection.tls, connection.sni, connection.tls_error) == (True, "localhost", None)
    assert connection.octets_received == connection.request_octets == len(received.raw_head)


async def test_httpx_is_served_over_ip_and_content_of_any_size_passes() -> None:
    content = bytes(range(256)) * 8192

    async with Origin(Answer.echo(), tls=True) as origin:
        context = ssl.create_default_context(cafile=origin.ca_file)
        async with httpx.AsyncClient(verify=context, trust_env=False) as client:
            response = await client.put(origin.url, content=content)
        assert (await origin.atake()).content == content

    assert response.content == content


@pytest.mark.parametrize(
    ("offered", "agreed", "chosen"),
    [
        pytest.param(["http/1.1"], None, "http/1.1", id="one"),
        pytest.param(["h2", "http/1.1"], None, "http/1.1", id="h2 not spoken"),
        pytest.param(["h2"], None, None, id="nothing in common"),
        pytest.param([], None, None, id="nothing offered"),
        pytest.param(["http/1.1"], [], None, id="nothing agreed to"),
        pytest.param(["acme", "http/1.1"], ["acme"], "acme", id="an own list"),
    ],
)
def test_alpn_is_negotiated_and_recorded(offered: list[str], agreed: list[str] | None, chosen: str | None) -> None:
    with Origin(tls=TLS(alpn=agreed)) as origin:
        with secured(origin, alpn=offered) as sock:
            assert sock.selected_alpn_protocol() == chosen
            sock.sendall(REQUEST)
            assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")
        assert origin.take().alpn == chosen


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("expired", "certificate has expired"),
        ("wrong name", "Hostname mismatch"),
        ("untrusted", "unable to get local issuer certificate"),
    ],
)
def test_a_bad_certificate_fails_for_its_reason(certificate: Certificate, reason: str) -> None:
    with Origin(tls=TLS(certificate=certificate)) as origin:
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            secured(origin)
        origin.watch(lambda: origin.connections[0].ended != "open")
        connection = origin.connections[0]

    assert connection.tls_error is not None
    assert (connection.octets_received, connection.request_octets, origin.count) == (0, 0, 0)


def test_a_client_certificate_is_required_and_recorded() -> None:
    with Origin(tls=TLS(client="required")) as origin:
        context = ssl.create_default_context(cafile=origin.ca_file)
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as sock:
                sock.sendall(REQUEST)
                with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
                    sock.recv(1)

        context.load_cert_chain(origin.client_certificate_file)
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as sock:
                sock.sendall(REQUEST)
                assert sock.recv(100).startswith(b"HTTP/1.1 200 OK")

    assert [connection.certificate is not None for connection in origin.connections] == [False, True]
    assert origin.connections[0].tls_error == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
    assert [received.connection for received in origin.requests] == [1]


def test_plain_http_to_a_tls_port_is_a_failed_handshake_and_no_request() -> None:
    with Origin(tls=True) as origin:
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as sock:
            sock.sendall(REQUEST)
            read_all(sock)
        origin.watch(lambda: origin.open_connections == 0)

    assert origin.connections[0].tls_error == "HTTP_REQUEST"
    assert origin.connections[0].request_octets == 0
    assert origin.requests == ()


@pytest.mark.parametrize(
    ("what", "end"), [(Close(), "closed"), (Close(tls_notify=False), "truncated"), (Reset(), "reset")], ids=str
)
def test_a_close_over_tls_is_announced_unless_told_otherwise(what: Close | Reset, end: str) -> None:
    with Origin(Answer.failing(what, "response content", 4, content=b"0123456789"), tls=True) as origin:
        with secured(origin) as sock:
            sock.sendall(REQUEST)
            octets, ended = read_all(sock)

    assert octets.endswith(b"\r\n\r\n0123")
    assert ended == end or (end == "reset" and ended == "truncated")  # OpenSSL does not always tell these two apart
    assert origin.connections[0].ended == ("reset" if end == "reset" else "closed")


@pytest.mark.parametrize(("what", "error"), [(Close(), ssl.SSLEOFError), (Reset(), ConnectionResetError)], ids=str)
def test_a_connection_can_end_before_the_handshake(what: Close | Reset, error: type[Exception]) -> None:
    with Origin(Answer.failing(what, "accept"), tls=True) as origin:
        with pytest.raises(error):
            secured(origin)
        origin.watch(lambda: origin.open_connections == 0)

        assert (origin.connections[0].octets_received, origin.connections[0].tls_error) == (0, None)


@pytest.mark.parametrize(("at", "handshake"), [("accept", False), ("open", True)])
def test_an_origin_can_hang_before_or_after_the_handshake(at: Point, handshake: bool) -> None:
    with Origin(Answer.failing(Hang(), at), tls=True) as origin:
        context = ssl.create_default_context(cafile=origin.ca_file)
        with socket.create_connection(("127.0.0.1", origin.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False) as sock:
                sock.settimeout(10 if handshake else 0.1)
                if handshake:
                    sock.do_handshake()
                    sock.settimeout(0.1)
                    with pytest.raises(TimeoutError):
                        sock.recv(1)
                else:
                    with pytest.raises(TimeoutError):
                        sock.do_handshake()
        origin.watch(lambda: origin.open_connections == 0)


def test_what_arrives_after_the_origin_closed_is_recorded_over_tls_too() -> None:
    with Origin(Answer.failing(Close(), "response"), tls=True) as origin:
        with secured(origin) as sock:
            sock.sendall(REQUEST)
            sock.recv(1000)
            sock.sendall(REQUEST)
            origin.take()
            assert origin.take().after_close


def test_the_files_are_gone_when_the_origin_is_closed() -> None:
    with Origin(tls=True) as origin:
        files = [origin.ca_file, origin.client_certificate_file]
        assert all(file.exists() for file in files)
        assert origin.ca_file.read_bytes() == origin.ca_pem

    assert not any(file.parent.exists() for file in files)


def test_certificates_without_tls_are_a_misuse() -> None:
    with Origin() as origin, pytest.raises(MisuseError, match="no certificates"):
        assert origin.ca_pem


def test_a_missing_trustme_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    monkeypatch.setattr(_origin_tls, "_authority", _origin_tls._authority.__wrapped__)

    with pytest.raises(MissingExtraError, match=r"install stablehttp\[testing\]") as caught, Origin(tls=True):
        pass

    assert caught.value.extra == "testing"
