"""The fields of a Connect call: what to send, and how to read what came.

Floor 2: stands on the errors of this package.

Fields are plain pairs of name and value here, in order, repeated where they repeat; names are compared
without case.  Custom names that end in `-bin` hold base64; names that begin with `connect-` belong to
the protocol.
"""

from __future__ import annotations

import binascii
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

from stablehttp.framing._errors import InvalidFrameError, StreamFormatError

FieldPair: TypeAlias = tuple[str, str]
FieldPairs: TypeAlias = tuple[FieldPair, ...]

StreamKind: TypeAlias = Literal["unary", "client", "server", "bidi"]
"""Who sends a stream of messages: nobody, the client, the server, or both."""

TIMEOUT_FIELD: Final = "connect-timeout-ms"
VERSION_FIELD: Final = "connect-protocol-version"
TRAILER_PREFIX: Final = "trailer-"

_LONGEST_TIMEOUT: Final = 9_999_999_999
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}").fullmatch


def media_type(value: str) -> str:
    """The media type in a Content-Type value, in lower case and without parameters."""
    return value.partition(";")[0].strip(" \t").lower()


def connect_content_type(codec: str, kind: StreamKind) -> str:
    """The content type of a call of `kind` whose messages `codec` writes, "proto" or "json" for example."""
    return f"application/{codec}" if kind == "unary" else f"application/connect+{codec}"


def matches_content_type(value: str, codec: str, kind: StreamKind) -> bool:
    """Whether a Content-Type value is the one of such a call; parameters and case make no difference."""
    return media_type(value) == connect_content_type(codec, kind).lower()


def encoding_field(kind: StreamKind) -> str:
    """The field that names the compression of a call of `kind`."""
    return "content-encoding" if kind == "unary" else "connect-content-encoding"


def accept_encoding_field(kind: StreamKind) -> str:
    """The field that names the compressions a client can read."""
    return "accept-encoding" if kind == "unary" else "connect-accept-encoding"


def values_of(fields: Iterable[FieldPair], name: str) -> list[str]:
    """The values of all lines called `name`, which must be in lower case."""
    return [value for line_name, value in fields if line_name.lower() == name]


def encode_timeout(seconds: float) -> str | None:
    """The value of `connect-timeout-ms`, or None where the field must be left out.

    The field holds at most ten digits; a longer time, 115 days, is as good as none.  A time is cut to
    whole milliseconds and is never less than one.

    Raises:
        InvalidFrameError: `seconds` is not more than 0.
    """
    if not seconds > 0:
        raise InvalidFrameError(f"a timeout of {seconds} seconds is over before the call begins; give more than 0")
    if math.isinf(seconds) or seconds * 1000 > _LONGEST_TIMEOUT:
        return None
    return str(max(1, int(seconds * 1000)))


def make_call_fields(
    codec: str,
    kind: StreamKind,
    *,
    timeout: float | None = None,
    encoding: str | None = None,
    accepted: Sequence[str] = (),
) -> FieldPairs:
    """The fields that the protocol wants in the request of a call; the caller adds metadata.

    `encoding` names the compression of what is sent, `accepted` those that can be read, best first.

    Raises:
        InvalidFrameError: the timeout is not more than 0.
    """
    fields = [("content-type", connect_content_type(codec, kind)), (VERSION_FIELD, "1")]
    value = encode_timeout(timeout) if timeout is not None else None
    if value is not None:
        fields.append((TIMEOUT_FIELD, value))
    if encoding is not None:
        fields.append((encoding_field(kind), encoding))
    if kind != "unary":
        fields.append(("accept-encoding", "identity"))
    if accepted:
        fields.append((accept_encoding_field(kind), ", ".join(accepted)))
    return tuple(fields)


def split_trailers(fields: Iterable[FieldPair]) -> tuple[FieldPairs, FieldPairs]:
    """The fields of a unary response, as headers and as trailers with the prefix taken off."""
    headers: list[FieldPair] = []
    trailers: list[FieldPair] = []
    for name, value in fields:
        if name.lower().startswith(TRAILER_PREFIX) and len(name) > len(TRAILER_PREFIX):
            trailers.append((name[len(TRAILER_PREFIX) :], value))
        else:
            headers.append((name, value))
    return tuple(headers), tuple(trailers)


def encode_binary_metadata(octets: bytes) -> str:
    """The value of a field whose name ends in `-bin`: base64 without padding."""
    return b64encode(octets).decode().rstrip("=")


def decode_binary_metadata(value: str) -> bytes:
    """The octets in one value of a field whose name ends in `-bin`, padded or not.

    Values that were joined by commas must be taken apart first.

    Raises:
        StreamFormatError: it is not base64.
    """
    bare = value.rstrip("=")
    try:
        if _BASE64(value) is None:
            raise binascii.Error
        return b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except binascii.Error:
        raise StreamFormatError(f"binary metadata of {len(value)} characters is not base64 (RFC 4648 §4)") from None
