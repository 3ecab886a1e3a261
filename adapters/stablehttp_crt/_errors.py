"""What the CRT reports, as an error of this library: two tables, first match wins.

The CRT says what failed and rarely how far the request had come, so the stage is told by the caller:
an `Opening` knows that no octet of a request can have left, an `Exchange` whether a status arrived.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from awscrt.exceptions import AwsCrtError

from stablehttp import (
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    IncompleteResponseError,
    InvalidMessageError,
    InvalidResponseError,
    NameResolutionError,
    StableHTTPError,
    TLSError,
    TransportError,
)
from stablehttp.adapting import Answer

Row: TypeAlias = tuple[str, type[StableHTTPError], str]
"""A pattern for the whole name of an error of the CRT, our error, and what we say."""

CONNECTION_CLOSED: Final = "AWS_ERROR_HTTP_CONNECTION_CLOSED"
"""What every stream of an HTTP/2 connection reports that ended; the connection itself knows why."""

TOO_MANY_STREAMS: Final = "AWS_ERROR_HTTP_MAX_CONCURRENT_STREAMS_EXCEEDED"
"""The CRT refused to begin a stream, because the peer allows no more at a time; nothing was sent."""

_UNASKED: Final = "AWS_ERROR_INVALID_STATE"
"""Octets came on an HTTP/1.1 connection before the CRT had begun to send this request: those of an earlier response."""

_NOT_SENT: Final = (TOO_MANY_STREAMS, "AWS_ERROR_HTTP_STREAM_IDS_EXHAUSTED", _UNASKED)
_NOT_PROCESSED: Final = (*_NOT_SENT, "AWS_ERROR_HTTP_GOAWAY_RECEIVED")
"""GOAWAY fails a stream only if the peer promised not to process it (RFC 9113 §6.8)."""

_CERTIFICATE: Final = (
    r"AWS_IO_TLS_(UNKNOWN_ROOT_CERTIFICATE|NO_ROOT_CERTIFICATE_FOUND|CERTIFICATE_\w+|BAD_\w*CERTIFICATE"
    r"|PEER_CERTIFICATE_\w+|HOST_NAME_MISMATCH|INVALID_CERTIFICATE_CHAIN)"
)
_MALFORMED: Final = (
    r"AWS_ERROR_HTTP_(PROTOCOL_ERROR|INVALID_\w+|SWITCHED_PROTOCOLS|PROTOCOL_SWITCH_FAILURE)"
    r"|AWS_ERROR_SHORT_BUFFER|AWS_ERROR_OVERFLOW_DETECTED"
)
_OPENING: Final[tuple[Row, ...]] = (
    (r"AWS_IO_DNS_\w+", NameResolutionError, "the name of the host did not resolve"),
    (r"AWS_IO_SOCKET_CONNECTION_REFUSED", ConnectRefusedError, "the host refused the connection"),
    (r"AWS_IO_SOCKET_TIMEOUT", ConnectTimeoutError, "no connection came about in time"),
    (r"AWS_IO_TLS_NEGOTIATION_TIMEOUT", ConnectTimeoutError, "the TLS handshake took too long"),
    (r"AWS_ERROR_HTTP_PROXY_\w+", ConnectError, "the proxy did not open a tunnel to the host"),
    (_CERTIFICATE, CertificateError, "the certificate of the host could not be verified"),
    (r"AWS_IO_TLS_\w+", TLSError, "the TLS handshake failed"),
)
_EXCHANGE: Final[tuple[Row, ...]] = (
    (
        r"AWS_ERROR_UNKNOWN",
        InvalidResponseError,
        "the peer sent a field value that is not UTF-8, which awscrt cannot receive",
    ),
    (
        _MALFORMED,
        InvalidResponseError,
        "the peer sent something that is no valid response",
    ),
    (_UNASKED, DisconnectedError, "the peer had sent more than it was asked for on this connection"),
    (TOO_MANY_STREAMS, TransportError, "the peer takes no more requests on this connection at a time"),
    (r"AWS_ERROR_HTTP_GOAWAY_RECEIVED", DisconnectedError, "the peer takes no more requests on this connection"),
    (r"AWS_ERROR_HTTP_RST_STREAM_RECEIVED", DisconnectedError, "the peer gave up the exchange"),
    (r"\w*", DisconnectedError, "the connection ended"),
)

_NAME_IN_TEXT = re.compile(r"\d+ \((AWS_\w+)\)").match


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an exchange had come, and whether it `shared` the connection that failed with others."""

    status: int | None = None
    expected: int | None = None
    received: int = 0
    shared: bool = False


