"""Messages as frames: octets of content, and last of all the trailer section.

Floor 7: stands on responses, bodies and computed trailers.

A body and the trailers beside it are one shape of a message, a stream of frames is the other; whoever wants
the second, to hand a message on as it arrives say, has it here.  Both are the same message on the wire.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TypeAlias, final

from stablehttp._body import AsyncBody, SyncBody, checked_chunk, describe_length
from stablehttp._computed_trailers import check_trailer_names
from stablehttp._content import checked_length
from stablehttp._errors import InvalidBodyError
from stablehttp._fields import Fields
from stablehttp._response import Response
from stablehttp._streams import aend, end

Frame: TypeAlias = bytes | Fields
"""Some octets of content, which are not empty, or the trailer section, which ends the message."""


async def aframes(response: Response[AsyncBody]) -> AsyncIterator[Frame]:
    """The frames of a response as they arrive; the last is the trailer section, empty if there were no trailers.

    Raises:
        TrailersUnavailableError: after the content, if the client cannot deliver trailers.
        BodyTakenError, TransportError, HTTPTimeoutError: as reading the body does.
    """
    chunks = response.body.achunks(reader="aframes")
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        await aend(chunks)
    yield response.trailers


def frames(response: Response[SyncBody]) -> Iterator[Frame]:
    """The frames of a response as they arrive; the last is the trailer section, empty if there were no trailers.

    Raises:
        TrailersUnavailableError: after the content, if the client cannot deliver trailers.
        BodyTakenError, TransportError, HTTPTimeoutError: as reading the body does.
    """
    yield from response.body.chunks(reader="frames")
    yield response.trailers


@final
class AsyncFramesBody(AsyncBody):
    """Content that is given as frames; the names of its trailers are announced before it.

    It is replayable if `frames` is not its own iterator.
    """

    __slots__ = ("_frames", "_length", "_names", "_trailers")

    def __init__(
        self, frames: AsyncIterable[Frame], *, trailer_names: Iterable[str] = (), length: int | None = None
    ) -> None:
        """Take content from `frames`; `length` is that of all octets, if it is known.

        Raises:
            InvalidFieldError: a name is no field name, or may not stand in trailers.
        """
        super().__init__()
        self._frames = frames
        self._names = check_trailer_names(trailer_names)
        self._length = checked_length(length)
        self._trailers = _Trailers()

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """Whether each reading makes an iterator of its own."""
        return not isinstance(self._frames, AsyncIterator)

    @property
    def trailer_names(self) -> tuple[str, ...]:
        """The names that were announced."""
        return self._names

    def computed_trailers(self) -> Iterable[tuple[str, str]]:
        """The lines of the last frame, once it came."""
        return self._trailers.lines

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The octets of the frames.

        Raises:
            BodyTakenError: they were read already, and cannot be read again.
            InvalidBodyError: a frame is neither octets nor a section, or comes after the trailers.
        """
        self._claim(reader)
        taken = self._trailers = _Trailers()
        running = aiter(self._frames)
        try:
            async for frame in running:
                if chunk := taken.take(frame):
                    yield chunk
        finally:
            await aend(running)

    def __repr__(self) -> str:
        return f"<AsyncFramesBody of {describe_length(self._length)}>"


@final
class FramesBody(SyncBody):
    """The synchronous twin of `AsyncFramesBody`."""

    __slots__ = ("_frames", "_length", "_names", "_trailers")

    def __init__(
        self, frames: Iterable[Frame], *, trailer_names: Iterable[str] = (), length: int | None = None
    ) -> None:
        """Take content from `frames`; `length` is that of all octets, if it is known.

        Raises:
            InvalidFieldError: a name is no field name, or may not stand in trailers.
        """
        super().__init__()
        self._frames = frames
        self._names = check_trailer_names(trailer_names)
        self._length = checked_length(length)
        self._trailers = _Trailers()

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """Whether each reading makes an iterator of its own."""
        return not isinstance(self._frames, Iterator)

    @property
    def trailer_names(self) -> tuple[str, ...]:
        """The names that were announced."""
        return self._names

    def computed_trailers(self) -> Iterable[tuple[str, str]]:
        """The lines of the last frame, once it came."""
        return self._trailers.lines

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The octets of the frames.

        Raises:
            BodyTakenError: they were read already, and cannot be read again.
            InvalidBodyError: a frame is neither octets nor a section, or comes after the trailers.
        """
        self._claim(reader)
        taken = self._trailers = _Trailers()
        running = iter(self._frames)
        try:
            for frame in running:
                if chunk := taken.take(frame):
                    yield chunk
        finally:
            end(running)

    def __repr__(self) -> str:
        return f"<FramesBody of {describe_length(self._length)}>"


@final
class _Trailers:
    """Tells content from trailers, in one reading."""

    __slots__ = ("_over", "lines")

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._over = False

    def take(self, frame: Frame) -> bytes:
        """The octets of a frame; none if it is the last."""
        if self._over:
            raise InvalidBodyError("a frame follows the trailers, which are the last of a message")
        if isinstance(frame, Fields):
            self._over = True
            self.lines = frame.items()
            return b""
        return frame if checked_chunk(frame) else b""
