"""What pyqwest raises, in our words: one table, first match wins.

pyqwest tells most kinds apart in its text only: "client error (Connect)" and the like are names of stages and
causes in the Rust libraries below it.  The text holds the whole URL, so what is chained as the cause is an error of
the same class that says only what follows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

from pyqwest import ConnectTimeout, ReadError, RemoteProtocolError, StreamError, StreamErrorCode, WriteError

from stablehttp import (
    CertificateError,
    ClosedError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    IncompleteResponseError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    StableHTTPError,
    TLSError,
    TransportError,
)
from stablehttp.adapting import Answer


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far an exchange had come when it failed.

    `status` is that of the response, once its head is there, and `expected` and `received` are octets of its
    content.  `secure` says that there is TLS, `wanted` what it is to agree on.
    """

    secure: bool = False
    wanted: str = "HTTP/1.1"
    connect_seconds: float | None = None
    status: int | None = None
    expected: int | None = None
    received: int = 0


Translate: TypeAlias = Callable[[BaseException, Stage], StableHTTPError]


def translate(error: Exception, stage: Stage) -> StableHTTPError:
    """The error of ours for what pyqwest raised; raise it from `retold(error)`."""
    cause = _cause(error)
    made = next(make for kinds, words, make in _TABLE if isinstance(error, kinds) and words(cause))(error, stage)
    if stage.status is not None:
        made.status = stage.status
    return made


def retold(error: Exception) -> Exception:
    """`error` without the URL, which may hold a secret: the same class, and what follows the URL."""
    cause = _cause(error)
    if cause == str(error):
        return error
    return StreamError(cause, error.code) if isinstance(error, StreamError) else type(error)(cause)


def _answers(stage: Stage) -> dict[str, Answer]:
    if stage.status is not None:
        return {"sent": "yes", "processed": "yes"}
    return {"sent": "maybe", "processed": "maybe"}


# --- before a connection was there ---------------------------------------------------------------


def _connect_timeout(_error: BaseException, stage: Stage) -> StableHTTPError:
    seconds = stage.connect_seconds
    return ConnectTimeoutError(f"no connection came about within {seconds} seconds", seconds=seconds)


def _name(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return NameResolutionError("the name of the host did not resolve")


def _certificate(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return CertificateError("the server's certificate could not be verified")


def _negotiation(_error: BaseException, stage: Stage) -> StableHTTPError:
    return not_spoken(stage.wanted)


def not_spoken(wanted: str) -> NegotiationError:
    """The server does not speak the version that is required."""
    return NegotiationError(f"the server does not speak {wanted}, which is required", wanted=(wanted,))


def _refused(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return ConnectRefusedError("the host refused the connection")


def _system_timeout(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return ConnectTimeoutError("no connection came about before the system gave up")


def _connect(error: BaseException, stage: Stage) -> StableHTTPError:
    if stage.secure and "tcp connect error" not in _cause(error):
        return TLSError("the TLS handshake failed")
    found = _OS_ERROR(_cause(error))
    return ConnectError(f"no connection came about ({found[0] if found else 'nobody says why'})")


# --- with a connection ---------------------------------------------------------------------------


def _stream(error: BaseException, stage: Stage) -> StableHTTPError:
    code = error.code if isinstance(error, StreamError) else StreamErrorCode.INTERNAL_ERROR
    if stage.status is not None:
        return incomplete(stage)
    if code is StreamErrorCode.REFUSED_STREAM or "refused by GOAWAY" in _cause(error):
        return DisconnectedError(
            "the peer refused the stream, and promised not to have acted on it", sent="maybe", processed="no"
        )
    return DisconnectedError(f"the peer reset the stream ({code.name})", **_answers(stage))


def _malformed(_error: BaseException, stage: Stage) -> StableHTTPError:
    return InvalidResponseError("the peer broke HTTP in its response", **_answers(stage))


def _disconnected(_error: BaseException, stage: Stage) -> StableHTTPError:
    if stage.status is not None:
        return incomplete(stage)
    return DisconnectedError("the connection ended before the head of a response was complete", **_answers(stage))


def incomplete(stage: Stage) -> IncompleteResponseError:
    """The content ended too early."""
    declared = "" if stage.expected is None else f" of {stage.expected}"
    return IncompleteResponseError(
        f"the content of the response ended after {stage.received}{declared} octets",
        expected=stage.expected,
        received=stage.received,
        **_answers(stage),
    )


def _closed(_error: BaseException, _stage: Stage) -> StableHTTPError:
    return ClosedError("the connector 'pyqwest' is closed; make another one")


def _unknown(error: BaseException, stage: Stage) -> StableHTTPError:
    return TransportError(f"pyqwest failed in a way it does not document: {type(error).__name__}", **_answers(stage))


# --- the table -----------------------------------------------------------------------------------

_OS_ERROR: Final = re.compile(r"os error \d+").search


def _cause(error: BaseException) -> str:
    """What a text says behind the URL that may stand in it."""
    text = str(error)
    return text.partition("): ")[2] if " for url (" in text else text


def _says(*words: str) -> Callable[[str], bool]:
    return lambda cause: any(word in cause for word in words)


def _any(_cause: str) -> bool:
    return True


_Kinds: TypeAlias = type[BaseException] | tuple[type[BaseException], ...]

_TABLE: Final[tuple[tuple[_Kinds, Callable[[str], bool], Translate], ...]] = (
    (ConnectTimeout, _any, _connect_timeout),
    (ConnectionError, _says("dns error"), _name),
    (ConnectionError, _says("invalid peer certificate"), _certificate),
    (ConnectionError, _says("NoApplicationProtocol"), _negotiation),
    (ConnectionError, _says("os error 111", "os error 61", "os error 10061"), _refused),
    (ConnectionError, _says("os error 110", "os error 60", "os error 10060"), _system_timeout),
    (ConnectionError, _any, _connect),
    (StreamError, _any, _stream),
    (
        RemoteProtocolError,
        _says("connection closed before message completed", "end of file before", "unexpected EOF"),
        _disconnected,
    ),
    (RemoteProtocolError, _any, _malformed),
    ((ReadError, WriteError), _says("frame with invalid size", "invalid chunk size"), _malformed),
    ((ReadError, WriteError, TimeoutError), _any, _disconnected),
    (RuntimeError, _says("already closed transport"), _closed),
    (BaseException, _any, _unknown),
)
