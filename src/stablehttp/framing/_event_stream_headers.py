"""The headers of an event-stream message, to octets and back.

Floor 2: stands on the values of messages.

Each header is: length of name (1 octet), name, type (1 octet), value.  True and False are two types
without a value; strings and byte arrays carry a length of 2 octets, of which the format lets them use
15 bits.  It also wants at least one octet of value, but encoders in use write empty ones, so those are
taken.  All numbers are big-endian, and signed where they are values.

Source: the Amazon Event Stream Specification, part of the Smithy documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, final
from uuid import UUID

from stablehttp.framing._errors import StreamFormatError
from stablehttp.framing._event_stream_messages import LONGEST_VALUE, EventHeader, HeaderType, HeaderValue

_TRUE: Final = 0
_FALSE: Final = 1
_BYTE_ARRAY: Final = 6
_STRING: Final = 7
_UUID: Final = 9

_NUMBERS: Final[Mapping[HeaderType, tuple[int, struct.Struct]]] = MappingProxyType(
    {
        HeaderType.BYTE: (2, struct.Struct(">b")),
        HeaderType.SHORT: (3, struct.Struct(">h")),
        HeaderType.INTEGER: (4, struct.Struct(">i")),
        HeaderType.LONG: (5, struct.Struct(">q")),
        HeaderType.TIMESTAMP: (8, struct.Struct(">q")),
    }
)
_LENGTH: Final = struct.Struct(">H")


def encode_event_headers(headers: Iterable[EventHeader]) -> bytes:
    """The headers as they stand in a message; a signer of events signs exactly these octets."""
    return b"".join(_encode_header(header) for header in headers)


def _encode_header(header: EventHeader) -> bytes:
    name = header.name.encode()
    return bytes([len(name)]) + name + _encode_value(header.type, header.value)


def _encode_value(kind: HeaderType, value: HeaderValue) -> bytes:
    match value:
        case bool():
            return bytes([_TRUE if value else _FALSE])
        case int():
            number, layout = _NUMBERS[kind]
            return bytes([number]) + layout.pack(value)
        case bytes():
            return bytes([_BYTE_ARRAY]) + _LENGTH.pack(len(value)) + value
        case str():
            octets = value.encode()
            return bytes([_STRING]) + _LENGTH.pack(len(octets)) + octets
        case UUID():
            return bytes([_UUID]) + value.bytes


@final
@dataclass(slots=True)
class _Cursor:
    """A place in the octets of the headers, which nothing reads past."""

    octets: bytes
    place: int = 0

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self.octets):
            raise StreamFormatError(
                f"headers of an event-stream message end {end - len(self.octets)} octets inside a header; "
                "the peer wrote a wrong length"
            )
        taken = self.octets[self.place : end]
        self.place = end
        return taken

    def take_sized(self) -> bytes:
        (length,) = _LENGTH.unpack(self.take(_LENGTH.size))
        if length > LONGEST_VALUE:
            raise StreamFormatError(
                f"value of an event-stream header declares {length} octets; the format allows {LONGEST_VALUE}"
            )
        return self.take(int(length))

    def take_text(self, octets: bytes, what: str) -> str:
        try:
            return octets.decode()
        except UnicodeDecodeError as error:
            raise StreamFormatError(f"{what} of an event-stream header is not UTF-8 at octet {error.start}") from None


def _number_reader(kind: HeaderType, layout: struct.Struct) -> Callable[[_Cursor], tuple[HeaderType, HeaderValue]]:
    def read(cursor: _Cursor) -> tuple[HeaderType, HeaderValue]:
        (value,) = layout.unpack(cursor.take(layout.size))
        return kind, int(value)

    return read


_READERS: Final[Mapping[int, Callable[[_Cursor], tuple[HeaderType, HeaderValue]]]] = MappingProxyType(
    {
        _TRUE: lambda _: (HeaderType.BOOLEAN, True),
        _FALSE: lambda _: (HeaderType.BOOLEAN, False),
        _BYTE_ARRAY: lambda cursor: (HeaderType.BYTE_ARRAY, cursor.take_sized()),
        _STRING: lambda cursor: (HeaderType.STRING, cursor.take_text(cursor.take_sized(), "value")),
        _UUID: lambda cursor: (HeaderType.UUID, UUID(bytes=cursor.take(16))),
        **{number: _number_reader(kind, layout) for kind, (number, layout) in _NUMBERS.items()},
    }
)


def decode_event_headers(octets: bytes) -> tuple[EventHeader, ...]:
    """All headers that `octets` hold, in order.

    Raises:
        StreamFormatError: a length, a type, a name or a string is wrong, or a name stands twice.
    """
    cursor = _Cursor(octets)
    headers: dict[str, EventHeader] = {}
    while cursor.place < len(octets):
        header = _decode_header(cursor)
        if header.name in headers:
            raise StreamFormatError(f"event-stream header {header.name!r} stands twice in one message")
        headers[header.name] = header
    return tuple(headers.values())


def _decode_header(cursor: _Cursor) -> EventHeader:
    name = cursor.take_text(cursor.take(cursor.take(1)[0]), "name")
    if not name:
        raise StreamFormatError("an event-stream header has an empty name")
    number = cursor.take(1)[0]
    reader = _READERS.get(number)
    if reader is None:
        raise StreamFormatError(f"event-stream header {name!r} has the unknown type {number}; 0 to 9 are known")
    kind, value = reader(cursor)
    return EventHeader(name, kind, value)
