"""A connector speaks its versions and no other, and says so before anything of the request leaves (U-J4)."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp import (
    AsyncBody,
    AsyncPipeline,
    BytesBody,
    DisconnectedError,
    HttpSettings,
    HttpVersion,
    InvalidMessageError,
    NegotiationError,
    Request,
    SyncPipeline,
    TLSSettings,
)
from stablehttp.testing import TLS, Answer, GoAway, Origin, ResetStream
from stablehttp_httpx2 import AsyncHttpx2Connector, SyncHttpx2Connector
from stablehttp_httpx2._transport import context_for

ONE, TWO = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


def trusting(origin: Origin) -> HttpSettings:
    if not origin.url.startswith("https"):
        return HttpSettings()
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file)))


async def exchange(colour: str, origin: Origin, versions: tuple[HttpVersion, ...], body: bytes = b"") -> HttpVersion:
    """One exchange on a connector of its own; the version that the response reports."""
    if colour == "async":
        async with AsyncHttpx2Connector(versions=versions, settings=trusting(origin)) as connector:
            response = await AsyncPipeline(connector).send(Request("PUT", origin.url, body=body))
            await response.aread()
            return response.http_version
    with SyncHttpx2Connector(versions=versions, settings=trusting(origin)) as blocking:
        answer = SyncPipeline(blocking).send(Request("PUT", origin.url, body=body))
        answer.read()
        return answer.http_version


class Offered(ssl.SSLContext):
    """Keeps what it is told to offer."""


@pytest.mark.parametrize(
    ("versions", "offered"),
    [
        pytest.param((ONE,), ["http/1.1"], id="HTTP/1.1 alone"),
        pytest.param((TWO,), ["h2"], id="HTTP/2 alone"),
        pytest.param((ONE, TWO), ["h2", "http/1.1"], id="both, the better one first"),
    ],
)
async def test_tls_offers_the_versions_of_the_connector_whatever_httpx2_says(
    versions: tuple[HttpVersion, ...], offered: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []
    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", lambda self, protocols: seen.append(list(protocols)))

    context_for(TLSSettings(verify=False), versions).set_alpn_protocols(["http/1.1", "h2"])

    assert seen == [offered]


@pytest.mark.parametrize("colour", ["async", "sync"])
@pytest.mark.parametrize(
    ("versions", "http2", "spoken"),
    [
        pytest.param((ONE,), True, ONE, id="HTTP/1.1 alone is spoken to a server with HTTP/2"),
        pytest.param((ONE, TWO), True, TWO, id="both and a server with HTTP/2"),
        pytest.param((ONE, TWO), False, ONE, id="both and a server without HTTP/2"),
    ],
)
async def test_the_response_reports_the_version_that_was_agreed_on(
    colour: str, versions: tuple[HttpVersion, ...], http2: bool, spoken: HttpVersion
) -> None:
    with Origin(tls=True, http2=http2) as origin:
        assert await exchange(colour, origin, versions) is spoken
        assert origin.take().http_version == spoken.value


@pytest.mark.parametrize("colour", ["async", "sync"])
@pytest.mark.parametrize(
    ("tls", "negotiated"),
    [
        pytest.param(TLS(alpn=["http/1.1"]), None, id="TLS, HTTP/1.1 alone"),
        pytest.param(TLS(alpn=[]), None, id="TLS without ALPN"),
        pytest.param(False, "HTTP/1.1", id="without TLS"),
    ],
)
async def test_http2_alone_is_not_spoken_to_a_server_that_did_not_agree(
    colour: str, tls: TLS | bool, negotiated: str | None
) -> None:
    """httpx2 would: its HTTP/2 without HTTP/1.1 looks at nothing."""
    with Origin(tls=tls) as origin:
        opened: list[str] = []

        async def chunks() -> AsyncIterator[bytes]:
            opened.append("async")
            yield b"x"

        def blocks() -> Iterator[bytes]:
            opened.append("sync")
            yield b"x"

        with pytest.raises(NegotiationError) as caught:
            if colour == "async":
                async with AsyncHttpx2Connector(versions=(TWO,), settings=trusting(origin)) as connector:
                    await AsyncPipeline(connector).send(Request("PUT", origin.url, body=chunks()))
            else:
                with SyncHttpx2Connector(versions=(TWO,), settings=trusting(origin)) as blocking:
                    SyncPipeline(blocking).send(Request("PUT", origin.url, body=blocks()))

        error = caught.value
        assert (error.wanted, error.negotiated, error.sent, error.processed) == (["HTTP/2"], negotiated, "no", "no")
        assert "HTTP/2 is required" in str(error)
        assert opened == []
        assert not any(b"PUT" in received.raw_head for received in origin.requests)


@pytest.mark.parametrize("colour", ["async", "sync"])
async def test_a_request_that_a_server_did_not_take_up_is_not_sent_again(colour: str) -> None:
    """U-E4: after GOAWAY httpx2 would send it on another connection by itself."""
    going = Answer.failing(GoAway(last="before"), "request")
    with Origin(http2=True) as origin:
        origin.script([Answer(), going])
        connector = AsyncHttpx2Connector(versions=(TWO,))
        blocking = SyncHttpx2Connector(versions=(TWO,))

        async def send() -> None:
            if colour == "async":
                await (await AsyncPipeline(connector).send(Request("PUT", origin.url, body=b"x"))).aread()
            else:
                SyncPipeline(blocking).send(Request("PUT", origin.url, body=b"x")).read()

        await send()
        with pytest.raises(DisconnectedError, match="safe to send it again") as caught:
            await send()

        assert caught.value.processed == "no"
        assert origin.count == 2
        await send()
        await connector.aclose()
        blocking.close()


@pytest.mark.parametrize(("code", "processed"), [(7, "no"), (8, "maybe"), (2, "maybe")])
async def test_a_refused_stream_was_not_processed(code: int, processed: str) -> None:
    with Origin(Answer.failing(ResetStream(code), "request"), http2=True) as origin:
        async with AsyncHttpx2Connector(versions=(TWO,)) as connector:
            with pytest.raises(DisconnectedError) as caught:
                await AsyncPipeline(connector).send(Request("PUT", origin.url, body=b"x"))

    assert caught.value.processed == processed


def test_no_version_and_a_version_that_is_not_sent_are_refused() -> None:
    for versions in ((), (HttpVersion.HTTP_1_0,)):
        with pytest.raises(InvalidMessageError, match="versions must name"):
            AsyncHttpx2Connector(versions=versions)


def test_capabilities_are_those_of_the_versions() -> None:
    connector = AsyncHttpx2Connector(versions=(TWO,))

    assert set(connector.capabilities) == {TWO}
    assert connector.SUPPORTS_DUPLEX_STREAMING is False
    body: AsyncBody = BytesBody()
    assert body.length == 0
