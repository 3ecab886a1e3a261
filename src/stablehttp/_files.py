"""Content from files, of both colours.

Floor 3: stands on bodies and readers.

A file counts from its current position, which is remembered, so it can be sent again.  Every read
goes to its place first, under a lock: a reading that was cancelled while its thread was still busy
cannot disturb the next one.  Asynchronous readings never block the event loop.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from threading import Lock
from typing import Final, NoReturn, Protocol, TypeVar, cast, final

from stablehttp._content import DualBody, checked_chunk, checked_length, describe_length
from stablehttp._errors import InvalidBodyError
from stablehttp._readers import CHUNK, SupportsClose

T = TypeVar("T")

_IN_MEMORY: Final = (io.BytesIO,)


class BinaryFile(Protocol):
    """A file opened in binary mode, or what behaves like one."""

    def read(self, size: int, /) -> bytes | None:
        """At most `size` octets; `b""` at the end."""
        ...

    def seek(self, offset: int, whence: int = ..., /) -> object:
        """Go to another place."""
        ...

    def tell(self) -> int:
        """The place reached."""
        ...


@final
class FileBody(DualBody):
    """Content from a file, from where it stands now; replayable if the file can go back.

    The file must stay open until the content was sent, and nobody else may move it meanwhile.  Each
    body of several that share a file object must be sent after the other; with `from_path` each
    opens a file of its own.
    """

    __slots__ = ("_file", "_length", "_lock", "_most", "_offset", "_owned", "_path")

    def __init__(self, file: BinaryFile, *, length: int | None = None, owned: bool = False) -> None:
        """Take the rest of `file`, or the next `length` octets of it; close it only if it is handed over with `owned`.

        Raises:
            InvalidBodyError: it is no file in binary mode, or is closed.
        """
        super().__init__()
        check_binary(file, "file")
        self._file: BinaryFile | None = file
        self._path: str | bytes | None = None
        self._owned = owned
        self._most = checked_length(length)
        self._lock = Lock()
        self._offset, rest = _guarded(lambda: _measure(file))
        self._length = rest if length is None else length

    @classmethod
    def from_path(cls, path: str | os.PathLike[str], *, offset: int = 0, length: int | None = None) -> FileBody:
        """The file at `path` from `offset` on, or `length` octets of it.

        It is looked at now, opened when its first octet is asked for, and closed by us.

        Raises:
            InvalidBodyError: there is no such file, or it is a directory; the cause says which.
        """
        body = object.__new__(cls)
        super(FileBody, body).__init__()
        body._file = None
        body._path = os.fspath(path)
        body._owned = False
        body._most = checked_length(length)
        body._lock = Lock()
        first = checked_length(offset, "offset") or 0
        size = _guarded(lambda: _size_of_path(body._path or ""))
        body._offset = first if size is not None else None
        rest = None if size is None else max(size - first, 0)
        body._length = rest if length is None else length
        return body

    @property
    def length(self) -> int | None:
        """How many octets there are; None if the file is a pipe."""
        return self._length

    @property
    def offset(self) -> int | None:
        """The place in the file where the content begins; None if the file cannot go back."""
        return self._offset

    @property
    def replayable(self) -> bool:
        """Whether the file can go back to where the content began."""
        return self._offset is not None and (self._file is not None or self._path is not None)

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content, in chunks; it blocks while the file does.

        Raises:
            BodyTakenError: it was read already, and the file cannot go back.
            InvalidBodyError: the file could not be read, or gave something that is not bytes.
        """
        self._claim(reader)
        opening = _Opening(self._path)
        try:
            file = _guarded(lambda: opening.work(opening.open) or self._given())
            place = 0
            while chunk := _guarded(lambda: opening.work(lambda: self._read(file, place))):  # noqa: B023 (called at once)
                place += len(chunk)
                yield chunk
        finally:
            opening.close()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content, in chunks, read in another thread.

        Raises:
            BodyTakenError: it was read already, and the file cannot go back.
            InvalidBodyError: the file could not be read, or gave something that is not bytes.
        """
        self._claim(reader)
        if isinstance(self._file, _IN_MEMORY):
            for chunk in self.chunks(reader=reader):
                yield chunk
            return
        from asyncio import to_thread

        opening = _Opening(self._path)
        try:
            file = await to_thread(_guarded, lambda: opening.work(opening.open) or self._given())
            place = 0
            # called at once, or not at all
            while chunk := await to_thread(_guarded, lambda: opening.work(lambda: self._read(file, place))):  # noqa: B023
                place += len(chunk)
                yield chunk
        finally:
            opening.close()

    def close(self) -> None:
        """Close the file if it is ours and was read; what was opened at a path, its iterator closes.

        So an attempt that ends late takes nothing away from the next one, which reads from the same path.
        """
        if self._owned and self._taken_by is not None and self._file is not None:
            file, self._file = self._file, None
            cast(SupportsClose, file).close()

    async def aclose(self) -> None:
        """Close the file if it is ours and was read; what was opened at a path, its iterator closes."""
        if self._owned:
            from asyncio import to_thread

            await to_thread(self.close)

    def _given(self) -> BinaryFile:
        if self._file is None:
            raise InvalidBodyError("the file of the body was handed over, and is closed by now")
        return self._file

    def _read(self, file: BinaryFile, place: int) -> bytes:
        most = CHUNK if self._most is None else min(CHUNK, self._most - place)
        if most <= 0:
            return b""
        with self._lock:
            if self._offset is not None:
                file.seek(self._offset + place)
            chunk = file.read(most)
        if chunk is None:
            raise InvalidBodyError("the file of the body does not block, and had nothing to give; give one that waits")
        checked_chunk(chunk)
        return chunk

    def __repr__(self) -> str:
        return f"<FileBody of {describe_length(self._length)}>"


@final
class _Opening:
    """The file at a path, for one reader of it; nothing where there is no path.

    The reader may give up while another thread opens the file or reads from it.  It does not wait for that
    thread, which closes the file when it has done its work.
    """

    __slots__ = ("_busy", "_closed", "_file", "_lock", "_path")

    def __init__(self, path: str | bytes | None) -> None:
        self._path = path
        self._file: BinaryFile | None = None
        self._lock = Lock()
        self._busy = False
        self._closed = False

    def open(self) -> BinaryFile | None:
        """The file, or None where there is no path."""
        if self._path is not None:
            self._file = cast(BinaryFile, open(self._path, "rb"))  # noqa: SIM115 (closed by `close` or `work`)
        return self._file

    def work(self, step: Callable[[], T]) -> T:
        """What `step` gives, in one thread at a time."""
        with self._lock:
            self._busy = True
        try:
            return step()
        finally:
            with self._lock:
                self._busy = False
                if self._closed:
                    self._end()

    def close(self) -> None:
        """Close the file, now or when nobody works with it any more; it never waits."""
        with self._lock:
            self._closed = True
            if not self._busy:
                self._end()

    def _end(self) -> None:
        if self._file is not None:
            cast(SupportsClose, self._file).close()


def check_binary(file: object, where: str) -> None:
    """Make sure that `file` is not one of text.

    Raises:
        InvalidBodyError: it gives str; `where` names the parameter.
    """
    if isinstance(file, io.TextIOBase) or isinstance(getattr(file, "encoding", None), str):
        raise InvalidBodyError(
            f"{where} is a text file, and content is bytes; open it in binary mode, 'rb'", where=where
        )


def _measure(file: BinaryFile) -> tuple[int | None, int | None]:
    """Where `file` stands and how much of it is left; None for what cannot be known."""
    can_seek: Callable[[], bool] | None = getattr(file, "seekable", None)
    if can_seek is not None and not can_seek():
        return None, None
    here: object = file.tell()
    if type(here) is not int:
        raise InvalidBodyError(f"file must be a file in binary mode, not {type(file).__name__}", where="file")
    size = _size_of_descriptor(file)
    if size is None:
        try:
            file.seek(0, os.SEEK_END)
            size = file.tell()
        finally:
            file.seek(here)
    return here, max(size - here, 0)


def _size_of_descriptor(file: BinaryFile) -> int | None:
    """The size by `fstat`, for the files of `io` only: others may show the descriptor of what they decode."""
    if issubclass(type(file), io.BufferedRandom):
        cast(io.BufferedRandom, file).flush()
    buffered = issubclass(type(file), (io.BufferedReader, io.BufferedRandom))
    raw: object = getattr(file, "raw", None) if buffered else file
    if not isinstance(raw, io.FileIO):
        return None
    about = os.fstat(raw.fileno())
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _size_of_path(path: str | bytes) -> int | None:
    about = os.stat(path)
    if stat.S_ISDIR(about.st_mode):
        raise InvalidBodyError("path leads to a directory, and content comes from a file", where="path")
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _guarded(work: Callable[[], T]) -> T:
    """What `work` gives, with errors of the system under our own name."""
    try:
        return work()
    except InvalidBodyError:
        raise
    except (OSError, ValueError, AttributeError) as error:
        _refuse(error)


def _refuse(error: Exception) -> NoReturn:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    raise InvalidBodyError(f"the file of the body cannot be read: {said[:100]}", where="file") from error
