"""Rules about calls that name a sink, and calls that are watched.

Stands on the bench.
"""

from __future__ import annotations

import io
from typing import Final

from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._errors import SinkError, TrailersUnavailableError, TransportError
from stablehttp._message import Request
from stablehttp._sunk import SinkBody
from stablehttp._taps import Progress
from stablehttp.testing._origin_script import Answer, Close, Fault
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._kinds import OCTETS, Shop
from stablehttp.testing.contract._rule import Rule, fails, require, same

_LARGE: Final = OCTETS * 200


class _Counting:
    """A sink that takes a part of what it is given, up to a limit, and cannot go back."""

    def __init__(self, most: int = len(_LARGE)) -> None:
        self.got = bytearray()
        self._most = most

    def write(self, octets: bytes, /) -> int:
        if len(self.got) >= self._most:
            raise OSError(28, "No space left on device")
        taken = octets[: min(1 + len(octets) // 2, self._most - len(self.got))]
        self.got += taken
        return len(taken)


async def writes_a_success_to_the_sink(bench: Bench) -> None:
    with Shop() as shop:
        memory, counting, path = io.BytesIO(), _Counting(), shop.path(b"old")
        for sink in (memory, counting, path):
            for answer in (Answer(200, _LARGE), Answer(206, [_LARGE], framing="chunked")):
                bench.origin.answer(answer)
                if sink is counting:
                    counting.got.clear()
                await bench.rest()
                reply = await bench.driver.send(Request("GET", bench.url()), options=CallOptions(sink=sink))
                body = reply.response.body
                require(isinstance(body, SinkBody), "the body says where the content went")
                assert isinstance(body, SinkBody)
                same((body.sink, body.octets), (sink, len(_LARGE)), "sink, and octets that it got")
                if sink is not counting:
                    same(await reply.read(), _LARGE, "content, read again from the sink")
                    memory.seek(0)
        same((memory.getvalue(), bytes(counting.got), path.read_bytes()), (_LARGE,) * 3, "content of the sinks")
    same(bench.used_connections, 1, "connections: each was given back")


async def keeps_what_is_no_success_out_of_the_sink(bench: Bench) -> None:
    with Shop() as shop:
        memory, path = io.BytesIO(), shop.path(b"old")
        for status in (302, 404, 503):
            bench.origin.answer(Answer(status, b"not what was asked for"))
            for sink in (memory, path):
                reply = await bench.driver.send(Request("GET", bench.url()), options=CallOptions(sink=sink))
                same((reply.response.status, await reply.read()), (status, b"not what was asked for"), "response")
        same((memory.getvalue(), path.read_bytes()), (b"", b"old"), "content of the sinks")


async def says_what_lies_in_a_sink_that_was_cut(bench: Bench) -> None:
    half = len(_LARGE) // 2
    with Shop() as shop:
        memory, counting, path = io.BytesIO(), _Counting(), shop.path(b"old")
        for sink in (memory, counting, path):
            fault = Fault(Close(), "response content", after=half)
            bench.origin.script([Answer(200, _LARGE, faults=[fault])])
            with fails(TransportError) as caught:
                await bench.driver.send(Request("GET", bench.url()), options=CallOptions(sink=sink))
            left = len(counting.got) if sink is counting else 0
            same((caught.error.sink_octets, caught.error.status), (left, 200), "octets in the sink, and status")
            require(left <= half and _LARGE.startswith(counting.got), "what lies there is the beginning of the content")
        same((memory.getvalue(), path.read_bytes()), (b"", b"old"), "sinks that can be undone")


async def says_how_far_a_sink_came_that_fails(bench: Bench) -> None:
    bench.origin.script([Answer(200, _LARGE)])
    sink = _Counting(most=5000)
    with fails(SinkError) as caught:
        await bench.driver.send(Request("GET", bench.url()), options=CallOptions(sink=sink))
    same((caught.error.sink_octets, len(sink.got)), (5000, 5000), "octets in the sink")
    same((caught.error.sent, caught.error.processed), ("yes", "yes"), "sent and processed")
    require("5000 octets" in str(caught.error), "the error says how many octets the sink got")
    reply, _ = await bench.exchange(Request("GET", bench.url()))
    same(reply.response.status, 200, "status of the next exchange")


async def tells_progress(bench: Bench) -> None:
    bench.origin.answer(Answer(200, _LARGE))
    seen: list[Progress] = []
    source = bench.source(OCTETS, OCTETS, length=2 * len(OCTETS))
    request = Request("PUT", bench.url(), body=source)
    await (await bench.driver.send(request, options=CallOptions(progress=seen.append))).read()
    sent = [step for step in seen if step.direction == "sent"]
    received = [step for step in seen if step.direction == "received"]
    total = 2 * len(OCTETS)
    same(sent, [Progress("sent", len(OCTETS), total), Progress("sent", total, total)], "what was told while sending")
    same(received[-1], Progress("received", len(_LARGE), len(_LARGE)), "the last that was told while receiving")
    counts = [step.octets for step in received]
    same(counts, sorted(counts), "octets received")


async def gives_trailers_after_a_sink(bench: Bench) -> None:
    bench.origin.script([Answer(200, [b"content"], trailers=[("X-Sum", "1"), ("X-Sum", "2")])])
    reply = await bench.driver.send(Request("GET", bench.url()), options=CallOptions(sink=io.BytesIO()))
    if bench.can(Capability.RESPONSE_TRAILERS):
        same(reply.response.trailers.values("x-sum"), ("1", "2"), "trailers")
        return
    with fails(TrailersUnavailableError):
        _ = reply.response.trailers


RULES: Final = (
    Rule("a success is written to the sink", writes_a_success_to_the_sink, "S9 S11 S14"),
    Rule("what is no success stays out of the sink", keeps_what_is_no_success_out_of_the_sink, "S13"),
    Rule("what lies in a sink that was cut is told", says_what_lies_in_a_sink_that_was_cut, "S12"),
    Rule("how far a sink came that fails is told", says_how_far_a_sink_came_that_fails, "S12 S14"),
    Rule("progress is told in both directions", tells_progress, "S9"),
    Rule("trailers can be had after a sink", gives_trailers_after_a_sink, "U-J6"),
)
