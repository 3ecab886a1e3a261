"""Content on its way through httpx: ours out, the peer's in.

Outgoing content is read by the transport while it writes, so the limit of time for writing is set anew
with each piece.  Incoming content is read from the stream of the response itself, without the layers that
decode it; when it ends, or fails, the connection goes back or away at once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final, Protocol, TypeAlias, cast, final

import httpx

from stablehttp import (
    AnyRequest,
    AsyncBody,
    BodyTakenError,
    BytesBody,
    Fields,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    Request,
    SyncBody,
)
from stablehttp.adapting import AsyncOutgoing, SyncOutgoing
from stablehttp_httpx._errors import Content, closed_while_reading, translate
from stablehttp_httpx._lender import Lease
from stablehttp_httpx._limits import Clock
from stablehttp_httpx._progress import Progress
from stablehttp_httpx._watch import Watch

_READER: Final = "the httpx connector"
_PIECE: Final = 64 * 1024
_WORTH_DRAINING: Final = 64 * 1024

Octets: TypeAlias = httpx.ByteStream
"""Small content that is in memory: httpx's own class for it, which is of both colours."""


# --- outgoing ------------------------------------------------------------------------------------


@final
class AsyncContent(httpx.AsyncByteStream):
    """The content of one request, in pieces of at most 64 KiB; a chunk that is not larger is not copied.

    `failure` is what the caller's body raised, whatever the transport made of it.
    """

    def __init__(self, outgoing: AsyncOutgoing, clock: Clock | None = None) -> None:
        self.failure: Exception | None = None
        self._outgoing = outgoing
        self._clock = clock
        self._begun = False
        self._rest = b""

    def __aiter__(self) -> AsyncIterator[bytes]:
        if self._begun:
            raise _begun_twice()
        self._begun = True
        return self

    async def __anext__(self) -> bytes:
        rest = self._rest
        if not rest:
            rest = await self._next()
        elif self._clock is not None:
            self._clock.arm("write")
        self._rest = rest[_PIECE:]
        return rest[:_PIECE]

    async def _next(self) -> bytes:
        if self._clock is not None:
            self._clock.rest()
        try:
            chunk = await anext(self._outgoing)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        finally:
            if self._clock is not None:
                self._clock.arm("write")
        return bytes(chunk)

    async def aclose(self) -> None:
        """Close the caller's body, once."""
        await self._outgoing.aclose()
