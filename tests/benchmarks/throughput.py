"""Requests a second over loopback: a PutObject of 15 fields and 1 KiB, unsigned, and 1 KiB back.

The server has a process of its own, and clients take short turns.  Of the two rows, the first is by the
clock on the wall, so other work on the machine shows; the second counts the processor time of this process
only, which others disturb less.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter, process_time
from typing import Final

from tests.benchmarks.harness import Goal, LeftOut, Row, Rows
from tests.benchmarks.senders import THEIRS, Send, Sender, ours

_CONCURRENCIES: Final = (1, 32, 200)
_ROUNDS: Final = 5
_OVER_HTTPX: Final = {1: 1.4, 32: 1.2, 200: 1.2}


def rows(seconds: float) -> Rows:
    """Each connector against its client, for one, 32 and 200 exchanges at a time."""
    with _responder() as port:
        for name, theirs in THEIRS.items():
            senders: dict[str, Sender] = {"ours": lambda port, many, name=name: ours(name, port, many), **theirs}
            for concurrency in _CONCURRENCIES:
                try:
                    rates = asyncio.run(_rates(senders, port, concurrency, seconds))
                except ImportError as error:
                    yield LeftOut(f"{name}, {concurrency} at a time", str(error))
                    continue
                yield from _rows_of(name, concurrency, rates)


@dataclass(frozen=True, slots=True)
class _Rates:
    """Exchanges a second, of the clock on the wall and of processor time of this process, in each round."""

    by_clock: list[float] = field(default_factory=list)
    by_processor: list[float] = field(default_factory=list)


def _rows_of(name: str, concurrency: int, rates: dict[str, _Rates]) -> Iterator[Row]:
    mine = rates.pop("ours")
    if not rates:
        yield Row(f"{name}, {concurrency} at a time", _show(mine.by_clock))
    for other, theirs in rates.items():
        as_used = other in ("httpx", "httpx2")
        goal = Goal(_OVER_HTTPX[concurrency] if as_used else 0.95, at_least=True)
        what = f"{name}, {concurrency} at a time / {other}"
        yield _row(what, mine.by_clock, theirs.by_clock, goal)
        yield _row("… by processor time", mine.by_processor, theirs.by_processor)


def _row(what: str, ours: list[float], theirs: list[float], goal: Goal | None = None) -> Row:
    return Row(what, _show(ours), _show(theirs), median(ours) / median(theirs), max(ours) / max(theirs), goal)


def _show(rates: list[float]) -> str:
    return f"{median(rates):.0f}/s"


async def _rates(senders: dict[str, Sender], port: int, concurrency: int, seconds: float) -> dict[str, _Rates]:
    rates = {name: _Rates() for name in senders}
    async with AsyncExitStack() as stack:
        sends = {name: await stack.enter_async_context(make(port, concurrency)) for name, make in senders.items()}
        for send in sends.values():
            await _run(send, concurrency, 0.1)
        for _ in range(_ROUNDS):
            for name, send in sends.items():
                begin, began = perf_counter(), process_time()
                done = await _run(send, concurrency, seconds / 4)
                rates[name].by_clock.append(done / (perf_counter() - begin))
                rates[name].by_processor.append(done / (process_time() - began))
    return rates


async def _run(send: Send, concurrency: int, seconds: float) -> int:
    until = perf_counter() + seconds
    done = 0

    async def work() -> None:
        nonlocal done
        while perf_counter() < until:
            await send()
            done += 1

    await asyncio.gather(*[work() for _ in range(concurrency)])
    return done


@contextmanager
def _responder() -> Iterator[int]:
    command = [sys.executable, "-m", "tests.benchmarks.responder"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()
