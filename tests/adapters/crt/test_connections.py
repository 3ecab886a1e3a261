"""Connections: who shares them, who waits, and what becomes of those that cannot be used again."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.adapters.crt.peers import FewStreams, listening, read_all, read_head, trusting

from stablehttp import (
    AsyncPipeline,
    CertificateError,
    ConnectTimeoutError,
    HttpSettings,
    HTTPTimeoutError,
    HttpVersion,
    NegotiationError,
    PoolTimeoutError,
    Request,
    SyncPipeline,
    Timeouts,
    TLSError,
    TLSSettings,
    TotalTimeoutError,
)
from stablehttp.testing import TLS, Answer, Gate, Origin
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2
BOTH = (HTTP_2, HTTP_1)


async def body() -> AsyncIterator[bytes]:
    yield b"streamed"


# --- sharing ------------------------------------------------------------------------------------


async def test_exchanges_of_http_2_share_one_connection_from_the_first_on() -> None:
    with Origin(Answer(200, b"x"), tls=True, http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            pipeline = AsyncPipeline(connector)
            sending = (pipeline.send(Request("GET", origin.url)) for _ in range(40))
            responses = await asyncio.gather(*sending)
            await read_all(responses)
            reused = [bool(response.connection.reused) for response in responses]

    assert len(origin.connections) == 1
    assert sorted(reused) == [False, *[True] * 39]
    assert {response.connection.alpn for response in responses} == {"h2"}


async def test_exchanges_of_http_1_have_a_connection_each() -> None:
    gate = Gate()
    with Origin(Answer(200, b"x", hold=gate)) as origin:
        async with AsyncCrtConnector() as connector:
            pipeline = AsyncPipeline(connector)
            sending = [asyncio.create_task(pipeline.send(Request("GET", origin.url))) for _ in range(5)]
            await gate.await_(5)
            gate.open()
            await read_all(await asyncio.gather(*sending))

    assert len(origin.connections) == 5


@pytest.mark.parametrize("versions", [(HTTP_2,), BOTH], ids=["HTTP/2", "both"])
async def test_a_peer_that_takes_two_exchanges_at_a_time_gets_two(versions: tuple[HttpVersion, ...]) -> None:
    """The CRT would send more before it knows, or refuse those beyond the limit."""
    peer = FewStreams(2)
    with peer.running() as (url, settings):
        async with AsyncCrtConnector(versions=versions, settings=settings) as connector:
            pipeline = AsyncPipeline(connector)
            peer.gate.set()
            await (await pipeline.send(Request("GET", url))).aread()
            peer.gate.clear()
            sending = [asyncio.create_task(pipeline.send(Request("GET", url))) for _ in range(7)]
            await asyncio.sleep(0.3)
            peer.gate.set()
            contents = [await (await task).aread() for task in sending]

    assert contents == [b"done"] * 7
    assert (peer.most, peer.connections) == (2, 1)


def test_threads_share_a_connection_and_wait_for_a_place_on_it() -> None:
    peer = FewStreams(3)
    with peer.running() as (url, settings):
        with SyncCrtConnector(versions=[HTTP_2], settings=settings) as connector:
            peer.gate.set()
            with ThreadPoolExecutor(8) as threads:
                contents = list(
                    threads.map(lambda _: SyncPipeline(connector).send(Request("GET", url)).read(), range(24))
                )

    assert contents == [b"done"] * 24
    assert peer.most <= 3
    assert peer.connections == 1


async def test_the_wait_for_a_place_has_a_bound() -> None:
    """U-D1: nobody who waited too long has sent anything."""
    peer = FewStreams(1)
    with peer.running() as (url, settings):
        async with AsyncCrtConnector(versions=[HTTP_2], settings=settings) as connector:
            first = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", url)))
            await asyncio.sleep(0.3)
            with pytest.raises(PoolTimeoutError) as caught:
                await AsyncPipeline(connector, timeouts=Timeouts(pool=0.1)).send(Request("GET", url))
            peer.gate.set()
            await (await first).aread()

    assert (caught.value.sent, caught.value.processed) == ("no", "no")


async def test_a_given_up_exchange_retires_its_connection_and_harms_no_other() -> None:
    """The binding cannot reset one stream: others go on, and new ones go elsewhere."""
    gate = Gate()
    with Origin(Answer(200, [b"first", gate, b"second"]), tls=True, http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            pipeline = AsyncPipeline(connector)
            kept, given_up = [await pipeline.send(Request("GET", origin.url)) for _ in range(2)]
            await given_up.aclose()
            elsewhere = await pipeline.send(Request("GET", origin.url))
            open_before = origin.open_connections
            gate.open()
            contents = [await kept.aread(), await elsewhere.aread()]
            await origin.awatch(lambda: origin.open_connections == 1)

    assert (open_before, len(origin.connections)) == (2, 2)
    assert contents == [b"firstsecond"] * 2


def read_one_octet(connection: socket.socket) -> None:
    connection.recv(1)


async def test_those_who_wait_for_a_connection_learn_together_that_there_is_none() -> None:
    """One attempt for all, not one after the other."""
    with listening(read_one_octet) as port:
        settings = HttpSettings(connect_timeout=0.4)
        async with AsyncCrtConnector(versions=[HTTP_2], settings=settings) as connector:
            began = time.monotonic()
            sending = (AsyncPipeline(connector).send(Request("GET", f"https://127.0.0.1:{port}")) for _ in range(20))
            outcomes = await asyncio.gather(*sending, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {ConnectTimeoutError, TLSError}
    assert time.monotonic() - began < 2


async def test_a_cancelled_opener_hands_its_turn_on() -> None:
    with Origin(Answer(200, b"x"), tls=True, http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            pipeline = AsyncPipeline(connector)
            opener, waiter = [asyncio.create_task(pipeline.send(Request("GET", origin.url))) for _ in range(2)]
            await asyncio.sleep(0)
            opener.cancel()
            response = await asyncio.wait_for(waiter, 5)
            content = await response.aread()

    assert content == b"x"
    assert opener.cancelled()


# --- versions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("spoken", [HTTP_1, HTTP_2], ids=str)
async def test_of_both_versions_tls_decides_and_the_response_tells(spoken: HttpVersion) -> None:
    """U-J4: streamed content goes its own way over HTTP/1.1."""
    with Origin(Answer.echo(), tls=True, http2=spoken is HTTP_2) as origin:
        async with AsyncCrtConnector(versions=BOTH, settings=trusting(origin)) as connector:
            for _ in range(2):
                for request in (Request("PUT", origin.url, body=b"memory"), Request("PUT", origin.url, body=body())):
                    response = await AsyncPipeline(connector).send(request)
                    assert response.http_version is spoken
                    assert await response.aread() in (b"memory", b"streamed")

    assert {connection.alpn for connection in origin.connections} == {spoken.alpn}


@pytest.mark.parametrize("alpn", [("http/1.1",), ()], ids=["HTTP/1.1", "no ALPN"])
async def test_http_2_that_is_required_is_not_replaced(alpn: tuple[str, ...]) -> None:
    """U-J4: before the content is touched."""
    touched = False

    async def untouched() -> AsyncIterator[bytes]:
        nonlocal touched
        touched = True
        yield b""

    with Origin(tls=TLS(alpn=alpn)) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            with pytest.raises(NegotiationError) as caught:
                await AsyncPipeline(connector).send(Request("PUT", origin.url, body=untouched()))

    assert (caught.value.wanted, caught.value.negotiated) == (("HTTP/2",), "HTTP/1.1")
    assert (touched, origin.count) == (False, 0)


# --- TLS ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("certificate", ["untrusted", "wrong name", "expired"])
async def test_a_refused_certificate_is_told_long_before_the_crt_tells_it(certificate: str) -> None:
    """U-E3: its TLS library keeps it to itself for 10 to 30 seconds."""
    with Origin(tls=TLS(certificate=certificate)) as origin:  # type: ignore[arg-type]
        async with AsyncCrtConnector(settings=trusting(origin)) as connector:
            began = time.monotonic()
            with pytest.raises(CertificateError, match="could not be verified") as caught:
                await AsyncPipeline(connector).send(Request("GET", origin.url))

    assert time.monotonic() - began < 4
    assert (caught.value.sent, caught.value.processed, origin.count) == ("no", "no", 0)


async def test_a_certificate_is_not_looked_at_if_the_settings_say_so() -> None:
    with Origin(tls=TLS(certificate="untrusted")) as origin:
        settings = HttpSettings(tls=TLSSettings(verify=False))
        async with AsyncCrtConnector(settings=settings) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            await response.aread()

    assert response.status == 200


async def test_the_name_to_verify_can_be_given() -> None:
    with Origin(tls=True) as origin:
        settings = HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file), server_name="localhost"))
        async with AsyncCrtConnector(settings=settings) as connector:
            await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()

    assert origin.connections[0].sni == "localhost"


async def test_a_client_certificate_is_presented() -> None:
    with Origin(tls=TLS(client="required")) as origin:
        file = str(origin.client_certificate_file)
        settings = HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file), client_cert=file))
        async with AsyncCrtConnector(settings=settings) as connector:
            await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()

    assert origin.connections[0].certificate is not None


@pytest.mark.parametrize("field", ["ca_file", "client_cert"])
async def test_a_file_that_cannot_be_used_is_told_before_connecting(field: str, tmp_path: object) -> None:
    settings = HttpSettings(tls=TLSSettings(**{field: f"{tmp_path}/missing.pem"}))  # type: ignore[arg-type]

    async with AsyncCrtConnector(settings=settings) as connector:
        with pytest.raises(TLSError, match="cannot be read as PEM") as caught:
            await AsyncPipeline(connector).send(Request("GET", "https://127.0.0.1:9"))

    assert caught.value.sent == "no"


# --- ends ---------------------------------------------------------------------------------------


async def test_cancelling_while_connecting_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """U-F3: the CRT's own future is never cancelled, and its connection is closed when it comes."""
    with Origin(tls=True, http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            for number in range(20):
                sending = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url)))
                await asyncio.sleep(number * 0.0005)
                sending.cancel()
                await asyncio.wait([sending])
        await origin.awatch(lambda: origin.open_connections == 0)

    assert capfd.readouterr().err == ""


