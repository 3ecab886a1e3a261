"""Decoders that take octets in any pieces: what all of them share.

Floor 2: stands on the errors of the library.

`feed` keeps what it is given and hands out an iterator that decodes while it is asked, so every whole
item before a bad one still arrives.  A decoder that failed stays failed: the same error comes again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeAlias, TypeVar

from stablehttp._errors import MisuseError, StableHTTPError

Octets: TypeAlias = bytes | bytearray | memoryview

Item_co = TypeVar("Item_co", covariant=True)


class IncrementalDecoder(ABC, Generic[Item_co]):
    """Octets in, whole items out; `finish` says that there are no more octets."""

    __slots__ = ("_buffer", "_failure", "_finished")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._failure: StableHTTPError | None = None
        self._finished = False

    def feed(self, octets: Octets, /) -> Iterator[Item_co]:
        """Take `octets`, of any number, and give an iterator over the items that are now whole.

        Items that are not taken from the iterator come first from the next one.

        Raises:
            StreamFormatError: what was fed before was already wrong.  What is wrong now is raised
                by the iterator, after the whole items before it.
            MisuseError: the decoder is finished.
        """
        if self._failure is not None:
            raise self._failure
        if self._finished:
            raise MisuseError(f"{type(self).__name__} is finished; make a new one for another stream")
        self._buffer += octets
        return self._drain()

    def finish(self) -> None:
        """Say that the stream ended; doing so again changes nothing.

        Raises:
            TruncatedStreamError: it ended where it may not end.
            MisuseError: whole items were never taken from what `feed` gave.
        """
        if self._failure is not None:
            raise self._failure
        if self._finished:
            return
        if self._take() is not None:
            raise MisuseError("items are left that nobody took; iterate over what feed() gives before finish()")
        try:
            self._end()
        except StableHTTPError as error:
            self._fail(error)
            raise
        self._finished = True

    def _drain(self) -> Iterator[Item_co]:
        while (item := self._take()) is not None:
            yield item

    def _take(self) -> Item_co | None:
        if self._failure is not None:
            raise self._failure
        try:
            return self._next()
        except StableHTTPError as error:
            self._fail(error)
            raise

    def _fail(self, error: StableHTTPError) -> None:
        self._failure = error
        self._buffer.clear()

    @abstractmethod
    def _next(self) -> Item_co | None:
        """The next item, taken out of the buffer, or None while there is none."""

    @abstractmethod
    def _end(self) -> None:
        """Raise if the stream may not end here."""
