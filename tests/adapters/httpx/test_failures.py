"""What httpx raises, in our words, row by row; the contract plays the faults themselves."""

from __future__ import annotations

import socket
import ssl
import time
from types import SimpleNamespace

import h2.events
import h2.exceptions
import httpx
import pytest

from stablehttp import (
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    PoolTimeoutError,
    ReadTimeoutError,
    StableHTTPError,
    Timeouts,
    TLSError,
    TotalTimeoutError,
    TransportError,
    WriteTimeoutError,
)
from stablehttp_httpx._errors import Content, translate
from stablehttp_httpx._limits import NO_TIMEOUTS, OutOfTimeError, Ration, limits_of
from stablehttp_httpx._progress import Progress, Route, Stage

ONE, TWO = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


def progress(
    stage: Stage = Stage.QUEUED,
    version: HttpVersion | None = None,
    timeouts: Timeouts = NO_TIMEOUTS,
    secure: bool = False,
) -> Progress:
    """An exchange that has come to `stage`."""
    route = Route(versions=(ONE, TWO), own=True, queues=False, proxied=False)
    made = Progress(Ration(limits_of(timeouts, 3.0)), route, secure=secure, connect=None)
    made.stage, made.version, made.told = stage, version, True
    return made


def raised(error: Exception, below: BaseException) -> Exception:
    """`error` as the client raises it: what was below it only as context."""
    error.__context__ = below
    return error


def verification() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def no_protocol() -> ssl.SSLError:
    error = ssl.SSLError(1, "alert")
    error.reason = "TLSV1_ALERT_NO_APPLICATION_PROTOCOL"
    return error


def event(made: object, **parts: object) -> object:
    for name, value in parts.items():
        setattr(made, name, value)
    return made


def reset(code: int, remote: bool = True) -> httpx.RemoteProtocolError:
    made = h2.events.StreamReset.__new__(h2.events.StreamReset)
    return httpx.RemoteProtocolError(event(made, stream_id=3, error_code=code, remote_reset=remote))  # type: ignore[arg-type]


def goaway(last: int) -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError(event(h2.events.ConnectionTerminated(), last_stream_id=last, error_code=0))  # type: ignore[arg-type]


BEFORE = {
    "a name that does not resolve": (
        raised(httpx.ConnectError(""), socket.gaierror(-2, "unknown")),
        NameResolutionError,
    ),
    "a name that cannot be one": (raised(httpx.ConnectError(""), UnicodeError("label too long")), NameResolutionError),
    "a refusal": (raised(httpx.ConnectError(""), ConnectionRefusedError(111, "refused")), ConnectRefusedError),
    "a refusal in a group": (
        raised(httpx.ConnectError(""), ExceptionGroup("all", [OSError(), ConnectionRefusedError()])),
        ConnectRefusedError,
    ),
    "a certificate": (raised(httpx.ConnectError(""), verification()), CertificateError),
    "a handshake": (raised(httpx.ConnectError(""), ssl.SSLError(1, "wrong version")), TLSError),
    "no common protocol": (raised(httpx.ConnectError(""), no_protocol()), NegotiationError),
    "no way there": (raised(httpx.ConnectError(""), OSError(101, "unreachable")), ConnectError),
    "a proxy that declines": (httpx.ProxyError("407 no"), ConnectError),
    "no time to connect": (httpx.ConnectTimeout(""), ConnectTimeoutError),
    "no place in the pool": (httpx.PoolTimeout(""), PoolTimeoutError),
    "our own limit": (OutOfTimeError("pool", 1.0), PoolTimeoutError),
}


@pytest.mark.parametrize(("error", "kind"), BEFORE.values(), ids=BEFORE.keys())
def test_before_the_head_goes_out_nothing_was_sent(error: Exception, kind: type[StableHTTPError]) -> None:
    """U-E3."""
    made = translate(error, progress(Stage.CONNECTING))

    assert type(made) is kind
    assert (made.sent, made.processed) == ("no", "no")


AFTER = {
    "the connection was reset": (httpx.ReadError("reset"), ONE, DisconnectedError, "maybe"),
    "the connection ended": (httpx.RemoteProtocolError("Server disconnected"), TWO, DisconnectedError, "maybe"),
    "something else came": (httpx.RemoteProtocolError("illegal status line"), ONE, InvalidResponseError, "maybe"),
    "a refused stream": (reset(7), TWO, DisconnectedError, "no"),
    "a cancelled stream": (reset(8), TWO, DisconnectedError, "maybe"),
    "a stream that h2 reset": (reset(1, remote=False), TWO, InvalidResponseError, "maybe"),
    "a shutdown before the stream": (goaway(1), TWO, DisconnectedError, "no"),
    "a shutdown after the stream": (goaway(3), TWO, DisconnectedError, "maybe"),
    "a status that is no number": (ValueError("invalid literal for int()"), TWO, InvalidResponseError, "maybe"),
    "no answer in time": (httpx.ReadTimeout(""), ONE, ReadTimeoutError, "maybe"),
    "nobody knows": (KeyError(3), ONE, TransportError, "maybe"),
}


