"""What is particular to connectors upon pyqwest: settings, versions, event loops, threads, errors, time."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
import traceback
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyqwest
import pytest

from stablehttp import (
    AsyncPipeline,
    Capability,
    ClosedError,
    ConnectorRequirements,
    ConnectRefusedError,
    DisconnectedError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    NegotiationError,
    Operation,
    PoolTimeoutError,
    ReadTimeoutError,
    Request,
    SyncPipeline,
    Timeouts,
    TLSError,
    TLSSettings,
    TotalTimeoutError,
    UnsupportedTransportError,
    WriteTimeoutError,
)
from stablehttp.testing import Answer, Gate, GoAway, Hang, Origin, ResetStream
from stablehttp.testing._origin_tls import TLS
from stablehttp_pyqwest import AsyncPyqwestConnector, SyncPyqwestConnector, make_connector, make_sync_connector

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2
BOTH = (HTTP_2, HTTP_1)


def trusting(origin: Origin) -> HttpSettings:
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file)))


# --- making --------------------------------------------------------------------------------------


@pytest.mark.parametrize("versions", [(HTTP_1,), (HTTP_2,), BOTH], ids=["HTTP/1.1", "HTTP/2", "both"])
def test_connectors_of_both_colours_speak_what_is_asked_for(versions: tuple[HttpVersion, ...]) -> None:
    requirements = ConnectorRequirements(versions=versions)

    made, twin = make_connector(requirements), make_sync_connector(requirements)

    assert isinstance(made, AsyncPyqwestConnector)
    assert isinstance(twin, SyncPyqwestConnector)
    assert (made.versions, twin.versions) == (versions, versions)
    assert all(Capability.DUPLEX in can for can in made.capabilities.values())
    assert not any(Capability.DUPLEX in can for can in twin.capabilities.values())
    assert (made.SUPPORTS_DUPLEX_STREAMING, twin.SUPPORTS_DUPLEX_STREAMING) == (True, False)


def test_duplex_is_had_from_the_asynchronous_connector_only() -> None:
    """D14, U-J1."""
    requirements = ConnectorRequirements(versions=BOTH, duplex=True)

    made = make_connector(requirements)

    assert made is not None
    assert made.versions == BOTH
    assert make_sync_connector(requirements) is None


@pytest.mark.parametrize(
    "settings",
    [
        HttpSettings(proxy="http://127.0.0.1:1"),
        HttpSettings(tls=TLSSettings(verify=False)),
        HttpSettings(tls=TLSSettings(server_name="b.test")),
        HttpSettings(tls=TLSSettings(minimum_version="TLSv1.3")),
    ],
    ids=["a proxy", "no verification", "another server name", "TLS 1.3 and nothing below"],
)
def test_settings_that_pyqwest_does_not_know_are_declined_and_refused(settings: HttpSettings) -> None:
    """D4: nothing is dropped silently."""
    assert make_connector(ConnectorRequirements(settings=settings)) is None
    for make in (AsyncPyqwestConnector, SyncPyqwestConnector):
        with pytest.raises(UnsupportedTransportError, match="does not offer"):
            make(settings=settings)


def test_no_client_can_be_lent_and_the_error_says_why() -> None:
    """U-D5."""
    with pytest.raises(UnsupportedTransportError, match="does not say whether it follows redirects"):
        AsyncPyqwestConnector(pyqwest.HTTPTransport())  # type: ignore[arg-type]


def test_a_version_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(UnsupportedTransportError, match=r"HTTP/1\.1 and HTTP/2"):
        AsyncPyqwestConnector(versions=[HttpVersion.HTTP_1_0])


async def test_a_file_of_the_tls_settings_that_is_none_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    for path in (tmp_path / "missing.pem", broken):
        settings = HttpSettings(tls=TLSSettings(ca_file=str(path)))
        async with AsyncPyqwestConnector(settings=settings) as connector:
            with pytest.raises(TLSError, match="ca_file") as caught:
                await AsyncPipeline(connector).send(Request("GET", "https://127.0.0.1:1/"))
        assert caught.value.sent == "no"


async def test_a_client_certificate_is_presented() -> None:
    """U-D1."""
    with Origin(tls=TLS(client="required")) as origin:
        file = str(origin.client_certificate_file)
        tls = TLSSettings(ca_file=str(origin.ca_file), client_cert=file)
        async with AsyncPyqwestConnector(settings=HttpSettings(tls=tls)) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            assert (response.status, await response.aread()) == (200, b"")


def test_it_runs_on_asyncio_and_says_so_elsewhere() -> None:
    connector = AsyncPyqwestConnector()
    sending = connector.send(Request("GET", "http://a.test/"))

    with pytest.raises(MisuseError, match="asyncio"):
        sending.send(None)


# --- versions ------------------------------------------------------------------------------------


async def test_of_both_versions_each_server_is_asked_once() -> None:
    """U-J4."""
    with Origin(tls=True, http2=True) as new, Origin(tls=TLS(alpn=()), http2=False) as old:
        for origin, version in ((new, HTTP_2), (old, HTTP_1)):
            async with AsyncPyqwestConnector(versions=BOTH, settings=trusting(origin)) as connector:
                for _ in range(3):
                    response = await AsyncPipeline(connector).send(Request("PUT", origin.url, body=b"x"))
                    await response.aread()
                    assert response.http_version is version
            assert len(origin.connections) == 2
            assert {received.http_version for received in origin.requests} == {version.value}


async def test_of_both_versions_http_1_1_is_spoken_without_tls() -> None:
    with Origin() as origin:
        async with AsyncPyqwestConnector(versions=BOTH) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            await response.aread()

    assert response.http_version is HTTP_1


@pytest.mark.parametrize("alpn", [("http/1.1",), ()], ids=["HTTP/1.1", "no ALPN"])
async def test_a_server_without_http_2_is_told_after_the_fact(alpn: tuple[str, ...]) -> None:
    """U-J4: pyqwest begins HTTP/2 all the same, and such a server cannot act on that."""
    with Origin(tls=TLS(alpn=alpn)) as origin:
        async with AsyncPyqwestConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            with pytest.raises(NegotiationError) as caught:
                await AsyncPipeline(connector).send(Request("PUT", origin.url, body=b"x"))

    assert (caught.value.sent, caught.value.processed, caught.value.wanted) == ("maybe", "no", ("HTTP/2",))


@pytest.mark.parametrize("what", [ResetStream(7), GoAway(0, "before")], ids=str)
@pytest.mark.parametrize("body", [b"", b"content"], ids=["no content", "content"])
async def test_a_refused_stream_is_not_sent_again(what: ResetStream | GoAway, body: bytes) -> None:
    """U-E4: pyqwest would, if it could send the content twice."""
    with Origin(http2=True) as origin:
        origin.script([Answer.failing(what, "request")])
        async with AsyncPyqwestConnector(versions=[HTTP_2]) as connector:
            with pytest.raises(DisconnectedError) as caught:
                await AsyncPipeline(connector).send(Request("PUT" if body else "GET", origin.url, body=body))

    assert (caught.value.processed, origin.count) == ("no", 1)


# --- loops, threads, processes -------------------------------------------------------------------


async def test_the_synchronous_connector_works_where_an_event_loop_runs() -> None:
    """U-F1: in a notebook, say."""
    with Origin(Answer(200, b"hello")) as origin, SyncPyqwestConnector() as connector:
        response = SyncPipeline(connector).send(Request("PUT", origin.url, body=iter([b"a", b"b"])))

        assert (response.read(), origin.requests[0].content) == (b"hello", b"ab")


def test_a_response_may_be_read_in_another_thread() -> None:
    """U-F1."""
    with Origin(Answer(200, b"x" * 200_000)) as origin, SyncPyqwestConnector() as connector:
        response = SyncPipeline(connector).send(Request("GET", origin.url))
        with ThreadPoolExecutor(1) as threads:
            assert len(threads.submit(response.read).result()) == 200_000


async def test_one_connector_serves_two_loops_at_the_same_time() -> None:
    """U-F2."""
    gate = Gate()
    with Origin(Answer(200, [b"first", gate])) as origin:
        async with AsyncPyqwestConnector(settings=HttpSettings(max_connections=1)) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))

            async def elsewhere() -> bytes:
                return await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()

            waiting = asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(elsewhere()))
            await asyncio.sleep(0.05)
            assert origin.count == 1
            gate.open()
            assert (await response.aread(), await waiting) == (b"first", b"first")


def test_after_a_fork_the_child_is_told_and_does_not_hang() -> None:
    """U-F2."""
    program = """
        import asyncio, os
        from stablehttp import AsyncPipeline, ForeignLoopError, Request
        from stablehttp.testing import Origin
        from stablehttp_pyqwest import AsyncPyqwestConnector

        async def send(url):
            async with AsyncPyqwestConnector() as connector:
                await (await AsyncPipeline(connector).send(Request("GET", url))).aread()

        with Origin() as origin:
            asyncio.run(send(origin.url))
            if os.fork() == 0:
                try:
                    asyncio.run(send(origin.url))
                except ForeignLoopError:
                    os._exit(7)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
    """
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork")

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


# --- time and errors -----------------------------------------------------------------------------


async def test_each_limit_of_time_has_its_own_error() -> None:
    """U-D1."""
    gate = Gate()
    settings = HttpSettings(max_connections=1)
    with Origin(Answer(200, [b"first", gate])) as origin:
        async with AsyncPyqwestConnector(settings=settings) as connector:
            pipeline = AsyncPipeline(connector)
            held = await pipeline.send(Request("GET", origin.url), options=None)
            for timeouts, kind in ((Timeouts(pool=0.05), PoolTimeoutError), (Timeouts(total=0.05), TotalTimeoutError)):
                with pytest.raises(kind) as caught:
                    await AsyncPipeline(connector, timeouts=timeouts).send(Request("GET", origin.url))
                assert (caught.value.sent, caught.value.processed) == ("no", "no")
            gate.open()
            await held.aread()
        origin.answer(Answer(200, hold=Gate()))
        async with AsyncPyqwestConnector() as connector:
            with pytest.raises(ReadTimeoutError) as late:
                await AsyncPipeline(connector, timeouts=Timeouts(read=0.1)).send(Request("GET", origin.url))
            assert (late.value.sent, late.value.seconds) == ("maybe", 0.1)
    with Origin(Answer.failing(Hang(), "request head")) as deaf:
        async with AsyncPyqwestConnector() as connector:
            with pytest.raises(WriteTimeoutError):
                request = Request("PUT", deaf.url, body=bytes(64 << 20))
                await AsyncPipeline(connector, timeouts=Timeouts(write=0.2, read=5)).send(request)


async def test_an_upload_that_takes_long_is_no_silence_of_the_peer() -> None:
    """U-D1."""

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(4):
            await asyncio.sleep(0.1)
            yield b"x"

    with Origin() as origin:
        async with AsyncPyqwestConnector() as connector:
            pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=0.2))
            response = await pipeline.send(Request("PUT", origin.url, body=slow()))

            assert (response.status, origin.requests[0].content) == (200, b"xxxx")
            await response.aclose()


async def test_a_cause_says_what_pyqwest_said_and_not_the_url() -> None:
    """U-I5."""
    marker = "77ab" * 3
    request = Request("GET", f"http://127.0.0.1:1/{marker}?token={marker}")
    async with AsyncPyqwestConnector() as connector:
        with pytest.raises(ConnectRefusedError) as caught:
            await AsyncPipeline(connector).send(request)

    shown = "".join(traceback.format_exception(caught.value))
    assert type(caught.value.__cause__) is ConnectionError
    assert "tcp connect error" in str(caught.value.__cause__)
    assert marker not in shown


async def test_what_waits_for_a_place_is_told_when_the_connector_is_closed() -> None:
    """U-F5."""
    gate = Gate()
    with Origin(Answer(200, [b"first", gate])) as origin:
        connector = AsyncPyqwestConnector(settings=HttpSettings(max_connections=1))
        held = await AsyncPipeline(connector).send(Request("GET", origin.url))
        waiting = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await connector.aclose()
        with pytest.raises(ClosedError) as caught:
            await waiting
        gate.open()

        assert await held.aread() == b"first"
        assert (caught.value.sent, origin.count) == ("no", 1)


async def test_an_operation_that_needs_the_spelling_of_names_is_refused() -> None:
    """D4."""
    needy = Operation("com.example#Old", needs=frozenset({Capability.FIELD_NAME_CASE}))
    async with AsyncPyqwestConnector() as connector:
        with pytest.raises(UnsupportedTransportError, match="field names spelled as they are given") as caught:
            await AsyncPipeline(connector).send(Request("GET", "http://127.0.0.1:1/"), operation=needy)

    assert caught.value.alternatives == ("h11", "httpx", "httpx2", "aiohttp", "crt")


async def test_content_goes_on_after_the_head_of_a_success_and_stops_after_that_of_a_failure() -> None:
    """U-J1, U-J2."""
    for status, goes_on in ((200, True), (403, False)):
        proceed = asyncio.Event()
        sent: list[bytes] = []

        async def content(proceed: asyncio.Event = proceed, sent: list[bytes] = sent) -> AsyncIterator[bytes]:
            yield b"first"
            await proceed.wait()
            sent.append(b"second")
            yield b"second"

        settings = replace(HttpSettings(), max_connections=2)
        with Origin(replace(Answer.duplex(), status=status)) as origin:
            async with AsyncPyqwestConnector(settings=settings) as connector:
                response = await AsyncPipeline(connector).send(Request("POST", origin.url, body=content()))
                proceed.set()
                await asyncio.sleep(0.05)
                await response.aclose()

        assert (response.status, bool(sent)) == (status, goes_on)


async def test_a_dropped_response_ends_the_request_too() -> None:
    """U-F4, U-H7."""
    ended = asyncio.Event()

    async def content() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            ended.set()

    with Origin(Answer.duplex()) as origin:
        async with AsyncPyqwestConnector() as connector:
            response = await AsyncPipeline(connector).send(Request("POST", origin.url, body=content()))
            with pytest.warns(ResourceWarning, match="was dropped"):
                del response
            await asyncio.wait_for(ended.wait(), 2)
            await origin.awatch(lambda: origin.open_connections == 0)


def test_a_dropped_response_of_a_synchronous_connector_leaves_nothing() -> None:
    """U-F4, U-H7."""
    with Origin(Answer.duplex()) as origin, SyncPyqwestConnector() as connector:
        response = SyncPipeline(connector).send(Request("POST", origin.url, body=iter([b"x" * 100] * 10_000)))
        with pytest.warns(ResourceWarning, match="was dropped"):
            del response
        origin.watch(lambda: origin.open_connections == 0)
