"""JSON from a peer, read strictly.

Floor 2: stands on nothing.

`json.loads` guesses UTF-16 and UTF-32, takes NaN, and meets deep nesting with a RecursionError; a peer may
send any of these.  Text may hold lone surrogates (`"\\ud800"`), which no later encoding survives, so
they become U+FFFD.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn, cast

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_json(octets: bytes) -> object:
    """The value that `octets` hold.

    Raises:
        ValueError: they hold no JSON text in UTF-8; the message shows none of them.
    """
    try:
        value: object = json.loads(octets.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError(f"{len(octets)} octets are not a JSON text in UTF-8") from None
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


def as_object(value: object) -> dict[str, object] | None:
    """`value` if it is a JSON object, else None."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def as_array(value: object) -> list[object] | None:
    """`value` if it is a JSON array, else None."""
    return cast("list[object]", value) if isinstance(value, list) else None


def as_text(value: object) -> str | None:
    """`value` if it is a JSON string, fit to be encoded, else None."""
    return _LONE_SURROGATE.sub("�", value) if isinstance(value, str) else None
