"""One field line: its name, its value, and the checks that both must pass.

Floor 1: stands on errors, grammar and redaction.

Names that passed once are remembered with their lower-case form, so that checking a known name and
folding it is one lookup.  The memory is bounded and holds names only, never values.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias, final

from stablehttp._errors import InvalidFieldError, InvalidResponseError
from stablehttp._grammar import (
    first_bad_in_octets,
    first_bad_in_token,
    first_bad_in_value,
    is_token,
)
from stablehttp._redaction import shorten

FieldLine: TypeAlias = tuple[str, str]

_MOST_REMEMBERED: Final = 4096
_LONGEST_REMEMBERED: Final = 128
FOLDED_NAMES: Final[dict[str, str]] = {}
"""Names that are known to be valid, with their lower-case forms."""
RECEIVED_NAMES: Final[dict[bytes, str]] = {}
"""The same for names as they stand on the wire."""


@final
class FieldValue(str):
    """A field value that is secret, or holds octets above 0x7F.

    It is a `str` in which each character stands for one octet (Latin-1), so it can be put back
    anywhere without loss.  `secret` hides it from every `repr`; it takes no part in equality.
    Reading the value is the reveal: `str` and `format` give it.
    """

    __slots__ = ("_secret",)

    _secret: bool

    def __new__(cls, value: str | bytes, *, secret: bool = False) -> FieldValue:
        """Make a value from text or octets.

        Raises:
            InvalidFieldError: `value` holds a character or octet that no field value may hold.
        """
        if not isinstance(value, (str, bytes)):
            raise InvalidFieldError(f"a field value must be str or bytes, not {type(value).__name__}")
        if isinstance(value, bytes):
            value = plain_octets(value)
            _check_octets("", value)
            value = value.decode("latin-1")
        elif not isinstance(value, FieldValue):
            value = str.__str__(value)
            _check_text("", value)
        self = super().__new__(cls, value)
        self._secret = secret
        return self

    @property
    def secret(self) -> bool:
        """Whether `repr` hides the value; whoever wants another answer makes another value."""
        return self._secret

    @property
    def octets(self) -> bytes:
        """The octets as they stand on the wire."""
        return self.encode("latin-1")

    def __repr__(self) -> str:
        if self._secret:
            return f"<secret, {len(self)} characters>"
        return f"FieldValue({self.octets!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake, (self.octets, self._secret)


def _remake(octets: bytes, secret: bool) -> FieldValue:
    return FieldValue(octets, secret=secret)


def secret(value: str | bytes) -> FieldValue:
    """Mark a field value as secret: it is sent as it is, and hidden from every `repr`.

    Raises:
        InvalidFieldError: `value` holds a character that no field value may hold.
    """
    return FieldValue(value, secret=True)


def is_secret(value: str) -> bool:
    """Whether this very value was marked as secret."""
    return isinstance(value, FieldValue) and value._secret


def fold(name: str) -> str:
    """The lower-case form under which `name` is looked up; a name that no field can have folds to itself.

    Only ASCII is folded: U+212A (KELVIN SIGN) must not find `k`.
    """
    known = FOLDED_NAMES.get(name)
    if known is not None:
        return known
    if not isinstance(name, str):
        raise InvalidFieldError(f"a field name must be a str, not {type(name).__name__}")
    return name.lower() if name.isascii() else name


def check_name(name: object) -> str:
    """The lower-case form of `name`, which is remembered.

    Raises:
        InvalidFieldError: `name` is not a token (RFC 9110 §5.1), or not a `str` at all.
    """
    if type(name) is not str:
        if not isinstance(name, str):
            raise InvalidFieldError(f"a field name must be a str, not {type(name).__name__}")
        name = str.__str__(name)  # a subclass may hash and compare as it likes
    folded = FOLDED_NAMES.get(name)
    if folded is not None:
        return folded
    if not is_token(name):
        raise InvalidFieldError(_bad_name(name), field=name, index=first_bad_in_token(name))
    folded = name.lower()
    if len(name) <= _LONGEST_REMEMBERED:
        if len(FOLDED_NAMES) >= _MOST_REMEMBERED:
            FOLDED_NAMES.clear()
        FOLDED_NAMES[name] = folded
    return folded


def check_value(name: str, value: object) -> str:
    """`value` as it is stored: a plain `str`, or a `FieldValue` where there is more to remember.

    Raises:
        InvalidFieldError: `value` holds what no field value may hold (RFC 9110 §5.5), or is neither `str` nor `bytes`.
    """
    if type(value) is str:
        if value.isascii() and value.isprintable() and value[:1] != " " != value[-1:]:  # most values, seen in C
            return value
        _check_text(name, value)
        return value
    if type(value) is FieldValue:
        return value
    if isinstance(value, str):
        value = str.__str__(value)
        _check_text(name, value)
        return value
    if isinstance(value, bytes):
        value = plain_octets(value)
        _check_octets(name, value)
        text = value.decode("latin-1")
        return text if text.isascii() else FieldValue(value)
    raise InvalidFieldError(
        f"value of field {shorten(name)!r} must be str or bytes, not {type(value).__name__}", field=name
    )


def plain_octets(value: bytes) -> bytes:
    """The octets of `value`, whatever a subclass says about itself."""
    return value if type(value) is bytes else bytes(memoryview(value))


def is_text(value: object) -> bool:
    """Whether `value` is one text, and not something made of lines."""
    return isinstance(value, (str, bytes, bytearray, memoryview))


def _bad_name(name: str) -> str:
    if not name:
        return "a field name is empty (RFC 9110 §5.1); give it at least one character"
    return (
        f"field name {shorten(name, 60)!r} is not a token (RFC 9110 §5.1); use letters, digits and !#$%&'*+-.^_`|~ only"
    )


def _check_text(name: str, value: str) -> None:
    index = first_bad_in_value(value)
    if index < 0:
        return
    character = value[index]
    if not character.isascii():
        raise InvalidFieldError(
            f"value of {_field(name)} holds a character outside ASCII at index {index}, and its octets are not "
            "defined (RFC 9110 §5.5); give bytes, with .encode() in the encoding that the receiver expects",
            field=name,
            index=index,
        )
    raise _bad_character(name, character, index)


def _check_octets(name: str, value: bytes) -> None:
    index = first_bad_in_octets(value)
    if index >= 0:
        raise _bad_character(name, chr(value[index]), index)


def _bad_character(name: str, character: str, index: int) -> InvalidFieldError:
    if character in " \t":
        return InvalidFieldError(
            f"value of {_field(name)} begins or ends with whitespace (index {index}), which is not part of a "
            "field value (RFC 9110 §5.5); strip it",
            field=name,
            index=index,
        )
    return InvalidFieldError(
        f"value of {_field(name)} holds {character!r} at index {index}, which no field value may hold "
        "(RFC 9110 §5.5); remove it, or encode it first",
        field=name,
        index=index,
    )


def _field(name: str) -> str:
    return f"field {shorten(name, 60)!r}" if name else "a field"


_FOLDING = re.compile(rb"[\t ]*\r?\n[\t ]+")
_BAD_RECEIVED = re.compile(rb"[\x00\r\n]").search


def receive_name(name: bytes) -> str:
    """The lower-case form of a name as a peer sent it, which is remembered.

    Raises:
        InvalidResponseError: it is not a token (RFC 9110 §5.1).
    """
    folded = RECEIVED_NAMES.get(name)
    if folded is None:
        try:
            folded = check_name(name.decode("latin-1"))
        except InvalidFieldError as error:  # it shows the name, which may be a part of what was to be a value
            where = f"holds {chr(name[error.index or 0])!r} at index {error.index}" if name else "is empty"
            raise InvalidResponseError(
                f"the peer sent a field line whose name {where}; a name is a token (RFC 9110 §5.1)"
            ) from None
        if len(name) <= _LONGEST_REMEMBERED:
            if len(RECEIVED_NAMES) >= _MOST_REMEMBERED:
                RECEIVED_NAMES.clear()
            RECEIVED_NAMES[bytes(name)] = folded
    return folded


def receive_line(name: bytes, value: bytes) -> FieldLine:
    """A line as a peer sent it: outer whitespace trimmed, folding undone, octets read 1:1 as Latin-1.

    Raises:
        InvalidResponseError: `name` is not a token, or `value` holds NUL, CR or LF (RFC 9110 §5.5).
    """
    receive_name(name)
    text = name.decode("ascii")
    value = value.strip(b" \t")
    if value.isalnum():
        return text, value.decode("ascii")
    if b"\n" in value:
        value = _FOLDING.sub(b" ", value)
    found = _BAD_RECEIVED(value)
    if found:
        raise InvalidResponseError(
            f"the peer sent {found[0].decode('ascii')!r} in the value of {_field(text)} "
            f"at index {found.start()}, which no field value may hold (RFC 9110 §5.5)"
        )
    return text, receive_value(value)


def receive_value(value: bytes) -> str:
    """Octets already known to be harmless, as the `str` handed to users."""
    text = value.decode("latin-1")
    if text.isascii():
        return text
    received = str.__new__(FieldValue, text)
    received._secret = False
    return received
