"""Rules about how content flows: off the event loop, while its body is open, held back where nobody takes it.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from stablehttp._body import Body, FileBody, PushedBody, ReaderBody
from stablehttp._capability import Capability
from stablehttp._errors import ClosedError, DisconnectedError, StableHTTPError
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer, Gate
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import Rule, fails, require, same
from stablehttp.testing.contract._source import Signal

_BLOCK: Final = bytes(65_536)
_HELD: Final = 32 * 1024 * 1024
"""More than what the buffers of a loopback connection and of a client hold, and less than what is offered."""

_BEATS: Final = 5


@final
class _Heart:
    """Beats on the event loop, and lets another thread wait for beats."""

    def __init__(self) -> None:
        self._beaten = threading.Condition()
        self._beats = 0

    async def beat(self) -> None:
        """Beat, every few milliseconds, until cancelled."""
        while True:
            await asyncio.sleep(0.005)
            with self._beaten:
                self._beats += 1
                self._beaten.notify_all()

    def wait(self) -> bool:
        """Block until the heart has beaten some times more; False if it does not, for whole seconds."""
        with self._beaten:
            wanted = self._beats + _BEATS
            return self._beaten.wait_for(lambda: self._beats >= wanted, timeout=3)


@final
class _Blocking:
    """A reader whose every read blocks until the event loop has turned some times meanwhile."""

    def __init__(self, heart: _Heart, reads: int) -> None:
        self._heart = heart
        self._left = reads
        self.held_up = 0

    def read(self, size: int, /) -> bytes:
        self._left -= 1
        if not self._heart.wait():
            self.held_up += 1
        return b"piece" if self._left >= 0 else b""


@final
class _BlockingFile:
    """The same, as a file that cannot go back."""

    def __init__(self, reader: _Blocking) -> None:
        self.read = reader.read

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise OSError("cannot")

    def tell(self) -> int:
        raise OSError("cannot")


async def reads_what_blocks_off_the_loop(bench: Bench) -> None:
    """The reads themselves wait for the loop to turn, so no clock decides."""
    makes: tuple[Callable[[_Blocking], Body], ...] = (ReaderBody, lambda reader: FileBody(_BlockingFile(reader)))
    for make in makes:
        heart = _Heart()
        beating = bench.start(heart.beat())
        reader = _Blocking(heart, reads=3)
        await bench.deliver(Request("PUT", bench.url("/slow"), body=make(reader)), content=b"piece" * 3)
        beating.cancel()
        same(reader.held_up, 0, "reads during which the event loop stood still")


async def sends_content_while_its_body_is_open(bench: Bench) -> None:
    """What a body has given arrives before it gives more, on HTTP/2 in a stream that has not ended."""
    await _streams(bench)
    for length in (None, 40_000):
        more = Signal()
        source = bench.source(bytes(20_000), more, bytes(20_000), length=length)
        before = bench.octets
        sending = bench.start(bench.exchange(Request("PUT", bench.url("/open"), body=source)))
        await bench.until(lambda: bench.octets - before >= 20_000, "the first octets arrive while the body is open")  # noqa: B023
        require(not sending.done(), "the exchange is not over")
        more.give()
        await sending
        received = await bench.origin.atake()
        same((received.content_length, received.complete), (40_000, True), "content")


async def _streams(bench: Bench) -> None:
    """What cannot stream refuses here, before anything goes on beside."""
    await bench.exchange(Request("PUT", bench.url("/first"), body=bench.source(b"first")))
    await bench.origin.atake()


async def _settled(number: Callable[[], int]) -> int:
    """A number that grows, once it has stood still for a while."""
    while True:
        before = number()
        await asyncio.sleep(0.25)
        if number() == before:
            return before


async def holds_a_producer_back(bench: Bench) -> None:
    gate = Gate()
    bench.origin.answer(Answer(413, reading="never", hold=gate, connection="close"))
    source = bench.source(*[_BLOCK] * 2000, length=2000 * len(_BLOCK))
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/held"), body=source)))
    await source.reached(1)
    held = await _settled(lambda: source.given)
    require(held < _HELD, f"a body that nobody takes is not read any further; it gave {held} octets")
    bench.origin.close()
    with suppress(StableHTTPError):
        await sending
    same(source.closed, 1, "times that the body was closed")


async def holds_a_writer_back(bench: Bench) -> None:
    await _streams(bench)
    bench.origin.answer(Answer(reading="never", hold=Gate()))
    body = PushedBody()
    written = 0

    async def write() -> None:
        nonlocal written
        async with body:
            while True:
                await body.write(_BLOCK)
                written += len(_BLOCK)

    sending = bench.start(bench.exchange(Request("PUT", bench.url("/pushed"), body=body)))
    writing = bench.start(write())
    await bench.until(lambda: written > 0, "the writer begins")
    held = await _settled(lambda: written)
    require(held < _HELD, f"a writer waits for its reader; it wrote {held} octets")
    sending.cancel()
    with fails(asyncio.CancelledError):
        await sending
    with fails(ClosedError):
        await writing


async def sends_what_is_written(bench: Bench) -> None:
    await _streams(bench)
    for length in (None, 300_000):
        body = PushedBody(length=length)
        sending = bench.start(bench.exchange(Request("PUT", bench.url("/pushed"), body=body)))
        async with body:
            for number in range(30):
                await body.write(bytes([number]) * 10_000)
        await sending
        received = await bench.origin.atake()
        same(received.content, b"".join(bytes([number]) * 10_000 for number in range(30)), "content")
        same((received.complete, received.problems), (True, ()), "complete, problems")
    body = PushedBody()
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/failed"), body=body)))
    await body.write(b"half")
    body.fail(KeyError("the writer's own"))
    with fails(StableHTTPError):
        await sending
    await _still_works(bench)
    cut = [received for received in bench.origin.requests if received.target == b"/failed"]
    require(not any(received.complete for received in cut), "content that its writer did not finish never looks whole")


async def holds_the_origin_back(bench: Bench) -> None:
    bench.origin.script([Answer(200, 200_000_000)])
    reply = await bench.driver.send(Request("GET", bench.url("/large")))
    chunks = reply.chunks()
    await anext(chunks)
    held = await _settled(lambda: sum(track.octets_sent for track in bench.origin.connections))
    require(held < _HELD, f"content that nobody reads does not arrive; {held} octets did")
    await reply.close()
    held = await _settled(lambda: sum(track.octets_sent for track in bench.origin.connections))
    require(held < 2 * _HELD, f"closing a response does not read it to its end; {held} octets arrived")
    same((await bench.exchange(Request("GET", bench.url("/next"))))[0].response.status, 200, "status of the next")


async def takes_all_of_it(bench: Bench) -> None:
    """Nothing to refuse: a connector that delivers content whole takes all of it before anybody reads."""
    bench.origin.script([Answer(200, 1_000_000)])
    same(len((await bench.exchange(Request("GET", bench.url("/large"))))[1]), 1_000_000, "octets")


async def _still_works(bench: Bench) -> None:
    with suppress(DisconnectedError):  # the end of a connection may reach one that is idle by then
        await bench.exchange(Request("GET", bench.url("/after")))
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


RULES: Final = (
    Rule(
        "what blocks is read off the event loop",
        reads_what_blocks_off_the_loop,
        "U-H6",
        needs=Capability.STREAMED_REQUEST,
        colour="async",
    ),
    Rule(
        "content is sent while its body is open",
        sends_content_while_its_body_is_open,
        "S18 U-J7",
        needs=Capability.STREAMED_REQUEST,
    ),
    Rule("a producer is held back", holds_a_producer_back, "S1 U-J7"),
    Rule("a writer is held back", holds_a_writer_back, "S1 U-J7", needs=Capability.STREAMED_REQUEST, colour="async"),
    Rule(
        "what is written is sent", sends_what_is_written, "S1 U-H2", needs=Capability.STREAMED_REQUEST, colour="async"
    ),
    Rule(
        "an origin is held back",
        holds_the_origin_back,
        "S1 U-J7",
        needs=Capability.STREAMED_RESPONSE,
        otherwise=takes_all_of_it,
    ),
)
