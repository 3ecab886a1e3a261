"""The fault matrix: each fault at each point of an exchange, on every connector, version and colour.

Whatever goes wrong, the error is ours and of the kind that the table says, what it claims is sound against what
the origin saw, it pickles, names the request, keeps secrets, and comes soon.
"""

from __future__ import annotations

import asyncio
import pickle
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import (
    ConnectError,
    ConnectTimeoutError,
    DisconnectedError,
    HTTPTimeoutError,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    NegotiationError,
    ReadTimeoutError,
    Request,
    StableHTTPError,
    Timeouts,
    TLSError,
    TransportError,
)
from stablehttp.testing import Answer, Close, Fault, GoAway, Hang, Reset, ResetStream
from stablehttp.testing._origin_script import Point, What
from stablehttp.testing.contract import Bench, Subject

PAGE: Final = Path(__file__).parents[2] / "docs" / "errors.md"
SECRET: Final = "marker-77ab"
SOON: Final = 0.3
"""Seconds that a peer is waited for where it is known to be silent."""
PATIENT: Final = 4.0
"""Seconds that a peer is waited for elsewhere: a busy machine is no fault."""

Kinds = tuple[type[StableHTTPError], ...]


class Row(NamedTuple):
    """A fault at some points: the errors it may come to, `()` for none, and whether the peer promised not to act."""

    what: What
    points: tuple[Point, ...]
    kinds: Kinds
    promised: bool = False


_BEFORE: Final[tuple[Point, ...]] = ("request start", "request head", "request content", "request")

_RESET: Final[Kinds] = (IncompleteResponseError, DisconnectedError)
"""A reset may overtake what was sent before it, the head of the response too."""

ROWS: Final = (
    Row(Close(), ("accept", "open"), (DisconnectedError,)),
    Row(Reset(), ("accept", "open"), (DisconnectedError, ConnectError)),
    Row(Close(), _BEFORE, (DisconnectedError,)),
    Row(Reset(), _BEFORE, (DisconnectedError,)),
    Row(Close(), ("response head",), (DisconnectedError,)),
    Row(Reset(), ("response head",), (DisconnectedError,)),
    Row(Close(), ("response content", "response end"), (IncompleteResponseError,)),
    Row(Reset(), ("response content", "response end"), _RESET),
    Row(Hang(), ("accept", "open", *_BEFORE, "response head", "response content"), (ReadTimeoutError,)),
    Row(Hang(), ("response end",), (ReadTimeoutError,)),
    Row(Hang(), ("response",), ()),
)

ROWS_OF_TLS: Final = (
    Row(Close(), ("accept",), (TLSError,)),
    Row(Reset(), ("accept",), (TLSError, ConnectError)),
    Row(Hang(), ("accept",), (ConnectTimeoutError,)),
)
"""Instead of those above, where TLS comes before all else."""

ROWS_OF_PRIOR_KNOWLEDGE: Final = (
    Row(Close(), ("accept", "open"), (DisconnectedError, NegotiationError)),
    Row(Reset(), ("accept", "open"), (DisconnectedError, ConnectError)),
    Row(Hang(), ("accept", "open"), (ReadTimeoutError, ConnectTimeoutError)),
)
"""Instead of those above, where a peer may close because it does not speak HTTP/2."""

_LATER: Final[tuple[Point, ...]] = ("request head", "request")

ROWS_OF_HTTP_2: Final = (
    Row(ResetStream(7), _LATER, (TransportError,), promised=True),
    *(Row(ResetStream(code), _LATER, (DisconnectedError,)) for code in (1, 2, 8, 11)),
    *(Row(ResetStream(code), ("response content",), _RESET) for code in (2, 8)),
    Row(GoAway(0, "before"), _LATER, (DisconnectedError,), promised=True),
    Row(GoAway(2, "before"), _LATER, (DisconnectedError,), promised=True),
    Row(GoAway(0, "this"), _LATER, ()),
)

DEVIATIONS: Final[dict[tuple[str, What | type[What], str], str]] = {
    # client, fault or kind of fault, what it does instead: why
    ("crt", ResetStream, "processed=maybe"): "awscrt does not say with which code a stream was reset",
    ("crt", Hang, "leaves late"): "awscrt goes on with a handshake when nobody waits for it, and we look why it hangs",
    ("pyqwest", GoAway(2, "before"), "processed=maybe"): "pyqwest does not say which streams a failing peer has left",
    (
        "pyqwest",
        Close,
        "asks why",
    ): "pyqwest does not say what TLS agreed on, so a server that closed is asked",
    ("pyqwest", Reset, "asks why"): "likewise",
    ("httpx", GoAway, "fails"): "h2, which httpx stands on, takes a GOAWAY for the end of all streams",
}
"""What a client below keeps a connector from."""


def rows(subject: Subject) -> Iterator[tuple[Row, Point]]:
    """What is tried on a connector, each fault at each point."""
    chosen = {(repr(row.what), point): row for row in ROWS for point in row.points}
    http2 = subject.version is HttpVersion.HTTP_2
    if subject.tls or http2:
        more = ROWS_OF_TLS if subject.tls else ROWS_OF_PRIOR_KNOWLEDGE
        chosen |= {(repr(row.what), point): row for row in more for point in row.points}
    if http2:
        chosen |= {(repr(row.what), point): row for row in ROWS_OF_HTTP_2 for point in row.points}
    tried = [(row, point) for (_, point), row in chosen.items()]
    return iter(sorted(tried, key=lambda each: isinstance(each[0].what, Hang) and each[1] == "accept"))


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


