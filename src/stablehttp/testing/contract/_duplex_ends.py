"""Rules about how exchanges end: by an answer, a fault, an abort, a cancellation; and about back-pressure.

Stands on the rules about exchanges.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import (
    ClosedError,
    ConnectError,
    DisconnectedError,
    PeerEndedError,
    ReadTimeoutError,
    StableHTTPError,
    TotalTimeoutError,
    TransportError,
)
from stablehttp._exchange import Exchange
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp._settings import Timeouts
from stablehttp.testing._origin_script import Answer, Fault, Gate, GoAway, Hang, Reset, ResetStream, Step
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._duplex import opened, opens_no_exchange
from stablehttp.testing.contract._rule import BOTH, HTTP_2, Check, Rule, fails, require, same

_SOON: Final = 1.0
_BLOCK: Final = bytes(1 << 16)
_REFUSED: Final = 7
_HELD: Final = 16 << 20
"""How many octets may be under way, in buffers of the systems and the clients, while nobody takes them."""


async def gives_an_error_while_the_request_is_open(bench: Bench) -> None:
    over = bench.version is HttpVersion.HTTP_1_1
    refusal = Answer(429, b"slow down", reading="never", connection="close" if over else None)
    bench.origin.script([refusal])
    since = time.monotonic()
    async with opened(bench) as exchange:
        await exchange.send(b"first")
        response = await exchange.response()
        require(time.monotonic() - since < _SOON, "an error is given within a second")
        same((response.status, await response.aread()), (429, b"slow down"), "response")
        with fails(PeerEndedError) as caught:
            await _send_for_ever(exchange)
        same((caught.error.status, caught.error.processed), (429, "yes"), "what the sender learns")
        same(exchange.can_send, False, "whether it takes more")
    await _still_works(bench)


async def tells_who_waits_for_room_that_the_peer_refused(bench: Bench) -> None:
    gate = Gate()
    over = bench.version is HttpVersion.HTTP_1_1
    bench.origin.script([Answer(413, b"", reading="never", hold=gate, connection="close" if over else None)])
    async with opened(bench) as exchange:
        sending = bench.start(_send_for_ever(exchange))
        await gate.await_()
        gate.open()
        since = time.monotonic()
        with fails(PeerEndedError, DisconnectedError):
            await sending
        require(time.monotonic() - since < _SOON + 1, "who sends is told soon")
    await _still_works(bench)


async def ends_when_the_peer_has_said_everything(bench: Bench) -> None:
    bench.origin.script([Answer(200, b"that is all", reading="while", framing="chunked")])
    async with opened(bench) as exchange:
        await exchange.send(b"first")
        same(b"".join([chunk async for chunk in exchange]), b"that is all", "content")
        same(exchange.can_send, False, "whether it takes more")
        with fails(PeerEndedError) as caught:
            await exchange.send(b"second")
        same(caught.error.status, 200, "status that the sender learns")
        await exchange.wait_closed()
    await _still_works(bench)


async def ends_when_the_connection_is_reset(bench: Bench) -> None:
    for fault in (Fault(Reset(), "request content", 5), Fault(Reset(), "response content", 3)):
        bench.origin.script([Answer(200, [b"one", Gate()], reading="while", framing="chunked", faults=[fault])])
        async with opened(bench) as exchange, asyncio.timeout(_SOON + 1):
            await exchange.send(b"first")
            with fails(DisconnectedError):
                while await exchange.receive():
                    pass
            with fails(TransportError):
                await _send_for_ever(exchange)
            with fails(TransportError):
                await exchange.wait_closed()
    await _still_works(bench)


async def ends_when_the_stream_is_reset(bench: Bench) -> None:
    for code in (2, _REFUSED, 8):
        bench.origin.script([Answer.failing(ResetStream(code), "request content", 5)])
        async with opened(bench) as exchange, asyncio.timeout(_SOON + 1):
            await exchange.send(b"first")
            with fails(TransportError) as caught:
                await exchange.receive()
            promised = caught.error.processed == "no"
            require(not promised or code == _REFUSED, "only a refused stream promises that nothing was processed")
            with fails(TransportError):
                await exchange.send(b"second")
    await _still_works(bench)


async def goes_on_after_a_goaway_that_lets_it(bench: Bench) -> None:
    going = Fault(GoAway(last="this"), "request head")
    bench.origin.script([Answer(200, Answer.duplex().content, reading="while", framing="chunked", faults=[going])])
    async with opened(bench) as exchange, asyncio.timeout(_SOON + 2):
        for word in (b"one", b"two"):
            await exchange.send(word)
            same(await exchange.receive(), word, "echo")
        await exchange.wait_closed()
    await _still_works(bench)


async def ends_with_a_goaway_that_leaves_it_out(bench: Bench) -> None:
    bench.origin.script([Answer.failing(GoAway(last="before"), "request head")])
    async with opened(bench) as exchange, asyncio.timeout(_SOON + 1):
        with fails(TransportError) as caught:
            await exchange.receive()
        require(caught.error.processed != "yes", "it was not processed")
        with fails(TransportError):
            await exchange.send(b"first")
    await _still_works(bench)


async def fails_to_connect_for_both(bench: Bench) -> None:
    with bench.dead_end() as url, fails(ConnectError):
        async with opened(bench, at=url) as exchange, asyncio.timeout(_SOON + 2):
            with fails(ConnectError):
                await _send_for_ever(exchange)
            await exchange.response()


async def survives_cancelling_in_either_direction(bench: Bench) -> None:
    for what in ("send", "receive", "head"):
        gate = Gate()
        content: list[Step] = [] if what == "head" else [b"one", gate]
        bench.origin.script([Answer(200, content, reading="never", hold=gate if what == "head" else None)])
        exchange = opened(bench)

        async def use(exchange: Exchange = exchange, what: str = what) -> None:
            async with exchange:
                if what == "send":
                    await _send_for_ever(exchange)
                while what != "head" and await exchange.receive():
                    pass
                await exchange.response()

        task = bench.start(use())
        await asyncio.sleep(0.15)
        require(not task.done(), f"{what} waits")
        async with asyncio.timeout(_SOON):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        require(task.cancelled(), f"{what} was cancelled")
        gate.open()
        with suppress(DisconnectedError):
            await bench.exchange(Request("GET", bench.url("/between")))
        await _still_works(bench)


async def aborts_at_once(bench: Bench) -> None:
    gate = Gate()
    bench.origin.script([Answer(200, [b"one", gate], reading="while", framing="chunked")])
    async with opened(bench) as exchange:
        await exchange.send(b"first")
        same(await exchange.receive(), b"one", "content")
        receiving = bench.start(exchange.receive())
        await asyncio.sleep(0)
        async with asyncio.timeout(_SOON):
            await exchange.abort()
            for used in (receiving, exchange.send(b"second"), exchange.wait_closed()):
                with fails(ClosedError):
                    await used
    gate.open()
    await bench.until(lambda: len(bench.origin.requests) == 1, "the origin notices")
    require(not bench.origin.requests[0].complete, "an aborted request does not look whole")
    await _still_works(bench)


async def holds_back_who_sends_too_much(bench: Bench) -> None:
    bench.origin.script([Answer.failing(Hang(), "request head")])
    sent = 0
    async with opened(bench) as exchange:

        async def send() -> None:
            nonlocal sent
            while sent < 2 * _HELD:
                await exchange.send(_BLOCK)
                sent += len(_BLOCK)

        sending = bench.start(send())
        await _until_still(lambda: sent)
        require(not sending.done(), f"who sends is held back; {sent} octets were taken")
    await _still_works(bench)


async def holds_back_a_peer_that_sends_too_much(bench: Bench) -> None:
    bench.origin.script([Answer(200, [_BLOCK] * (2 * _HELD // len(_BLOCK)), reading="while", framing="chunked")])
    async with opened(bench) as exchange:
        same((await exchange.response()).status, 200, "status")
        await _until_still(lambda: bench.origin.connections[0].octets_sent)
        held = bench.origin.connections[0].octets_sent
        require(held < _HELD, f"a peer is held back while nobody receives; it has sent {held} octets")
        total = 0
        async for chunk in exchange:
            total += len(chunk)
        same(total, 2 * _HELD, "octets received in the end")


async def bounds_the_silence_and_the_whole(bench: Bench) -> None:
    for timeouts, kind in ((Timeouts(read=0.3), ReadTimeoutError), (Timeouts(total=0.3), TotalTimeoutError)):
        gate = Gate()
        bench.origin.script([Answer(200, [b"one", gate], reading="while", framing="chunked")])
        async with opened(bench, timeouts=timeouts) as exchange, asyncio.timeout(2 * _SOON):
            await exchange.send(b"first")
            same(await exchange.receive(), b"one", "content")
            with fails(kind):
                await exchange.receive()
            with fails(StableHTTPError):
                await exchange.send(b"second")
        gate.open()
    await _still_works(bench)


async def _send_for_ever(exchange: Exchange) -> None:
    while True:
        await exchange.send(_BLOCK)


async def _until_still(count: Callable[[], int]) -> None:
    """Wait until a count has not moved for a while."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < 0.3:
        await asyncio.sleep(0.02)
        if count() != last:
            last, since = count(), time.monotonic()


