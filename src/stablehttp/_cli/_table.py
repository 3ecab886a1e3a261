"""Tables for people: columns that fit, and colours where a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_COLOURS: Final = {"good": "32", "bad": "31", "dim": "2", "bold": "1"}


def paint(text: str, colour: str, *, colours: bool) -> str:
    """`text` in a colour, if there are any."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if colours and colour in _COLOURS else text


def table(heads: Sequence[str], rows: Sequence[Sequence[tuple[str, str]]], *, colours: bool) -> str:
    """A table; each cell is a text and the name of its colour, or of none."""
    widths = [max(len(head), *(len(row[column][0]) for row in rows)) for column, head in enumerate(heads)]
    lines = [
        paint("  ".join(head.ljust(width) for head, width in zip(heads, widths, strict=True)), "bold", colours=colours),
        "  ".join("─" * width for width in widths),
    ]
    for row in rows:
        cells = [
            paint(text.ljust(width), colour, colours=colours) for (text, colour), width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
