"""Octets of content, counted against what was declared.

Floor 1: stands on errors.
"""

from __future__ import annotations

from typing import final

from stablehttp._errors import ContentLengthError


@final
class Counter:
    """Counts octets of content against what was declared."""

    __slots__ = ("declared", "ended", "found")

    def __init__(self, declared: int | None) -> None:
        self.declared = declared
        self.found = 0
        self.ended = False

    def count(self, chunk: bytes) -> None:
        """Take note of a chunk that is about to be sent.

        Raises:
            ContentLengthError: with it there would be more than was declared; it must not be sent.
        """
        self.found += len(chunk)
        if self.declared is not None and self.found > self.declared:
            raise self._error("more")

    def finish(self) -> None:
        """Take note that the body has ended.

        Raises:
            ContentLengthError: there was less than was declared.
        """
        if self.declared is not None and self.found < self.declared:
            raise self._error("fewer")
        self.ended = True

    def _error(self, how: str) -> ContentLengthError:
        return ContentLengthError(
            f"the body gave {how} octets ({self.found} so far) than the {self.declared} that were declared; "
            "give it without a length to have it sent in chunks",
            declared=self.declared,
            found=self.found,
            sent="maybe",
            processed="maybe",
        )
