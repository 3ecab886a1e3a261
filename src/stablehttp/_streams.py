"""Content from the caller's iterables, in one colour each.

Floor 2: stands on bodies.

An iterable that is not its own iterator is replayable; one that then gives the same iterator again is
caught, because a second attempt would be empty.  Generators are closed by us, since asking for the
first octet started them.
"""

from __future__ import annotations

import inspect
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import cast, final

from stablehttp._content import AsyncBody, Body, SyncBody, checked_chunk, checked_length, describe_length
from stablehttp._errors import BodyColourError, BodyTakenError, InvalidBodyError


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
