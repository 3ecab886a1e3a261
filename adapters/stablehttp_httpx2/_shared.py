"""A transport of our own whose HTTP/2 connections many exchanges share, and its way out.

It serves all exchanges until it is *retired*: the client sends no RST_STREAM, so an exchange that ends early
leaves a stream and a part of the connection's window behind, for good.  New exchanges then go to a new
transport, and the old one is closed when its last exchange has ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import final
from weakref import WeakSet

import httpx2

from stablehttp import ForeignLoopError, HttpVersion
from stablehttp_httpx2._limits import OutOfTimeError
from stablehttp_httpx2._loans import AsyncSend, aclose_stream
from stablehttp_httpx2._progress import NetworkStream, Progress, Stage


@final
@dataclass(slots=True, eq=False)
class _Held:
    """A transport and how many exchanges use it.

    `streams` are the connections that were made, as far as they live: the client's pool can forget one that
    is being made when another exchange that waits for it is cancelled, and then never closes it.
    """

    transport: httpx2.AsyncHTTPTransport
    users: int = 0
    retired: bool = False
    streams: WeakSet[NetworkStream] = field(default_factory=WeakSet[NetworkStream])

    async def aclose(self) -> None:
        """Close the transport, and what it forgot."""
        with suppress(Exception):
            await self.transport.aclose()
        for stream in list(self.streams):
            await aclose_stream(stream)


@final
class Shared:
    """Gives out one transport of one event loop, made at the first exchange.

    When the loop ends as `asyncio.run` ends it, everything is closed, and another loop can become the home; while
    it lives and something is in use, another loop is refused.
    """

    queues = True

    def __init__(self, make: Callable[[], httpx2.AsyncHTTPTransport]) -> None:
        self._make = make
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._guard: AsyncGenerator[None] | None = None
        self._current: _Held | None = None
        self._all: set[_Held] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._ending: set[_Held] = set()

    async def borrow(self, origin: str, seconds: float | None) -> SharedLoan:
        """The transport for one exchange.

        Raises:
            ForeignLoopError: it belongs to another event loop or process, and may be in use there.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop or self._pid != os.getpid():
            await self._settle_in(loop)
        held = self._current
        if held is None:
            held = self._current = _Held(self._make())
            self._all.add(held)
        held.users += 1
        return SharedLoan(self, held)

    async def aclose(self) -> None:
        """Close transports that nobody uses now, and the others when they are given back.

        Raises:
            ForeignLoopError: they belong to another event loop, and may be in use there.
        """
        if self._loop is None or self._is_abandoned():
            self._forget()
            return
        if self._loop is not asyncio.get_running_loop():
            raise foreign()
        await asyncio.sleep(0)  # responses that were dropped a moment ago give back what they hold
        for held in list(self._all):
            self.retire(held)
            if not held.users:
                self._all.discard(held)
                await held.aclose()
        while self._closing:
            await asyncio.wait(self._closing)
        if self._guard is not None and not self._all:
            guard, self._guard = self._guard, None
            await guard.aclose()

    def give_back(self, held: _Held, *, retire: bool) -> _Held | None:
        """End one exchange; the transport comes back if it is to be closed now."""
        held.users -= 1
        if retire:
            self.retire(held)
        if held.users or not held.retired or held not in self._all:
            return None
        self._all.discard(held)
        return held

    def start_closing(self, held: _Held) -> None:
        """Close a transport, and do not wait for it; if the loop ends before that is done, `end` does it."""
        self._ending.add(held)
        task = asyncio.ensure_future(self._finish(held))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _finish(self, held: _Held) -> None:
        await held.aclose()
        self._ending.discard(held)

    def retire(self, held: _Held) -> None:
        """Give a transport to no further exchange."""
        held.retired = True
        if self._current is held:
            self._current = None

    async def end(self) -> None:
        """The loop is about to end: close everything."""
        everything = self._all | self._ending
        self._forget()
        for held in everything:
            await held.aclose()

    async def _settle_in(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None and not self._is_abandoned():
            raise foreign()
        self._forget()
        self._loop, self._pid = loop, os.getpid()
        self._guard = guard = _end_with_loop(self)
        await anext(guard)

    def _is_abandoned(self) -> bool:
        """Whether nobody can be using what is here: its process or loop is gone, or rests with nothing in use."""
        if self._loop is None or self._pid != os.getpid() or self._loop.is_closed():
            return True
        return not self._loop.is_running() and not any(held.users for held in self._all)

    def _forget(self) -> None:
        self._all = set()
        self._ending = set()
        self._current = None


async def _end_with_loop(shared: Shared) -> AsyncGenerator[None]:
    """Rests until `loop.shutdown_asyncgens`, the one moment in which a loop tells others that it is about to end."""
    try:
        yield
    finally:
        await shared.end()


@final
class SharedLoan:
    """The shared transport in the hands of one exchange."""

    def __init__(self, shared: Shared, held: _Held) -> None:
        self.send: AsyncSend = held.transport.handle_async_request
        self._shared = shared
        self._held: _Held | None = held
        self._loop = asyncio.get_running_loop()

    async def end(self, progress: Progress, error: BaseException | None) -> None:
        """Give the transport back; after an error that left something behind it is retired."""
        held, self._held = self._held, None
        if held is None:
            return
        if progress.stream is not None:
            held.streams.add(progress.stream)
        left = self._shared.give_back(held, retire=error is not None and _harms(progress, error))
        if error is not None and progress.stage is Stage.CONNECTED:
            await aclose_stream(progress.stream)
        if left is not None:
            await left.aclose()

    def __del__(self) -> None:
        """A response was dropped: its transport is retired."""
        if self._held is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_retire, self._shared, self._held)


def _retire(shared: Shared, held: _Held) -> None:
    left = shared.give_back(held, retire=True)
    if left is not None:
        shared.start_closing(left)


def _harms(progress: Progress, error: BaseException) -> bool:
    """Whether ending like this leaves something behind in a transport."""
    if progress.version is None:
        return isinstance(error, OutOfTimeError) or not isinstance(error, Exception)
    return progress.version is HttpVersion.HTTP_2


def foreign() -> ForeignLoopError:
    """The error for use where the connections do not belong."""
    return ForeignLoopError(
        "the connections of this connector belong to another event loop or process; make one connector for each"
    )