def name_of(error: BaseException) -> str:
    """The CRT's name for what went wrong; `""` if it is no error of the CRT.

    A call that fails at once raises a bare RuntimeError with the number and the name in its text.
    """
    if isinstance(error, AwsCrtError):
        return error.name
    found = _NAME_IN_TEXT(str(error)) if isinstance(error, RuntimeError) else None
    return found[1] if found else ""


def translate_opening(error: BaseException, *, secure: bool) -> StableHTTPError:
    """Why no connection came about; with `secure`, one that ended by itself ended in the TLS handshake."""
    name = name_of(error)
    for pattern, kind, text in _OPENING:
        if re.fullmatch(pattern, name):
            return _caused(kind(f"{text}{_detail(name)}"), error)
    if secure:
        return _caused(TLSError(f"the connection ended during the TLS handshake{_detail(name)}"), error)
    return _caused(ConnectError(f"no connection came about{_detail(name)}"), error)


def translate_start(error: BaseException) -> StableHTTPError:
    """Why the CRT did not even begin an exchange; nothing was sent."""
    name = name_of(error)
    if "_INVALID_" in name or isinstance(error, (UnicodeError, ValueError)):
        return _caused(InvalidMessageError(f"awscrt refuses to send the request{_detail(name)}"), error)
    return _caused(
        DisconnectedError(f"the connection ended before the request{_detail(name)}", sent="no", processed="no"), error
    )


def translate_exchange(error: BaseException, progress: Progress) -> StableHTTPError:
    """Why an exchange ended before its response was complete."""
    name = name_of(error)
    kind, text = next((kind, text) for pattern, kind, text in _EXCHANGE if re.fullmatch(pattern, name))
    if progress.status is not None:
        if kind is DisconnectedError or _fell_short(name, progress):
            return _caused(incomplete(progress, _detail(name)), error)
        return _caused(kind(f"{text}{_detail(name)}", sent="yes", processed="yes", status=progress.status), error)
    if kind is InvalidResponseError and progress.shared:
        text = "the peer broke the rules of the connection, perhaps in answer to another request"
    answered = kind is InvalidResponseError and not progress.shared
    sent: Answer = "no" if name in _NOT_SENT else "yes" if answered else "maybe"
    processed: Answer = "no" if name in _NOT_PROCESSED else "maybe"
    return _caused(kind(f"{text}{_detail(name)}", sent=sent, processed=processed), error)


def incomplete(progress: Progress, detail: str = "") -> IncompleteResponseError:
    """The error for content that ended too early."""
    declared = "" if progress.expected is None else f" of {progress.expected}"
    return IncompleteResponseError(
        f"the response ended after {progress.received}{declared} octets of content{detail}",
        expected=progress.expected,
        received=progress.received,
        status=progress.status,
    )


def _fell_short(name: str, progress: Progress) -> bool:
    """Whether content was shorter than declared: the CRT has one name for that and for all else that is malformed.

    An HTTP/2 frame that goes beyond the declared length is not delivered, so nothing received is no proof.
    """
    expected = progress.expected
    return name.endswith("PROTOCOL_ERROR") and expected is not None and 0 < progress.received < expected


def _detail(name: str) -> str:
    return f" ({name})" if name else ""


def _caused(made: StableHTTPError, error: BaseException) -> StableHTTPError:
    made.__cause__ = error
    return made
