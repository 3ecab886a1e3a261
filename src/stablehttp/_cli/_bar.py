"""A bar on a terminal that shows how far content has come."""

from __future__ import annotations

import shutil
from time import monotonic
from typing import IO, Final, Literal, final

from stablehttp import Progress

_PAUSE: Final = 0.1
"""How long, in seconds, a bar stands before it is drawn again."""

_UNITS: Final = ("B", "KiB", "MiB", "GiB", "TiB")


@final
class Bar:
    """Draws one line for each direction that it is to watch; what it was told last is always drawn."""

    def __init__(self, terminal: IO[str], *directions: Literal["sent", "received"]) -> None:
        self._terminal = terminal
        self._directions = directions
        self._last: Progress | None = None
        self._drawn = 0.0

    def __call__(self, progress: Progress) -> None:
        """Take note of progress."""
        if progress.direction not in self._directions:
            return
        if self._last is not None and self._last.direction != progress.direction:
            self.finish()
        first, self._last = self._last is None, progress
        if first or monotonic() - self._drawn >= _PAUSE:
            self._draw(progress)

    def finish(self) -> None:
        """Draw what was told last, and leave the line."""
        if self._last is not None:
            self._draw(self._last)
            self._terminal.write("\n")
            self._terminal.flush()
            self._last = None

    def _draw(self, progress: Progress) -> None:
        self._drawn = monotonic()
        width = shutil.get_terminal_size().columns
        self._terminal.write("\r" + line(progress, width).ljust(width - 1))
        self._terminal.flush()


def line(progress: Progress, width: int) -> str:
    """Progress as a line of less than `width` characters."""
    done, total = progress.octets, progress.total
    if total is None:
        return f"{progress.direction} {amount(done)}"[: width - 1]
    share = 1.0 if total == 0 else min(done / total, 1.0)
    words = f" {share:4.0%} of {amount(total)} {progress.direction}"
    room = width - 1 - len(words) - 2
    if room < 4:
        return words.strip()[: width - 1]
    return f"[{'#' * int(room * share):<{room}}]{words}"


def amount(octets: int) -> str:
    """A number of octets in the unit that suits it."""
    size, unit = float(octets), _UNITS[0]
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:
            break
        size /= 1024
    return f"{octets} B" if unit == "B" else f"{size:.1f} {unit}"
