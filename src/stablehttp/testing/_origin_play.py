"""Performing an answer, the same on both protocol versions.

Stands on the script, the journal and the wire.

`play` is the whole exchange after the request head: read, answer, and strike the faults on the way.  What
depends on the version is behind `Exchange`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Protocol

from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Draft, Received
from stablehttp.testing._origin_script import (
    Answer,
    Close,
    Decide,
    Echo,
    Entry,
    Fault,
    Gate,
    GoAway,
    Hang,
    Informational,
    OnHead,
    Pause,
    Point,
    Reset,
    ResetStream,
    Step,
    What,
    generated,
)
from stablehttp.testing._origin_wire import GoneError, Wire

_PLAIN = Answer()


class OverError(Exception):
    """A fault ended the exchange; what follows for the connection has been done already."""


class Exchange(Protocol):
    """One request and its answer, on some protocol version.

    Writing collects octets; `flush` sends them.  Every method may raise `GoneError`.
    """

    draft: Draft
    journal: Journal

    @property
    def at_end(self) -> bool:
        """Whether all of the request's content has been read."""
        ...

    @property
    def expects(self) -> bool:
        """Whether the client waits for 100 before it sends its content."""
        ...

    async def read(self) -> bytes | None:
        """Read the next piece of the request's content; None at the end."""
        ...

    def inform(self, informational: Informational) -> None: ...

    def head_octets(self, answer: Answer, length: int | None, *, end: bool) -> bytes:
        """The final response head; `length` is that of the content if known, `end` says that nothing follows."""
        ...

    async def endless_head(self, answer: Answer) -> None: ...

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        ...

    def send_cut(self, octets: bytes) -> None:
        """Send the beginning of something; before its rest nothing else is sent on the connection."""
        ...

    async def send_piece(self, piece: bytes, only: int | None = None) -> None:
        """Send a piece of content, framed; with `only`, just its first octets in the frame of the whole piece."""
        ...

    async def send_end(self, answer: Answer) -> None: ...

    async def flush(self) -> None: ...

    async def sleep(self, seconds: float) -> None: ...

    async def pass_gate(self, gate: Gate) -> None: ...

    async def strike(self, what: What) -> None:
        """Carry out a fault; raises `OverError` unless the exchange goes on after it."""
        ...


async def play(exchange: Exchange, entry: Entry) -> Answer:
    """Perform one script entry on an exchange whose request head has arrived; give back the answer it came to."""
    early = _early(exchange, entry)
    plan = _PLAIN if early is None else early
    await _strike(exchange, plan, "request head")
    match plan.reading:
        case "before":
            received = await _read_all(exchange, plan)
            answer = early if early is not None else _decide(exchange, entry, received)
            await _respond(exchange, answer)
        case "after":
            answer = plan
            await _respond(exchange, answer)
            await _read_all(exchange, answer, proceed=False)
        case "while":
            answer = plan
            _proceed(exchange, answer)
            if isinstance(answer.content, Echo):
                await _respond(exchange, answer)
            else:
                await _both(exchange, answer)
        case "never":
            answer = plan
            exchange.journal.enter(exchange.draft, complete=exchange.at_end)
            await _respond(exchange, answer)
    return answer


# --- choosing -----------------------------------------------------------------------------------


def _early(exchange: Exchange, entry: Entry) -> Answer | None:
    if isinstance(entry, Answer):
        return entry
    if isinstance(entry, OnHead):
        return _decide(exchange, entry.decide, exchange.draft.received(exchange.journal.count, complete=False))
    return None


def _decide(exchange: Exchange, entry: Entry, received: Received) -> Answer:
    assert not isinstance(entry, Answer | OnHead)
    decide: Decide = entry
    try:
        return decide(received)
    except Exception as error:  # it belongs to the test: raised where the origin is closed
        exchange.journal.fail(error)
        return Answer(500, b"the origin's script raised " + type(error).__name__.encode(), connection="close")


# --- reading ------------------------------------------------------------------------------------


def _proceed(exchange: Exchange, answer: Answer) -> None:
    if exchange.expects and answer.expect == "continue":
        exchange.inform(Informational(100))


async def _read_all(exchange: Exchange, plan: Answer, *, proceed: bool = True) -> Received:
    if proceed and exchange.expects:
        _proceed(exchange, plan)
        await exchange.flush()
    fault = plan.fault("request content")
    while True:
        if fault is not None and exchange.draft.content.total >= (fault.after or 0):
            await _hit(exchange, fault)
            fault = None
        if exchange.at_end or await exchange.read() is None:
            break
    received = exchange.journal.enter(exchange.draft, complete=True)
    await _strike(exchange, plan, "request")
    return received


