"""What aiohttp raises, in our words: one table, first match wins.

Whether octets can have left is not in aiohttp's exceptions; the exchange knows, because aiohttp
makes the response object, still without a status, when it writes the first octet.

No text of aiohttp's is repeated: it may hold field values and the whole URL.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientPayloadError,
    ClientResponseError,
    ConnectionTimeoutError,
    InvalidURL,
    ServerDisconnectedError,
    ServerFingerprintMismatch,
    ServerTimeoutError,
)
from aiohttp.http_exceptions import HttpProcessingError

from stablehttp import (
    CertificateError,
    ClosedError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    InvalidURIError,
    NameResolutionError,
    NegotiationError,
    ReadTimeoutError,
    StableHTTPError,
    TLSError,
    TransportError,
)
from stablehttp.adapting import Answer, cause_for


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far an exchange had come when it failed.

    `sent` says whether octets can have left.  `status` is that of the response, once its head is there, and
    `expected` and `received` are octets of its content.  `closed` says that the connector was closed.
    """

    sent: Answer
    secure: bool
    closed: bool
    connect_seconds: float | None
    read_seconds: float | None
    status: int | None = None
    expected: int | None = None
    received: int = 0


Translate: TypeAlias = Callable[[BaseException, Stage], StableHTTPError]


def translate(error: Exception, stage: Stage) -> StableHTTPError:
    """The error of ours for what aiohttp raised; raise it from `cause_of`."""
    make = _closed if stage.closed else next(make for kinds, make in _TABLE if isinstance(error, kinds))
    made = make(error, stage)
    if stage.status is not None:
        made.status = stage.status
    return made


def cause_of(told: StableHTTPError, error: BaseException) -> BaseException | None:
    """What to raise `told` from: `error`, or None where its text holds a head that had arrived, or the whole URL."""
    holds_head = isinstance(error, ServerDisconnectedError) and not isinstance(error.message, str)
    return None if holds_head or isinstance(error, InvalidURL) else cause_for(told, error)


def _closed(_error: BaseException, stage: Stage) -> StableHTTPError:
    return ClosedError("the connector was closed while the exchange was under way", **_answers(stage))


def _answers(stage: Stage) -> dict[str, Answer]:
    if stage.status is not None:
        return {"sent": "yes", "processed": "yes"}
    return {"sent": stage.sent, "processed": stage.sent}


def _cause(error: BaseException) -> BaseException | None:
    return error.os_error if isinstance(error, ClientConnectorError) else error.__cause__


# --- before a connection was there ---------------------------------------------------------------


def _certificate(error: BaseException, _stage: Stage) -> StableHTTPError:
    cause = error.certificate_error if isinstance(error, ClientConnectorCertificateError) else None
    why = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else "it is not the pinned one"
    return CertificateError(f"the server's certificate could not be verified: {why}")


def _handshake(error: BaseException, _stage: Stage) -> StableHTTPError:
    reason = _reason(_cause(error)) or "the connection ended"
    if reason == "no application protocol":
        wanted = HttpVersion.HTTP_1_1.value
        return NegotiationError(f"the server does not speak {wanted}, which is required", wanted=(wanted,))
    return TLSError(f"the TLS handshake failed ({reason})")


def _reason(error: BaseException | None) -> str:
    """What OpenSSL says, in words; it leaves the attribute out where it has nothing to say."""
    reason: object = getattr(error, "reason", None)
    words = reason.lower().replace("_", " ") if isinstance(reason, str) and isinstance(error, ssl.SSLError) else ""
    return words.removeprefix("tlsv1 alert ").removeprefix("tlsv13 alert ")


def _name(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return NameResolutionError("the name of the host did not resolve")


def _connect(error: BaseException, stage: Stage) -> StableHTTPError:
    cause = _cause(error)
    code = cause.errno if isinstance(cause, OSError) else None
    if code == errno.ECONNREFUSED:
        return ConnectRefusedError("the host refused the connection")
    if code == errno.ETIMEDOUT:
        return ConnectTimeoutError("no connection came about before the system gave up")
    if isinstance(cause, (ConnectionResetError, ConnectionAbortedError)):
        if stage.secure:
            return _handshake(error, stage)
        return DisconnectedError("the connection ended as soon as it was there", **_answers(stage))
    return ConnectError(f"no connection came about ({os.strerror(code) if code else 'nobody says why'})")


def _connect_timeout(_error: BaseException, stage: Stage) -> StableHTTPError:
    seconds = stage.connect_seconds
    return ConnectTimeoutError(f"no connection came about within {seconds} seconds", seconds=seconds)


def _address(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return InvalidURIError("aiohttp does not connect to this host")


# --- with a connection ---------------------------------------------------------------------------


def _read_timeout(_error: BaseException, stage: Stage) -> StableHTTPError:
    return read_timed_out(stage)


def read_timed_out(stage: Stage) -> ReadTimeoutError:
    """The peer was silent for too long."""
    seconds = stage.read_seconds
    return ReadTimeoutError(f"the peer sent nothing for {seconds} seconds", seconds=seconds, **_answers(stage))


def _content(error: BaseException, stage: Stage) -> StableHTTPError:
    cause = error.__cause__
    if isinstance(cause, HttpProcessingError) and "Not enough data" not in cause.message:
        return _malformed(error, stage)
    return incomplete(stage)


def incomplete(stage: Stage) -> IncompleteResponseError:
    """The content ended too early."""
    declared = "its end" if stage.expected is None else f"{stage.expected}"
    return IncompleteResponseError(
        f"the response ended after {stage.received} octets of content, before {declared}",
        expected=stage.expected,
        received=stage.received,
    )


def _malformed(_error: BaseException, stage: Stage) -> StableHTTPError:
    if stage.status is None:
        return InvalidResponseError("what the peer sent is not the head of a response that HTTP allows")
    return InvalidResponseError("the framing of the content is not one that HTTP allows", processed="yes")


def _disconnected(error: BaseException, stage: Stage) -> StableHTTPError:
    if isinstance(error.__cause__, ssl.SSLError):
        reason = _reason(error.__cause__) or "nobody says why"
        return TLSError(f"TLS failed after the handshake ({reason})", **_answers(stage))
    if stage.status is not None:
        return incomplete(stage)
    return DisconnectedError("the connection ended before the head of a response was complete", **_answers(stage))


def _unknown(error: BaseException, stage: Stage) -> StableHTTPError:
    return TransportError(f"aiohttp failed in a way it does not document: {type(error).__name__}", **_answers(stage))


_TABLE: Final[tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Translate], ...]] = (
    ((ClientConnectorCertificateError, ServerFingerprintMismatch), _certificate),
    (ClientConnectorSSLError, _handshake),
    (ClientConnectorDNSError, _name),
    (ClientConnectorError, _connect),
    (ConnectionTimeoutError, _connect_timeout),
    (ServerTimeoutError, _read_timeout),
    (InvalidURL, _address),
    (ClientPayloadError, _content),
    ((ClientResponseError, HttpProcessingError), _malformed),
    ((ClientConnectionError, OSError, EOFError), _disconnected),
    (AttributeError, _disconnected),  # of the None that aiohttp has for a connection that ended before it waits for it
    (BaseException, _unknown),
)
