"""Content from the caller's iterables, in one colour each, and readers: one that blocks is read in both.

Floor 2: stands on bodies.

An iterable that is not its own iterator is replayable; one that then gives the same iterator again is
caught, because a second attempt would be empty.  Generators are closed by us, since asking for the
first octet started them; readers belong to the caller unless they are handed over with `owned`.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from threading import Lock
from typing import Final, Protocol, TypeVar, cast, final

from stablehttp._content import AsyncBody, Body, DualBody, SyncBody, checked_chunk, checked_length, describe_length
from stablehttp._errors import BodyColourError, BodyTakenError, InvalidBodyError

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
class IterableBody(SyncBody):
    """Content from an iterable of bytes; replayable if the iterable is not its own iterator."""

    __slots__ = ("_length", "_running", "_source")

    def __init__(self, source: Iterable[bytes], *, length: int | None = None) -> None:
        super().__init__()
        self._source = source
        self._running: Iterator[bytes] | None = None
        self._length = checked_length(length)

    @classmethod
    def from_factory(cls, factory: Callable[[], Iterable[bytes]], *, length: int | None = None) -> IterableBody:
        """Content from `factory`, which gives a fresh iterable for each reading, so that it is replayable."""
        return cls(_Fresh(factory), length=length)

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """Whether each reading makes an iterator of its own."""
        return not isinstance(self._source, Iterator)

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The chunks of the iterable, without empty ones.

        Raises:
            BodyTakenError: it was read already, and cannot be read again.
            InvalidBodyError: the iterable gave something that is not bytes.
        """
        self._claim(reader)
        running = iter(self._source)
        if running is self._running:
            raise _same_again(self)
        self._running = running
        try:
            for chunk in running:
                if checked_chunk(chunk):
                    yield chunk
        finally:
            end(running)

    def close(self) -> None:
        """Close the generator that was being read, if there is one."""
        if self._running is not None:
            end(self._running)

    def __repr__(self) -> str:
        return f"<IterableBody of {describe_length(self._length)}>"


@final
class AsyncIterableBody(AsyncBody):
    """Content from an asynchronous iterable of bytes; replayable if it is not its own iterator."""

    __slots__ = ("_length", "_running", "_source")

    def __init__(self, source: AsyncIterable[bytes], *, length: int | None = None) -> None:
        super().__init__()
        self._source = source
        self._running: AsyncIterator[bytes] | None = None
        self._length = checked_length(length)

    @classmethod
    def from_factory(
        cls, factory: Callable[[], AsyncIterable[bytes]], *, length: int | None = None
    ) -> AsyncIterableBody:
        """Content from `factory`, which gives a fresh iterable for each reading, so that it is replayable."""
        return cls(_AsyncFresh(factory), length=length)

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """Whether each reading makes an iterator of its own."""
        return not isinstance(self._source, AsyncIterator)

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The chunks of the iterable, without empty ones.

        Raises:
            BodyTakenError: it was read already, and cannot be read again.
            InvalidBodyError: the iterable gave something that is not bytes.
        """
        self._claim(reader)
        running = aiter(self._source)
        if running is self._running:
            raise _same_again(self)
        self._running = running
        try:
            async for chunk in running:
                if checked_chunk(chunk):
                    yield chunk
        finally:
            await aend(running)

    async def aclose(self) -> None:
        """Close the generator that was being read, if there is one."""
        if self._running is not None:
            await aend(self._running)

    def __repr__(self) -> str:
        return f"<AsyncIterableBody of {describe_length(self._length)}>"


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


@final
class _Fresh(Iterable[bytes]):
    """An iterable whose every iteration is one call of a factory."""

    def __init__(self, factory: Callable[[], Iterable[bytes]]) -> None:
        self._factory = factory

    def __iter__(self) -> Iterator[bytes]:
        made = self._factory()
        if isinstance(made, (str, bytes, bytearray, memoryview)) or not isinstance(made, Iterable):
            raise _not_fresh(made, "an iterable of bytes", AsyncIterable)
        return iter(made)


@final
class _AsyncFresh(AsyncIterable[bytes]):
    """An asynchronous iterable whose every iteration is one call of a factory."""

    def __init__(self, factory: Callable[[], AsyncIterable[bytes]]) -> None:
        self._factory = factory

    def __aiter__(self) -> AsyncIterator[bytes]:
        made = self._factory()
        if not isinstance(made, AsyncIterable):
            raise _not_fresh(made, "an asynchronous iterable of bytes", Iterable)
        return aiter(made)


def _not_fresh(made: object, wanted: str, other: type) -> InvalidBodyError:
    if inspect.iscoroutine(made):
        made.close()
    kind = BodyColourError if isinstance(made, other) and not isinstance(made, (str, bytes)) else InvalidBodyError
    return kind(f"the factory of a body must give {wanted}, not {type(made).__name__}", where="factory")


def _same_again(body: Body) -> BodyTakenError:
    return BodyTakenError(
        "the iterable of the body gave the same iterator a second time, which has nothing left to give; "
        "make a new one each time",
        taken_by=body.taken_by or "the caller",
    )


def end(running: object) -> None:
    """Close what was being iterated if it is a generator."""
    if isinstance(running, Generator):
        cast("Generator[bytes]", running).close()


async def aend(running: object) -> None:
    """Close what was being iterated if it is an asynchronous generator."""
    if isinstance(running, AsyncGenerator):
        await cast("AsyncGenerator[bytes]", running).aclose()


def _not_none(chunk: T | None) -> T:
    if chunk is None:
        raise InvalidBodyError("the reader of the body does not block, and had nothing to give; give one that waits")
    return chunk
