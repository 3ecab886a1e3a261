"""What field values are made of: lists, quoted strings, parameters, media types, dates.

Floor 1: stands on grammar and errors.

These are helpers that a caller invokes; nothing here is applied to a message by itself.  They are
strict: text that RFC 9110 does not allow is refused, because guessing differs from reader to reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, final

from stablehttp._errors import InvalidFieldError
from stablehttp._grammar import is_field_value, is_token

_QUOTED = re.compile(r'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"')
_MEMBER = re.compile(rf'[ \t]*((?:[^",]|{_QUOTED.pattern})*?)[ \t]*(?:,|\Z)')
_PARAMETER = re.compile(
    rf"[ \t]*;[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=([!#$%&'*+\-.^_`|~0-9A-Za-z]+|{_QUOTED.pattern}))?"
)
_IMF_FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) "
    r"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def split_list(value: str) -> list[str]:
    """The members of a list-valued field, without whitespace around them and without empty ones (RFC 9110 §5.6.1).

    A comma inside a quoted string does not separate.

    Raises:
        InvalidFieldError: a quoted string does not end.
    """
    members: list[str] = []
    position = 0
    while position < len(value):
        found = _MEMBER.match(value, position)
        if found is None or found.end() == position:
            raise InvalidFieldError("a quoted string in a list does not end (RFC 9110 §5.6.4)", index=position)
        if found[1]:
            members.append(found[1])
        position = found.end()
    return members


def join_list(members: Iterable[str]) -> str:
    """One field value from the members of a list; a member that holds a comma must be quoted already.

    Raises:
        InvalidFieldError: a member is empty, or would read as something else.
    """
    kept = list(members)
    for member in kept:
        if not is_field_value(member) or split_list(member) != [member]:
            raise InvalidFieldError("a member of a list is empty or would read as several; quote it with quote()")
    return ", ".join(kept)


def quote(text: str) -> str:
    """`text` as a quoted string (RFC 9110 §5.6.4).

    Raises:
        InvalidFieldError: it holds a character that no quoted string may hold.
    """
    if re.search(r"[^\t\x20-\x7e]", text):
        raise InvalidFieldError("a quoted string holds visible ASCII, space and tab only (RFC 9110 §5.6.4)")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquote(text: str) -> str:
    """What a quoted string says; a token says itself.

    Raises:
        InvalidFieldError: `text` is neither.
    """
    if is_token(text):
        return text
    if not _QUOTED.fullmatch(text):
        raise InvalidFieldError("neither a token nor a quoted string (RFC 9110 §5.6.4)")
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


@final
@dataclass(frozen=True, slots=True)
class MediaType:
    """A media type with its parameters (RFC 9110 §8.3.1); names are in lower case, parameters in order."""

    type: str
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def parse(cls, value: str) -> MediaType:
        """Read the value of `Content-Type`.

        Raises:
            InvalidFieldError: it is no media type, or a parameter stands twice.
        """
        essence, _, _ = value.partition(";")
        kind, slash, subtype = essence.strip(" \t").partition("/")
        if not (slash and is_token(kind) and is_token(subtype)):
            raise InvalidFieldError("not a media type; it is 'type/subtype' and parameters (RFC 9110 §8.3.1)")
        return cls(kind.lower(), subtype.lower(), MappingProxyType(_parameters(value, len(essence))))

    @property
    def essence(self) -> str:
        """Type and subtype, without parameters."""
        return f"{self.type}/{self.subtype}"

    @property
    def charset(self) -> str | None:
        """The parameter `charset` in lower case, or None."""
        charset = self.parameters.get("charset")
        return None if charset is None else charset.lower()

    def __str__(self) -> str:
        parts = [f"{name}={value if is_token(value) else quote(value)}" for name, value in self.parameters.items()]
        return "; ".join([self.essence, *parts])


def _parameters(value: str, position: int) -> dict[str, str]:
    parameters: dict[str, str] = {}
    while position < len(value):
        found = _PARAMETER.match(value, position)
        if found is None:
            if not value[position:].strip(" \t"):
                break
            raise InvalidFieldError("a parameter is not 'name=value' (RFC 9110 §5.6.6)", index=position)
        name, text = found[1], found[2]
        if name is not None:
            if name.lower() in parameters:
                raise InvalidFieldError(f"parameter {name.lower()!r} stands twice, so it has no one value")
            parameters[name.lower()] = unquote(text)
        position = found.end()
    return parameters


def format_http_date(moment: datetime) -> str:
    """`moment` as an HTTP date, like `Sun, 06 Nov 1994 08:49:37 GMT`; fractions of a second are dropped.

    Raises:
        InvalidFieldError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise InvalidFieldError("a datetime without a time zone is no moment; give an aware one, in UTC say")
    utc = moment.astimezone(UTC)
    return f"{_DAYS[utc.weekday()]}, {utc.day:02} {_MONTHS[utc.month - 1]} {utc.year:04} {utc:%H:%M:%S} GMT"


def parse_http_date(value: str) -> datetime:
    """The moment that an HTTP date names, in UTC; the preferred form only (RFC 9110 §5.6.7).

    Raises:
        InvalidFieldError: it is not in that form, or there is no such day.
    """
    found = _IMF_FIXDATE.fullmatch(value)
    if found is None:
        raise InvalidFieldError("not an HTTP date like 'Sun, 06 Nov 1994 08:49:37 GMT' (RFC 9110 §5.6.7)")
    day_name, day, month, year, hour, minute, second = found.groups()
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC
        )
    except ValueError:
        raise InvalidFieldError("there is no such moment as this HTTP date names (RFC 9110 §5.6.7)") from None
    if int(second) > 60 or _DAYS[moment.weekday()] != day_name:
        raise InvalidFieldError("the HTTP date contradicts itself (RFC 9110 §5.6.7)")
    return moment
