"""Content that the memory connector gives back: pieces, silence and failures, all without waiting.

Stands on bodies, received content and errors.

Time is counted, not spent: a `Pause` that is longer than a timeout is that timeout, at once.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator, Sequence
from typing import Final, TypeAlias, TypeVar, final

from stablehttp._body import AsyncBody, Body, BytesBody, SyncBody
from stablehttp._errors import (
    IncompleteResponseError,
    InvalidBodyError,
    InvalidResponseError,
    ReadTimeoutError,
    StableHTTPError,
    TotalTimeoutError,
)
from stablehttp._fields import Fields
from stablehttp._grammar import is_content_length
from stablehttp._http_version import HttpVersion
from stablehttp._outgoing import AsyncOutgoing, SyncOutgoing
from stablehttp._response import Response
from stablehttp._settings import Timeouts
from stablehttp.testing._origin_script import Pause

B = TypeVar("B", bound=Body)

READER: Final = "the memory connector"

Piece: TypeAlias = bytes | Pause | StableHTTPError


@final
class Pieces(SyncBody, AsyncBody):
    """Content in pieces, of both colours, and readable again and again.

    An error among the pieces is raised where it stands, a fresh copy each time.  For a `Pause` the peer of a
    memory connector is silent: no time passes, but timeouts that are shorter run out.
    """

    __slots__ = ("_length", "pieces")

    def __init__(self, *pieces: Piece, length: int | None = None) -> None:
        """Keep `pieces`; `length` is what the body declares, in octets.

        Raises:
            InvalidBodyError: one is neither bytes, nor a pause, nor an error.
        """
        super().__init__()
        for piece in pieces:
            if not isinstance(piece, bytes | Pause | StableHTTPError):
                raise InvalidBodyError(
                    f"a piece must be bytes, a Pause or a StableHTTPError, not {type(piece).__name__}", where="pieces"
                )
        self.pieces: Sequence[Piece] = pieces
        self._length = length

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """True."""
        return True

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The pieces that are bytes, up to the first error."""
        for piece in self.pieces:
            if isinstance(piece, StableHTTPError):
                raise fresh(piece)
            if isinstance(piece, bytes) and piece:
                yield piece

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The pieces that are bytes, up to the first error."""
        for chunk in self.chunks():
            yield chunk

    def __repr__(self) -> str:
        return f"<Pieces, {len(self.pieces)} of them>"


def fresh(error: StableHTTPError) -> StableHTTPError:
    """A copy of an error that is raised more than once, without the traceback of the last time."""
    again = copy.copy(error)
    again.__cause__ = error.__cause__
    return again


@final
class Clock:
    """How long a call has taken, had the peer been as slow as the rule says."""

    __slots__ = ("_passed", "_timeouts")

    def __init__(self, timeouts: Timeouts | None) -> None:
        self._timeouts = timeouts or Timeouts()
        self._passed = 0.0

    def silence(self, seconds: float) -> None:
        """Let the peer send nothing for `seconds`.

        Raises:
            ReadTimeoutError, TotalTimeoutError: that is too long; the one that runs out first.
        """
        read, total = self._timeouts.read, self._timeouts.total
        left = None if total is None else total - self._passed
        self._passed += seconds
        if read is not None and seconds > read and (left is None or read < left):
            raise ReadTimeoutError(f"the peer sent nothing for {read} seconds", seconds=read)
        if left is not None and seconds > left:
            raise TotalTimeoutError(f"the call took longer than {total} seconds", seconds=total)


@final
class Arrival:
    """What all content of a response has in common: its declared length, its trailers, its end."""

    __slots__ = ("_received", "_template", "body", "clock", "length")

    def __init__(self, template: Response[Body], clock: Clock, method: str) -> None:
        empty = method == "HEAD" or template.status in (204, 304)
        declared = template.headers.get("content-length")
        self.body = BytesBody() if empty else template.body
        self.length = self.body.length
        if declared is not None and is_content_length(declared) and not empty:
            self.length = int(declared)
        self.clock = clock
        self._received = 0
        self._template = template

    def count(self, chunk: bytes) -> bytes:
        """Take note of a chunk, empty at the end, and give it back.

        Raises:
            IncompleteResponseError, InvalidResponseError: there is less, or more, than `Content-Length` said.
        """
        self._received += len(chunk)
        if self.length is None or self._received == self.length or (chunk and self._received < self.length):
            return chunk
        if chunk:
            raise InvalidResponseError(f"the peer sent more than the {self.length} octets that it declared")
        raise IncompleteResponseError(
            f"the content ended after {self._received} of {self.length} octets",
            expected=self.length,
            received=self._received,
        )

    def trailers(self) -> Fields:
        """The trailers of the response."""
        return self._template.trailers.copy()

    def response(self, body: B, versions: Sequence[HttpVersion]) -> Response[B]:
        """The response to hand out, over the best of `versions` unless the rule's own is among them."""
        template = self._template
        return Response(
            template.status,
            headers=template.headers.copy(),
            body=body,
            reason=template.reason,
            http_version=template.http_version if template.http_version in versions else versions[0],
            extensions=template.extensions,
            connection=template.connection,
        )


@final
class AsyncArrival:
    """The content of a response on an asynchronous connector; `listening` reads that of the request beside it."""

    __slots__ = ("_arrival", "_chunks", "_listening", "_outgoing", "trailers")

    def __init__(self, arrival: Arrival, outgoing: AsyncOutgoing, listening: asyncio.Task[None] | None) -> None:
        self._arrival = arrival
        self._listening = listening
        self._outgoing = outgoing
        self._chunks = _achunks(arrival)
        self.trailers = arrival.trailers

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        return self._arrival.count(await anext(self._chunks, b""))

    async def aclose(self) -> None:
        """Close what the content comes from, and the body of the request."""
        await self._chunks.aclose()
        body = self._arrival.body
        if isinstance(body, AsyncBody):
            await body.aclose()
        elif isinstance(body, SyncBody):
            body.close()
        if self._listening is not None:
            await asyncio.sleep(0)  # what was sent before this is recorded
            self._listening.cancel()
            await asyncio.wait([self._listening])
        await self._outgoing.aclose()


@final
class SyncArrival:
    """The content of a response on a synchronous connector."""

    __slots__ = ("_arrival", "_chunks", "_outgoing", "trailers")

    def __init__(self, arrival: Arrival, outgoing: SyncOutgoing) -> None:
        self._arrival = arrival
        self._outgoing = outgoing
        self._chunks = _chunks(arrival)
        self.trailers = arrival.trailers

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        return self._arrival.count(next(self._chunks, b""))

    def close(self) -> None:
        """Close what the content comes from, and the body of the request."""
        self._chunks.close()
        body = self._arrival.body
        if isinstance(body, SyncBody):
            body.close()
        self._outgoing.close()


def _chunks(arrival: Arrival) -> Generator[bytes, None, None]:
    body = arrival.body
    if isinstance(body, Pieces):
        for piece in body.pieces:
            if isinstance(piece, Pause):
                arrival.clock.silence(piece.seconds)
            elif isinstance(piece, StableHTTPError):
                raise fresh(piece)
            elif piece:
                yield piece
    elif isinstance(body, SyncBody):
        yield from body.chunks(reader=READER)


async def _achunks(arrival: Arrival) -> AsyncGenerator[bytes, None]:
    body = arrival.body
    if isinstance(body, SyncBody):
        for chunk in _chunks(arrival):
            yield chunk
    elif isinstance(body, AsyncBody):
        async for chunk in body.achunks(reader=READER):
            yield chunk
