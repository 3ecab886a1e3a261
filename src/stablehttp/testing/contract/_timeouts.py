"""Rules about time: each timeout has one meaning, on every connector that declares it.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import (
    ConnectTimeoutError,
    DisconnectedError,
    HTTPTimeoutError,
    PoolTimeoutError,
    ReadTimeoutError,
    TotalTimeoutError,
    UnsupportedTransportError,
    WriteTimeoutError,
)
from stablehttp._message import Request
from stablehttp._settings import HttpSettings, Timeouts
from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_script import Answer, Gate, Hang, Pause, ResetStream, Step
from stablehttp.testing._origin_tls import TLS
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import HTTP_1, HTTP_2, Rule, fails, require, same

_TRICKLE: Final = Answer(200, b"x" * 12, piece=1, pause=0.15)
"""Content that takes 1.65 seconds, and never pauses for long."""


async def bounds_the_pause_between_octets(bench: Bench) -> None:
    timeouts = Timeouts(read=1.2)
    first, second = Gate(), Gate()
    trickling = await bench.open_origin(_TRICKLE)
    silent = await bench.open_origin(Answer(200, hold=first))
    stopping = await bench.open_origin(Answer(200, [b"first", second], framing="chunked"))

    async def trickles() -> None:
        reply = await bench.connect(bench.settings_for(trickling)).send(Request("GET", trickling.url), timeouts)
        same(await reply.read(), b"x" * 12, "content that trickles for longer than the timeout")

    await asyncio.gather(
        trickles(),
        _runs_out(bench, silent, ReadTimeoutError, timeouts, 1.2),
        _runs_out(bench, stopping, ReadTimeoutError, timeouts, 1.2),
    )
    for gate in (first, second):
        gate.open()


_TRICKLING_HEAD: Final = (b"HTTP/1.1 200 OK\r\n", *(step for _ in range(30) for step in (b"X-A: 1\r\n", Pause(0.1))))
"""A head that takes three seconds, and never pauses for long."""

_TRICKLING_CHUNK: Final = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n2;",
    *(step for _ in range(30) for step in (b"x", Pause(0.1))),
)
"""Content of which no more than a chunk extension arrives."""


async def bounds_the_whole_call_between_octets(bench: Bench) -> None:
    async def one(steps: tuple[Step, ...]) -> None:
        origin = await bench.open_origin(Answer(raw=steps))
        await _runs_out(bench, origin, TotalTimeoutError, Timeouts(total=0.6), 0.6)

    await asyncio.gather(one(_TRICKLING_HEAD), one(_TRICKLING_CHUNK))


async def bounds_the_whole_call(bench: Bench) -> None:
    gate = Gate()
    trickling, silent = await bench.open_origin(_TRICKLE), await bench.open_origin(Answer(200, hold=gate))
    await asyncio.gather(
        _runs_out(bench, trickling, TotalTimeoutError, Timeouts(total=0.3), 0.3),
        _runs_out(bench, silent, TotalTimeoutError, Timeouts(total=0.2), 0.2),
    )
    gate.open()
    reply = await bench.driver.send(Request("GET", bench.url()), Timeouts(total=5))
    same(await reply.read(), b"", "content of a response that comes in time")


async def _runs_out(
    bench: Bench, origin: Origin, kind: type[HTTPTimeoutError], timeouts: Timeouts, seconds: float
) -> None:
    driver = bench.connect(bench.settings_for(origin))
    origin.script([Answer()])
    await (await driver.send(Request("GET", origin.url), _generous(timeouts))).read()  # it opens the connection
    since = time.monotonic()
    with fails(kind) as caught:
        reply = await driver.send(Request("GET", origin.url), timeouts)
        await reply.read()
    _check_timeout(caught.error, seconds, since)
    origin.answer(Answer(200, b"next"))
    reply = await driver.send(Request("GET", origin.url))
    same(await reply.read(), b"next", "content of the next response")


def _generous(timeouts: Timeouts) -> Timeouts:
    """The same kinds of timeouts, long enough; a connector that does not know them refuses these too."""
    return replace(timeouts, read=timeouts.read and 10, total=timeouts.total and 10)


def _check_timeout(error: HTTPTimeoutError, seconds: float, since: float) -> None:
    passed = time.monotonic() - since
    require(seconds - 0.02 <= passed < seconds + 2, f"a timeout of {seconds} s ran out after {passed:.2f} s")
    require(error.sent != "no" and error.processed != "no", "the request was sent")
    require(isinstance(error, TimeoutError), "it is the built-in too")


async def bounds_the_pause_while_the_peer_takes_nothing(bench: Bench) -> None:
    bench.origin.answer(Answer.failing(Hang(), "request head"))
    block = bytes(1 << 20)
    source = bench.source(*[block] * 48, length=48 << 20)
    since = time.monotonic()
    with fails(WriteTimeoutError) as caught:
        await bench.driver.send(Request("PUT", bench.url(), body=source), Timeouts(write=0.4))
    _check_timeout(caught.error, 0.4, since)
    same((source.opened, source.closed), (1, 1), "times that the body was opened and closed")


async def bounds_sending_on_a_stream_that_was_reset(bench: Bench) -> None:
    """A client that does not see the reset waits for leave to send more, and the peer sends nothing any more."""
    block = bytes(1 << 16)
    for source in (None, bench.source(*[block] * 16, length=1 << 20)):
        bench.origin.script([Answer.failing(ResetStream(8), "request head")])
        with fails(DisconnectedError, ReadTimeoutError) as caught:
            await bench.driver.send(Request("PUT", bench.url(), body=source or block * 16), Timeouts(read=0.6))
        require(caught.error.sent != "no" and caught.error.processed != "no", "the request was sent")
    await bench.deliver(Request("PUT", bench.url(), body=block * 2))


async def bounds_the_wait_for_a_connection(bench: Bench) -> None:
    driver = bench.connect(replace(bench.settings, max_connections=1))
    bench.origin.answer(Answer(200, [b"first", (gate := Gate()), b"second"]))
    reply = await driver.send(Request("GET", bench.url()))
    source = bench.source(b"content", length=7)
    with fails(PoolTimeoutError) as caught:
        await driver.send(Request("PUT", bench.url(), body=source), Timeouts(pool=0.1))
    same((caught.error.sent, caught.error.processed, source.opened), ("no", "no", 0), "sent, processed, opened")
    gate.open()
    same(await reply.read(), b"firstsecond", "content of the response that held the connection")
    bench.origin.answer(Answer(200, b"next"))
    reply = await driver.send(Request("GET", bench.url()), Timeouts(pool=1))
    same(await reply.read(), b"next", "content of the next response")


async def refuses_to_bound_the_wait(bench: Bench) -> None:
    with fails(UnsupportedTransportError):
        await bench.driver.send(Request("GET", bench.url()), Timeouts(pool=1))
    same(bench.octets, 0, "octets that arrived")


async def bounds_connecting(bench: Bench) -> None:
    settings = replace(bench.settings, connect_timeout=0.3)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # they fill the queue, so that nobody answers the next one
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        await _times_out_connecting(bench, settings, f"{bench.scheme}://127.0.0.1:{full.getsockname()[1]}/")


async def bounds_the_handshake(bench: Bench) -> None:
    origin = await bench.open_origin(Answer.failing(Hang(), "accept"), tls=TLS())
    settings = replace(bench.settings_for(origin), connect_timeout=0.3)
    await _times_out_connecting(bench, settings, origin.url + "/")


async def _times_out_connecting(bench: Bench, settings: HttpSettings, url: str) -> None:
    driver = bench.connect(settings)
    source = bench.source(b"content", length=7)
    since = time.monotonic()
    with fails(ConnectTimeoutError) as caught:
        await driver.send(Request("PUT", url, body=source))
    passed = time.monotonic() - since
    require(0.28 <= passed < 3, f"a timeout of 0.3 s ran out after {passed:.2f} s")
    same((caught.error.sent, caught.error.processed, source.opened), ("no", "no", 0), "sent, processed, opened")


RULES: Final = (
    Rule(
        "read bounds the pause between octets", bounds_the_pause_between_octets, "U-D1", needs=Capability.READ_TIMEOUT
    ),
    Rule("total bounds the whole call", bounds_the_whole_call, "U-D1", needs=Capability.TOTAL_TIMEOUT),
    Rule(
        "total bounds what trickles",
        bounds_the_whole_call_between_octets,
        "U-D1",
        needs=Capability.TOTAL_TIMEOUT,
        versions=HTTP_1,
    ),
    Rule(
        "write bounds the pause while the peer takes nothing",
        bounds_the_pause_while_the_peer_takes_nothing,
        "U-D1",
        needs=Capability.WRITE_TIMEOUT,
    ),
    Rule(
        "read bounds sending on a stream that was reset",
        bounds_sending_on_a_stream_that_was_reset,
        "U-D1 U-E1",
        needs=Capability.READ_TIMEOUT,
        versions=HTTP_2,
    ),
    Rule(
        "pool bounds the wait for a connection",
        bounds_the_wait_for_a_connection,
        "U-D1 U-E2",
        needs=Capability.POOL_TIMEOUT,
        otherwise=refuses_to_bound_the_wait,
        versions=HTTP_1,
    ),
    Rule("connect_timeout bounds connecting", bounds_connecting, "U-D1 U-E2"),
    Rule("connect_timeout bounds the TLS handshake", bounds_the_handshake, "U-D1 U-E2"),
)