async def _still_works(bench: Bench) -> None:
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


_ENDS: Final[tuple[tuple[str, Check, str], ...]] = (
    ("an error comes while the request is open", gives_an_error_while_the_request_is_open, "U-J2"),
    ("a refusal reaches who waits for room", tells_who_waits_for_room_that_the_peer_refused, "U-J2"),
    ("a peer that ends first ends the exchange", ends_when_the_peer_has_said_everything, "U-J2"),
    ("a reset ends an exchange", ends_when_the_connection_is_reset, "U-J2"),
    ("a refused connection ends an exchange", fails_to_connect_for_both, "U-J2 U-E2"),
    ("cancelling an exchange never hangs", survives_cancelling_in_either_direction, "U-J2"),
    ("an exchange is aborted at once", aborts_at_once, "S15 U-J2"),
    ("an exchange holds back who sends", holds_back_who_sends_too_much, "U-J7 R10"),
    ("an exchange holds back the peer", holds_back_a_peer_that_sends_too_much, "U-J7 R10"),
    ("an exchange has an idle and a total timeout", bounds_the_silence_and_the_whole, "R10 U-D1"),
)
_STREAM_ENDS: Final[tuple[tuple[str, Check, str], ...]] = (
    ("a stream reset ends an exchange", ends_when_the_stream_is_reset, "U-J2"),
    ("an exchange goes on after GOAWAY", goes_on_after_a_goaway_that_lets_it, "U-J2"),
    ("GOAWAY refuses an exchange", ends_with_a_goaway_that_leaves_it_out, "U-J2"),
)

RULES: Final = tuple(
    Rule(
        name,
        check,
        proves,
        needs=Capability.DUPLEX,
        otherwise=opens_no_exchange,
        colour="async",
        versions=versions,
    )
    for ends, versions in ((_ENDS, BOTH), (_STREAM_ENDS, HTTP_2))
    for name, check, proves in ends
)
