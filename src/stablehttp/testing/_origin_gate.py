"""Holding an answer: for some time, or until the test says so.

Stands on the bell and on `stablehttp._errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from stablehttp._errors import HTTPTimeoutError
from stablehttp.testing._origin_bell import Bell


@final
@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds before going on."""

    seconds: float


@final
class Gate:
    """Holds an answer until the test opens it; callable from any thread and any event loop.

    Put it in `Answer.hold` or between the pieces of a content.  `wait` tells the test that the origin
    stands at the gate, so no test needs to sleep.
    """

    __slots__ = ("_arrived", "_bell", "_opened")

    def __init__(self) -> None:
        self._bell = Bell()
        self._opened = False
        self._arrived = 0

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._opened = True
        self._bell.ring()

    @property
    def arrived(self) -> int:
        """How many answers have come to this gate so far."""
        return self._arrived

    def wait(self, count: int = 1, *, timeout: float = 5.0) -> None:
        """Block until `count` answers have come to the gate.

        Raises:
            HTTPTimeoutError: fewer came within `timeout` seconds.
        """
        if not self._bell.wait(lambda: self._arrived >= count, timeout):
            raise self._late(count, timeout)

    async def await_(self, count: int = 1, *, timeout: float = 5.0) -> None:  # noqa: ASYNC109 - as in `wait`
        """Wait as `wait` does, without blocking the event loop."""
        if not await self._bell.await_(lambda: self._arrived >= count, timeout):
            raise self._late(count, timeout)

    async def pass_through(self) -> None:
        """Come to the gate and wait until it is open: what the origin does."""
        self._arrived += 1
        self._bell.ring()
        await self._bell.await_(lambda: self._opened, None)

    def _late(self, count: int, timeout: float) -> HTTPTimeoutError:
        return HTTPTimeoutError(
            f"{self._arrived} of {count} answers came to the gate within {timeout} seconds",
            sent="no",
            processed="no",
            seconds=timeout,
        )
