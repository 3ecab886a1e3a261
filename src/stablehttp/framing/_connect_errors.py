"""Errors of the Connect protocol: as JSON, and as an exception.

Floor 2: stands on the codes and the fields of Connect.

An error in JSON has a code, perhaps a message, perhaps details.  Unknown members are ignored, `null` is the
same as absent, and a code that is missing or not known is told apart from an error that cannot be read
at all: the caller puts another code in its place but keeps the message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import final

from stablehttp._errors import Answer, StableHTTPError
from stablehttp.framing._connect_codes import ConnectCode, code_named
from stablehttp.framing._connect_metadata import FieldPairs, decode_binary_metadata, encode_binary_metadata
from stablehttp.framing._errors import StreamFormatError
from stablehttp.framing._json import as_array, as_object, as_text


@final
@dataclass(frozen=True, slots=True)
class ConnectDetail:
    """One typed message beside an error: the name of its type and its octets.

    `debug` is whatever JSON the server added for people; nothing may depend on it.
    """

    type: str
    value: bytes = field(repr=False)
    debug: object = field(default=None, repr=False, compare=False)


@final
@dataclass(frozen=True, slots=True)
class WireError:
    """An error as the peer wrote it; `code` is None where it wrote none that is known."""

    code: ConnectCode | None
    message: str | None = field(default=None, repr=False)
    details: tuple[ConnectDetail, ...] = ()


class ConnectCallError(StableHTTPError, RuntimeError):
    """A call failed: the server said so, or what it answered is not an answer.

    `code` says why.  `message` and `details` are the server's own, and `said_by_peer` tells whether the
    code is, or was inferred here.  `headers` and `trailers` are the metadata that arrived, as pairs.
    """

    sent: Answer = "yes"
    processed: Answer = "yes"
    code: ConnectCode = ConnectCode.UNKNOWN
    message: str | None = None
    details: Sequence[ConnectDetail] = ()
    said_by_peer: bool = False
    headers: FieldPairs = ()
    trailers: FieldPairs = ()


def read_wire_error(value: object) -> WireError:
    """The error that a JSON value is.

    Raises:
        StreamFormatError: it is not one: not an object, or with members of wrong types.
    """
    members = as_object(value)
    if members is None:
        raise StreamFormatError("the error of a Connect response is not a JSON object")
    message = members.get("message")
    text = as_text(message)
    if message is not None and text is None:
        raise StreamFormatError("the message of a Connect error is not a string")
    return WireError(code_named(members.get("code")), text or None, _read_details(members.get("details")))


def _read_details(value: object) -> tuple[ConnectDetail, ...]:
    if value is None:
        return ()
    details = as_array(value)
    if details is None:
        raise StreamFormatError("the details of a Connect error are not an array")
    return tuple(_read_detail(detail) for detail in details)


def _read_detail(value: object) -> ConnectDetail:
    members = as_object(value) or {}
    name, octets = as_text(members.get("type")), as_text(members.get("value"))
    if name is None or octets is None:
        raise StreamFormatError("a detail of a Connect error needs the strings 'type' and 'value'")
    return ConnectDetail(name, decode_binary_metadata(octets), members.get("debug"))


def write_wire_error(error: WireError) -> dict[str, object]:
    """The JSON object for `error`; without a code it is `unknown`."""
    members: dict[str, object] = {"code": (error.code or ConnectCode.UNKNOWN).value}
    if error.message is not None:
        members["message"] = error.message
    if error.details:
        members["details"] = [
            {"type": detail.type, "value": encode_binary_metadata(detail.value)} for detail in error.details
        ]
    return members
