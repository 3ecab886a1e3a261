"""Messages of an Amazon event stream, as values.

Floor 2: stands on the errors of this package.

A header has one of nine types, and its Python type does not tell which (four are `int`), so it says so
itself.  What cannot be written cannot be built: a value outside its type, a name that is empty or too
long, a name twice.  The words `headers` and `payload` are those of the format; these headers have
nothing to do with HTTP fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Final, Self, TypeAlias, final
from uuid import UUID

from stablehttp.framing._errors import InvalidFrameError

HeaderValue: TypeAlias = bool | int | bytes | str | UUID

LONGEST_NAME: Final = 0xFF
LONGEST_VALUE: Final = 0x7FFF

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@final
class HeaderType(Enum):
    """The type of a header's value; a timestamp is an `int`, milliseconds since 1970 in UTC."""

    BOOLEAN = "bool"
    BYTE = "byte"
    SHORT = "short"
    INTEGER = "integer"
    LONG = "long"
    BYTE_ARRAY = "byte_array"
    STRING = "string"
    TIMESTAMP = "timestamp"
    UUID = "uuid"

    def __repr__(self) -> str:
        return f"HeaderType.{self.name}"


def _is_integer(bits: int) -> Callable[[object], bool]:
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_string(value: object) -> bool:
    return isinstance(value, str) and 0 <= octets_of(value) <= LONGEST_VALUE


def _is_byte_array(value: object) -> bool:
    return isinstance(value, bytes) and len(value) <= LONGEST_VALUE


_FITS: Final[Mapping[HeaderType, tuple[Callable[[object], bool], str]]] = MappingProxyType(
    {
        HeaderType.BOOLEAN: (lambda value: isinstance(value, bool), "True or False"),
        HeaderType.BYTE: (_is_integer(8), "an int of 8 bits"),
        HeaderType.SHORT: (_is_integer(16), "an int of 16 bits"),
        HeaderType.INTEGER: (_is_integer(32), "an int of 32 bits"),
        HeaderType.LONG: (_is_integer(64), "an int of 64 bits"),
        HeaderType.BYTE_ARRAY: (_is_byte_array, f"bytes, at most {LONGEST_VALUE}"),
        HeaderType.STRING: (_is_string, f"a str of at most {LONGEST_VALUE} octets in UTF-8"),
        HeaderType.TIMESTAMP: (_is_integer(64), "milliseconds since 1970, an int of 64 bits"),
        HeaderType.UUID: (lambda value: isinstance(value, UUID), "a uuid.UUID"),
    }
)


def octets_of(text: str) -> int:
    """How many octets `text` has in UTF-8, or -1 if it holds a lone surrogate and has none."""
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        return -1


@final
@dataclass(frozen=True, slots=True)
class EventHeader:
    """One header of an event-stream message.

    Raises:
        InvalidFrameError: the name is empty, too long or not encodable, or the value does not fit
            the type.
    """

    name: str
    type: HeaderType
    value: HeaderValue

    def __post_init__(self) -> None:
        if not 1 <= octets_of(self.name) <= LONGEST_NAME:
            raise InvalidFrameError(
                f"name of event-stream header {self.name[:40]!r} must have 1 to {LONGEST_NAME} octets in UTF-8; "
                "give another name"
            )
        fits, wanted = _FITS[self.type]
        if not fits(self.value):
            raise InvalidFrameError(
                f"value of event-stream header {self.name!r} does not fit {self.type!r}, which takes {wanted}; "
                "convert it, or name another type"
            )

    @classmethod
    def of(cls, name: str, value: bool | bytes | str | UUID | datetime) -> Self:
        """A header whose type the value tells; for an `int` the type must be named, so it is not taken.

        A `datetime` must know its zone; what is finer than a millisecond is cut off.

        Raises:
            InvalidFrameError: no type of header is meant by such a value.
        """
        match value:
            case bool():
                return cls(name, HeaderType.BOOLEAN, value)
            case str():
                return cls(name, HeaderType.STRING, value)
            case bytes():
                return cls(name, HeaderType.BYTE_ARRAY, value)
            case UUID():
                return cls(name, HeaderType.UUID, value)
            case datetime() if value.tzinfo is not None:
                return cls(name, HeaderType.TIMESTAMP, (value - _EPOCH) // timedelta(milliseconds=1))
            case _:
                raise InvalidFrameError(
                    f"a value of type {type_name(value)} does not tell the type of event-stream header {name!r}; "
                    "use EventHeader(name, HeaderType.…, value), and give a datetime its zone"
                )

    def __repr__(self) -> str:
        return f"EventHeader({self.name!r}, {self.type!r})"


def type_name(value: object) -> str:
    """The name of the Python type of `value`, which may be shown where the value may not."""
    return type(value).__name__


@final
@dataclass(frozen=True, slots=True)
class EventMessage:
    """One message of an event stream; `repr` shows the names of its headers and the size of its payload.

    Raises:
        InvalidFrameError: two headers have the same name.
    """

    headers: tuple[EventHeader, ...] = ()
    payload: bytes = b""

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", tuple(self.headers))
        object.__setattr__(self, "payload", bytes(memoryview(self.payload)))
        seen: set[str] = set()
        for header in self.headers:
            if header.name in seen:
                raise InvalidFrameError(
                    f"event-stream header {header.name!r} stands twice, and a message holds a name once; leave one out"
                )
            seen.add(header.name)

    def get(self, name: str) -> EventHeader | None:
        """The header called exactly `name`, or None."""
        return next((header for header in self.headers if header.name == name), None)

    def __repr__(self) -> str:
        names = ", ".join(repr(header.name) for header in self.headers)
        return f"EventMessage(headers=({names}), payload=<{len(self.payload)} octets>)"
