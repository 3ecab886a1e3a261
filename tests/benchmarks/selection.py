"""Choosing a connector for a call, and what a form costs with more and more field lines."""

from __future__ import annotations

import asyncio
from typing import Final

from tests.benchmarks.forms import Form, forms
from tests.benchmarks.harness import Goal, LeftOut, Row, Rows, compare, measure, row_of, show_seconds
from tests.benchmarks.workload import LINES, build, prepare

from stablehttp import AsyncConnectorCache, AsyncPipeline, HttpSettings, Operation, Request
from stablehttp.testing import AsyncMemoryConnector

_SIZES: Final = (10, 30, 100)


def rows(seconds: float) -> Rows:
    """Looking up in a cache (C13), and converting 10, 30 and 100 lines (W5)."""
    yield from asyncio.run(_looking_up(seconds))
    for form in forms():
        if isinstance(form, LeftOut):
            yield form
        else:
            yield from _converting(form, seconds)


def _converting(form: Form, seconds: float) -> Rows:
    ready = {size: prepare(build(lines_of(size))) for size in _SIZES}
    times = measure({str(size): lambda size=size: form.convert(ready[size]) for size in _SIZES}, seconds)
    for size in _SIZES:
        yield Row(f"converting {size} lines to {form.name}", show_seconds(times[str(size)].median))


async def _looking_up(seconds: float) -> list[Row]:
    memory = AsyncMemoryConnector()
    operation = Operation("com.example#Get")
    settings = HttpSettings()
    request = Request("GET", "https://a.test/")
    async with AsyncConnectorCache([lambda _: memory]) as cache:
        held = await cache.make(AsyncPipeline(cache)._demands.of(request, None, None))
        demands = AsyncPipeline(cache)._demands
        wanted = held.made_for
        table = {(settings, wanted.versions, wanted.needs): memory}
        key = (settings, wanted.versions, wanted.needs)
        times = measure(
            {
                "operation": lambda: demands.of(request, operation, None),
                "hash": lambda: table[key],
            },
            seconds,
        )
        return [
            compare(
                "finding a connector / a dict with the same key",
                lambda: cache.find(settings, wanted.versions, wanted.needs),
                lambda: table[settings, wanted.versions, wanted.needs],
                seconds,
                Goal(6),
            ),
            row_of("working out what an operation demands / likewise", times["operation"], times["hash"]),
        ]


def lines_of(size: int) -> tuple[tuple[str, str], ...]:
    """A realistic request to S3 with this many lines."""
    more = [(f"X-Amz-Meta-Number-{number}", f"value {number} of some length") for number in range(size - len(LINES))]
    return (*LINES[:size], *more)