def test_a_connection_that_came_too_late_is_closed() -> None:
    """The wait for it was over."""
    release = threading.Event()

    def serve(connection: socket.socket) -> None:
        release.wait(5)

    with Origin(Answer(200), tls=True) as origin, listening(serve) as port:
        settings = HttpSettings(connect_timeout=0.2, tls=trusting(origin).tls)
        with SyncCrtConnector(settings=settings) as connector:
            with pytest.raises(ConnectTimeoutError) as caught:
                SyncPipeline(connector).send(Request("GET", f"https://127.0.0.1:{port}"))
            release.set()

    assert (caught.value.seconds, caught.value.sent) == (0.2, "no")


def test_a_stale_connection_is_replaced_before_anything_is_sent() -> None:
    """U-E4."""
    heads: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        heads.append(read_head(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

    with listening(serve) as port:
        with SyncCrtConnector() as connector:
            for _ in range(4):
                SyncPipeline(connector).send(Request("POST", f"http://127.0.0.1:{port}", body=b"x")).read()
                time.sleep(0.1)

    assert len(heads) == 4


@pytest.mark.parametrize("version", [HTTP_1, HTTP_2], ids=str)
async def test_a_wait_for_a_place_is_part_of_the_whole_call(version: HttpVersion) -> None:
    """U-D1: whichever bound comes first says its name."""
    peer = FewStreams(1)
    with peer.running() as (url, settings):
        settings = replace(settings, max_connections=1)
        bounds = ((Timeouts(total=0.2, pool=0.5), TotalTimeoutError), (Timeouts(total=0.5, pool=0.2), PoolTimeoutError))
        if version is HTTP_1:
            gate = Gate()
            with Origin(Answer(200, [b"x", gate])) as origin:
                async with AsyncCrtConnector(settings=settings) as connector:
                    first = await AsyncPipeline(connector).send(Request("GET", origin.url))
                    for timeouts, kind in bounds:
                        await _waits_in_vain(connector, origin.url, timeouts, kind)
                    gate.open()
                    await first.aread()
            return
        async with AsyncCrtConnector(versions=[version], settings=settings) as connector:
            sending = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", url)))
            await asyncio.sleep(0.3)
            for timeouts, kind in bounds:
                await _waits_in_vain(connector, url, timeouts, kind)
            peer.gate.set()
            await (await sending).aread()


async def _waits_in_vain(
    connector: AsyncCrtConnector, url: str, timeouts: Timeouts, kind: type[HTTPTimeoutError]
) -> None:
    began = time.monotonic()

    with pytest.raises(HTTPTimeoutError) as caught:
        await AsyncPipeline(connector, timeouts=timeouts).send(Request("GET", url))

    assert type(caught.value) is kind
    assert (caught.value.seconds, caught.value.sent) == (0.2, "no")
    assert 0.15 < time.monotonic() - began < 2
