"""The last message of a Connect response stream: whether the call failed, and the trailers.

Floor 2: stands on errors of the Connect protocol.

It is JSON with `error` and `metadata`, both optional.  `null` for either is read as absent, as the
clients of the protocol's authors do, though the protocol calls it invalid.  Metadata are fields, so a
name that is no token, or a value with a control character, spoils the whole message.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, final

from stablehttp.framing._connect_errors import WireError, read_wire_error, write_wire_error
from stablehttp.framing._connect_metadata import FieldPair, FieldPairs
from stablehttp.framing._errors import StreamFormatError
from stablehttp.framing._json import as_array, as_object, as_text, parse_json

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search


@final
@dataclass(frozen=True, slots=True)
class EndOfStream:
    """How a response stream ended.

    `metadata` are the trailers, in order.  A value may hold characters above ASCII, which a field
    takes as octets only: `.encode()` it before adding it to one.
    """

    error: WireError | None = None
    metadata: FieldPairs = field(default=(), repr=False)


def read_end_of_stream(octets: bytes) -> EndOfStream:
    """The end that the content of an end-of-stream message states.

    Raises:
        StreamFormatError: it is not such a message.
    """
    try:
        members = as_object(parse_json(octets))
    except ValueError as cause:
        raise StreamFormatError(f"the end-of-stream message of a Connect response: {cause}") from None
    if members is None:
        raise StreamFormatError("the end-of-stream message of a Connect response is not a JSON object")
    error = members.get("error")
    metadata = tuple(_read_metadata(members.get("metadata")))
    return EndOfStream(None if error is None else read_wire_error(error), metadata)


def _read_metadata(value: object) -> Iterator[FieldPair]:
    if value is None:
        return
    members = as_object(value)
    if members is None:
        raise StreamFormatError("the metadata of a Connect response are not a JSON object")
    for name, values in members.items():
        array = as_array(values)
        if _TOKEN(name) is None or array is None:
            raise StreamFormatError("metadata of a Connect response need field names with arrays of strings")
        for item in array:
            yield name, _read_value(name, item)


def _read_value(name: str, item: object) -> str:
    text = as_text(item)
    if text is None or _CONTROL(text) is not None:
        raise StreamFormatError(f"a value of the metadata {name[:80]!r} of a Connect response cannot be a field value")
    return text.strip(" \t")


def write_end_of_stream(error: WireError | None = None, metadata: Iterable[FieldPair] = ()) -> bytes:
    """The content of an end-of-stream message, as a server writes it."""
    members: dict[str, object] = {}
    if error is not None:
        members["error"] = write_wire_error(error)
    lists: dict[str, list[str]] = {}
    for name, value in metadata:
        lists.setdefault(name, []).append(value)
    if lists:
        members["metadata"] = lists
    return json.dumps(members, separators=(",", ":")).encode()
