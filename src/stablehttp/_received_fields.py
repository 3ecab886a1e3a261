"""A section as it was received, in octets: checked at once, decoded one line at a time.

Floor 4: stands on sections.

Reading three fields of a response must not cost a copy of twenty.  The names are looked up among those
that were met before, the values are searched together, and the lines stay the client's octets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from stablehttp._field_value import RECEIVED_NAMES, FieldLine, receive_line, receive_name, receive_value
from stablehttp._fields import Fields, adopt, borrow


def receive_fields(lines: Sequence[tuple[bytes, bytes]]) -> Fields:
    """The section that these lines are: outer whitespace trimmed, folding undone, octets read 1:1 as Latin-1.

    `lines` is not copied and may not change afterwards.

    Raises:
        InvalidResponseError: a name is not a token, or a value holds NUL, CR or LF (RFC 9110 §5.5).
    """
    try:
        values = {RECEIVED_NAMES[name]: value for name, value in lines}
    except KeyError:
        values = {receive_name(name): value for name, value in lines}
    unique = len(values) == len(lines)
    octets = b"".join(values.values() if unique else [value for _, value in lines])
    if b"\n" in octets or b"\r" in octets or b"\0" in octets:
        return adopt([receive_line(name, value) for name, value in lines])
    received = _Received(lines, values, unique)
    return borrow(lines, received.read, received.find)


@final
class _Received:
    """The lines, and the value of each name, of one of its lines where it is repeated."""

    __slots__ = ("_lines", "_unique", "_values")

    def __init__(self, lines: Sequence[tuple[bytes, bytes]], values: dict[str, bytes], unique: bool) -> None:
        self._lines = lines
        self._values = values
        self._unique = unique

    def read(self) -> list[FieldLine]:
        return [(name.decode("ascii"), receive_value(value.strip(b" \t"))) for name, value in self._lines]

    def find(self, folded: str) -> Sequence[str]:
        value = self._values.get(folded)
        if value is None:
            return ()
        if self._unique:
            return (receive_value(value.strip(b" \t")),)
        return [receive_value(value.strip(b" \t")) for name, value in self._lines if receive_name(name) == folded]
