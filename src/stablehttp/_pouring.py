"""Writing received content to a sink.

Floor 3: stands on sinks and errors.

A sink is written to only while all is well: what fails half-way is undone where it can be, and a path
gets its new content all at once or not at all.  The caller's object is never closed.  Files are written
off the event loop; what is still being written in another thread is waited for before it is undone.
"""

from __future__ import annotations

import inspect
import io
import os
import stat
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from threading import Lock
from typing import Final, Protocol, TypeVar, cast, final

from stablehttp._errors import BodyColourError, InvalidBodyError, SinkError, StableHTTPError
from stablehttp._sinks import CallbackSink

T = TypeVar("T")


def check_sink(sink: object, *, asynchronous: bool) -> None:
    """Make sure that `sink` can be one, as far as that is seen before it is written to.

    Raises:
        InvalidBodyError: it cannot.
        BodyColourError: it must be awaited, and `asynchronous` is False.
    """
    _Target(sink, asynchronous=asynchronous)


def can_be_read_again(sink: object) -> bool:
    """Whether content that was written to `sink` can be read from there."""
    if isinstance(sink, os.PathLike):
        return os.path.isfile(cast("os.PathLike[str]", sink))
    reads = callable(getattr(sink, "read", None)) and not inspect.iscoroutinefunction(getattr(sink, "read", None))
    return reads and _answers_yes(sink, "readable") and _guarded(lambda: _place_of(sink)) is not None


def pour(chunks: Iterable[bytes], sink: object) -> int:
    """Write all of `chunks` to `sink` and give the number of octets; on failure undo it where that can be done.

    Raises:
        InvalidBodyError: `sink` cannot be one, or must be awaited.
        SinkError: it did not take the content.
    """
    target = _Target(sink, asynchronous=False)
    try:
        target.begin()
        for chunk in chunks:
            target.write(chunk)
        target.finish()
    except BaseException as error:
        target.undo()
        _say_what_is_left(error, target)
        raise
    return target.octets


async def apour(chunks: AsyncIterable[bytes], sink: object) -> int:
    """Write all of `chunks` to `sink` and give the number of octets; on failure undo it where that can be done.

    Raises:
        InvalidBodyError: `sink` cannot be one.
        SinkError: it did not take the content.
    """
    target = _Target(sink, asynchronous=True)
    try:
        await target.off_loop(target.begin)
        async for chunk in chunks:
            await target.awrite(chunk)
        await target.off_loop(target.finish)
    except BaseException as error:
        await target.off_loop(target.undo)
        _say_what_is_left(error, target)
        raise
    return target.octets


def _say_what_is_left(error: BaseException, target: _Target) -> None:
    if isinstance(error, StableHTTPError):
        error.sink_octets = target.octets


# --- how it is done ------------------------------------------------------------------------------

_BLOCKING: Final = (io.FileIO, io.BufferedIOBase, io.RawIOBase)


