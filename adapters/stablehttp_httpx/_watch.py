"""Waiting for the client: limits of time, and cancellation that does it no harm.

The client's coroutine is driven by hand, for two reasons.

- Its own timeouts bound single system calls, and over HTTP/2 the one that strikes first ends every
  exchange of the connection.  Here one deadline moves on through the stages of an exchange, at the
  price of an assignment.
- It can lose a place in its pool, or octets of a connection that others share, when it is cancelled
  where it only lets the event loop turn.  A cancellation that comes at such a point is held, and
  delivered where the client really waits for something.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from math import inf
from types import coroutine
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, final

from stablehttp import Timeouts

T = TypeVar("T")

Kind: TypeAlias = Literal["pool", "connect", "write", "read", "total", "drain"]

_PATIENCE: Final = 100
"""How many turns of the loop a cancellation is held at most."""

_DRAIN_SECONDS: Final = 0.1


class OutOfTimeError(Exception):
    """A limit of ours was reached; `kind` says which, and `seconds` how long it was."""

    def __init__(self, kind: Kind, seconds: float | None) -> None:
        super().__init__(f"{kind} timeout")
        self.kind = kind
        self.seconds = seconds


class Clock(Protocol):
    """What is told of each stage, so that the limit of that stage counts."""

    def arm(self, kind: Kind) -> None:
        """From now on the limit called `kind` counts, beside the total."""
        ...


def limits_of(timeouts: Timeouts, connect: float | None) -> dict[Kind, float | None]:
    """All limits by their kind, in seconds."""
    return {
        "pool": timeouts.pool,
        "connect": connect,
        "write": timeouts.write,
        "read": timeouts.read,
        "total": timeouts.total,
        "drain": _DRAIN_SECONDS,
    }


@final
class Watch:
    """The limits of one exchange, and the driver of the client's coroutines.

    `careful` says whether a cancellation may be held just now.  `held` is a cancellation that could not be
    delivered before the client was done; whoever drives raises it, after putting away what the client gave.
    """

    __slots__ = (
        "_at",
        "_kind",
        "_limits",
        "_loop",
        "_outside",
        "_struck",
        "_timer",
        "_total_at",
        "_waits_for",
        "careful",
        "held",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: dict[Kind, float | None]) -> None:
        total = limits["total"]
        self._loop = loop
        self._limits = limits
        self._total_at = inf if total is None else loop.time() + total
        self._at = self._total_at
        self._kind: Kind = "total"
        self._timer: asyncio.TimerHandle | None = None
        self._waits_for: object = None
        self._struck: OutOfTimeError | None = None
        self._outside: asyncio.CancelledError | None = None
        self.careful = False
        self.held: asyncio.CancelledError | None = None

    def arm(self, kind: Kind) -> None:
        """From now on the limit called `kind` counts, beside the total."""
        seconds = self._limits[kind]
        at = inf if seconds is None else self._loop.time() + seconds
        self._kind, self._at = (kind, at) if at < self._total_at else ("total", self._total_at)
        if self._timer is not None and self._at < self._timer.when():
            self._set_timer()

    @coroutine
    def drive(self, work: Awaitable[T]) -> Generator[object, None, T]:
        """What `work` gives.

        Raises:
            OutOfTimeError: a limit was reached; `work` was told by a cancellation, and has ended.
        """
        if self._at != inf:
            self._set_timer()
        try:
            return (yield from self._steps(work.__await__()))
        except Exception as error:
            if self._outside is not None:
                raise self._outside from error
            raise
        except asyncio.CancelledError as error:
            if self._outside is None and self._struck is not None:
                raise self._struck from error
            raise
        finally:
            self._waits_for = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _steps(self, steps: Generator[object, None, T]) -> Generator[object, None, T]:
        told = False
        patience = _PATIENCE
        error: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(None) if error is None else steps.throw(error)
            except StopIteration as end:
                value: T = end.value
                return value
            self._waits_for = waits_for
            if not told and (self._struck or self.held) and (waits_for is not None or not patience):
                told = True
                error, self.held = self.held or asyncio.CancelledError(), None
                continue
            try:
                yield waits_for
                error = None
            except asyncio.CancelledError as cancelled:
                error = cancelled
                if self._is_from_outside():
                    self._outside = cancelled
                    if waits_for is None and self.careful and patience:
                        self.held, error = cancelled, None
                told = told or error is not None
            except BaseException as other:
                error = other
            patience -= bool(patience)

    def _is_from_outside(self) -> bool:
        """Whether somebody cancelled the task, and it was not only our timer."""
        task = asyncio.current_task(self._loop)
        return self._struck is None or (task is not None and task.cancelling() > 0)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._loop.time() < self._at:
            self._set_timer()
            return
        self._struck = OutOfTimeError(self._kind, self._limits[self._kind])
        if isinstance(self._waits_for, asyncio.Future):
            self._waits_for.cancel()


@final
class Ration:
    """The limits of one exchange where nothing can be interrupted: what the client is told to wait at most.

    `timeouts` is the client's own mapping, which it looks at when a stage begins; the total is checked
    there, and between the chunks that arrive.
    """

    __slots__ = ("_limits", "_now", "_total_at", "timeouts")

    def __init__(self, now: Callable[[], float], limits: dict[Kind, float | None]) -> None:
        total = limits["total"]
        self._now = now
        self._limits = limits
        self._total_at = inf if total is None else now() + total
        self.timeouts = {kind: self._most(kind) for kind in ("pool", "connect", "write", "read")}

    def arm(self, kind: Kind) -> None:
        """The stage called `kind` begins.

        Raises:
            OutOfTimeError: the total is used up.
        """
        self.check()
        self.timeouts["read" if kind == "drain" else kind] = self._most(kind)

    def check(self) -> None:
        """Make sure that there is time left.

        Raises:
            OutOfTimeError: the total is used up.
        """
        if self._now() >= self._total_at:
            raise OutOfTimeError("total", self._limits["total"])