async def _both(exchange: Exchange, answer: Answer) -> None:
    """Answer and read at the same time; whatever ends one of them ends the other."""
    reading = asyncio.ensure_future(_read_all(exchange, answer, proceed=False))
    answering = asyncio.ensure_future(_respond(exchange, answer))
    try:
        await asyncio.wait((reading, answering), return_when=asyncio.FIRST_EXCEPTION)
    finally:
        reading.cancel()
        answering.cancel()
        outcomes = await asyncio.gather(reading, answering, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


# --- answering ----------------------------------------------------------------------------------


async def _respond(exchange: Exchange, answer: Answer) -> None:
    if answer.delay or answer.hold is not None:
        await exchange.flush()
        await exchange.sleep(answer.delay)
        if answer.hold is not None:
            await exchange.pass_gate(answer.hold)
    if answer.raw is not None:
        for step in [answer.raw] if isinstance(answer.raw, bytes) else answer.raw:
            if isinstance(step, bytes):
                exchange.send(step)
            else:
                await _wait(exchange, step)
        await exchange.flush()
        return
    for informational in answer.informational:
        exchange.inform(informational)
    if answer.head == "endless":
        await exchange.endless_head(answer)
    await _send_head(exchange, answer)
    if exchange.draft.method != b"HEAD":
        await _send_content(exchange, answer)
    await _strike(exchange, answer, "response end")
    await exchange.send_end(answer)
    await exchange.flush()
    await _strike(exchange, answer, "response")


async def _send_head(exchange: Exchange, answer: Answer) -> None:
    length = _length(exchange, answer)
    nothing_follows = exchange.draft.method == b"HEAD" or (length == 0 and not tuple(answer.trailers))
    later = answer.fault("response content") or answer.fault("response end")
    head = exchange.head_octets(answer, length, end=nothing_follows and later is None)
    fault = answer.fault("response head")
    if fault is None:
        exchange.send(head)
        return
    exchange.send_cut(head[: len(head) // 2 if fault.after is None else fault.after])
    await _hit(exchange, fault)


async def _send_content(exchange: Exchange, answer: Answer) -> None:
    at_once = isinstance(answer.content, bytes | Echo) and answer.reading != "while"
    stepwise = not at_once or answer.piece is not None
    fault = answer.fault("response content")
    length = _length(exchange, answer)
    at = None if fault is None else fault.after
    if fault is not None and at is None and length is not None:
        at = length // 2
    if stepwise:
        await exchange.flush()
    sent = 0
    async for piece in _pieces(exchange, answer):
        if fault is not None and at is not None and sent + len(piece) >= at:
            await exchange.send_piece(piece, only=at - sent)
            await _hit(exchange, fault)
            fault = None
        else:
            await exchange.send_piece(piece)
        sent += len(piece)
        if stepwise:
            await exchange.flush()
        if fault is not None and at is None:
            break
    if fault is not None:
        await _hit(exchange, fault)


def _length(exchange: Exchange, answer: Answer) -> int | None:
    match answer.content:
        case bytes() as content:
            return len(content)
        case int() as count:
            return count
        case Echo():
            return None if answer.reading == "while" else exchange.draft.content.total
        case _:
            return None


async def _pieces(exchange: Exchange, answer: Answer) -> AsyncIterator[bytes]:
    content = answer.content
    if isinstance(content, Echo) and answer.reading == "while":
        while (piece := await exchange.read()) is not None:
            yield piece
        exchange.journal.enter(exchange.draft, complete=True)
        return
    first = True
    for step in _steps(exchange, content):
        if not isinstance(step, bytes):
            await _wait(exchange, step)
            continue
        for piece in _cut(step, answer.piece):
            if not first and answer.pause:
                await exchange.flush()
                await exchange.sleep(answer.pause)
            first = False
            yield piece


def _steps(exchange: Exchange, content: bytes | int | Echo | Iterable[Step]) -> Iterable[Step]:
    match content:
        case bytes():
            return (content,) if content else ()
        case int():
            return generated(content)
        case Echo():
            kept = exchange.draft.content.kept()
            return (kept,) if kept else ()
        case _:
            return content


def _cut(octets: bytes, size: int | None) -> Iterator[bytes]:
    if size is None:
        yield octets
    else:
        for start in range(0, len(octets), size):
            yield octets[start : start + size]


async def _wait(exchange: Exchange, step: Pause | Gate) -> None:
    await exchange.flush()
    match step:
        case Pause(seconds):
            await exchange.sleep(seconds)
        case Gate():
            await exchange.pass_gate(step)


# --- faults -------------------------------------------------------------------------------------


async def _strike(exchange: Exchange, answer: Answer, at: Point) -> None:
    for fault in answer.faults:
        if fault.at == at:
            await _hit(exchange, fault)


async def strike_connection(wire: Wire, what: What) -> None:
    """Carry out a fault of a connection, on any protocol version; never returns.

    Raises:
        OverError: the connection was closed for sending.
        GoneError: there is nobody left.
        ValueError: the fault is one of HTTP/2 streams, and there is none.
    """
    match what:
        case Close(tls_notify):
            wire.close_sending(tls_notify=tls_notify)
            raise OverError
        case Reset():
            await wire.reset()
            raise GoneError
        case Hang():
            await wire.hang()
        case ResetStream() | GoAway():
            await wire.reset()
            raise ValueError(f"{what} needs an HTTP/2 stream, and there is none here")


async def _hit(exchange: Exchange, fault: Fault) -> None:
    if not isinstance(fault.what, GoAway):  # after which the exchange may go on
        exchange.journal.enter(exchange.draft, complete=exchange.at_end)
    await exchange.flush()
    await exchange.strike(fault.what)
