"""Rules about what goes wrong after the head of a response had arrived.

Stands on the bench.
"""

from __future__ import annotations

import pickle
from typing import Final

from stablehttp._capability import Capability
from stablehttp._errors import (
    ClosedError,
    ContentDecodingError,
    ContentTooLargeError,
    IncompleteResponseError,
    ReadTimeoutError,
    StableHTTPError,
)
from stablehttp._message import Request
from stablehttp._settings import Timeouts
from stablehttp.testing._origin_script import Answer, Close, Fault, Gate
from stablehttp.testing.contract._bench import Bench
from stablehttp.testing.contract._driver import Reply
from stablehttp.testing.contract._rule import Rule, fails, require, same

_SECRET: Final = "marker-8e2d"

_LINES: Final = (("Retry-After", "120"), ("Set-Cookie", f"id={_SECRET}"), ("X-Many", "one"), ("X-Many", "two"))


def _answer(content: bytes = b"0123456789", *faults: Fault) -> Answer:
    return Answer(503, content, fields=_LINES, faults=list(faults))


async def carries_the_head(bench: Bench) -> None:
    bench.origin.script([_answer(b"0123456789", Fault(Close(), "response content", 4)), _answer(), _answer(b"\xff")])
    reply = await bench.driver.send(Request("PUT", bench.url(), body=b"content"))
    with fails(IncompleteResponseError) as cut:
        await reply.read()
    _check_head(bench, cut.error, reply)

    reply = await bench.driver.send(Request("PUT", bench.url(), body=b"content"))
    with fails(ContentTooLargeError) as large:
        await reply.read(limit=9)
    _check_head(bench, large.error, reply)
    with fails(ClosedError) as closed:
        await reply.read()
    _check_head(bench, closed.error, reply)

    reply = await bench.driver.send(Request("PUT", bench.url(), body=b"content"))
    with fails(ContentDecodingError) as no_text:
        await reply.text()
    _check_head(bench, no_text.error, reply)


async def carries_the_head_when_time_is_up(bench: Bench) -> None:
    gate = Gate()
    bench.origin.script([Answer(503, [b"first", gate], framing="chunked", fields=_LINES)])
    reply = await bench.driver.send(Request("PUT", bench.url(), body=b"content"), Timeouts(read=1))
    with fails(ReadTimeoutError) as caught:
        await reply.read()
    _check_head(bench, caught.error, reply)
    gate.open()


def _check_head(bench: Bench, error: StableHTTPError, reply: Reply) -> None:
    name = type(error).__name__
    for seen in (error, pickle.loads(pickle.dumps(error))):
        same((seen.method, seen.origin), ("PUT", bench.origin.url), f"{name}: method and origin")
        same((seen.sent, seen.processed), ("yes", "yes"), f"{name}: sent and processed")
        same(seen.status, 503, f"{name}: status")
        require(seen.head is not None, f"{name} has the head of the response")
        assert seen.head is not None
        same((seen.head.status, seen.head.http_version), (503, reply.response.http_version.value), f"{name}: head")
        for field in ("retry-after", "set-cookie", "x-many"):
            wanted = [value for line, value in _LINES if line.lower() == field]
            same(seen.head.values(field), wanted, f"{name}: values of {field!r} in its head")
        require(_SECRET not in f"{seen} {seen!r} {seen.__dict__}", f"{name} shows no value of its head")


RULES: Final = (
    Rule("errors after a head carry it", carries_the_head, "U-E2 U-E6"),
    Rule(
        "a timeout after a head carries it",
        carries_the_head_when_time_is_up,
        "U-E2 U-E6",
        needs=Capability.READ_TIMEOUT,
    ),
)
