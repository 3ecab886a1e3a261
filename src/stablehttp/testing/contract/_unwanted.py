"""Rules about content that may not be wanted: 100 (Continue), and responses that come before it was sent.

Stands on the bench.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import DisconnectedError, StableHTTPError, TotalTimeoutError, TransportError
from stablehttp._extensions import Extensions
from stablehttp._http_version import HttpVersion
from stablehttp._message import Request
from stablehttp._settings import Timeouts
from stablehttp.testing._origin_script import Answer, Fault, Gate, Informational, Reset
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._rule import Rule, require, same
from stablehttp.testing.contract._source import Signal, Source


async def waits_for_100_before_the_content(bench: Bench) -> None:
    lines = [("Expect", "100-continue")]
    source = bench.source(b"content", length=7)
    await bench.deliver(Request("PUT", bench.url("/continue"), headers=lines, body=source))
    same((source.opened, source.closed), (1, 1), "times that the body was opened and closed")
    gate = Gate()
    bench.origin.script([Answer(expect="nothing", reading="never", informational=[Informational(100)], hold=gate)])
    source = bench.source(b"content", length=7)
    sending = bench.start(bench.exchange(Request("PUT", bench.url("/waits"), headers=lines, body=source)))
    await gate.await_()
    head = bench.octets
    await asyncio.sleep(0.1)
    same((source.opened, bench.octets), (0, head), "times that the body was opened, and octets before the 100")
    gate.open()
    await bench.until(lambda: source.closed == 1 or sending.done(), "the body is sent after the 100")
    with suppress(StableHTTPError):  # this origin does not read it
        await sending


async def sends_no_octet_of_content_that_is_refused(bench: Bench) -> None:
    """A final response instead of the 100: the body stays as it was, and can still be sent elsewhere."""
    lines = [("Expect", "100-continue")]
    for status in (417, 307, 401, 413):
        for length in (7, None):
            bench.origin.script([Answer(status, b"no", reading="never", expect="nothing", connection="close")])
            source = bench.source(b"content", length=length)
            request = Request("PUT", bench.url("/refused"), headers=lines, body=source)
            reply, content = await bench.exchange(request)
            same((reply.response.status, content), (status, b"no"), "response")
            received = await bench.origin.atake()
            same(received.content_length, 0, f"octets of content that arrived before {status}")
            same((source.opened, source.taken_by), (0, None), "times that the body was opened, and by whom")
            await bench.deliver(request.with_body(source), content=b"content")
            await bench.origin.atake()


def _early(bench: Bench, status: int, content: bytes) -> Answer:
    over = bench.version is HttpVersion.HTTP_1_1  # on HTTP/2 only the stream is over
    return Answer(status, content, reading="never", connection="close" if over else None)


async def gives_an_early_response_and_closes_the_body(bench: Bench) -> None:
    bench.origin.script([_early(bench, 413, b"too large")])
    source = bench.source(*[bytes(65_536)] * 100, length=100 * 65_536)
    reply, content = await bench.exchange(Request("PUT", bench.url("/early"), body=source))
    same((reply.response.status, content), (413, b"too large"), "response")
    require(source.opened <= 1, "the body is opened once, or not at all if the response came before")
    same(source.closed, source.opened, "times that the body was closed")
    await _still_works(bench)


async def gives_an_early_response_while_the_body_waits(bench: Bench) -> None:
    bench.origin.script([_early(bench, 401, b"who are you")])
    never = Signal()
    source = bench.source(b"first", never, b"second", length=11)
    async with asyncio.timeout(3):
        reply, content = await bench.exchange(Request("PUT", bench.url("/waits"), body=source))
    same((reply.response.status, content), (401, b"who are you"), "response")
    never.give()
    await bench.until(lambda: source.closed == source.opened, "a body that was opened is closed")
    await _still_works(bench)


async def comes_to_an_end_when_the_response_is_early(bench: Bench) -> None:
    """Nothing to refuse beforehand: a client that sees no early response ends in time, and says what it knows."""
    await _ends_in_time(bench, bench.source(*[bytes(65_536)] * 100, length=100 * 65_536))


async def keeps_its_time_when_the_response_is_early(bench: Bench) -> None:
    await _ends_in_time(bench, bench.source(b"first", Signal(), b"second", length=11))


async def _ends_in_time(bench: Bench, source: Source) -> None:
    bench.origin.answer(_early(bench, 413, b"too large"))
    request = Request("PUT", bench.url("/early"), body=source, extensions=Extensions([Timeouts(total=2)]))
    try:
        reply, _ = await bench.exchange(request)
        same(reply.response.status, 413, "status")
    except (TransportError, TotalTimeoutError) as error:
        require(error.sent != "no" and error.processed != "no", "the origin could have acted on it")
    await bench.until(lambda: source.closed == 1, "the body is closed")
    bench.origin.answer(Answer(200))
    await _still_works(bench)


async def never_hangs_when_the_origin_goes_early(bench: Bench) -> None:
    answer = Answer(403, b"no", reading="never", faults=[Fault(Reset(), "response")])
    bench.origin.script([answer])
    source = bench.source(*[bytes(65_536)] * 200, length=200 * 65_536)
    try:
        reply, _ = await bench.exchange(Request("PUT", bench.url("/gone"), body=source))
        same(reply.response.status, 403, "status")
    except DisconnectedError as error:
        require(error.sent != "no" and error.processed != "no", "the origin could have acted on it")
    same(source.closed, source.opened, "times that the body was closed; it is opened unless the response came before")
    await bench.until(lambda: bench.origin.connections[0].ended != "open", "the origin went")
    with suppress(DisconnectedError):  # the reset may reach a connection that is idle by then
        await bench.exchange(Request("GET", bench.url("/between")))
    await _still_works(bench)


async def _still_works(bench: Bench) -> None:
    reply, _ = await bench.exchange(Request("GET", bench.url("/after")))
    same(reply.response.status, 200, "status of the next exchange")


RULES: Final = (
    Rule("100 is waited for", waits_for_100_before_the_content, "U-M1", needs=Capability.EXPECT_CONTINUE),
    Rule(
        "content that is not wanted is not sent",
        sends_no_octet_of_content_that_is_refused,
        "U-M1 U-H4",
        needs=Capability.EXPECT_CONTINUE,
    ),
    Rule(
        "an early response is given",
        gives_an_early_response_and_closes_the_body,
        "U-J2 U-H7",
        needs=Capability.EARLY_RESPONSE,
        otherwise=comes_to_an_end_when_the_response_is_early,
    ),
    Rule(
        "an early response is given while the body waits",
        gives_an_early_response_while_the_body_waits,
        "U-J2",
        needs=Capability.EARLY_RESPONSE,
        otherwise=keeps_its_time_when_the_response_is_early,
        colour="async",  # a body that blocks holds up whoever reads it
    ),
    Rule("an origin that goes early is no hang", never_hangs_when_the_origin_goes_early, "U-J2"),
)
