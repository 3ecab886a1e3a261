"""Every kind of body, with the octets that it gives.

Stands on bodies.
"""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal, TypeAlias, final

from stablehttp._body import AsyncIterableBody, AsyncReaderBody, FileBody, IterableBody, ReaderBody

OCTETS: Final = bytes(range(256)) * 12 + b"the end"
SIZE: Final = 1000

Make: TypeAlias = "Callable[[Shop], object]"


@final
class Shop:
    """Where kinds of bodies get what they are made from; what it opened is closed at its end."""

    def __init__(self) -> None:
        self.stack = ExitStack()
        self._folder = Path(self.stack.enter_context(TemporaryDirectory()))

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stack.close()

    def path(self, content: bytes = OCTETS) -> Path:
        """A file that holds `content`."""
        path = self._folder / os.urandom(4).hex()
        path.write_bytes(content)
        return path

    def file(self, content: bytes = OCTETS, at: int = 0) -> io.BufferedReader:
        """The same, opened, and standing at an offset."""
        file = self.stack.enter_context(self.path(content).open("rb"))
        file.seek(at)
        return file

    def pipe(self) -> io.BufferedReader:
        """The end of a pipe from which the octets can be read."""
        reading, writing = os.pipe()
        os.write(writing, OCTETS)
        os.close(writing)
        return self.stack.enter_context(os.fdopen(reading, "rb"))


class _Reader:
    """An object with `read` and nothing else."""

    def __init__(self, content: bytes = OCTETS) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, SIZE))


class _AsyncReader:
    """An object with `read`, to be awaited."""

    def __init__(self) -> None:
        self._file = io.BytesIO(OCTETS)

    async def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, SIZE))


def pieces() -> Iterator[bytes]:
    for start in range(0, len(OCTETS), SIZE):
        yield OCTETS[start : start + SIZE]


async def apieces() -> AsyncIterator[bytes]:
    for piece in pieces():
        yield piece


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of body: how it is made, its length if it knows one, whether it can be sent again, and its colour."""

    name: str
    make: Make
    length: int | None
    again: bool
    colour: Literal["async", "sync"] | None = None


ALL: Final = len(OCTETS)

MEMORY: Final = (
    Kind("bytes", lambda _: OCTETS, ALL, again=True),
    Kind("a bytearray", lambda _: bytearray(OCTETS), ALL, again=True),
    Kind("a memoryview", lambda _: memoryview(OCTETS), ALL, again=True),
    Kind("a file in memory, read in part", lambda _: _moved(io.BytesIO(b"before" + OCTETS)), ALL, again=True),
)
FILES: Final = (
    Kind("a file", lambda shop: shop.file(), ALL, again=True),
    Kind("a file, read in part", lambda shop: shop.file(b"before" + OCTETS, at=6), ALL, again=True),
    Kind("a path", lambda shop: FileBody.from_path(shop.path()), ALL, again=True),
    Kind("a slice", lambda shop: FileBody.from_path(shop.path(b"-" + OCTETS), offset=1, length=ALL), ALL, again=True),
    Kind("an empty file", lambda shop: shop.file(b""), 0, again=True),
)
STREAMS: Final = (
    Kind("a pipe", lambda shop: shop.pipe(), None, again=False),
    Kind("a reader that blocks", lambda _: _Reader(), None, again=False),
    Kind("such a reader with a length", lambda _: ReaderBody(_Reader(), length=ALL), ALL, again=False),
    Kind("an awaited reader", lambda _: _AsyncReader(), None, again=False, colour="async"),
    Kind(
        "an awaited reader with a length",
        lambda _: AsyncReaderBody(_AsyncReader(), length=ALL),
        ALL,
        False,
        "async",
    ),
    Kind("a generator", lambda _: pieces(), None, again=False, colour="sync"),
    Kind("an iterable", lambda _: list(pieces()), None, again=True, colour="sync"),
    Kind("a factory", lambda _: IterableBody.from_factory(pieces, length=ALL), ALL, again=True, colour="sync"),
    Kind("a generator", lambda _: apieces(), None, again=False, colour="async"),
    Kind("a factory", lambda _: AsyncIterableBody.from_factory(apieces), None, again=True, colour="async"),
    Kind(
        "a factory with a length",
        lambda _: AsyncIterableBody.from_factory(apieces, length=ALL),
        ALL,
        True,
        "async",
    ),
)


def _moved(file: io.BytesIO) -> io.BytesIO:
    file.seek(len(b"before"))
    return file
