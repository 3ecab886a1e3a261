"""Rules about how bodies and responses end: closed exactly once, however that comes.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Final, TypeVar, final

from stablehttp._body import AsyncIterableBody, Body, IterableBody
from stablehttp._capability import Capability
from stablehttp._errors import DisconnectedError, StableHTTPError
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer, Fault, Gate, Hang, Reset
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import Rule, fails, require, same

T = TypeVar("T")

_BLOCK: Final = bytes(65_536)


@final
class _Generators:
    """Generators that say when they end."""

    def __init__(self, gate: asyncio.Event | None = None, error: Exception | None = None) -> None:
        self.begun = self.ended = 0
        self._gate, self._error = gate, error

    def pieces(self) -> Iterator[bytes]:
        self.begun += 1
        try:
            yield _BLOCK
            if self._error is not None:
                raise self._error
            yield _BLOCK
        finally:
            self.ended += 1

    async def apieces(self) -> AsyncIterator[bytes]:
        self.begun += 1
        try:
            yield _BLOCK
            if self._gate is not None:
                await self._gate.wait()
            if self._error is not None:
                raise self._error
            yield _BLOCK
        finally:
            self.ended += 1

    def body(self, bench: Bench) -> Body:
        if bench.subject.colour == "async":
            return AsyncIterableBody(self.apieces(), length=2 * len(_BLOCK))
        return IterableBody(self.pieces(), length=2 * len(_BLOCK))


class _OwnError(Exception):
    """An exception of the caller's own."""


async def ends_a_generator_once(bench: Bench) -> None:
    good = _Generators()
    await bench.exchange(Request("PUT", bench.url("/good"), body=good.body(bench)))
    failing = _Generators(error=_OwnError())
    with fails(_OwnError):
        await bench.exchange(Request("PUT", bench.url("/own"), body=failing.body(bench)))
    bench.origin.script([Answer(faults=[Fault(Reset(), "request content", after=1)])])
    cut = _Generators()
    with suppress(DisconnectedError):
        await bench.exchange(Request("PUT", bench.url("/cut"), body=cut.body(bench)))
    refused = _Generators()
    with bench.dead_end() as url, fails(ConnectionError):
        await bench.exchange(Request("PUT", url, body=refused.body(bench)))
    for generators in (good, failing, cut, refused):
        await bench.until(lambda: generators.ended == generators.begun, "a generator that was begun is ended")  # noqa: B023
        require(generators.ended <= 1, "a generator is ended once")
    await _still_works(bench)


async def closes_the_body_of_a_cancelled_send_once(bench: Bench) -> None:
    """Cancelled while the body waits, and while the origin does not answer."""
    never, gate = asyncio.Event(), Gate()
    waiting = _Generators(gate=never)
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/waits"), body=waiting.body(bench))))
    await bench.until(lambda: waiting.begun == 1, "the body is begun")
    await asyncio.sleep(0.05)
    await _cancelled(sending)
    await bench.until(lambda: waiting.ended == 1, "the generator is ended")
    bench.origin.answer(Answer(hold=gate))
    source = bench.source(b"content", length=7)
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/held"), body=source)))
    await gate.await_()
    await _cancelled(sending)
    await bench.until(lambda: source.closed == 1, "the body is closed")
    bench.origin.answer(Answer())
    gate.open()
    await _still_works(bench)
    same((waiting.ended, source.opened, source.closed), (1, 1, 1), "ended, opened, closed")


async def _cancelled(task: asyncio.Task[T]) -> None:
    task.cancel()
    with fails(asyncio.CancelledError):
        await task


async def closes_the_body_of_a_late_exchange_once(bench: Bench) -> None:
    bench.origin.script([Answer(faults=[Fault(Hang(), "request head")])])
    source = bench.source(b"content", length=7)
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/late"), body=source)))
    await source.reached(7)
    bench.origin.close()
    with fails(StableHTTPError):
        await sending
    same((source.opened, source.closed), (1, 1), "opened and closed")


async def warns_once_of_a_dropped_response(bench: Bench) -> None:
    bench.origin.script([Answer(200, 64_000_000)])  # more than could have arrived by then
    request = Request("GET", bench.url("/dropped?secret=1"))
    before = asyncio.all_tasks()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()  # what others left behind is not meant
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await _send_and_drop(bench, request)
        for _ in range(3):
            gc.collect()
            await asyncio.sleep(0.01)
    said = [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]
    same(len(said), 1, f"warnings: {said}")
    require(f"GET {request.uri.origin} " in said[0] and "secret" not in said[0], "it names method and authority alone")
    same(len(asyncio.all_tasks() - before), 0, "tasks that dropping a response started")
    await _still_works(bench)


async def has_nothing_to_hold(bench: Bench) -> None:
    """Content that is delivered whole has left the connection by then, so there is nothing to warn of."""
    bench.origin.script([Answer(200, 1_000_000)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        await _send_and_drop(bench, Request("GET", bench.url("/dropped")))
        gc.collect()
    same([str(warning.message) for warning in caught], [], "warnings")
    await _still_works(bench)


async def _send_and_drop(bench: Bench, request: Request[Body]) -> None:
    await bench.driver.send(request)


async def _still_works(bench: Bench) -> None:
    with suppress(DisconnectedError):  # the end of a connection may reach one that is idle by then
        await bench.exchange(Request("GET", bench.url("/after")))
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


RULES: Final = (
    Rule("a generator is ended once", ends_a_generator_once, "U-H7"),
    Rule(
        "the body of a cancelled send is closed once",
        closes_the_body_of_a_cancelled_send_once,
        "U-H7",
        colour="async",
    ),
    Rule("the body of a send that breaks late is closed once", closes_the_body_of_a_late_exchange_once, "U-H7"),
    Rule(
        "a dropped response is one warning",
        warns_once_of_a_dropped_response,
        "U-F4",
        needs=Capability.STREAMED_RESPONSE,
        otherwise=has_nothing_to_hold,
    ),
)
