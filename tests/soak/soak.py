"""Many requests at once with faults at random: none lost, none sent twice, nothing left behind.

Each request carries a number; the origin counts how often each number arrived.  Some faults come for the
number (so a run with the same seed has the same faults), some are the caller's own: cancellations, bodies
that raise, responses that are closed unread.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, final

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    HttpSettings,
    HTTPTimeoutError,
    HttpVersion,
    Request,
    StableHTTPError,
    Timeouts,
    TLSSettings,
)
from stablehttp.testing import Answer, Close, Fault, Hang, OnHead, Origin, Received, Reset, ResetStream
from stablehttp.testing._origin_script import Point, What
from stablehttp.testing.contract import Subject

CONCURRENCY: Final = 64
FAULTY: Final = 0.2
"""How many of all requests meet a fault."""

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


@final
@dataclass(slots=True)
class Figures:
    """What a soak came to."""

    subject: str
    requests: int
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    twice: int = 0
    lost: int = 0
    unsound: list[str] = field(default_factory=list)
    sockets: int = 0
    tasks: int = 0
    threads: int = 0
    open_at_origin: int = 0
    blocks: float = 0.0
    """Blocks of memory that each request left behind; the origin keeps some of each connection."""

    @property
    def wrong(self) -> list[str]:
        """What should not be; nothing if all is well."""
        found = [f"{name}: {value}" for name in ("twice", "lost", "open_at_origin") if (value := getattr(self, name))]
        found += [
            f"{name}: {value} left" for name in ("sockets", "tasks", "threads") if (value := getattr(self, name)) > 0
        ]
        if self.blocks > 25:
            found.append(f"memory: {self.blocks:.1f} blocks more for each request")
        return found + self.unsound

    def row(self) -> str:
        """A row of the page."""
        good = self.outcomes["response"]
        return (
            f"| {self.subject} | {self.requests:,} | {self.requests / self.seconds:,.0f} | {good:,} | "
            f"{sum(self.outcomes.values()) - good:,} | {self.outcomes['hangs']} | {self.twice} | {self.lost} | "
            f"{self.sockets} / {self.tasks} / {self.threads} | {self.blocks:.1f} |"
        )


HEAD: Final = (
    "| connector | requests | a second | responses | errors | hang | sent twice | lost | "
    "sockets / tasks / threads left | blocks left by each |\n|---|---|---|---|---|---|---|---|---|---|"
)


@final
class Soak:
    """One run: an origin, a connector, and what both saw."""

    def __init__(self, subject: Subject, requests: int, seed: int) -> None:
        self._subject = subject
        self._count = requests
        self._seed = seed
        self._arrived: Counter[bytes] = Counter()
        self._figures = Figures(str(subject), requests)
        self._blocks = 0

    # --- the origin ---

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
            await self._send_all(origin, warm=True)
            await _settle(origin)
            gc.collect()
            before, self._blocks = self._left(), sys.getallocatedblocks()
            since = time.monotonic()
            await self._send_all(origin)
            self._figures.seconds = time.monotonic() - since
            await self._look(origin, before)
        return self._figures

    async def _send_all(self, origin: Origin, *, warm: bool = False) -> None:
        settings = HttpSettings(max_connections=CONCURRENCY)
        if origin.url.startswith("https"):
            settings = replace(settings, tls=TLSSettings(ca_file=str(origin.ca_file)))
        connector = self._subject.make(settings, (self._subject.version,))
        assert isinstance(connector, AsyncConnector)
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=0.5))
        numbers = iter(range(-200, 0) if warm else range(self._count))

        async def worker() -> None:
            for number in numbers:
                await self._one(pipeline, origin.url, number)

        async with connector:
            await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))

    async def _one(self, pipeline: AsyncPipeline, url: str, number: int) -> None:
        target = f"/{number}"
        chance = random.Random(f"caller {self._seed} {number}")
        request = Request("POST" if number % 2 else "GET", url + target, body=_body(chance) if number % 2 else None)
        task = asyncio.ensure_future(_exchange(pipeline, request, chance))
        if chance.random() < 0.05:
            asyncio.get_running_loop().call_later(chance.random() * 0.02, task.cancel)
        try:
            async with asyncio.timeout(20):
                outcome = await task
        except StableHTTPError as error:
            outcome = type(error).__name__
            if error.sent == "no" and self._arrived[target.encode()]:
                self._figures.unsound.append(f"{number}: {outcome} says that nothing was sent")
        except MyOwnError:
            outcome = "the caller's own error"
        except asyncio.CancelledError:
            outcome = "cancelled"
        except TimeoutError:
            outcome = "hangs"
            self._figures.unsound.append(f"{number} hangs")
        except Exception as error:  # this is what no connector may let out
            outcome = type(error).__name__
            self._figures.unsound.append(f"{number}: {outcome} came out: {error}")
        if number >= 0:
            self._figures.outcomes[outcome] += 1
            if outcome == "response" and not self._arrived[target.encode()]:
                self._figures.unsound.append(f"{number} has a response and never arrived")

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


async def _settle(origin: Origin) -> None:
    """Wait until what was closed is closed on the other side too."""
    with suppress(HTTPTimeoutError):
        await origin.awatch(lambda: origin.open_connections == 0)
    await asyncio.sleep(0.2)


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
