"""Bodies that are watched: how often they were opened and closed, and what they gave.

Stands on bodies.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TypeAlias, cast, final

from stablehttp._body import AsyncBody, Body, BytesLike, SyncBody
from stablehttp.testing._origin_bell import Bell

_PATIENCE = 5.0


@final
class Signal:
    """Something that one side says and the other waits for, across threads and event loops."""

    def __init__(self) -> None:
        self._bell = Bell()
        self.given: bool = False

    def give(self) -> None:
        """Say it."""
        self.given = True
        self._bell.ring()

    def wait(self) -> None:
        """Block until it is said.

        Raises:
            TimeoutError: it was not said within five seconds.
        """
        if not self._bell.wait(lambda: self.given, _PATIENCE):
            raise TimeoutError("what the body waits for did not happen")

    async def await_(self) -> None:
        """Wait as `wait` does, without blocking the event loop."""
        if not await self._bell.await_(lambda: self.given, _PATIENCE):
            raise TimeoutError("what the body waits for did not happen")


Step: TypeAlias = BytesLike | BaseException | Signal
"""What a watched body does next: give octets, raise, or wait for a signal."""


class Source(Body):
    """A body that does one step after the other and counts what is done with it."""

    def __init__(self, steps: Sequence[Step], *, length: int | None = None, replayable: bool = False) -> None:
        super().__init__()
        self._steps = steps
        self._length = length
        self._replayable = replayable
        self.opened: int = 0
        self.closed: int = 0
        self.given: int = 0
        self._bell = Bell()

    @property
    def length(self) -> int | None:
        """The length that was declared, in octets."""
        return self._length

    @property
    def replayable(self) -> bool:
        """What it was made with."""
        return self._replayable

    @property
    def content(self) -> bytes:
        """All octets that it gives."""
        return b"".join(bytes(step) for step in self._steps if isinstance(step, bytes | bytearray | memoryview))

    async def reached(self, octets: int) -> None:
        """Wait until it has given so many octets.

        Raises:
            TimeoutError: it did not within five seconds.
        """
        if not await self._bell.await_(lambda: self.given >= octets, _PATIENCE):
            raise TimeoutError(f"the body gave {self.given} octets, and {octets} were waited for")

    def _open(self, reader: str) -> None:
        self._claim(reader)
        self.opened += 1

    def _give(self, step: BytesLike | BaseException) -> bytes:
        if isinstance(step, BaseException):
            raise step
        self.given += len(step)
        self._bell.ring()
        return cast(bytes, step)  # a body may give any buffer of octets


@final
class AsyncSource(Source, AsyncBody):
    """A watched body that is awaited."""

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """Do the steps."""
        self._open(reader)
        for step in self._steps:
            if isinstance(step, Signal):
                await step.await_()
            else:
                yield self._give(step)

    async def aclose(self) -> None:
        """Count."""
        self.closed += 1


@final
class SyncSource(Source, SyncBody):
    """A watched body that blocks."""

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """Do the steps."""
        self._open(reader)
        for step in self._steps:
            if isinstance(step, Signal):
                step.wait()
            else:
                yield self._give(step)

    def close(self) -> None:
        """Count."""
        self.closed += 1
