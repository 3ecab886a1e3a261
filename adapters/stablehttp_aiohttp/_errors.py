"""What aiohttp raises, in our words: one table, first match wins.

Whether octets can have left is not in aiohttp's exceptions; the exchange knows, because aiohttp
hands out a response object, still without a status, at the moment it writes the first octet.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import aiohttp
from aiohttp.http_exceptions import ContentLengthError, HttpProcessingError, TransferEncodingError

from stablehttp import (
    CertificateError,
    ClosedError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
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
from stablehttp.adapting import Answer


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far an exchange had come when it failed; `expected` and `received` are octets of content."""

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
    """The error of ours for what aiohttp raised; raise it from `error`."""
    if isinstance(error, StableHTTPError):
        return error
    made = _by_table(error, stage)
    if stage.status is not None:
        made.status = stage.status
    return made


def _by_table(error: BaseException, stage: Stage) -> StableHTTPError:
    for kinds, make in _TABLE:
        if isinstance(error, kinds):
            return make(error, stage)
    return TransportError(
        f"aiohttp failed with {type(error).__name__}, which it does not document", **_answers(stage)
    )


def _answers(stage: Stage) -> dict[str, Answer]:
    if stage.status is not None:
        return {"sent": "yes", "processed": "yes"}
    return {"sent": stage.sent, "processed": stage.sent}


def _os_error(error: BaseException) -> OSError | None:
    return error.os_error if isinstance(error, aiohttp.ClientConnectorError) else None
