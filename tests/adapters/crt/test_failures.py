"""What the CRT reports, and what comes out: a kind of ours, with the CRT's own error as its cause."""

from __future__ import annotations

import pytest
from awscrt.exceptions import AwsCrtError
from tests.adapters.crt.peers import trusting

from stablehttp import (
    AsyncPipeline,
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    HttpVersion,
    IncompleteResponseError,
    InvalidMessageError,
    InvalidResponseError,
    NameResolutionError,
    Request,
    StableHTTPError,
    SyncPipeline,
    TLSError,
    TransportError,
)
from stablehttp.adapting import Answer as Said
from stablehttp.testing import Answer, GoAway, Origin, ResetStream, refusing_authority
from stablehttp_crt import AsyncCrtConnector, SyncCrtConnector
from stablehttp_crt._errors import Progress, name_of, translate_exchange, translate_opening, translate_start

HTTP_2 = HttpVersion.HTTP_2


def crt(name: str) -> AwsCrtError:
    return AwsCrtError(0, name, "in the words of the CRT")


@pytest.mark.parametrize(
    ("name", "secure", "kind"),
    [
        ("AWS_IO_DNS_INVALID_NAME", False, NameResolutionError),
        ("AWS_IO_DNS_NO_ADDRESS_FOR_HOST", True, NameResolutionError),
        ("AWS_IO_SOCKET_CONNECTION_REFUSED", True, ConnectRefusedError),
        ("AWS_IO_SOCKET_TIMEOUT", False, ConnectTimeoutError),
        ("AWS_IO_TLS_NEGOTIATION_TIMEOUT", True, ConnectTimeoutError),
        ("AWS_IO_TLS_ERROR_NEGOTIATION_FAILURE", True, TLSError),
        ("AWS_IO_TLS_UNKNOWN_ROOT_CERTIFICATE", True, CertificateError),
        ("AWS_IO_TLS_HOST_NAME_MISMATCH", True, CertificateError),
        ("AWS_IO_TLS_PEER_CERTIFICATE_EXPIRED", True, CertificateError),
        ("AWS_IO_TLS_BAD_PEER_CERTIFICATE", True, CertificateError),
        ("AWS_ERROR_HTTP_PROXY_CONNECT_FAILED", True, ConnectError),
        ("AWS_IO_SOCKET_CLOSED", True, TLSError),
        ("AWS_IO_SOCKET_CLOSED", False, ConnectError),
        ("AWS_IO_SOCKET_NO_ROUTE_TO_HOST", False, ConnectError),
    ],
)
def test_why_no_connection_came_about(name: str, kind: type[StableHTTPError], *, secure: bool) -> None:
    """U-E3."""
    cause = crt(name)

    error = translate_opening(cause, secure=secure)

    assert type(error) is kind
    assert (error.sent, error.processed, error.__cause__) == ("no", "no", cause)
    assert name in str(error)


@pytest.mark.parametrize(
    ("name", "kind", "sent", "processed"),
    [
        ("AWS_IO_SOCKET_CLOSED", DisconnectedError, "maybe", "maybe"),
        ("AWS_ERROR_HTTP_CONNECTION_CLOSED", DisconnectedError, "maybe", "maybe"),
        ("AWS_ERROR_HTTP_RST_STREAM_RECEIVED", DisconnectedError, "maybe", "maybe"),
        ("AWS_ERROR_HTTP_GOAWAY_RECEIVED", DisconnectedError, "maybe", "no"),
        ("AWS_ERROR_HTTP_MAX_CONCURRENT_STREAMS_EXCEEDED", TransportError, "no", "no"),
        ("AWS_ERROR_INVALID_STATE", DisconnectedError, "no", "no"),
        ("AWS_ERROR_HTTP_PROTOCOL_ERROR", InvalidResponseError, "yes", "maybe"),
        ("AWS_ERROR_HTTP_SWITCHED_PROTOCOLS", InvalidResponseError, "yes", "maybe"),
        ("AWS_ERROR_UNKNOWN", InvalidResponseError, "yes", "maybe"),
        ("AWS_ERROR_THAT_NOBODY_KNOWS", DisconnectedError, "maybe", "maybe"),
    ],
)
def test_why_there_is_no_response(name: str, kind: type[StableHTTPError], sent: Said, processed: Said) -> None:
    """U-E1, U-E2."""
    error = translate_exchange(crt(name), Progress())

    assert type(error) is kind
    assert (error.sent, error.processed, error.status) == (sent, processed, None)


