"""The table of errors, met with real failures."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest
from tests.adapters.aiohttp.peers import peer, saying
from yarl import URL

from stablehttp import (
    AsyncPipeline,
    CertificateError,
    ConnectRefusedError,
    DisconnectedError,
    HttpSettings,
    InvalidMessageError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    Request,
    StableHTTPError,
    TLSError,
    TLSSettings,
    TransportError,
)
from stablehttp.testing import TLS, Answer, Close, Fault, Origin, Reset
from stablehttp_aiohttp import AsyncAiohttpConnector
from stablehttp_aiohttp._errors import Stage, translate

PLACE = "http://secret-user:secret-pass@{}/secret?secret=secret"


def trusting(origin: Origin, **more: object) -> HttpSettings:
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file), **more))  # type: ignore[arg-type]


async def failure(settings: HttpSettings, url: str) -> StableHTTPError:
    async with AsyncAiohttpConnector(settings=settings) as connector:
        with pytest.raises(StableHTTPError) as caught:
            await AsyncPipeline(connector).send(Request("GET", url))
    assert "secret" not in f"{caught.value} {caught.value!r} {caught.value.__dict__}"
    return caught.value


async def test_a_name_that_does_not_resolve() -> None:
    error = await failure(HttpSettings(), PLACE.format("nowhere.invalid"))

    assert isinstance(error.__cause__, aiohttp.ClientConnectorDNSError)
    assert (type(error), error.sent, error.processed) == (NameResolutionError, "no", "no")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_refused_connection(host: str) -> None:
    with Origin() as origin:
        port = origin.port

    error = await failure(HttpSettings(), PLACE.format(f"{host}:{port}"))

    assert (type(error), error.sent, error.processed) == (ConnectRefusedError, "no", "no")


@pytest.mark.parametrize("certificate", ["expired", "wrong name", "untrusted"])
async def test_a_certificate_that_does_not_verify(certificate: str) -> None:
    with Origin(tls=TLS(certificate=certificate)) as origin:  # type: ignore[arg-type]
        error = await failure(trusting(origin), origin.url + "/secret?secret")

    assert (type(error), error.sent) == (CertificateError, "no")


async def test_a_certificate_that_is_not_the_pinned_one() -> None:
    with Origin(tls=TLS()) as origin:
        async with aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(b"\0" * 32)) as lent:
            async with AsyncAiohttpConnector(lent) as connector:
                with pytest.raises(CertificateError, match="pinned"):
                    await AsyncPipeline(connector).send(Request("GET", origin.url))


async def test_tls_against_a_plain_port(origin: Origin) -> None:
    error = await failure(HttpSettings(), f"https://{origin.authority}/secret")

    assert (type(error), error.sent) == (TLSError, "no")


@pytest.mark.parametrize("what", [Close(), Reset()], ids=["closed", "reset"])
async def test_an_end_in_the_handshake(what: Close | Reset) -> None:
    with Origin(Answer(faults=[Fault(what, "accept")]), tls=TLS()) as origin:
        error = await failure(trusting(origin), origin.url)

    assert (type(error), error.sent) == (TLSError, "no")


async def test_a_client_certificate_that_is_missing_or_there() -> None:
    with Origin(tls=TLS(client="required")) as origin:
        error = await failure(trusting(origin), origin.url)
        assert isinstance(error, TLSError | DisconnectedError)

        settings = trusting(origin, client_cert=str(origin.client_certificate_file))
        async with AsyncAiohttpConnector(settings=settings) as connector:
            await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()


async def test_verification_can_be_switched_off_and_the_name_be_replaced() -> None:
    for certificate, tls in (
        ("untrusted", TLSSettings(verify=False, minimum_version="TLSv1.3")),
        ("good", TLSSettings(server_name="localhost")),
    ):
        with Origin(tls=TLS(certificate=certificate)) as origin:  # type: ignore[arg-type]
            given = TLSSettings(
                ca_file=str(origin.ca_file) if tls.verify else None,
                verify=tls.verify,
                server_name=tls.server_name,
                minimum_version=tls.minimum_version,
            )
            async with AsyncAiohttpConnector(settings=HttpSettings(tls=given)) as connector:
                await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()
            assert origin.connections[0].sni == tls.server_name


async def test_files_that_cannot_be_used_are_told_when_they_are_needed(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("no certificate")

    for name in ("missing.pem", "bad.pem"):
        settings = HttpSettings(tls=TLSSettings(ca_file=str(tmp_path / name)))
        assert type(await failure(settings, f"https://{origin.authority}/")) is TLSError
        async with AsyncAiohttpConnector(settings=settings) as connector:
            await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()


@pytest.mark.parametrize("what", [Close(), Reset()], ids=["closed", "reset"])
async def test_an_end_without_a_response(origin: Origin, what: Close | Reset) -> None:
    origin.answer(Answer.failing(what, "request"))

    error = await failure(HttpSettings(), PLACE.format(origin.authority))

    assert (type(error), error.sent, error.processed) == (DisconnectedError, "maybe", "maybe")


@pytest.mark.parametrize(
    "response",
    [
        b"secret\r\n\r\n",
        b"HTTP/1.1 200 secret\x00\r\nContent-Length: 9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: secret\x00\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX secret: 1\r\n\r\n",
    ],
    ids=["garbage", "NUL in the reason", "NUL in a value", "a bad name"],
)
async def test_a_malformed_head_is_told_without_showing_it(response: bytes) -> None:
    async with peer(saying(response)) as url:
        error = await failure(HttpSettings(), url)

    assert (type(error), error.sent, error.processed) == (InvalidResponseError, "yes", "maybe")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("unknown secret"), TransportError),
        (AssertionError(), TransportError),
        (aiohttp.ClientError(), TransportError),
        (asyncio.IncompleteReadError(b"", 1), DisconnectedError),
        (OSError(5, "secret"), DisconnectedError),
        (aiohttp.ClientConnectionResetError("secret"), DisconnectedError),
        (aiohttp.InvalidURL("secret"), InvalidMessageError),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_nothing_foreign_comes_out_whatever_aiohttp_raises(error: Exception, kind: type[StableHTTPError]) -> None:
    """U-E5."""
    stage = Stage(sent="maybe", secure=False, closed=False, connect_seconds=None, read_seconds=None)

    made = translate(error, stage)

    assert isinstance(made, kind)
    assert "secret" not in str(made)


def ssl_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def test_tls_that_fails_after_the_handshake_is_told_as_such() -> None:
    stage = Stage(sent="maybe", secure=True, closed=False, connect_seconds=None, read_seconds=None)
    error = aiohttp.ClientOSError(1, "alert")
    error.__cause__ = ssl_error("TLSV13_ALERT_CERTIFICATE_REQUIRED")

    made = translate(error, stage)

    assert (type(made), made.sent) == (TLSError, "maybe")
    assert str(made) == "TLS failed after the handshake (certificate required)"


async def test_a_server_that_agrees_to_no_protocol_of_ours() -> None:
    """U-J4."""
    stage = Stage(sent="no", secure=True, closed=False, connect_seconds=None, read_seconds=None)
    async with aiohttp.ClientSession() as session:
        request = aiohttp.ClientRequest("GET", URL("https://a.test/"), loop=asyncio.get_running_loop(), session=session)
    error = aiohttp.ClientConnectorSSLError(request.connection_key, ssl_error("TLSV1_ALERT_NO_APPLICATION_PROTOCOL"))

    made = translate(error, stage)

    assert isinstance(made, NegotiationError)
    assert (made.wanted, made.sent) == (("HTTP/1.1",), "no")
