"""The codes of the Connect protocol, and which one an HTTP status stands for.

Floor 2: stands on nothing.

Source: https://connectrpc.com/docs/protocol, "Error Codes" and "HTTP to Error Code".  The second table
is for responses without a code of their own; a status that it does not name is `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, final


@final
class ConnectCode(StrEnum):
    """Why a call failed.  There are no others; what a peer invents is `unknown`."""

    CANCELED = "canceled"
    UNKNOWN = "unknown"
    INVALID_ARGUMENT = "invalid_argument"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    PERMISSION_DENIED = "permission_denied"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    FAILED_PRECONDITION = "failed_precondition"
    ABORTED = "aborted"
    OUT_OF_RANGE = "out_of_range"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"
    UNAVAILABLE = "unavailable"
    DATA_LOSS = "data_loss"
    UNAUTHENTICATED = "unauthenticated"


CODE_OF_STATUS: Final[Mapping[int, ConnectCode]] = MappingProxyType(
    {
        400: ConnectCode.INTERNAL,
        401: ConnectCode.UNAUTHENTICATED,
        403: ConnectCode.PERMISSION_DENIED,
        404: ConnectCode.UNIMPLEMENTED,
        429: ConnectCode.UNAVAILABLE,
        502: ConnectCode.UNAVAILABLE,
        503: ConnectCode.UNAVAILABLE,
        504: ConnectCode.UNAVAILABLE,
    }
)


def code_of_status(status: int) -> ConnectCode:
    """The code that a response of `status` stands for when it names none itself."""
    return CODE_OF_STATUS.get(status, ConnectCode.UNKNOWN)


def code_named(name: object) -> ConnectCode | None:
    """The code called `name`, or None if that is not the name of one."""
    return next((code for code in ConnectCode if code.value == name), None)
