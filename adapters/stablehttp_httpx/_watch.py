"""Waiting for the client: limits of time, and cancellation that does it no harm.

The client's coroutine is driven by hand, for two reasons.

- Its own timeouts bound single steps, and over HTTP/2 the one that strikes first ends every exchange of
  the connection.  Here one deadline moves on through the stages of an exchange.  Only the time between
  octets of an HTTP/1.1 response is left to the client, which alone sees them arrive.
- It can lose a place in its pool, or octets of a connection that others share, when it is cancelled
  where it only lets the event loop turn.  A cancellation that comes at such a point is held, and
  delivered where the client really waits for something: what is waited for is cancelled, as the event loop
  does it, because a lock tells by that whether whoever waits for it has got it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator
from math import inf
from types import coroutine
from typing import Final, Literal, TypeVar, final

from stablehttp_httpx._limits import Asked, Kind, Limits, OutOfTimeError

T = TypeVar("T")

_PATIENCE: Final = 100
"""How many turns of the event loop a cancellation is held at most."""


@final
class Watch:
    """The limits of one exchange, and the driver of the client's coroutines.

    `timeouts` is the mapping that the client looks into when it reads or writes.  `careful` says whether a
    cancellation may be held just now; never while a timer of the client's own is running.  `held` is a
    cancellation that came so late that the client was done before it could be delivered: whoever drives puts
    away what the client gave, and raises it.
    """

    __slots__ = (
        "_at",
        "_cancelling",
        "_kind",
        "_limits",
        "_loop",
        "_outside",
        "_sending",
        "_starved",
        "_struck",
        "_task",
        "_timer",
        "_total_at",
        "_waits_for",
        "_wrote",
        "careful",
        "held",
        "timeouts",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        total = limits["total"]
        self._loop = loop
        self._limits = limits
        self._total_at = inf if total is None else loop.time() + total
        self._kind: Kind = "total"
        self._at = self._total_at
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._waits_for: object = None
        self._struck: OutOfTimeError | None = None
        self._outside: asyncio.CancelledError | None = None
        self._sending = self._starved = self._wrote = False
        self.careful = False
        self.held: asyncio.CancelledError | None = None
        self.timeouts: dict[str, float | None] = Asked(self._asked)

    def arm(self, kind: Kind) -> None:
        """From now on the limit called `kind` counts, beside the total."""
        self._sending = kind == "write"
        self._starved = self._wrote = False
        self._kind, self._at = "total", self._total_at
        self._bound(kind)

    def _bound(self, kind: Kind) -> None:
        """The limit called `kind` counts too."""
        seconds = self._limits[kind]
        at = inf if seconds is None else self._loop.time() + seconds
        if at < self._at:
            self._kind, self._at = kind, at
        if self._task is not None and self._at != inf and (self._timer is None or self._at < self._timer.when()):
            self._set_timer()

    def _asked(self, what: str) -> None:
        """The client is about to read or to write.

        Where it reads while it sends, it waits for leave to send more, which is a frame of HTTP/2; it would do so
        for ever on a stream that the peer has reset.  So the limit for reading counts from then on, until the
        client has written twice in a row: the second time it was content.
        """
        if not self._sending:
            return
        if what == "read":
            self._wrote = False
            if not self._starved:
                self._starved = True
                self._bound("read")
        elif what == "write":
            if self._starved and self._wrote:
                self.arm("write")
            self._wrote = True

    def leave(self, kind: Literal["read"]) -> None:
        """From now on the client sees to the limit called `kind`; the total counts beside it."""
        self.careful = False
        if self._limits[kind] is not None:
            self.timeouts[kind] = self._limits[kind]
        self.rest()

    def rest(self) -> None:
        """From now on the caller is waited for: only the total counts."""
        self._sending = False
        self._kind, self._at = "total", self._total_at

    def go_on(self) -> None:
        """The client goes on with the next stage.

        Raises:
            CancelledError: the call was cancelled, and what the client stands on took that for its own doing: anyio
                does if one of its scopes is cancelled in the same turn of the loop, as when a connection is made.
        """
        if self.held is None and self._cancellations():
            raise self._outside or asyncio.CancelledError()

    def late(self, kind: Kind, *, sending: bool = False) -> OutOfTimeError:
        """The limit called `kind`: the total is not the client's to keep."""
        return OutOfTimeError(kind, self._limits[kind] or self.timeouts.get(kind))

    @coroutine
    def drive(self, work: Awaitable[T]) -> Generator[object, None, T]:
        """What `work` gives.

        Raises:
            OutOfTimeError: a limit was reached; `work` was told by a cancellation, and has ended.
        """
        self._begin()
        try:
            return (yield from self._steps(work.__await__()))
        except GeneratorExit:
            raise
        except BaseException as error:
            cancelled = self._outside if self._cancellations() else None
            if cancelled is not None and cancelled is not error:
                raise cancelled from error
            if cancelled is None and self._struck is not None and isinstance(error, asyncio.CancelledError):
                raise self._struck from error
            raise
        finally:
            self._end()

    def deliver(self) -> None:
        """Raise a cancellation that came so late that `drive` could not deliver it.

        Raises:
            CancelledError: there was one.
        """
        if self.held is not None:
            raise self.held

    def _begin(self) -> None:
        self._task = asyncio.current_task(self._loop)
        self._cancelling = 0 if self._task is None else self._task.cancelling()
        self._struck = self._outside = self.held = None
        if self._at != inf:
            self._set_timer()

    def _end(self) -> None:
        self._task = None
        self._waits_for = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _steps(self, steps: Generator[object, None, T]) -> Generator[object, None, T]:
        told = 0  # how many cancellations stood when the last one was delivered
        patience = _PATIENCE
        error: BaseException | None = None
        while True:
            try:
                waits_for = steps.send(None) if error is None else steps.throw(error)
            except StopIteration as end:
                value: T = end.value
                return value
            error = None
            if told and told > self._cancellations():  # it was of a scope of the client's own, which is over
                told, self._outside = 0, None
            if self.held is not None and not told:
                patience -= 1
                if waits_for is not None or not patience:
                    told, held, self.held = self._cancellations(), self.held, None
                    if not _cancel(waits_for, held):
                        error = held
                        continue
            self._waits_for = waits_for
            try:
                yield waits_for
            except asyncio.CancelledError as cancelled:
                stand = self._cancellations()
                if stand:
                    self._outside = cancelled
                    if waits_for is None and (self.careful or told) and patience:
                        self.held = cancelled
                        continue
                told, error = stand, cancelled
            except GeneratorExit:
                steps.close()
                raise
            except BaseException as other:
                error = other

    def _cancellations(self) -> int:
        """How many cancellations of the task stand that were not there at first; our timer makes none."""
        return 0 if self._task is None else self._task.cancelling() - self._cancelling

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._at, self._ring)

    def _ring(self) -> None:
        """Interrupt what is waited for, if the deadline still stands; where nothing is, look again a turn later."""
        waits_for = self._waits_for
        if self._loop.time() < self._at or not isinstance(waits_for, asyncio.Future) or waits_for.done():
            self._set_timer()
            return
        self._timer = None
        self._struck = OutOfTimeError(self._kind, self._limits[self._kind])
        waits_for.cancel()


def _cancel(waits_for: object, cancelled: asyncio.CancelledError) -> bool:
    """Cancel what is waited for; whoever waits then hears of it from the event loop."""
    return isinstance(waits_for, asyncio.Future) and waits_for.cancel(*cancelled.args[:1])
