"""Connections for exchanges, in both colours: a pool below, and a desk for what is shared."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from time import monotonic
from typing import Final, final
from weakref import WeakKeyDictionary

from stablehttp import ClosedError, HttpSettings, HTTPTimeoutError, PoolTimeoutError, StableHTTPError, TotalTimeoutError
from stablehttp.adapting import AsyncPool, Lease, SyncPool
from stablehttp_crt._bell import AsyncBell, SyncBell
from stablehttp_crt._clock import Clock
from stablehttp_crt._desk import Desk, Grant, Line
from stablehttp_crt._dial import Dial
from stablehttp_crt._opening import Channel, Endpoint

PATIENCE: Final = 1.0
"""After so many seconds without a TLS connection, somebody looks whether the certificate is the reason."""


def _for_all(error: BaseException) -> StableHTTPError | None:
    """`error`, if others who wait for the same connection would have met it too."""
    if isinstance(error, StableHTTPError) and not isinstance(error, (PoolTimeoutError, TotalTimeoutError)):
        return error
    return None


def _no_place(clock: Clock, until: float | None) -> HTTPTimeoutError:
    """The error for a wait until then, whichever bound that was."""
    if until == clock.until:
        return clock.took_too_long("no")
    return PoolTimeoutError(
        f"the connection took no further exchange within {clock.pool} seconds; read or close responses sooner",
        seconds=clock.pool,
    )


def _closed() -> ClosedError:
    return ClosedError("the connector was closed; make another one")


# --- asynchronous -------------------------------------------------------------------------------


@final
class AsyncLines:
    """The connections of an asynchronous connector."""

    def __init__(self, dial: Dial, settings: HttpSettings) -> None:
        self._dial = dial
        self._pool: AsyncPool[Channel] = AsyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=Channel.is_usable,
            close=Channel.close,
        )
        self._desks: WeakKeyDictionary[asyncio.AbstractEventLoop, Desk] = WeakKeyDictionary()
        self._closed = False

    async def acquire(self, endpoint: Endpoint, clock: Clock) -> tuple[Line, bool]:
        """A line with a place on it, and whether its connection had served others before.

        Raises:
            PoolTimeoutError, TotalTimeoutError: there was none in time.
            ConnectError, ConnectTimeoutError: none could be opened.
            ClosedError, ForeignLoopError: not on this connector, or not in this event loop.
        """
        if self._closed:
            raise _closed()
        until = clock.place_until()
        if not self._dial.shares(endpoint):
            lease = await self._lease(endpoint, clock, until)
            return Line(lease, endpoint, None), lease.reused
        loop = asyncio.get_running_loop()
        desk = self._desks.get(loop)
        if desk is None:
            desk = self._desks[loop] = Desk()
        granted = await self._enter(desk, endpoint, clock, until)
        return (granted, True) if granted is not None else await self._open_shared(desk, endpoint, clock, until)

    def release(self, line: Line, *, reusable: bool) -> None:
        """An exchange has left its line; without `reusable` it leaves something behind."""
        if line.desk is not None:
            line.retired = line.retired or not reusable
            if not line.desk.leave(line):
                return
            reusable = not line.retired
        self._pool.release(line.lease, reusable=reusable)

    def is_alone(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint was found to speak HTTP/1.1 only."""
        return any(desk.is_alone(endpoint) for desk in self._desks.values())

    async def aclose(self) -> None:
        """Close idle connections, and those in use when they are given back."""
        self._closed = True
        for desk in self._desks.values():
            desk.close(_closed())
        await self._pool.aclose()

    # --- inside ----------------------------------------------------------------------------------

    async def _enter(self, desk: Desk, endpoint: Endpoint, clock: Clock, until: float | None) -> Grant:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Grant] = loop.create_future()
        granted = desk.enter(endpoint, turn)
        if not isinstance(granted, asyncio.Future):
            return granted if isinstance(granted, Line) else None
        timer = None if until is None else loop.call_later(max(until - monotonic(), 0.0), _expire, turn, clock, until)
        try:
            return await turn
        except BaseException:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._hand_on(desk, endpoint, turn.result())
            raise
        finally:
            if timer is not None:
                timer.cancel()

    def _hand_on(self, desk: Desk, endpoint: Endpoint, granted: Grant) -> None:
        """Somebody was called up and has left."""
        if granted is None:
            desk.failed(endpoint, None)
        else:
            self.release(granted, reusable=True)

    async def _open_shared(
        self, desk: Desk, endpoint: Endpoint, clock: Clock, until: float | None
    ) -> tuple[Line, bool]:
        loop = asyncio.get_running_loop()
        try:
            lease = await self._lease(endpoint, clock, until)
        except BaseException as error:
            desk.failed(endpoint, _for_all(error))
            raise
        channel = lease.connection
        line = Line(lease, endpoint, desk if channel.http2 else None)
        channel.on_streams = lambda: _soon(loop, desk, endpoint)
        desk.opened(endpoint, line)
        return line, lease.reused

    async def _lease(self, endpoint: Endpoint, clock: Clock, until: float | None) -> Lease[Channel]:
        async def make() -> Channel:
            return await self._open(endpoint)

        seconds = None if until == clock.until else clock.left_of_pool(until)  # the other one is the scope's
        if clock.until is None:
            return await self._pool.acquire(endpoint, make, seconds)
        scope = asyncio.timeout(max(clock.until - monotonic(), 0.0))
        try:
            async with scope:
                return await self._pool.acquire(endpoint, make, seconds)
        except TimeoutError:
            if scope.expired():
                raise clock.took_too_long("no") from None
            raise

    async def _open(self, endpoint: Endpoint) -> Channel:
        bell = AsyncBell(asyncio.get_running_loop())
        seconds = self._dial.connect_timeout
        until = None if seconds is None else monotonic() + seconds
        opening = self._dial.begin(endpoint, bell.ring)
        try:
            if endpoint.secure and not await bell.wait(opening.settled, _sooner(until, PATIENCE)):
                self._dial.suspect(endpoint, opening, seconds or 10.0)
            await bell.wait(opening.settled, until)
            return opening.take(seconds)
        except BaseException:
            opening.abandon()
            raise


