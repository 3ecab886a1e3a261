"""What went wrong below, as an error of this library: one table, first match wins.

The stage decides what can have reached the peer.  While connecting nothing can; from the first octet
handed to the system on, the answer is "maybe", and "yes" once the peer has answered with anything.
"""

from __future__ import annotations

import os
import socket
import ssl
from enum import Enum
from typing import Final, final

import h11

from stablehttp import (
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    StableHTTPError,
    TLSError,
)
from stablehttp.adapting import Answer, cause_for


@final
class Stage(Enum):
    """How far an exchange has come."""

    CONNECTING = "TCP is not there yet"
    SECURING = "TCP is there, TLS is not"
    SENT = "octets of the request may have left, nothing came back"
    ANSWERING = "octets came back, and no final status yet"
    ANSWERED = "the final status arrived"

    @property
    def sent(self) -> Answer:
        """Whether octets of the request reached the wire."""
        return _SENT.get(self, "no")

    @property
    def processed(self) -> Answer:
        """Whether the peer could have acted on the request."""
        return _PROCESSED.get(self, "no")


_SENT: Final[dict[Stage, Answer]] = {Stage.SENT: "maybe", Stage.ANSWERING: "yes", Stage.ANSWERED: "yes"}
_PROCESSED: Final[dict[Stage, Answer]] = {Stage.SENT: "maybe", Stage.ANSWERING: "maybe", Stage.ANSWERED: "yes"}

_CONNECTING: Final = frozenset({Stage.CONNECTING, Stage.SECURING})
_SECURING: Final = frozenset({Stage.SECURING})
_ANSWERED: Final = frozenset({Stage.ANSWERED})
_ALL: Final = frozenset(Stage)

_TABLE: Final[tuple[tuple[type[Exception], str, frozenset[Stage], type[StableHTTPError], str], ...]] = (
    (socket.gaierror, "", _CONNECTING, NameResolutionError, "the name of the host did not resolve"),
    (ConnectionRefusedError, "", _CONNECTING, ConnectRefusedError, "the host refused the connection"),
    (TimeoutError, "", _CONNECTING, ConnectTimeoutError, "no connection came about in time"),
    (ssl.SSLCertVerificationError, "", _ALL, CertificateError, "the certificate of the host could not be verified"),
    (ssl.SSLError, "NO_APPLICATION_PROTOCOL", _ALL, NegotiationError, "the host does not speak HTTP/1.1"),
    (ssl.SSLError, "", _CONNECTING, TLSError, "the TLS handshake failed"),
    (OSError, "", _SECURING, TLSError, "the connection ended during the TLS handshake"),
    (ValueError, "", _SECURING, TLSError, "TLS cannot name the host"),
    (OSError, "", _CONNECTING, ConnectError, "no connection came about"),
    (ssl.SSLError, "CERTIFICATE", _ALL, TLSError, "the host refused the TLS connection"),
    (OSError, "", _ALL, DisconnectedError, "the connection broke"),
    (h11.RemoteProtocolError, "", _ANSWERED, InvalidResponseError, "the peer broke the chunked coding (RFC 9112 §7.1)"),
    (h11.RemoteProtocolError, "", _ALL, InvalidResponseError, "the peer sent something that is no HTTP/1.1 response"),
)
"""Foreign type, a word in its reason, stages, our type, and what we say."""


def translate(error: Exception, stage: Stage) -> StableHTTPError | None:
    """The error of ours that `error` means at this stage, with its cause; None if it is ours already."""
    if isinstance(error, StableHTTPError):
        return None
    reason = _reason(error)
    for foreign, word, stages, ours, text in _TABLE:
        if isinstance(error, foreign) and word in reason and stage in stages:
            parts: dict[str, object] = {"wanted": ("HTTP/1.1",)} if ours is NegotiationError else {}
            made = ours(f"{text}{_detail(error)}", sent=stage.sent, processed=stage.processed, **parts)
            made.__cause__ = cause_for(made, error)
            return made
    return None


def _reason(error: Exception) -> str:
    """OpenSSL's name for what went wrong; for what Python has no name for, made from the text."""
    if not isinstance(error, ssl.SSLError):
        return ""
    return error.reason or str(error).upper().replace(" ", "_")


def _detail(error: Exception) -> str:
    """What the system says about it; h11 would quote the peer, which may hold secrets."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f": {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f": {error.reason}" if error.reason else ""
    if isinstance(error, socket.gaierror):
        return f": {error.strerror}" if error.strerror else ""
    if isinstance(error, OSError) and error.errno:
        return f": {os.strerror(error.errno)}"
    return ""


def no_answer(error: OSError | None, stage: Stage) -> StableHTTPError:
    """The error for a connection that ended before the head of a final response, in good order or by `error`."""
    broken = None if error is None else translate(error, stage)
    if broken is not None:
        return broken
    return DisconnectedError(
        "the peer closed the connection "
        + ("before it answered" if stage is Stage.SENT else "in the middle of the head of its response"),
        sent=stage.sent,
        processed=stage.processed,
    )


_ORDER: Final[tuple[Answer, ...]] = ("no", "maybe", "yes")


def admit(error: StableHTTPError, stage: Stage) -> None:
    """Have `error` say at least what is known at this stage of what the peer can have seen and done."""
    error.sent = _more_certain(error.sent, stage.sent)
    error.processed = _more_certain(error.processed, stage.processed)


def _more_certain(one: Answer, other: Answer) -> Answer:
    return _ORDER[max(_ORDER.index(one), _ORDER.index(other))]
