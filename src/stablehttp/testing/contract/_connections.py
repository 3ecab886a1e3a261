"""Rules about connections: reuse, one request for one send, closing, cancelling, both directions at once.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Final

from stablehttp._errors import ClosedError, DisconnectedError, InvalidResponseError, StableHTTPError, TransportError
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp.testing._origin_script import Answer, Close, Fault, Gate, Pause, Reset
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import HTTP_1, Rule, fails, require, same


async def reuses_a_connection(bench: Bench) -> None:
    answers = [Answer(200, b"length"), Answer(200, [b"chunked"], framing="chunked"), Answer(204), Answer(404, b"no")]
    bench.origin.script(answers)
    reused: list[bool | None] = []
    for _ in answers:
        reply, _ = await bench.exchange(Request("POST", bench.url(), body=b"x"))
        reused.append(reply.response.connection.reused)
        await bench.rest()
    same(bench.used_connections, 1, "connections that carried a request")
    require(reused[0] in (None, False) and set(reused[1:]) <= {None, True}, f"`reused` is true or not told: {reused}")


async def leaves_a_connection_that_the_origin_closes(bench: Bench) -> None:
    bench.origin.script([Answer(200, b"one", connection="close"), Answer(200, b"two")])
    for content in (b"one", b"two"):
        same((await bench.exchange(Request("GET", bench.url())))[1], content, "content")
    same(bench.used_connections, 2, "connections that carried a request")


async def never_sends_twice_when_a_connection_was_closed_idle(bench: Bench) -> None:
    for method in ("GET", "POST"):
        bench.origin.script([Answer(200, b"one", faults=[Fault(Close(), "response")])])
        await bench.exchange(Request(method, bench.url("/one")))
        await bench.until(lambda: bench.origin.connections[-1].ended != "open", "the origin closed its connection")
        before = bench.origin.count
        try:
            reply, _ = await bench.exchange(Request(method, bench.url("/two")))
            same(reply.response.status, 200, "status")
            same(bench.origin.count - before, 1, f"requests that arrived of one {method}")
        except DisconnectedError:
            require(bench.origin.count - before <= 1, f"one {method} arrives at most once")


async def never_sends_twice_when_a_connection_breaks(bench: Bench) -> None:
    for what in (Close(), Reset()):
        for method in ("GET", "PUT", "POST", "DELETE"):
            bench.origin.script([Answer(200, b"one"), Answer.failing(what, "request")])
            await bench.exchange(Request(method, bench.url("/one")))
            before = bench.origin.count
            with fails(DisconnectedError) as caught:
                await bench.exchange(Request(method, bench.url("/two")))
            require(caught.error.sent != "no" and caught.error.processed != "no", "the origin could have acted")
            same(bench.origin.count - before, 1, f"requests that arrived of one {method}")


async def takes_nothing_for_the_next_response(bench: Bench) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    bench.origin.answer(Answer(200, b"next"))
    for rest in (b"garbage", head + b"no", b"\r\n" + head + b"no"):
        bench.origin.script([Answer(raw=head + b"ok" + rest, connection="keep")])
        for number, content in enumerate((b"ok", b"next", b"next")):
            try:
                same((await bench.exchange(Request("GET", bench.url())))[1], content, "content of a response")
            except InvalidResponseError:  # it may be said as well, of this response or of the one that it spoilt
                require(number < 2, "the connection is left")


async def gives_up_a_response_that_is_closed(bench: Bench) -> None:
    gate = Gate()
    bench.origin.script([Answer(200, [b"first", gate, b"second"]), Answer(200, 5_000_000), Answer(200, b"next")])
    for _ in range(2):
        reply = await bench.driver.send(Request("GET", bench.url()))
        await anext(aiter(reply.chunks()))
        await reply.close()
        await reply.close()
        with fails(ClosedError, StableHTTPError):
            await reply.read()
    same((await bench.exchange(Request("GET", bench.url())))[1], b"next", "content of the next response")
    gate.open()


async def gives_up_a_response_that_trickles(bench: Bench) -> None:
    bench.origin.answer(Answer(200, [b"drop", Pause(0.02)] * 400))
    reply = await bench.driver.send(Request("GET", bench.url()))
    await anext(aiter(reply.chunks()))
    since = time.monotonic()
    await reply.close()
    require(time.monotonic() - since < 3, "closing does not wait for content that goes on for eight seconds")


async def gives_up_a_response_that_is_never_read(bench: Bench) -> None:
    driver = bench.connect(replace(bench.settings, max_connections=2))
    bench.origin.answer(Answer(200, 200_000))
    for _ in range(6):
        reply = await driver.send(Request("GET", bench.url()))
        await reply.close()
        with fails(ClosedError):
            await reply.read()


async def keeps_many_exchanges_apart(bench: Bench) -> None:
    bench.origin.answer(lambda received: Answer(200, received.target + b" " + received.content))

    async def one(number: int) -> None:
        body = b"%d" % number * number
        _, content = await bench.exchange(Request("POST", bench.url(f"/{number}"), body=body))
        same(content, b"/%d " % number + body, "content of the answer")

    await asyncio.gather(*map(one, range(24)))
    same(bench.origin.count, 24, "requests that arrived")


async def waits_for_a_free_connection(bench: Bench) -> None:
    driver = bench.connect(replace(bench.settings, max_connections=2))

    async def one() -> None:
        reply = await driver.send(Request("GET", bench.url()))
        same((reply.response.status, await reply.read()), (200, b"x"), "response")

    bench.origin.answer(Answer(200, b"x"))
    await asyncio.gather(*(one() for _ in range(12)))
    require(len(bench.origin.connections) <= 2, "no more connections than the settings allow")


async def refuses_to_send_once_closed(bench: Bench) -> None:
    driver = bench.connect(bench.settings)
    reply = await driver.send(Request("GET", bench.url()))
    await reply.read()
    await driver.close()
    await driver.close()
    before = bench.octets
    source = bench.source(b"content", length=7)
    with fails(ClosedError) as caught:
        await driver.send(Request("PUT", bench.url(), body=source))
    same((caught.error.sent, caught.error.processed, source.opened), ("no", "no", 0), "sent, processed, opened")
    same(bench.octets, before, "octets that arrived")
    await bench.until(lambda: bench.origin.open_connections == 0, "closing the connector closes its connections")


async def serves_a_response_to_its_end_once_closed(bench: Bench) -> None:
    driver = bench.connect(bench.settings)
    gate = Gate()
    bench.origin.answer(Answer(200, [b"first", gate, b"second"]))
    reading, unread = [await driver.send(Request("GET", bench.url())) for _ in range(2)]
    chunks = aiter(reading.chunks())
    same(await anext(chunks), b"first", "first chunk")
    await driver.close()
    gate.open()
    rest = [chunk async for chunk in chunks]
    same(b"".join(rest), b"second", "the rest of a response that was being read")
    same(await unread.read(), b"firstsecond", "content of a response that was not begun")
    await bench.until(lambda: bench.origin.open_connections == 0, "closing the connector closes its connections")


async def ends_a_response_that_is_closed_after_its_connector(bench: Bench) -> None:
    driver = bench.connect(bench.settings)
    gate = Gate()
    bench.origin.answer(Answer(200, [b"first", gate, b"second"], framing="chunked"))
    reading, unread = [await driver.send(Request("GET", bench.url())) for _ in range(2)]
    chunks = aiter(reading.chunks())
    same(await anext(chunks), b"first", "first chunk")
    await driver.close()
    for reply in (reading, unread):
        await reply.close()
    with fails(ClosedError, StableHTTPError):
        await anext(chunks)
    with fails(ClosedError) as caught:
        await unread.read()
    same((caught.error.sent, caught.error.processed), ("yes", "yes"), "sent and processed")
    await bench.until(lambda: bench.origin.open_connections == 0, "closing the connector closes its connections")
    gate.open()


async def survives_being_cancelled(bench: Bench) -> None:
    driver = bench.connect(replace(bench.settings, max_connections=5))
    gate = Gate()
    bench.origin.answer(Answer(200, b"late", hold=gate))

    async def one(number: int) -> None:
        source = bench.source(b"content", length=7) if number % 2 else None
        async with asyncio.timeout(number % 10 * 0.004):
            reply = await driver.send(Request("PUT", bench.url(), body=source))
            await reply.read()

    outcomes = await asyncio.gather(*map(one, range(100)), return_exceptions=True)
    # on HTTP/2 a client may have to give up a connection that others share when one of them is cancelled
    allowed = (TimeoutError, TransportError) if bench.version is HttpVersion.HTTP_2 else (TimeoutError,)
    others = {type(outcome).__name__ for outcome in outcomes if not isinstance(outcome, allowed)}
    same(sorted(others), [], "what came out beside the cancellation")
    opened = [source for source in bench.sources if source.opened]
    await bench.until(lambda: all(source.closed == 1 for source in opened), "each body that was opened is closed once")
    bench.origin.answer(Answer(200, b"good"))
    gate.open()
    async with asyncio.timeout(5):
        for _ in range(5):
            reply = await driver.send(Request("GET", bench.url()))
            same(await reply.read(), b"good", "content of the next response")


async def survives_being_cancelled_while_reading(bench: Bench) -> None:
    driver = bench.connect(replace(bench.settings, max_connections=1))
    gate = Gate()
    bench.origin.script([Answer(200, [b"first", gate])] * 3)
    for _ in range(3):
        reply = await driver.send(Request("GET", bench.url()))
        chunks = aiter(reply.chunks())
        same(await anext(chunks), b"first", "first chunk")
        with fails(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(chunks)
    same(await (await driver.send(Request("GET", bench.url()))).read(), b"", "content of the next response")
    gate.open()


RULES: Final = (
    Rule("a connection is reused after the content was read", reuses_a_connection, "U-F4"),
    Rule(
        "a connection that the origin closes is left",
        leaves_a_connection_that_the_origin_closes,
        "U-F4",
        versions=HTTP_1,
    ),
    Rule(
        "a connection closed while idle is no second request",
        never_sends_twice_when_a_connection_was_closed_idle,
        "U-E4",
    ),
    Rule("a connection that breaks is no second request", never_sends_twice_when_a_connection_breaks, "U-E4"),
    Rule("what follows a response is not the next one", takes_nothing_for_the_next_response, "U-J6", versions=HTTP_1),
    Rule("a response can be closed before its end", gives_up_a_response_that_is_closed, "U-F4"),
    Rule("a response that trickles can be closed at once", gives_up_a_response_that_trickles, "R11 U-F4"),
    Rule("a response need not be read", gives_up_a_response_that_is_never_read, "U-F4"),
    Rule("many exchanges at once are kept apart", keeps_many_exchanges_apart, "U-F3"),
    Rule("a free connection is waited for", waits_for_a_free_connection, "U-F3"),
    Rule("a closed connector refuses", refuses_to_send_once_closed, "U-F5"),
    Rule("closing lets responses come to their end", serves_a_response_to_its_end_once_closed, "U-F5"),
    Rule(
        "a response that is closed ends though its connector was closed before",
        ends_a_response_that_is_closed_after_its_connector,
        "U-F5",
    ),
    Rule("cancelled sends leave nothing behind", survives_being_cancelled, "U-F3 U-H7", colour="async"),
    Rule("cancelled reading leaves nothing behind", survives_being_cancelled_while_reading, "U-F3", colour="async"),
)