def _expire(turn: asyncio.Future[Grant], clock: Clock, until: float) -> None:
    if not turn.done():
        turn.set_exception(_no_place(clock, until))


def _soon(loop: asyncio.AbstractEventLoop, desk: Desk, endpoint: Endpoint) -> None:
    with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody can be waiting in it
        loop.call_soon_threadsafe(desk.changed, endpoint)


def _sooner(until: float | None, seconds: float) -> float:
    by = monotonic() + seconds
    return by if until is None else min(by, until)


# --- synchronous --------------------------------------------------------------------------------


@final
class SyncLines:
    """The connections of a synchronous connector, for any number of threads."""

    def __init__(self, dial: Dial, settings: HttpSettings) -> None:
        self._dial = dial
        self._pool: SyncPool[Channel] = SyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=Channel.is_usable,
            close=Channel.close,
        )
        self._desk = Desk()
        self._lock = threading.Lock()
        self._closed = False

    def acquire(self, endpoint: Endpoint, clock: Clock) -> tuple[Line, bool]:
        """A line with a place on it, and whether its connection had served others before.

        Raises:
            PoolTimeoutError, TotalTimeoutError: there was none in time.
            ConnectError, ConnectTimeoutError: none could be opened.
            ClosedError: the connector was closed.
        """
        if self._closed:
            raise _closed()
        until = clock.place_until()
        if not self._dial.shares(endpoint):
            lease = self._lease(endpoint, clock, until)
            return Line(lease, endpoint, None), lease.reused
        granted = self._enter(endpoint, clock, until)
        return (granted, True) if granted is not None else self._open_shared(endpoint, clock, until)

    def release(self, line: Line, *, reusable: bool) -> None:
        """An exchange has left its line; without `reusable` it leaves something behind."""
        if line.desk is not None:
            with self._lock:
                line.retired = line.retired or not reusable
                if not line.desk.leave(line):
                    return
            reusable = not line.retired
        self._pool.release(line.lease, reusable=reusable)

    def is_alone(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint was found to speak HTTP/1.1 only."""
        return self._desk.is_alone(endpoint)

    def close(self) -> None:
        """Close idle connections, and those in use when they are given back."""
        self._closed = True
        with self._lock:
            self._desk.close(_closed())
        self._pool.close()

    # --- inside ----------------------------------------------------------------------------------

    def _enter(self, endpoint: Endpoint, clock: Clock, until: float | None) -> Grant:
        turn: Future[Grant] = Future()
        with self._lock:
            granted = self._desk.enter(endpoint, turn)
        if not isinstance(granted, Future):
            return granted if isinstance(granted, Line) else None
        try:
            return turn.result(None if until is None else max(until - monotonic(), 0.0))
        except StableHTTPError:
            raise
        except BaseException as error:
            with self._lock:
                waiting = turn.cancel()
            if not waiting:
                self._hand_on(endpoint, turn)
            if not isinstance(error, TimeoutError):
                raise
            raise _no_place(clock, until) from None

    def _hand_on(self, endpoint: Endpoint, turn: Future[Grant]) -> None:
        """Somebody was called up and has left."""
        if turn.exception() is not None:
            return
        granted = turn.result()
        if granted is not None:
            self.release(granted, reusable=True)
            return
        with self._lock:
            self._desk.failed(endpoint, None)

    def _open_shared(self, endpoint: Endpoint, clock: Clock, until: float | None) -> tuple[Line, bool]:
        try:
            lease = self._lease(endpoint, clock, until)
        except BaseException as error:
            with self._lock:
                self._desk.failed(endpoint, _for_all(error))
            raise
        channel = lease.connection
        line = Line(lease, endpoint, self._desk if channel.http2 else None)
        channel.on_streams = lambda: self._changed(endpoint)
        with self._lock:
            self._desk.opened(endpoint, line)
        return line, lease.reused

    def _changed(self, endpoint: Endpoint) -> None:
        with self._lock:
            self._desk.changed(endpoint)

    def _lease(self, endpoint: Endpoint, clock: Clock, until: float | None) -> Lease[Channel]:
        try:
            return self._pool.acquire(endpoint, lambda: self._open(endpoint, clock), clock.left_of_pool(until))
        except PoolTimeoutError:
            if until == clock.until:
                raise clock.took_too_long("no") from None
            raise

    def _open(self, endpoint: Endpoint, clock: Clock) -> Channel:
        bell = SyncBell()
        seconds = self._dial.connect_timeout
        until = clock.sooner(seconds)
        opening = self._dial.begin(endpoint, bell.ring)
        try:
            if endpoint.secure and not bell.wait(opening.settled, _sooner(until, PATIENCE)):
                self._dial.suspect(endpoint, opening, seconds or 10.0)
            bell.wait(opening.settled, until)
            if not opening.settled():
                clock.check_total("no")
            return opening.take(seconds)
        except BaseException:
            opening.abandon()
            raise
