"""Many requests at once with faults at random: none lost, none sent twice, nothing left behind.

Each request carries a number; the origin counts how often each number arrived.  Some faults come for the
number (so a run with the same seed has the same faults), some are the caller's own: cancellations, bodies
that raise, responses that are closed unread.  Synchronous connectors are called from as many threads, where
nothing can be cancelled.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final, final

from tests.soak.figures import Figures

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    HttpSettings,
    HTTPTimeoutError,
    HttpVersion,
    Request,
    StableHTTPError,
    SyncConnector,
    SyncPipeline,
    Timeouts,
    TLSSettings,
)
from stablehttp.testing import Answer, Close, Fault, Hang, OnHead, Origin, Received, Reset, ResetStream
from stablehttp.testing._origin_script import Point, What
from stablehttp.testing.contract import Subject

CONCURRENCY: Final = 64
FAULTY: Final = 0.2
"""How many of all requests meet a fault."""

PATIENCE: Final = 20.0
"""After so many seconds a request hangs."""

_TIMEOUTS: Final = Timeouts(read=0.5)

_AT: Final[tuple[Point, ...]] = (
    "request head",
    "request",
    "response head",
    "response content",
    "response end",
)
_WHAT: Final[tuple[What, ...]] = (Close(), Reset(), Close(), Reset(), Hang())
_WHAT_OF_STREAMS: Final[tuple[What, ...]] = (*(ResetStream(code) for code in (1, 2, 7, 8, 11) * 8), Close(), Reset())
"""Over HTTP/2, where many share one connection and all would fail with it."""


class MyOwnError(Exception):
    """What the body of a request raises."""


class Soak(ABC):
    """One run: an origin, a connector, and what both saw."""

    def __init__(self, subject: Subject, requests: int, seed: int) -> None:
        self._subject = subject
        self._count = requests
        self._seed = seed
        self._arrived: Counter[bytes] = Counter()
        self._figures = Figures(str(subject), requests)
        self._blocks = 0

    async def run(self) -> Figures:
        """Send all of them, and look what is left."""
        gc.collect()
        origin = Origin(
            OnHead(self._answer),
            tls=self._subject.tls,
            http2=self._subject.version is HttpVersion.HTTP_2,
            history=10,
            content_limit=0,
        )
        with origin:
            await self._send_all(origin, range(-200, 0))
            await _settle(origin)
            gc.collect()
            before, self._blocks = self._left(), sys.getallocatedblocks()
            since = time.monotonic()
            await self._send_all(origin, range(self._count))
            self._figures.seconds = time.monotonic() - since
            await self._look(origin, before)
        return self._figures

    def _answer(self, received: Received) -> Answer:
        self._arrived[received.target] += 1
        chance = random.Random(f"{self._seed} {received.target!r}")
        content = b"x" * chance.choice((0, 10, 2000, 70_000))
        if chance.random() >= FAULTY:
            return Answer(200, content, framing=chance.choice(("length", "chunked")))
        what = chance.choice(_WHAT_OF_STREAMS if self._subject.version is HttpVersion.HTTP_2 else _WHAT)
        at = chance.choice(_AT)
        if isinstance(what, ResetStream) and at == "response head":
            at = "request"  # half a frame would be the end of the whole connection
        fault = Fault(what, at)
        return Answer(200, content, framing=chance.choice(("length", "chunked")), faults=[fault])

    # --- the caller ---

    @abstractmethod
    async def _send_all(self, origin: Origin, numbers: range) -> None:
        """Send so many requests, on a connector of their own that is closed then."""

    def _connector(self, origin: Origin) -> AsyncConnector | SyncConnector:
        settings = HttpSettings(max_connections=CONCURRENCY)
        if origin.url.startswith("https"):
            settings = replace(settings, tls=TLSSettings(ca_file=str(origin.ca_file)))
        return self._subject.make(settings, (self._subject.version,))

    def _chance(self, number: int) -> random.Random:
        return random.Random(f"caller {self._seed} {number}")

    def _judge(self, number: int, outcome: str | BaseException) -> None:
        """Take note of how one request ended."""
        arrived, unsound = self._arrived[_target(number)], self._figures.unsound
        match outcome:
            case StableHTTPError():
                said = type(outcome).__name__
                if outcome.sent == "no" and arrived:
                    unsound.append(f"{number}: {said} says that nothing was sent")
            case MyOwnError():
                said = "the caller's own error"
            case asyncio.CancelledError():
                said = "cancelled"
            case BaseException():  # this is what no connector may let out
                said = type(outcome).__name__
                unsound.append(f"{number}: {said} came out: {outcome}")
            case str() as said:
                if said == "hangs":
                    unsound.append(f"{number} hangs")
                if said == "response" and not arrived:
                    unsound.append(f"{number} has a response and never arrived")
        if number >= 0:
            self._figures.outcomes[said] += 1

    # --- what is left ---

    async def _look(self, origin: Origin, before: tuple[int, int, int]) -> None:
        figures = self._figures
        figures.twice = sum(1 for times in self._arrived.values() if times > 1)
        figures.lost = figures.requests - sum(figures.outcomes.values())
        await _settle(origin)
        gc.collect()
        figures.open_at_origin = origin.open_connections
        figures.sockets, figures.tasks, figures.threads = self._more(before)
        figures.blocks = (sys.getallocatedblocks() - self._blocks) / figures.requests

    def _left(self) -> tuple[int, int, int]:
        return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()), threading.active_count()

    def _more(self, before: tuple[int, int, int]) -> tuple[int, int, int]:
        now = self._left()
        return max(0, now[0] - before[0]), max(0, now[1] - before[1]), max(0, now[2] - before[2])


def soak_of(subject: Subject, requests: int, seed: int) -> Soak:
    """The run for a connector of this colour."""
    return (AsyncSoak if subject.colour == "async" else SyncSoak)(subject, requests, seed)


def _target(number: int) -> bytes:
    return b"/%d" % number


async def _settle(origin: Origin) -> None:
    """Wait until what was closed is closed on the other side too."""
    with suppress(HTTPTimeoutError):
        await origin.awatch(lambda: origin.open_connections == 0)
    await asyncio.sleep(0.2)


# --- asynchronous -------------------------------------------------------------------------------


@final
class AsyncSoak(Soak):
    """Tasks, of which one in twenty is cancelled."""

    async def _send_all(self, origin: Origin, numbers: range) -> None:
        connector = self._connector(origin)
        assert isinstance(connector, AsyncConnector)
        pipeline = AsyncPipeline(connector, timeouts=_TIMEOUTS)
        waiting = iter(numbers)

        async def worker() -> None:
            for number in waiting:
                self._judge(number, await self._one(pipeline, origin.url, number))

        async with connector:
            await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))

    async def _one(self, pipeline: AsyncPipeline, url: str, number: int) -> str | BaseException:
        chance = self._chance(number)
        body = _body(chance) if number % 2 else None
        request = Request("POST" if number % 2 else "GET", f"{url}/{number}", body=body)
        task = asyncio.ensure_future(_exchange(pipeline, request, chance))
        if chance.random() < 0.05:
            asyncio.get_running_loop().call_later(chance.random() * 0.02, task.cancel)
        done, _ = await asyncio.wait([task], timeout=PATIENCE)
        if not done:
            task.cancel()
            return "hangs"
        return asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()


async def _exchange(pipeline: AsyncPipeline, request: Request[AsyncBody], chance: random.Random) -> str:
    async with await pipeline.send(request) as response:
        if chance.random() < 0.05:
            return "closed unread"
        await response.aread()
    return "response"


def _body(chance: random.Random) -> bytes | AsyncIterator[bytes]:
    if chance.random() < 0.5:
        return b"x" * chance.choice((1, 1000, 100_000))
    return _pieces(chance.choice((1, 5, 20)), fails=chance.random() < 0.05)


async def _pieces(count: int, *, fails: bool) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"piece" * 100
        await asyncio.sleep(0)
    if fails:
        raise MyOwnError


# --- synchronous --------------------------------------------------------------------------------


@final
class SyncSoak(Soak):
    """Threads, of which none can be cancelled; one that hangs is left behind."""

    async def _send_all(self, origin: Origin, numbers: range) -> None:
        connector = self._connector(origin)
        assert isinstance(connector, SyncConnector)
        pipeline = SyncPipeline(connector, timeouts=_TIMEOUTS)
        waiting, lock = iter(numbers), threading.Lock()
        busy: dict[int, float] = {}

        def worker() -> None:
            while True:
                with lock:
                    number = next(waiting, None)
                    if number is None:
                        return
                    busy[number] = time.monotonic()
                outcome = self._one(pipeline, origin.url, number)
                with lock:
                    if busy.pop(number, None) is not None:
                        self._judge(number, outcome)

        threads = [threading.Thread(target=worker, daemon=True) for _ in range(CONCURRENCY)]
        for thread in threads:
            thread.start()
        hanging = 0
        while sum(thread.is_alive() for thread in threads) > hanging:
            await asyncio.sleep(0.05)
            with lock:
                late = [number for number, since in busy.items() if time.monotonic() - since > PATIENCE]
                for number in late:
                    del busy[number]
                    self._judge(number, "hangs")
            hanging += len(late)
        connector.close()

    def _one(self, pipeline: SyncPipeline, url: str, number: int) -> str | BaseException:
        chance = self._chance(number)
        body = _sync_body(chance) if number % 2 else None
        request = Request("POST" if number % 2 else "GET", f"{url}/{number}", body=body)
        try:
            with pipeline.send(request) as response:
                if chance.random() < 0.05:
                    return "closed unread"
                response.read()
        except BaseException as error:
            return error
        return "response"


def _sync_body(chance: random.Random) -> bytes | Iterator[bytes]:
    if chance.random() < 0.5:
        return b"x" * chance.choice((1, 1000, 100_000))
    return _sync_pieces(chance.choice((1, 5, 20)), fails=chance.random() < 0.05)


def _sync_pieces(count: int, *, fails: bool) -> Iterator[bytes]:
    for _ in range(count):
        yield b"piece" * 100
    if fails:
        raise MyOwnError
