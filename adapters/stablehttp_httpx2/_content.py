"""Content on its way out: the caller's body as httpx2 takes it.

The transport reads it while it writes, so the limit of time for writing is set anew with each piece, and
rests while the caller's body is waited for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final, TypeAlias, final

import httpx2

from stablehttp import AnyRequest, AsyncBody, BodyTakenError, BytesBody, Request, SyncBody
from stablehttp.adapting import AsyncOutgoing, SyncOutgoing
from stablehttp_httpx2._limits import Clock

_READER: Final = "the httpx2 connector"
_PIECE: Final = 64 * 1024

Octets: TypeAlias = httpx2.ByteStream
"""Small content that is in memory: httpx2's own class for it, which is of both colours."""

_EMPTY: Final = httpx2.ByteStream(b"")


class _Pieces:
    """Chunks in pieces of at most 64 KiB; a chunk that is not larger is given as it is.

    `failure` is what the caller's body raised, whatever the transport made of it.
    """

    def __init__(self, clock: Clock) -> None:
        self.failure: Exception | None = None
        self._clock = clock
        self._begun = False
        self._chunk = b""
        self._place = 0

    def _begin(self) -> None:
        if self._begun:
            raise BodyTakenError(
                f"the body was read already, by {_READER}, and a transport wants it a second time; "
                "requests are sent once, so lend one that does not repeat them",
                taken_by=_READER,
            )
        self._begun = True

    def _another(self) -> bytes:
        """The next piece of the chunk at hand; empty if there is none."""
        start = self._place
        if start >= len(self._chunk):
            self._clock.rest()
            return b""
        self._clock.arm("write")
        self._place = end = start + _PIECE
        return self._chunk[start:end]

    def _first(self, chunk: bytes) -> bytes:
        """The first piece of a new chunk; what is not bytes is copied, because it could change."""
        self._clock.arm("write")
        if type(chunk) is not bytes:
            chunk = bytes(chunk)
        if len(chunk) <= _PIECE:
            return chunk
        self._chunk = chunk
        self._place = _PIECE
        return chunk[:_PIECE]


@final
class AsyncContent(_Pieces, httpx2.AsyncByteStream):
    """The content of one request, for a transport that awaits it."""

    def __init__(self, outgoing: AsyncOutgoing, clock: Clock) -> None:
        super().__init__(clock)
        self._outgoing = outgoing

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._begin()
        return self

    async def __anext__(self) -> bytes:
        piece = self._another()
        if piece:
            return piece
        try:
            chunk = await anext(self._outgoing)
        except StopAsyncIteration:
            self._clock.arm("write")
            raise
        except Exception as error:
            self.failure = error
            raise
        return self._first(chunk)

    async def aclose(self) -> None:
        """Close the caller's body, once."""
        await self._outgoing.aclose()


@final
class SyncContent(_Pieces, httpx2.SyncByteStream):
    """The content of one request, for a transport that blocks."""

    def __init__(self, outgoing: SyncOutgoing, clock: Clock) -> None:
        super().__init__(clock)
        self._outgoing = outgoing

    def __iter__(self) -> Iterator[bytes]:
        self._begin()
        return self

    def __next__(self) -> bytes:
        piece = self._another()
        if piece:
            return piece
        try:
            chunk = next(self._outgoing)
        except StopIteration:
            self._clock.arm("write")
            raise
        except Exception as error:
            self.failure = error
            raise
        return self._first(chunk)

    def close(self) -> None:
        """Close the caller's body, once."""
        self._outgoing.close()


def async_content(request: Request[AsyncBody], clock: Clock) -> Octets | AsyncContent:
    """The content of a completed request; nothing is read yet.

    Raises:
        BodyColourError, BodyTakenError: the body cannot be read here, or not again.
    """
    small = _small(request)
    return AsyncContent(AsyncOutgoing(request, _READER), clock) if small is None else small


def sync_content(request: Request[SyncBody], clock: Clock) -> Octets | SyncContent:
    """The content of a completed request; nothing is read yet.

    Raises:
        BodyColourError, BodyTakenError: the body cannot be read here, or not again.
    """
    small = _small(request)
    return SyncContent(SyncOutgoing(request, _READER), clock) if small is None else small


def _small(request: AnyRequest) -> Octets | None:
    body = request.body
    if not isinstance(body, BytesBody) or body.length > _PIECE:
        return None
    return httpx2.ByteStream(body.content) if body.length else _EMPTY