@final
class _Target:
    """A sink while it is written to; `octets` is how many lie there."""

    __slots__ = ("_blocks", "_drain", "_lock", "_own", "_part", "_path", "_place", "_sink", "_write", "octets")

    def __init__(self, sink: object, *, asynchronous: bool) -> None:
        self.octets = 0
        self._lock = Lock()
        self._path: str | None = None
        self._part: str | None = None
        self._own: io.BufferedWriter | None = None
        self._place: int | None = None
        self._sink: object = sink
        if isinstance(sink, os.PathLike):
            self._path = os.fspath(cast("os.PathLike[str]", sink))
        elif not callable(getattr(sink, "write", None)):
            if not callable(sink):
                hint = "; give Path(name) to write to a file" if isinstance(sink, str) else ""
                raise InvalidBodyError(
                    f"sink must have a method write, or be a callback or a Path, not {type(sink).__name__}{hint}",
                    where="sink",
                )
            self._sink = CallbackSink(sink)
            if not asynchronous and inspect.iscoroutinefunction(sink):
                raise _must_be_awaited()
        _check_binary(self._sink)
        self._blocks = self._path is not None or (
            isinstance(self._sink, _BLOCKING) and not isinstance(self._sink, io.BytesIO)
        )
        self._write: Callable[[bytes], object] | None = getattr(self._sink, "write", None)
        if not asynchronous and inspect.iscoroutinefunction(self._write):
            raise _must_be_awaited()
        drain: object = getattr(self._sink, "drain", None)
        self._drain = cast("Callable[[], Awaitable[object]]", drain) if inspect.iscoroutinefunction(drain) else None

    async def off_loop(self, work: Callable[[], T]) -> T:
        """Do `work`, in another thread if it may block."""
        if not self._blocks:
            return work()
        from asyncio import to_thread

        return await to_thread(work)

    def begin(self) -> None:
        """Open the path, or remember where the sink stands."""
        with self._lock:
            if self._path is not None:
                path = self._path = os.path.realpath(self._path)
                self._own = self._guarded(lambda: self._open(path))
                self._sink, self._write = self._own, self._own.write
            else:
                self._place = self._guarded(lambda: _place_of(self._sink))

    def write(self, chunk: bytes) -> None:
        """Write all of `chunk`, however little is taken at once."""
        with self._lock:
            rest = chunk
            while rest:
                rest = self._after(self._guarded(lambda: self._give(rest)), rest)  # noqa: B023 (called at once)

    async def awrite(self, chunk: bytes) -> None:
        """Write all of `chunk`, however little is taken at once."""
        if self._blocks:
            await self.off_loop(lambda: self.write(chunk))
            return
        rest = chunk
        while rest:
            answer = self._guarded(lambda: self._give(rest))  # noqa: B023 (called at once)
            if inspect.isawaitable(answer):
                answer = await self._aguarded(cast("Awaitable[object]", answer))
            rest = self._after(answer, rest)
        if self._drain is not None:
            await self._aguarded(self._drain())

    def finish(self) -> None:
        """Put the file in its place, or go back to where the content begins if it can be read from there."""
        with self._lock:
            if self._own is not None:
                self._guarded(self._own.close)
                if self._part is not None:
                    self._guarded(lambda: os.replace(cast(str, self._part), cast(str, self._path)))
            elif self._place is not None and _answers_yes(self._sink, "readable"):
                self._guarded(lambda: cast("_Movable", self._sink).seek(cast(int, self._place)))

    def undo(self) -> None:
        """Leave the sink as it was found, where that can be done."""
        with self._lock:
            try:
                if self._own is not None:
                    self._own.close()
                if self._part is not None:
                    os.unlink(self._part)
                elif self._place is not None and callable(getattr(self._sink, "truncate", None)):
                    movable = cast("_Movable", self._sink)
                    movable.seek(self._place)
                    movable.truncate()
                else:
                    return
            except (OSError, ValueError):
                return
            self.octets = 0

    def _open(self, path: str) -> io.BufferedWriter:
        """A new file beside `path`, or what is there itself if it is none that can be replaced: a device, a pipe."""
        about = os.stat(path) if os.path.exists(path) else None
        if about is not None and not stat.S_ISREG(about.st_mode):
            return open(path, "wb")
        folder, name = os.path.split(path)
        part = os.path.join(folder, f".{name[:100]}.{os.urandom(8).hex()}.part")
        file = open(part, "xb")  # noqa: SIM115 (closed by whoever finishes or undoes)
        self._part = part
        if about is not None:
            os.chmod(part, stat.S_IMODE(about.st_mode))
        return file

    def _after(self, answer: object, offered: bytes) -> bytes:
        """What is left of `offered` after the sink answered."""
        taken = self._taken(answer, offered)
        self.octets += taken
        return offered[taken:]

    def _give(self, octets: bytes) -> object:
        if isinstance(self._sink, CallbackSink):
            return self._sink.call(octets)
        assert self._write is not None
        return self._write(octets)

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except StableHTTPError:
            raise
        except (OSError, ValueError) as error:
            raise _failed(error, self.octets) from error

    async def _aguarded(self, work: Awaitable[object]) -> object:
        try:
            return await work
        except StableHTTPError:
            raise
        except (OSError, ValueError) as error:
            raise _failed(error, self.octets) from error

    def _taken(self, answer: object, offered: bytes) -> int:
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise _must_be_awaited()
        if isinstance(self._sink, CallbackSink):
            return self._sink.count(len(offered))
        if answer is None and not isinstance(self._sink, io.RawIOBase):
            return len(offered)
        if type(answer) is not int or not 0 < answer <= len(offered):
            said = answer if answer is None or isinstance(answer, int) else type(answer).__name__
            raise SinkError(
                f"the sink was given {len(offered)} octets after {self.octets} and answered {said}; "
                "it must take at least one, and say how many"
            )
        return answer


class _Movable(Protocol):
    def seek(self, offset: int, /) -> object: ...
    def tell(self) -> int: ...
    def truncate(self) -> object: ...


def _place_of(sink: object) -> int | None:
    seek, tell = getattr(sink, "seek", None), getattr(sink, "tell", None)
    if not callable(seek) or not callable(tell) or inspect.iscoroutinefunction(tell):
        return None
    if not _answers_yes(sink, "seekable"):
        return None
    place: object = tell()
    return place if type(place) is int else None


def _answers_yes(sink: object, question: str) -> bool:
    """Whether the sink says yes, or does not know the question."""
    ask = getattr(sink, question, None)
    return ask is None or (callable(ask) and bool(ask()))


def _check_binary(sink: object) -> None:
    if isinstance(sink, io.TextIOBase) or isinstance(getattr(sink, "encoding", None), str):
        raise InvalidBodyError("sink is a text file, and content is bytes; open it in binary mode, 'wb'", where="sink")


def _must_be_awaited() -> BodyColourError:
    return BodyColourError("sink must be awaited, and a synchronous response is written without", where="sink")


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except (OSError, ValueError) as error:
        raise _failed(error, 0) from error


def _failed(error: Exception, octets: int) -> SinkError:
    said = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return SinkError(f"the sink did not take the content after {octets} octets: {said[:100]}")
