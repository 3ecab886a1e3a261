"""Structured fields (RFC 9651), and the one place that knows the package `http_sf`.

Floor 2: stands on errors; `http_sf` is imported when a message is first signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from stablehttp._errors import SigningError
from stablehttp.signers._extra import needs_extra

if TYPE_CHECKING:
    from http_sf.types import DictionaryType, ItemType, StructuredType

StructuredKind: TypeAlias = Literal["item", "list", "dictionary"]
"""What the value of a structured field is as a whole."""

ParameterValue: TypeAlias = str | int | bool | bytes
"""The value of a parameter, as far as signatures use them."""

Parameters: TypeAlias = Mapping[str, ParameterValue]
"""Parameters in their order."""

_WHAT: Final = "signing messages by RFC 9421"
_KINDS: Final[tuple[StructuredKind, ...]] = ("dictionary", "list", "item")
_DICTIONARIES: Final = frozenset(
    [
        *("content-digest", "repr-digest", "want-content-digest", "want-repr-digest"),
        *("signature", "signature-input", "accept-signature"),
    ]
)


def item_text(value: str | bytes, parameters: Parameters) -> str:
    """Give an item as text: a string or octets, with parameters."""
    return _text(cast("StructuredType", (value, dict(parameters))))


def inner_list_text(items: Iterable[tuple[str, Parameters]], parameters: Parameters) -> str:
    """Give an inner list of strings as text, each string and the list with parameters."""
    return _text(cast("StructuredType", [([(value, dict(own)) for value, own in items], dict(parameters))]))


def octets_text(values: Iterable[bytes]) -> str:
    """Give a list of octet sequences as text."""
    return _text(list(values))


def parse_string(text: str) -> tuple[str, Parameters]:
    """Read a quoted string with parameters.

    Raises:
        SigningError: what begins as a quoted string does not go on as one.
    """
    return cast("tuple[str, Parameters]", _parsed(text, "item"))


def parse_inner_lists(text: str) -> dict[str, tuple[list[tuple[str, Parameters]], Parameters]]:
    """Read a dictionary of inner lists of strings.

    Raises:
        SigningError: this is something else.
    """
    found: dict[str, tuple[list[tuple[str, Parameters]], Parameters]] = {}
    members = cast("dict[str, tuple[object, Parameters]]", _parsed(text, "dictionary"))
    for label, (value, parameters) in members.items():
        items = cast("list[tuple[object, Parameters]]", value) if isinstance(value, list) else [(value, parameters)]
        names = [(name, own) for name, own in items if isinstance(name, str)]
        if not isinstance(value, list) or len(names) != len(items):
            raise SigningError(f"member {label!r} is not a list of strings in parentheses (RFC 9421 §4.1)")
        found[label] = names, parameters
    return found


def without_member(text: str, key: str) -> str:
    """Give a dictionary as text without one of its members; empty text if none is left."""
    members = dict(cast("DictionaryType", _parsed(text, "dictionary")))
    members.pop(key, None)
    return _text(members) if members else ""


def member_text(text: str, key: str) -> str | None:
    """Give the value of one member of a dictionary as text, or None if it has no such member."""
    member = cast("DictionaryType", _parsed(text, "dictionary")).get(key)
    return None if member is None else _text([cast("ItemType", member)])


def strict_text(name: str, text: str, kind: StructuredKind | None) -> str:
    """Give the value of a structured field in its one strict form.

    A field of unknown kind is taken for whatever it reads as, if all readings have the same form.

    Raises:
        SigningError: the value breaks the grammar, or its kind must be known to tell its form.
    """
    kind = kind or _known_kind(name)
    if kind is not None:
        return _text(_parsed(text, kind))
    forms: set[str] = set()
    for guess in _KINDS:
        try:
            forms.add(_text(_parsed(text, guess)))
        except SigningError:
            continue
    if len(forms) != 1:
        raise SigningError(f"field {name!r} has no known structure; say whether it is an item, a list or a dictionary")
    return forms.pop()


def _known_kind(name: str) -> StructuredKind | None:
    with needs_extra(_WHAT):
        from http_sf.retrofit import retrofit

    return "dictionary" if name in _DICTIONARIES else cast("StructuredKind | None", retrofit.get(name))


def _parsed(text: str, kind: StructuredKind) -> StructuredType:
    with needs_extra(_WHAT):
        from http_sf import parse

    try:
        return parse(text.encode("ascii"), tltype=kind)
    except ValueError:
        raise SigningError(f"a value is not a structured {kind} (RFC 9651); correct it, or cover it as it is") from None


def _text(structure: StructuredType) -> str:
    with needs_extra(_WHAT):
        from http_sf import ser

    try:
        return ser(structure)
    except ValueError:
        raise SigningError("a name or parameter cannot stand in a structured field (RFC 9651); use ASCII") from None
