"""How connections are made: names, addresses, TLS, proxies, and what is told when there is none."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.adapters.h11.peers import COLOURS, Colour, RawPeer, answering, fetch, read_head

import stablehttp_h11._dial
import stablehttp_h11._sync_dial
from stablehttp import (
    URI,
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    HttpSettings,
    HttpVersion,
    IncompleteResponseError,
    InvalidURIError,
    NameResolutionError,
    NegotiationError,
    Request,
    StableHTTPError,
    Timeouts,
    TLSError,
    TLSSettings,
    TotalTimeoutError,
    UnsupportedTransportError,
)
from stablehttp.testing import TLS, Answer, Origin
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector
from stablehttp_h11._sockets import Address

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def trusting(origin: Origin, **more: object) -> HttpSettings:
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file), **more))  # type: ignore[arg-type]


def failure(
    colour: Colour, url: str, settings: HttpSettings | None = None, timeouts: Timeouts | None = None
) -> StableHTTPError:
    with pytest.raises(StableHTTPError) as caught:
        fetch(colour, Request("GET", url), settings=settings, timeouts=timeouts)
    return caught.value


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port that never answers: its backlog is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        knocking = [socket.socket() for _ in range(4)]
        for sock in knocking:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                sock.connect(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()[1]
        for sock in knocking:
            sock.close()


def resolving_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Have every name resolve to these ports of the loopback address."""

    def ask(host: str, port: int) -> list[Address]:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, ("127.0.0.1", other)) for other in ports]

    monkeypatch.setattr(stablehttp_h11._dial, "ask_resolver", ask)
    monkeypatch.setattr(stablehttp_h11._sync_dial, "ask_resolver", ask)


# --- names and addresses --------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70 + ".invalid"])
def test_a_name_that_does_not_resolve_is_told(colour: Colour, host: str) -> None:
    """U-E1, U-E2."""
    error = failure(colour, f"http://{host}/")

    assert type(error) is NameResolutionError
    assert (error.sent, error.processed) == ("no", "no")
    assert isinstance(error.__cause__, socket.gaierror)


