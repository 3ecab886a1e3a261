"""Transports of our own, each with one connection at most, which serve one exchange at a time.

The pool is ours then, and not the client's: in some of its versions the client's own looks at every
connection for each request, and a place in it can be lost when a call is cancelled.  Here whatever ends
badly takes one transport with it, and nothing else.  Synchronous HTTP/2 goes this way too, because the
client's shares one connection among threads without keeping their frames apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import final

import httpx2

from stablehttp import HttpSettings
from stablehttp.adapting import AsyncPool, Lease, SyncPool
from stablehttp_httpx2._loans import AsyncSend, SyncSend, aclose_stream, close_stream
from stablehttp_httpx2._progress import Progress, Stage


@final
class AsyncLanes:
    """A pool of asynchronous transports."""

    queues = False

    def __init__(self, make: Callable[[], httpx2.AsyncHTTPTransport], settings: HttpSettings) -> None:
        self._make = make
        self._pool: AsyncPool[httpx2.AsyncHTTPTransport] = AsyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=_is_usable,
            close=self._start_closing,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._open: set[httpx2.AsyncHTTPTransport] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._ending: set[httpx2.AsyncHTTPTransport] = set()
        self._guard: AsyncGenerator[None] | None = None

    async def borrow(self, origin: str, seconds: float | None) -> AsyncLaneLoan:
        """A transport for an exchange with `origin`, after at most so many seconds.

        Raises:
            PoolTimeoutError: there was none in time.
            ForeignLoopError: the transports belong to another event loop or process.
        """
        return AsyncLaneLoan(self._pool, await self._pool.acquire(origin, self._new, seconds))

    async def aclose(self) -> None:
        """Close transports that nobody uses now, and the others when they are given back."""
        await asyncio.sleep(0)  # responses that were dropped a moment ago give back what they hold
        await self._pool.aclose()
        while self._closing:
            await asyncio.wait(self._closing)
        if self._guard is not None and not self._open:
            guard, self._guard = self._guard, None
            await guard.aclose()

    async def _new(self) -> httpx2.AsyncHTTPTransport:
        transport = self._make()
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._open, self._closing, self._ending = loop, set(), set(), set()
            self._guard = guard = _end_with_loop(self)
            await anext(guard)
        self._open.add(transport)
        return transport

    def _start_closing(self, transport: httpx2.AsyncHTTPTransport) -> None:
        if transport in self._open:
            self._open.discard(transport)
            self._ending.add(transport)
            task = asyncio.ensure_future(self._finish(transport))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _finish(self, transport: httpx2.AsyncHTTPTransport) -> None:
        await _aclose(transport)
        self._ending.discard(transport)

    async def end(self) -> None:
        """The loop is about to end: close everything."""
        transports, self._open = self._open | self._ending, set()
        for transport in transports:
            await _aclose(transport)
        while self._closing:
            await asyncio.wait(self._closing)


async def _end_with_loop(lanes: AsyncLanes) -> AsyncGenerator[None]:
    """Rests until `loop.shutdown_asyncgens`, the one moment in which a loop tells others that it is about to end."""
    try:
        yield
    finally:
        await lanes.end()


async def _aclose(transport: httpx2.AsyncHTTPTransport) -> None:
    with suppress(Exception):
        await transport.aclose()


@final
class AsyncLaneLoan:
    """An asynchronous transport in the hands of one exchange."""

    def __init__(self, pool: AsyncPool[httpx2.AsyncHTTPTransport], lease: Lease[httpx2.AsyncHTTPTransport]) -> None:
        self.send: AsyncSend = lease.connection.handle_async_request
        self._pool = pool
        self._lease: Lease[httpx2.AsyncHTTPTransport] | None = lease
        self._loop = asyncio.get_running_loop()

    async def end(self, progress: Progress, error: BaseException | None) -> None:
        """Give the transport back; after an error it is closed."""
        lease, self._lease = self._lease, None
        if lease is not None:
            self._pool.release(lease, reusable=error is None)
            if error is not None and progress.stage is Stage.CONNECTED:
                await aclose_stream(progress.stream)

    def __del__(self) -> None:
        """A response was dropped: its transport is closed."""
        if self._lease is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_release, self._pool, self._lease)


def _release(pool: AsyncPool[httpx2.AsyncHTTPTransport], lease: Lease[httpx2.AsyncHTTPTransport]) -> None:
    pool.release(lease, reusable=False)


def _is_usable(_: object) -> bool:
    """Yes: a transport whose connection has ended makes another one."""
    return True


# --- synchronous ---------------------------------------------------------------------------------


@final
@dataclass(slots=True, eq=False)
class _Lane:
    """A transport, and its connection once that is known."""

    transport: httpx2.HTTPTransport
    stream: object = None


@final
class SyncLanes:
    """A pool of synchronous transports, for any number of threads."""

    def __init__(self, make: Callable[[], httpx2.HTTPTransport], settings: HttpSettings) -> None:
        self._make = make
        self._pool: SyncPool[_Lane] = SyncPool(
            max_connections=settings.max_connections,
            keepalive=settings.keepalive,
            is_usable=_is_usable,
            close=_close,
        )

    def borrow(self, origin: str, seconds: float | None) -> SyncLaneLoan:
        """A transport for an exchange with `origin`, after at most so many seconds.

        Raises:
            PoolTimeoutError: there was none in time.
        """
        return SyncLaneLoan(self._pool, self._pool.acquire(origin, lambda: _Lane(self._make()), seconds))

    def close(self) -> None:
        """Close transports that nobody uses now, and the others when they are given back."""
        self._pool.close()


def _close(lane: _Lane) -> None:
    with suppress(Exception):
        lane.transport.close()


@final
class SyncLaneLoan:
    """A synchronous transport in the hands of one exchange."""

    def __init__(self, pool: SyncPool[_Lane], lease: Lease[_Lane]) -> None:
        self.send: SyncSend = lease.connection.transport.handle_request
        self.stream: object = lease.connection.stream
        self._pool = pool
        self._lease: Lease[_Lane] | None = lease

    def end(self, progress: Progress, error: BaseException | None) -> None:
        """Give the transport back; after an error it is closed."""
        lease, self._lease = self._lease, None
        if lease is not None:
            if progress.stream is not None:
                lease.connection.stream = progress.stream
            self._pool.release(lease, reusable=error is None)
            if error is not None and progress.stage is Stage.CONNECTED:
                close_stream(progress.stream)

    def __del__(self) -> None:
        """A response was dropped: its transport is closed."""
        if self._lease is not None:
            self._pool.abandon(self._lease)