def answer(row: Row, point: Point) -> Answer:
    after = {"request content": 3, "response content": 4}.get(point)
    return Answer(200, [b"01234", b"56789"], framing="chunked", faults=[Fault(row.what, point, after)])


async def outcome(bench: Bench, row: Row, point: Point) -> str:
    """What is wrong about the end of one exchange with this fault; nothing if all is well."""
    bench.origin.script([answer(row, point)])
    before = len(bench.origin.connections)
    source = bench.source(b"first", SECRET.encode(), length=5 + len(SECRET))
    url = bench.url(f"/{SECRET}?q={SECRET}").replace("://", f"://user:{SECRET}@")
    request = Request("PUT", url, headers=[("X-Secret", SECRET)], body=source)
    patience = SOON if isinstance(row.what, Hang) else PATIENT
    driver = bench.connect(replace(bench.settings, connect_timeout=patience))
    since = time.monotonic()
    error: BaseException | None = None
    try:
        async with asyncio.timeout(5):
            reply = await driver.send(request, Timeouts(read=patience))
            await reply.read()
    except (Exception, asyncio.CancelledError) as caught:  # this is what no connector may let out
        error = caught
    passed = time.monotonic() - since
    await driver.close()
    ended = await all_ended(bench, since=before)
    octets, made = octets_of_requests(bench, since=before), len(bench.origin.connections) - before
    found = [] if passed < 3 else [f"it took {passed:.1f} seconds"]
    if source.closed > 1 or source.closed < source.opened:
        found.append(f"the body was opened {source.opened} times and closed {source.closed} times")
    if not ended and not deviates(bench, row, "leaves late"):
        found.append("a connection stays open")
    if made > 1 and not deviates(bench, row, "leaves late") and not deviates(bench, row, "asks why"):
        found.append(f"{made} connections were made")
    if not row.kinds and deviates(bench, row, "fails"):
        row = row._replace(kinds=(DisconnectedError, InvalidResponseError))
    if not row.kinds or error is None:
        found += [] if error is None and not row.kinds else [f"it came to {error!r}"]
    elif not isinstance(error, StableHTTPError):
        found.append(f"{type(error).__name__} came out: {error}")
    else:
        found += about(bench, error, row, octets=octets)
    return "; ".join(found)


def deviates(bench: Bench, row: Row, how: str) -> bool:
    client = bench.subject.name.rstrip("2")
    return not DEVIATIONS.keys().isdisjoint({(client, row.what, how), (client, type(row.what), how)})


async def all_ended(bench: Bench, *, since: int) -> bool:
    """Whether the newest connections end soon, now that their connector is closed."""
    try:
        await bench.origin.awatch(lambda: all(each.ended != "open" for each in bench.origin.connections[since:]), 2)
    except HTTPTimeoutError:
        return False
    return True


def octets_of_requests(bench: Bench, *, since: int) -> int:
    """What has arrived of requests; over HTTP/2 not what came before the origin had looked at the connection."""
    tracks = bench.origin.connections[since:]
    return sum(track.request_octets for track in tracks if track.http_version == bench.version.value)


def about(bench: Bench, error: StableHTTPError, row: Row, *, octets: int) -> Iterator[str]:
    """What is wrong about an error."""
    said = f"{type(error).__name__} with sent={error.sent} processed={error.processed}"
    exact = row.kinds == (DisconnectedError,) and isinstance(error, IncompleteResponseError)
    if not isinstance(error, row.kinds) or exact:
        yield f"{said} came out: {error}"
    if octets and error.sent == "no":
        yield f"{said}, and {octets} octets arrived"
    if error.processed == "no" and error.sent != "no" and not row.promised:
        yield f"{said}, and nobody promised that"
    if row.promised and error.processed != ("maybe" if deviates(bench, row, "processed=maybe") else "no"):
        yield f"{said}, and the peer promised not to act"
    if isinstance(error, IncompleteResponseError) and (error.processed, error.status) != ("yes", 200):
        yield f"{said} and status={error.status}, and a head had arrived"
    if (error.method, error.origin) != ("PUT", bench.origin.url):
        yield f"it names {error.method} {error.origin}"
    if SECRET in f"{error} {error!r} {error.__dict__}":
        yield "it shows a secret"
    again = pickle.loads(pickle.dumps(error))
    if (type(again), str(again), vars(again)) != (type(error), str(error), vars(error)):
        yield "it pickles into something else"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("subject", list(cases()))
async def test_whatever_fails_the_error_is_ours_of_its_kind_sound_and_soon(subject: Subject) -> None:
    """U-E1, U-E2, U-E3, U-E5, U-E6, U-I5."""
    wrong: list[str] = []
    async with Bench(subject) as bench:
        for row, point in rows(subject):
            found = await outcome(bench, row, point)
            if found:
                wrong.append(f"{row.what} at {point!r}: {found}")
        for trouble in bench.origin.errors:
            raise trouble

    assert "\n".join(wrong) == ""