def test_a_connection_that_the_peer_spoilt_does_not_say_that_this_request_was_sent() -> None:
    """U-E2: over HTTP/2 it fails for all that share it, also for those of which nothing had left."""
    error = translate_exchange(crt("AWS_ERROR_HTTP_PROTOCOL_ERROR"), Progress(shared=True))

    assert type(error) is InvalidResponseError
    assert (error.sent, error.processed) == ("maybe", "maybe")
    assert "perhaps in answer to another request" in str(error)


@pytest.mark.parametrize(
    ("name", "received", "kind"),
    [
        ("AWS_IO_SOCKET_CLOSED", 0, IncompleteResponseError),
        ("AWS_ERROR_HTTP_RST_STREAM_RECEIVED", 4, IncompleteResponseError),
        ("AWS_ERROR_HTTP_GOAWAY_RECEIVED", 4, IncompleteResponseError),
        ("AWS_ERROR_HTTP_PROTOCOL_ERROR", 4, IncompleteResponseError),
        ("AWS_ERROR_HTTP_PROTOCOL_ERROR", 0, InvalidResponseError),
    ],
)
def test_why_there_is_no_more_of_a_response(name: str, received: int, kind: type[StableHTTPError]) -> None:
    error = translate_exchange(crt(name), Progress(status=200, expected=10, received=received))

    assert type(error) is kind
    assert (error.sent, error.processed, error.status) == ("yes", "yes", 200)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("2058 (AWS_ERROR_HTTP_CONNECTION_CLOSED): The connection has closed"), DisconnectedError),
        (RuntimeError("2053 (AWS_ERROR_HTTP_INVALID_METHOD): Method is invalid"), InvalidMessageError),
        (ValueError("embedded null character"), InvalidMessageError),
    ],
    ids=["closed", "method", "NUL"],
)
def test_why_the_crt_did_not_begin(error: Exception, kind: type[StableHTTPError]) -> None:
    """A call that fails at once raises a bare RuntimeError."""
    made = translate_start(error)

    assert type(made) is kind
    assert (made.sent, made.processed) == ("no", "no")


def test_the_name_of_an_error_is_found_in_either_form() -> None:
    assert name_of(crt("AWS_X")) == "AWS_X"
    assert name_of(RuntimeError("12 (AWS_Y): text")) == "AWS_Y"
    assert name_of(BlockingIOError()) == ""


@pytest.mark.parametrize("version", [HttpVersion.HTTP_1_1, HTTP_2], ids=str)
async def test_a_refused_connection_is_told_from_all_others(version: HttpVersion) -> None:
    scheme = "https" if version is HTTP_2 else "http"
    async with AsyncCrtConnector(versions=[version]) as connector:
        with refusing_authority() as authority, pytest.raises(ConnectRefusedError) as caught:
            await AsyncPipeline(connector).send(Request("GET", f"{scheme}://{authority}/secret?secret"))

    assert isinstance(caught.value.__cause__, AwsCrtError)
    assert "secret" not in f"{caught.value} {caught.value!r}"


async def test_an_ended_connection_of_http_2_says_why_it_ended() -> None:
    """Each stream reports the end of its connection only."""
    with Origin(Answer(raw=b"no frames at all, and long enough for one"), tls=True, http2=True) as origin:
        async with AsyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            with pytest.raises(InvalidResponseError, match="PROTOCOL_ERROR|FRAME") as caught:
                await AsyncPipeline(connector).send(Request("GET", origin.url))

    assert caught.value.processed == "maybe"


@pytest.mark.parametrize(
    ("answer", "processed"),
    [
        (Answer.failing(GoAway(0, "before"), "request"), "no"),
        (Answer.failing(ResetStream(7), "request"), "maybe"),
        (Answer.failing(ResetStream(8), "request"), "maybe"),
    ],
    ids=["GOAWAY", "REFUSED_STREAM", "CANCEL"],
)
def test_what_a_peer_promised_is_told_where_the_crt_tells_it(answer: Answer, processed: str) -> None:
    """U-E2: a GOAWAY fails those streams that will not be processed; the code of a reset is kept from us."""
    with Origin(tls=True, http2=True) as origin:
        with SyncCrtConnector(versions=[HTTP_2], settings=trusting(origin)) as connector:
            origin.script([answer])
            with pytest.raises(DisconnectedError) as caught:
                SyncPipeline(connector).send(Request("POST", origin.url, body=b"x"))
            after = SyncPipeline(connector).send(Request("GET", origin.url)).read()

    assert (caught.value.processed, after) == (processed, b"")