@pytest.mark.parametrize(("error", "version", "kind", "processed"), AFTER.values(), ids=AFTER.keys())
def test_after_the_head_went_out_it_may_have_been_processed_unless_the_peer_says_not(
    error: Exception, version: HttpVersion, kind: type[StableHTTPError], processed: str
) -> None:
    """U-E2."""
    stands = progress(Stage.WAITING, version)
    stands.stream_id = 3

    made = translate(error, stands)

    assert type(made) is kind
    assert made.sent != "no"
    assert made.processed == processed


IN_CONTENT = {
    "the connection was reset": (httpx.ReadError("reset"), IncompleteResponseError),
    "the connection ended": (
        httpx.RemoteProtocolError("peer closed connection without sending complete message body (received 3)"),
        IncompleteResponseError,
    ),
    "a chunk was malformed": (httpx.RemoteProtocolError("illegal chunk header"), InvalidResponseError),
    "the stream was reset": (reset(7), IncompleteResponseError),
    "the server shut down": (goaway(1), IncompleteResponseError),
    "h2 counted less": (h2.exceptions.InvalidBodyLengthError(10, 3), IncompleteResponseError),
    "h2 counted more": (h2.exceptions.InvalidBodyLengthError(3, 10), InvalidResponseError),
    "h2 saw a violation": (h2.exceptions.FlowControlError("window"), InvalidResponseError),
    "a pause was too long": (httpx.ReadTimeout(""), ReadTimeoutError),
}


@pytest.mark.parametrize(("error", "kind"), IN_CONTENT.values(), ids=IN_CONTENT.keys())
def test_once_a_status_came_the_request_was_processed(error: Exception, kind: type[StableHTTPError]) -> None:
    stands = progress(Stage.RECEIVING, TWO)

    made = translate(error, stands, Content(expected=10, received=3))

    assert type(made) is kind
    assert (made.sent, made.processed) == ("yes", "yes")
    if isinstance(made, IncompleteResponseError):
        assert (made.expected, made.received) == (10, 3)


def test_a_client_that_refuses_to_write_the_head_has_sent_nothing() -> None:
    error = raised(httpx.LocalProtocolError(""), h2.exceptions.TooManyStreamsError("Max outbound streams is 1"))

    made = translate(error, progress(Stage.HEAD, TWO))

    assert (made.sent, made.processed) == ("no", "no")
    assert "no free stream" in str(made)


def test_a_stream_that_is_gone_while_content_is_sent_is_a_disconnection() -> None:
    error = raised(httpx.LocalProtocolError(""), h2.exceptions.StreamClosedError(3))

    assert type(translate(error, progress(Stage.CONTENT, TWO))) is DisconnectedError


def test_a_pause_while_content_is_sent_is_one_of_writing() -> None:
    """Over HTTP/2 the client reads where it waits for leave to send more."""
    made = translate(httpx.ReadTimeout(""), progress(Stage.CONTENT, TWO, Timeouts(write=2.0)))

    assert type(made) is WriteTimeoutError
    assert made.seconds == 2.0


def test_a_total_that_is_used_up_is_said_before_any_other_limit() -> None:
    stands = progress(Stage.WAITING, ONE, Timeouts(read=9.0, total=0.001))
    time.sleep(0.002)

    assert type(translate(httpx.ReadTimeout(""), stands)) is TotalTimeoutError


def test_without_a_trace_only_what_cannot_be_otherwise_says_that_nothing_was_sent() -> None:
    """A transport that was lent may tell nothing."""
    stands = progress()
    stands.told = False

    assert translate(httpx.ConnectError(""), stands).sent == "no"
    assert translate(httpx.ReadError(""), stands).sent == "maybe"
    assert translate(RuntimeError(), stands).sent == "maybe"


def test_an_end_during_the_handshake_is_one_of_tls() -> None:
    stands = progress(Stage.CONNECTED, secure=True)
    stands.stream = SimpleNamespace(get_extra_info=lambda info: None)

    assert type(translate(httpx.ConnectError(""), stands)) is TLSError


def test_an_error_of_ours_is_given_back_as_it_is() -> None:
    error = DisconnectedError("ours")

    assert translate(error, progress()) is error


def test_nothing_that_a_peer_wrote_goes_into_a_text() -> None:
    """U-E6."""
    made = translate(httpx.RemoteProtocolError("illegal status line: secret"), progress(Stage.WAITING, ONE))

    assert "secret" not in str(made)
