"""Content that is written while it is sent.

Floor 2: stands on bodies.

The writer waits while enough octets wait to be sent, so memory stays flat.  Content that its writer did
not finish is an error for whoever reads it, never an end: a request cut short must not look whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Final, Self, final

from stablehttp._content import AsyncBody, BytesLike, checked_chunk, checked_length, describe_length
from stablehttp._errors import ClosedError, InvalidBodyError

BUFFER: Final = 64 * 1024
"""How many octets may wait to be sent before `write` waits."""


@final
class PushedBody(AsyncBody):
    """Content that is pushed: `write` it in one task while another sends it.

    `async with body:` finishes the content at the end of the block; an exception that leaves the
    block makes the sending fail instead.  Cancel the writer when sending ends early, as a
    `TaskGroup` does, or it waits for a reader that never comes.
    """

    __slots__ = (
        "_buffer",
        "_failed",
        "_finished",
        "_gone",
        "_length",
        "_pending",
        "_readable",
        "_waiting",
        "_writable",
    )

    def __init__(self, *, length: int | None = None, buffer: int = BUFFER) -> None:
        """Nothing is there yet; `buffer` is how many octets may wait to be sent."""
        from asyncio import Event

        super().__init__()
        self._length = checked_length(length)
        self._buffer = max(checked_length(buffer, "buffer") or 0, 1)
        self._waiting: deque[bytes] = deque()
        self._pending = 0
        self._finished = False
        self._gone = False
        self._failed: BaseException | None = None
        self._readable = Event()
        self._writable = Event()
        self._writable.set()

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def abandoned(self) -> bool:
        """Whether nobody reads any more."""
        return self._gone

    async def write(self, octets: BytesLike) -> None:
        """Give `octets` to the sender, and wait while it has enough.

        Raises:
            ClosedError: the content was finished, or nobody reads it any more.
            InvalidBodyError: `octets` is not bytes.
        """
        self._check_open()
        if not checked_chunk(octets):
            return
        await self._writable.wait()
        self._check_open()
        self._waiting.append(octets if type(octets) is bytes else bytes(octets))
        self._pending += len(self._waiting[-1])
        self._readable.set()
        if self._pending >= self._buffer:
            self._writable.clear()
            await self._writable.wait()
            if self._gone and self._pending >= self._buffer:
                self._check_open()

    def finish(self) -> None:
        """The content ends here; a second call does nothing."""
        self._finished = True
        self._readable.set()

    def fail(self, error: BaseException) -> None:
        """The content cannot be finished: whoever sends it gets an error, with this one as its cause."""
        if not self._finished:
            self._failed = error
            self.finish()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """What is written, as it is written.

        Raises:
            BodyTakenError: it was read already.
            InvalidBodyError: the writer did not finish.
        """
        self._claim(reader)
        while True:
            await self._readable.wait()
            if self._failed is not None:
                raise InvalidBodyError(
                    f"the writer of the body failed with {type(self._failed).__name__} before its end"
                ) from self._failed
            if not self._waiting:
                if self._finished:
                    return
                self._readable.clear()
                continue
            chunk = self._waiting.popleft()
            self._pending -= len(chunk)
            if self._pending < self._buffer:
                self._writable.set()
            yield chunk

    async def aclose(self) -> None:
        """Nobody reads any more: the writer is told, if there was a reader."""
        if self._taken_by is not None:
            self.abandon()

    def abandon(self) -> None:
        """Nobody will read any more, and nobody may have begun: the writer is told, and what waits is dropped."""
        self._gone = True
        self._waiting.clear()
        self._writable.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.finish()
        else:
            self.fail(error)

    def _check_open(self) -> None:
        if self._finished:
            raise ClosedError("the content was finished; write before that")
        if self._gone:
            raise ClosedError(f"nobody reads the body any more: {self._taken_by or 'whoever was to send it'} closed it")

    def __repr__(self) -> str:
        return f"<PushedBody of {describe_length(self._length)}>"
