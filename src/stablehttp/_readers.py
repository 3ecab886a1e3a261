"""Content from the caller's readers: one that blocks is read in both colours, one that is awaited in its own.

Floor 2: stands on bodies.

A reader belongs to the caller unless it is handed over with `owned`.  A blocking one is never read on an event
loop, and never closed while another thread reads it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Iterator
from threading import Lock
from typing import Final, Protocol, TypeVar, cast, final

from stablehttp._content import AsyncBody, DualBody, checked_chunk, checked_length, describe_length
from stablehttp._errors import InvalidBodyError

T = TypeVar("T")

CHUNK: Final = 256 * 1024
"""How many octets are asked of a file or a reader at once."""


class Reader(Protocol):
    """Something that is read by blocking: a socket's file, a decompressor, a pipe."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` octets; `b""` at the end."""
        ...


class AsyncReader(Protocol):
    """Something that is read by awaiting, as `asyncio.StreamReader` is."""

    async def read(self, size: int, /) -> bytes:
        """At most `size` octets; `b""` at the end."""
        ...


@final
class ReaderBody(DualBody):
    """Content from an object with `read`, a chunk at a time; it can be read once.

    An asynchronous connector has it read in another thread.  A reading that is given up while that thread is still
    busy leaves the closing of an owned reader to it.
    """

    __slots__ = ("_busy", "_closing", "_length", "_lock", "_owned", "_source")

    def __init__(self, source: Reader, *, length: int | None = None, owned: bool = False) -> None:
        """Read from `source`, which is closed by us only if it is handed over with `owned`."""
        super().__init__()
        self._source = source
        self._length = checked_length(length)
        self._owned = owned
        self._lock = Lock()
        self._busy = self._closing = False

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """What the reader gives, until it gives nothing.

        Raises:
            BodyTakenError: it was read already.
            InvalidBodyError: it gave something that is not bytes.
        """
        self._claim(reader)
        while chunk := self._read():
            yield chunk

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """What the reader gives, until it gives nothing; it is read in another thread.

        Raises:
            BodyTakenError: it was read already.
            InvalidBodyError: it gave something that is not bytes.
        """
        self._claim(reader)
        from asyncio import to_thread

        while chunk := await to_thread(self._read):
            yield chunk

    def close(self) -> None:
        """Close the reader, if it is ours and was read."""
        with self._lock:
            if not self._owned or self._taken_by is None:
                return
            if self._busy:
                self._closing = True
                return
            self._owned = False
        cast("SupportsClose", self._source).close()

    async def aclose(self) -> None:
        """Close the reader, if it is ours and was read, in another thread."""
        if self._owned:
            from asyncio import to_thread

            await to_thread(self.close)

    def _read(self) -> bytes:
        with self._lock:
            self._busy = True
        try:
            chunk = _not_none(self._source.read(CHUNK))
            return chunk if checked_chunk(chunk) else b""
        finally:
            with self._lock:
                self._busy = False
            if self._closing:
                self.close()

    def __repr__(self) -> str:
        return f"<ReaderBody of {describe_length(self._length)}>"


@final
class AsyncReaderBody(AsyncBody):
    """Content from an object whose `read` is awaited, a chunk at a time; it can be read once."""

    __slots__ = ("_length", "_owned", "_source")

    def __init__(self, source: AsyncReader, *, length: int | None = None, owned: bool = False) -> None:
        """Read from `source`, which is closed by us only if it is handed over with `owned`."""
        super().__init__()
        self._source = source
        self._length = checked_length(length)
        self._owned = owned

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """What the reader gives, until it gives nothing.

        Raises:
            BodyTakenError: it was read already.
            InvalidBodyError: it gave something that is not bytes.
        """
        self._claim(reader)
        while checked_chunk(chunk := _not_none(await self._source.read(CHUNK))):
            yield chunk

    async def aclose(self) -> None:
        """Close the reader, if it is ours and was read: by `aclose`, or else by `close`, awaited if need be."""
        if self._owned and self._taken_by is not None:
            self._owned = False
            close = getattr(self._source, "aclose", None) or cast("SupportsClose", self._source).close
            closing: object = close()
            if inspect.isawaitable(closing):
                await cast("Awaitable[object]", closing)

    def __repr__(self) -> str:
        return f"<AsyncReaderBody of {describe_length(self._length)}>"


class SupportsClose(Protocol):
    """Something that can be closed."""

    def close(self) -> object:
        """Close it."""
        ...


def _not_none(chunk: T | None) -> T:
    if chunk is None:
        raise InvalidBodyError("the reader of the body does not block, and had nothing to give; give one that waits")
    return chunk
