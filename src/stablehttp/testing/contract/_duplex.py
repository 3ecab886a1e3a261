"""Rules about exchanges: both directions move at the same time, or the request is refused before anything is.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from stablehttp._capability import Capability
from stablehttp._connectors import AsyncConnector
from stablehttp._errors import TrailersUnavailableError, UnsupportedTransportError
from stablehttp._exchange import Duplex, Exchange
from stablehttp._extensions import Extensions
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp._pipeline import AsyncPipeline
from stablehttp._settings import Timeouts
from stablehttp.testing._origin_script import Answer, Echo, Gate
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import Rule, fails, require, same
from stablehttp.testing.contract._source import Signal

_AT_ONCE: Final = 0.05
_IDLE: Final = 1.0
_SHARE: Final = 0.05
"""The share of a core that an idle exchange may cost here, the origin included; over ten seconds it is less."""


def opened(bench: Bench, at: str | None = None, timeouts: Timeouts | None = None, **fields: str) -> Exchange:
    """An exchange with the origin, or at another URL, through a pipeline."""
    connector = bench.connector
    assert isinstance(connector, AsyncConnector), "exchanges are asynchronous"
    request = Request("POST", at or bench.url(), headers=list(fields.items()))
    return AsyncPipeline(connector, timeouts=timeouts).open(request)


async def talks_in_both_directions_at_once(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    turns = [Signal() for _ in range(3)]
    source = bench.source(b"0", turns[0], b"1", turns[1], b"2", turns[2])
    marked = Request("POST", bench.url(), body=source, extensions=Extensions([Duplex()]))
    reply = await bench.driver.send(marked)
    same(reply.response.status, 200, "status, while the body is being sent")
    heard: list[bytes] = []
    async for chunk in reply.chunks():
        same(source.given, len(b"".join(heard)) + 1, "pieces sent when this one was heard")
        heard.append(chunk)
        turns[len(heard) - 1].give()
    same(heard, [b"0", b"1", b"2"], "pieces heard")
    await bench.until(lambda: source.closed == 1, "the body is closed once")


async def refuses_before_it_connects(bench: Bench) -> None:
    source = bench.source(b"0")
    marked = Request("POST", bench.url(), body=source, extensions=Extensions([Duplex()]))
    with fails(UnsupportedTransportError) as caught:
        await bench.driver.send(marked)
    same(caught.error.capability, Capability.DUPLEX.value, "capability that the refusal names")
    same(caught.error.transport, bench.connector.name, "transport that the refusal names")
    same((source.opened, source.closed, bench.origin.connections), (0, 0, ()), "opened, closed and connections")
    same(bench.connector.SUPPORTS_DUPLEX_STREAMING, False, "the claim of a connector that does not declare duplex")


async def opens_no_exchange(bench: Bench) -> None:
    with fails(UnsupportedTransportError):
        opened(bench)
    same(bench.origin.connections, (), "connections")


async def takes_turns(bench: Bench) -> None:
    gate = Gate()
    bench.origin.answer(Answer(201, Echo(), reading="while", framing="chunked", hold=gate, fields=[("X-A", "1")]))
    async with opened(bench) as exchange:
        await exchange.send(b"first")
        await gate.await_()
        gate.open()
        response = await exchange.response()
        same((response.status, response.headers["X-A"]), (201, "1"), "the head, before the second chunk is made")
        same(response.http_version, bench.version, "protocol version")
        same(await exchange.receive(), b"first", "the first chunk, before the second is made")
        await exchange.send(b"second")
        same(await exchange.receive(), b"second", "the second chunk")
        await exchange.wait_closed()
    received = await bench.origin.atake()
    same((received.content, received.complete, received.problems), (b"firstsecond", True, ()), "the request")


async def gives_the_head_before_anything_was_sent(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    async with opened(bench) as exchange:
        same((await exchange.response()).status, 200, "status")
        await exchange.wait_closed()


async def ends_one_half_and_hears_the_other(bench: Bench) -> None:
    gate = Gate()
    bench.origin.answer(Answer(200, [b"before", gate, b"after"], reading="while", framing="chunked"))
    async with opened(bench) as exchange:
        await exchange.send(b"all")
        await exchange.send_end()
        same(await exchange.receive(), b"before", "content while the request was open")
        received = await bench.origin.atake()
        same((received.content, received.complete), (b"all", True), "the request, ended while the response is not")
        gate.open()
        same(await exchange.receive(), b"after", "content after the request has ended")
        same(await exchange.receive(), b"", "the end")


async def ends_with_trailers(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    if not bench.can(Capability.REQUEST_TRAILERS):
        with fails(UnsupportedTransportError) as caught:
            async with opened(bench, Trailer="X-Sum"):
                pass
        same(caught.error.capability, Capability.REQUEST_TRAILERS.value, "capability that the refusal names")
        same(bench.octets, 0, "octets that arrived")
        return
    async with opened(bench, Trailer="X-Sum") as exchange:
        await exchange.send(b"content")
        same(await exchange.receive(), b"content", "echo")
        await exchange.send_end([("X-Sum", "7")])
        await exchange.wait_closed()
    received = await bench.origin.atake()
    name = b"x-sum" if bench.version is HttpVersion.HTTP_2 else b"X-Sum"
    same((received.content, received.trailers), (b"content", ((name, b"7"),)), "content and trailers")


async def gives_the_trailers_of_the_response(bench: Bench) -> None:
    trailers = [("X-Sum", "1"), ("X-Sum", "2")]
    bench.origin.answer(Answer(200, Echo(), reading="while", framing="chunked", trailers=trailers))
    async with opened(bench) as exchange:
        await exchange.send(b"content")
        await exchange.send_end()
        response = await exchange.response()
        same([chunk async for chunk in exchange], [b"content"], "echo")
        if bench.can(Capability.RESPONSE_TRAILERS):
            same(response.trailers.values("X-Sum"), ("1", "2"), "trailers after the content")
        else:
            with fails(TrailersUnavailableError):
                response.trailers.values("X-Sum")


async def gives_the_connection_back(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    for _ in range(3):
        async with opened(bench) as exchange:
            await exchange.send(b"one")
            same(await exchange.receive(), b"one", "echo")
            await exchange.wait_closed()
        await bench.rest()
    same(bench.used_connections, 1, "connections for three exchanges")


async def puts_a_chunk_on_the_wire_at_once(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    async with opened(bench) as exchange:
        took: list[float] = []
        for number in range(20):
            since = time.monotonic()
            await exchange.send(b"%d" % number)
            same(await exchange.receive(), b"%d" % number, "echo")
            took.append(time.monotonic() - since)
        await exchange.wait_closed()
    require(sorted(took)[10] < _AT_ONCE, f"half of the turns take less than {_AT_ONCE} s: {sorted(took)[10]:.3f} s")
    same((await bench.origin.atake()).chunks, (1,) * 10 + (2,) * 10, "chunks, as they were sent")


async def costs_nothing_while_idle(bench: Bench) -> None:
    bench.origin.answer(Answer.duplex())
    async with opened(bench) as exchange:
        await exchange.send(b"one")
        same(await exchange.receive(), b"one", "echo")
        receiving = bench.start(exchange.receive())
        await asyncio.sleep(0.1)
        cost = time.process_time()
        await asyncio.sleep(_IDLE)
        cost = time.process_time() - cost
        require(cost < _IDLE * _SHARE, f"{_IDLE} s of silence cost {cost:.3f} s of a core")
        await exchange.send(b"two")
        same(await receiving, b"two", "echo after the silence")
        await exchange.wait_closed()


RULES: Final = (
    Rule(
        "both directions work at once",
        talks_in_both_directions_at_once,
        "U-J1 D4",
        needs=Capability.DUPLEX,
        otherwise=refuses_before_it_connects,
    ),
    Rule(
        "an exchange takes turns",
        takes_turns,
        "U-J1 S16",
        needs=Capability.DUPLEX,
        otherwise=opens_no_exchange,
        colour="async",
    ),
    *(
        Rule(name, check, proves, needs=Capability.DUPLEX, otherwise=opens_no_exchange, colour="async")
        for name, check, proves in (
            ("the head of an exchange comes first", gives_the_head_before_anything_was_sent, "S16"),
            ("one half of an exchange ends alone", ends_one_half_and_hears_the_other, "S15 S17"),
            ("an exchange ends with trailers or refuses them", ends_with_trailers, "R8 S15"),
            ("the response of an exchange has trailers", gives_the_trailers_of_the_response, "U-J6"),
            ("an exchange gives its connection back", gives_the_connection_back, "U-F4"),
            ("a chunk of an exchange is sent at once", puts_a_chunk_on_the_wire_at_once, "U-J3"),
            ("an idle exchange costs nothing", costs_nothing_while_idle, "U-J3"),
        )
    ),
)
