"""The pool of asynchronous connectors.

A free place is handed from who gives it back to the caller that has waited longest, in one step, so
nobody overtakes and nothing is lost when a caller is cancelled: whoever was handed something and
cannot take it hands it on.  While somebody waits, no connection is idle and no place is free.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar, final

from stablehttp._errors import ForeignLoopError
from stablehttp._pool._shelf import Lease, Shelf, already_closed, waited_too_long

C = TypeVar("C")


@final
@dataclass(slots=True, eq=False)
class _Waiter(Generic[C]):
    """A caller in the queue; what it gets is a lease, or None for leave to make a connection."""

    key: Hashable
    granted: asyncio.Future[Lease[C] | None]


@final
class AsyncPool(Generic[C]):
    """Connections of one event loop, by key, at most `max_connections` in all.

    `is_usable` sees, without waiting, whether an idle connection can serve another exchange; `close`
    starts to close one, and neither waits nor raises.  An idle connection is kept for `keepalive` seconds,
    and is closed earlier when another key needs its place, or when the event loop ends as
    `asyncio.run` ends it.

    A pool with nothing in use moves to another loop by itself once its own has ended, and to another process.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        keepalive: float,
        is_usable: Callable[[C], bool],
        close: Callable[[C], None],
    ) -> None:
        self._most = max_connections
        self._shelf: Shelf[C] = Shelf(max_connections, keepalive, is_usable, close)
        self._waiters: OrderedDict[_Waiter[C], None] = OrderedDict()
        self._leases: set[Lease[C]] = set()
        self._close = close
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._era = 0
        self._guard: AsyncGenerator[None] | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def open_connections(self) -> int:
        """How many connections are idle, in use or being made."""
        return self._shelf.count

    @property
    def idle_connections(self) -> int:
        """How many connections are idle."""
        return self._shelf.idle

    async def acquire(self, key: Hashable, make: Callable[[], Awaitable[C]], seconds: float | None = None) -> Lease[C]:
        """An idle connection for `key`, or one that `make` makes, once there is a place for it.

        Callers are served in the order in which they came.  `seconds` bounds the wait for a place, not the making.
        Whoever gets a lease gives it to `release`, exactly once.

        Raises:
            PoolTimeoutError: there was no place in time.
            ClosedError: the pool is closed, or was closed in the meantime.
            ForeignLoopError: connections of another event loop or process are in use.
        """
        if self._closed:
            raise already_closed()
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._pid != os.getpid():
            await self._settle_in(loop)
        connection = self._shelf.take(key)
        if connection is not None:
            return self._lease(key, connection, reused=True)
        if not self._shelf.reserve():
            lease = await self._wait(loop, key, seconds)
            if lease is not None:
                return lease
        try:
            made = await make()
        except BaseException:
            self._free_place()
            raise
        return self._lease(key, made, reused=False)

    def release(self, lease: Lease[C], *, reusable: bool) -> None:
        """Take a connection back; unless it is `reusable` it is closed.  A second call does nothing."""
        if lease not in self._leases:
            return
        self._leases.discard(lease)
        assert self._loop is not None
        if self._loop.is_closed():
            self._shelf.count -= 1
        elif not (reusable and not self._closed and self._shelf.is_usable(lease.connection)):
            self._close(lease.connection)
            self._free_place()
        elif not (self._waiters and self._hand_on(lease)):
            self._shelf.put(lease.key, lease.connection)
            if self._sweeper is None:
                self._sweep()

    async def aclose(self) -> None:
        """Close idle connections now, and those in use when they are given back; whoever waits is refused.

        Raises:
            ForeignLoopError: the connections belong to another event loop.
        """
        if self._loop is not None and self._loop is not asyncio.get_running_loop() and not self._abandoned():
            raise _foreign()
        self._closed = True
        self._stop()
        if self._guard is not None and not self._leases:
            guard, self._guard = self._guard, None
            await guard.aclose()

    # --- handing on ------------------------------------------------------------------------------

    def _lease(self, key: Hashable, connection: C, *, reused: bool) -> Lease[C]:
        lease = Lease(connection, key, reused)
        self._leases.add(lease)
        return lease

    async def _wait(self, loop: asyncio.AbstractEventLoop, key: Hashable, seconds: float | None) -> Lease[C] | None:
        waiter: _Waiter[C] = _Waiter(key, loop.create_future())
        self._waiters[waiter] = None
        timer = None if seconds is None else loop.call_later(seconds, self._expire, waiter, seconds)
        try:
            return await waiter.granted
        except BaseException:
            self._withdraw(waiter)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _expire(self, waiter: _Waiter[C], seconds: float) -> None:
        if not waiter.granted.done():
            waiter.granted.set_exception(waited_too_long(self._most, seconds))

    def _withdraw(self, waiter: _Waiter[C]) -> None:
        """A caller leaves the queue; what it was handed and could not take goes on to the next."""
        granted = waiter.granted
        if self._waiters.pop(waiter, waiter) is None:
            return
        if granted.done() and not granted.cancelled() and granted.exception() is None:
            lease = granted.result()
            if lease is None:
                self._free_place()
            else:
                self.release(lease, reusable=True)

    def _next_waiter(self) -> _Waiter[C] | None:
        while self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            if not waiter.granted.done():
                return waiter
        return None

    def _hand_on(self, lease: Lease[C]) -> bool:
        waiter = self._next_waiter()
        if waiter is None:
            return False
        if waiter.key == lease.key:
            waiter.granted.set_result(self._lease(lease.key, lease.connection, reused=True))
        else:
            self._close(lease.connection)
            waiter.granted.set_result(None)
        return True

    def _free_place(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._shelf.count -= 1
        else:
            waiter.granted.set_result(None)

    def _sweep(self) -> None:
        seconds = self._shelf.sweep()
        assert self._loop is not None
        self._sweeper = None if seconds is None else self._loop.call_later(seconds, self._sweep)

    # --- where the pool lives --------------------------------------------------------------------

    async def _settle_in(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make `loop` of this process the home of the pool."""
        if self._shelf.count and not self._abandoned():
            raise _foreign()
        self._forget()
        self._loop, self._pid = loop, os.getpid()
        self._era += 1
        self._guard = guard = _end_with_loop(self, self._era)
        await anext(guard)

    def _abandoned(self) -> bool:
        """Whether nobody can be using what is here: its process or loop is gone, or rests with nothing in use."""
        if self._loop is None or self._pid != os.getpid() or self._loop.is_closed():
            return True
        return not self._loop.is_running() and self._shelf.count == self._shelf.idle

    def _forget(self) -> None:
        self._shelf.forget()
        self._leases = set()
        self._waiters.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _stop(self) -> None:
        if self._loop is None or self._loop.is_closed() or self._pid != os.getpid():
            self._forget()
            return
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        self._shelf.close_idle()
        while (waiter := self._next_waiter()) is not None:
            waiter.granted.set_exception(already_closed())

    def end(self, era: int) -> None:
        """The loop is about to end: close everything that belongs to it."""
        if era == self._era:
            self._stop()
            for lease in list(self._leases):
                self.release(lease, reusable=False)


async def _end_with_loop(pool: AsyncPool[C], era: int) -> AsyncGenerator[None]:
    """Rests until `loop.shutdown_asyncgens`, the one moment in which a loop tells others that it is about to end."""
    try:
        yield
    finally:
        pool.end(era)


def _foreign() -> ForeignLoopError:
    return ForeignLoopError(
        "the connections of this connector are in use in another event loop; make one connector for each loop"
    )