@pytest.mark.parametrize("colour", COLOURS)
def test_all_addresses_are_tried(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawPeer(answering(OK, hold=True)) as peer:
        resolving_to(monkeypatch, closed_port(), peer.port)
        [outcome] = fetch(colour, Request("GET", "http://two.test/"))

    assert outcome.content == b"ok"


@pytest.mark.parametrize("colour", COLOURS)
def test_an_address_that_keeps_silent_does_not_stand_in_the_way(
    colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    with deaf_port() as deaf, RawPeer(answering(OK, hold=True)) as peer:
        resolving_to(monkeypatch, deaf, peer.port)
        began = time.monotonic()
        [outcome] = fetch(colour, Request("GET", "http://two.test/"), settings=HttpSettings(connect_timeout=2))

    assert outcome.content == b"ok"
    assert time.monotonic() - began < 1.9


@pytest.mark.parametrize("colour", COLOURS)
def test_if_no_address_answers_the_first_one_is_blamed(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch, closed_port(), closed_port())

    error = failure(colour, "http://two.test/")

    assert type(error) is ConnectRefusedError
    assert (error.sent, error.processed) == ("no", "no")


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("timeouts", "kind"),
    [(None, ConnectTimeoutError), (Timeouts(total=0.1), TotalTimeoutError)],
    ids=["connect", "total"],
)
def test_a_host_that_keeps_silent_is_told(
    colour: Colour, timeouts: Timeouts | None, kind: type[StableHTTPError]
) -> None:
    with deaf_port() as deaf:
        error = failure(colour, f"http://127.0.0.1:{deaf}/", HttpSettings(connect_timeout=0.3), timeouts)

    assert type(error) is kind
    assert (error.sent, error.processed) == ("no", "no")


@pytest.mark.parametrize("colour", COLOURS)
def test_a_resolver_that_hangs_is_not_waited_for(colour: Colour, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def ask(host: str, port: int) -> list[Address]:
        release.wait(3)
        return []

    monkeypatch.setattr(stablehttp_h11._dial, "ask_resolver", ask)
    monkeypatch.setattr(stablehttp_h11._sync_dial, "ask_resolver", ask)
    timer = threading.Timer(0.5, release.set)
    timer.start()
    began = time.monotonic()

    error = failure(colour, "http://slow.test/", HttpSettings(connect_timeout=0.1))

    assert type(error) is ConnectTimeoutError
    assert time.monotonic() - began < 2
    timer.join()


@pytest.mark.parametrize("colour", COLOURS)
def test_an_ipv6_address_is_reached(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), host="::1") as origin:
        assert fetch(colour, Request("GET", origin.url + "/"))[0].content == b"ok"


# --- TLS ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", COLOURS)
def test_tls_offers_http_1_1_only_and_says_which_version_it_is(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=True, http2=True) as origin:
        [outcome] = fetch(colour, Request("GET", origin.url + "/"), settings=trusting(origin))

        assert outcome.content == b"ok"
        assert origin.connections[0].alpn == "http/1.1"


@pytest.mark.parametrize("colour", COLOURS)
def test_a_host_that_speaks_http_2_only_is_told(colour: Colour) -> None:
    """U-J4."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x78")  # the alert no_application_protocol
        connection.recv(1)

    with RawPeer(serve) as peer:
        error = failure(colour, f"https://127.0.0.1:{peer.port}/")

    assert isinstance(error, NegotiationError)
    assert error.wanted == ("HTTP/1.1",)
    assert (error.sent, error.processed) == ("no", "no")


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("certificate", ["expired", "wrong name", "untrusted"])
def test_a_bad_certificate_is_told_with_its_reason(colour: Colour, certificate: str) -> None:
    with Origin(tls=TLS(certificate=certificate)) as origin:  # type: ignore[arg-type]
        error = failure(colour, origin.url + "/", trusting(origin))

    assert type(error) is CertificateError
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)
    assert error.__cause__.verify_message in str(error)


@pytest.mark.parametrize("colour", COLOURS)
def test_verification_can_be_switched_off_for_tests(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=TLS(certificate="untrusted")) as origin:
        settings = HttpSettings(tls=TLSSettings(verify=False))

        assert fetch(colour, Request("GET", origin.url + "/"), settings=settings)[0].content == b"ok"


@pytest.mark.parametrize("colour", COLOURS)
def test_another_name_can_be_asked_for_and_verified(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=True) as origin:
        fetch(colour, Request("GET", origin.url + "/"), settings=trusting(origin, server_name="localhost"))
        error = failure(colour, origin.url + "/", trusting(origin, server_name="other.test"))

        assert origin.connections[0].sni == "localhost"
    assert type(error) is CertificateError


@pytest.mark.parametrize("colour", COLOURS)
def test_a_client_certificate_is_shown(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=TLS(client="required")) as origin:
        settings = trusting(origin, client_cert=str(origin.client_certificate_file))
        fetch(colour, Request("GET", origin.url + "/"), settings=settings)

        assert origin.connections[0].certificate is not None


@pytest.mark.parametrize("colour", COLOURS)
def test_a_client_certificate_that_is_missing_is_an_error_of_ours(colour: Colour) -> None:
    """With TLS 1.3 the host says so only after the request may have gone out."""
    with Origin(Answer(200, b"ok"), tls=TLS(client="required")) as origin:
        error = failure(colour, origin.url + "/", trusting(origin))

    assert isinstance(error, (TLSError, StableHTTPError))
    assert error.sent == "maybe"


@pytest.mark.parametrize("colour", COLOURS)
def test_files_that_cannot_be_read_are_told_before_anything_is_sent(colour: Colour, tmp_path: Path) -> None:
    odd = tmp_path / "odd.pem"
    odd.write_text("no certificate")
    with Origin(tls=True) as origin:
        for settings in (TLSSettings(ca_file=str(tmp_path / "none.pem")), TLSSettings(client_cert=str(odd))):
            error = failure(colour, origin.url + "/", HttpSettings(tls=settings))
            assert type(error) is TLSError
            assert "TLSSettings" in str(error)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("octets", [b"HTTP/1.1 400 No\r\n\r\n", b""], ids=["plain", "closing"])
def test_a_host_without_tls_is_told(colour: Colour, octets: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(octets)

    with RawPeer(serve) as peer:
        error = failure(colour, f"https://127.0.0.1:{peer.port}/")

    assert type(error) is TLSError
    assert (error.sent, error.processed) == ("no", "no")


@pytest.mark.parametrize("colour", COLOURS)
def test_content_that_ends_with_a_tls_connection_is_complete_only_if_the_peer_ended_it(colour: Colour) -> None:
    """RFC 9112 §9.8: anybody can cut TCP."""
    from stablehttp.testing import Close, Fault

    cut = Answer(200, b"hello", framing="close", faults=[Fault(Close(tls_notify=False), "response")])
    with Origin(Answer(200, b"hello", framing="close"), tls=True) as origin:
        whole = fetch(colour, Request("GET", origin.url + "/"), settings=trusting(origin))[0]
        origin.answer(cut)
        error = failure(colour, origin.url + "/", trusting(origin))

    assert whole.content == b"hello"
    assert isinstance(error, IncompleteResponseError)
    assert error.received == 5


@pytest.mark.parametrize("colour", COLOURS)
def test_large_content_goes_both_ways_through_tls(colour: Colour) -> None:
    content = bytes(range(256)) * 40_000
    with Origin(Answer.echo(), tls=True) as origin:
        outcomes = fetch(colour, *[Request("PUT", origin.url + "/", body=content)] * 2, settings=trusting(origin))

    assert [outcome.content == content for outcome in outcomes] == [True, True]
    assert outcomes[1].reused is True


# --- proxies --------------------------------------------------------------------------------------


class Proxy(RawPeer):
    """A proxy that forwards nothing, answers requests itself, and opens tunnels to `target`."""

    def __init__(self, target: tuple[str, int] | None = None, refusal: bytes | None = None) -> None:
        self.heads: list[bytes] = []
        self._target = target
        self._refusal = refusal
        super().__init__(self._work)

    def _work(self, connection: socket.socket) -> None:
        while True:
            head = read_head(connection)
            self.heads.append(head)
            if not head.startswith(b"CONNECT"):
                connection.sendall(OK)
                continue
            if self._refusal is not None:
                connection.sendall(self._refusal)
                return
            assert self._target is not None
            with socket.create_connection(self._target) as further:
                connection.sendall(b"HTTP/1.1 200 Here you are\r\n\r\n")
                back = threading.Thread(target=self._pipe, args=(further, connection), daemon=True)
                back.start()
                self._pipe(connection, further)
                back.join(5)
            return

    @staticmethod
    def _pipe(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_proxy_is_told_the_whole_uri_and_its_credentials(colour: Colour) -> None:
    with Proxy() as proxy:
        settings = HttpSettings(proxy=f"http://us%20er:p%40ss@127.0.0.1:{proxy.port}")
        requests = [
            Request("GET", "http://a.test/x/%2f/../y?z=%41&"),
            Request("OPTIONS", URI.verbatim("http://b.test:8080", "*")),
            Request("GET", "http://c.test/", headers=[("Proxy-Authorization", "Own")]),
        ]
        outcomes = fetch(colour, *requests, settings=settings)

    credentials = base64.b64encode(b"us er:p@ss")
    assert proxy.heads == [
        b"GET http://a.test/x/%2f/../y?z=%41& HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic "
        + credentials
        + b"\r\n\r\n",
        b"OPTIONS http://b.test:8080 HTTP/1.1\r\nHost: b.test:8080\r\nProxy-Authorization: Basic "
        + credentials
        + b"\r\n\r\n",
        b"GET http://c.test/ HTTP/1.1\r\nHost: c.test\r\nProxy-Authorization: Own\r\n\r\n",
    ]
    assert [outcome.reused for outcome in outcomes] == [False, True, True]


@pytest.mark.parametrize("colour", COLOURS)
def test_a_tunnel_carries_tls_and_the_proxy_sees_host_and_port_only(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=True) as origin, Proxy(("127.0.0.1", origin.port)) as proxy:
        settings = HttpSettings(
            proxy=f"http://user:pass@127.0.0.1:{proxy.port}", tls=TLSSettings(ca_file=str(origin.ca_file))
        )
        outcomes = fetch(colour, *[Request("GET", origin.url + "/secret?key=value")] * 2, settings=settings)
        sent = origin.requests[0]

    where = f"127.0.0.1:{origin.port}".encode()
    assert proxy.heads == [
        b"CONNECT " + where + b" HTTP/1.1\r\nHost: " + where + b"\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"
    ]
    assert [outcome.content for outcome in outcomes] == [b"ok", b"ok"]
    assert outcomes[1].reused is True
    assert sent.raw_head == b"GET /secret?key=value HTTP/1.1\r\nHost: " + where + b"\r\n\r\n"


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        pytest.param(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n", "status 407", id="refused"),
        pytest.param(b"SSH-2.0-OpenSSH_9.9 hello\r\n\r\n", "no HTTP/1.1 response", id="no HTTP"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nsurprise", "before anybody asked", id="octets in the tunnel"),
        pytest.param(b"", "closed the connection", id="closed"),
    ],
)
def test_a_tunnel_that_is_not_opened_is_told(colour: Colour, refusal: bytes, words: str) -> None:
    with Proxy(refusal=refusal) as proxy:
        settings = HttpSettings(proxy=f"http://user:marker@127.0.0.1:{proxy.port}")
        error = failure(colour, "https://a.test/secret", settings)

    assert type(error) is ConnectError
    assert words in str(error)
    assert (error.sent, error.processed) == ("no", "no")
    assert "marker" not in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_proxy_that_cannot_be_reached_is_told(colour: Colour) -> None:
    error = failure(colour, "https://a.test/", HttpSettings(proxy=f"http://127.0.0.1:{closed_port()}"))

    assert type(error) is ConnectRefusedError


@pytest.mark.parametrize("colour", COLOURS)
def test_a_proxy_can_itself_be_reached_by_tls(colour: Colour) -> None:
    with Origin(Answer(200, b"ok"), tls=True) as proxy:
        settings = HttpSettings(proxy=proxy.url, tls=TLSSettings(ca_file=str(proxy.ca_file)))
        fetch(colour, Request("GET", "http://a.test/x"), settings=settings)

        assert proxy.requests[0].target == b"http://a.test/x"


def test_a_tunnel_inside_tls_works_or_is_refused_before_anything_is_sent() -> None:
    """The synchronous connector works on plain sockets, which cannot do TLS inside TLS."""
    with Origin(Answer(200, b"ok"), tls=True) as origin:
        inner = Proxy(("127.0.0.1", origin.port))
        with inner, Proxy(("127.0.0.1", inner.port)), Origin(tls=True) as proxy:
            settings = HttpSettings(proxy=proxy.url, tls=TLSSettings(ca_file=str(origin.ca_file)))
            with pytest.raises(UnsupportedTransportError, match="TLS"):
                fetch("sync", Request("GET", origin.url + "/"), settings=settings)
            assert proxy.connections == ()


def test_connect_is_not_sent_through_a_proxy() -> None:
    request = Request("CONNECT", URI.verbatim("http://a.test", "a.test:443"))

    with Proxy() as proxy, pytest.raises(UnsupportedTransportError, match="through the proxy of its settings"):
        fetch("async", request, settings=HttpSettings(proxy=proxy.url))
    assert proxy.heads == []


@pytest.mark.parametrize("connector", [AsyncH11Connector, SyncH11Connector])
def test_settings_that_no_connection_can_be_made_from_are_refused_at_once(
    connector: type[AsyncH11Connector | SyncH11Connector],
) -> None:
    with pytest.raises(InvalidURIError):
        connector(settings=HttpSettings(proxy="socks5://127.0.0.1:1080"))
    with pytest.raises(UnsupportedTransportError, match="speaks HTTP/1.1 only, not HTTP/2"):
        connector(versions=(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1))


@pytest.mark.parametrize("colour", COLOURS)
def test_what_follows_a_connect_that_was_granted_is_content_until_the_peer_closes(colour: Colour) -> None:
    octets = b"HTTP/1.1 200 Here\r\nContent-Length: 2\r\n\r\nwhat the other side says"
    with RawPeer(answering(octets)) as peer:
        [outcome] = fetch(colour, Request("CONNECT", URI.verbatim(peer.url, "a.test:443")))

    assert outcome.content == b"what the other side says"


async def test_a_connector_works_in_three_loops_in_a_row() -> None:
    """U-F2."""
    with Origin(Answer(200, b"ok")) as origin:
        connector = AsyncH11Connector()

        async def use() -> bytes:
            from stablehttp import AsyncPipeline

            return await (await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))).aread()

        def run() -> list[bytes]:
            return [asyncio.run(use()) for _ in range(3)]

        assert await asyncio.to_thread(run) == [b"ok"] * 3
        await origin.awatch(lambda: origin.open_connections == 0)
