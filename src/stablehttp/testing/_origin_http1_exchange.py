"""Serving HTTP/1.1: one connection, one exchange after the other.

Stands on the reader, the player and the wire.

A connection that ends in good order is closed for sending first and read until the client closes too.
What arrives in that time is recorded as `after_close`; a client never sees a reset that no fault asked for.
"""

from __future__ import annotations

from typing import final

from stablehttp.testing._origin_http1 import Reader
from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Draft, Line
from stablehttp.testing._origin_play import OverError, play, strike_connection
from stablehttp.testing._origin_script import (
    Answer,
    Framing,
    Gate,
    Informational,
    Script,
    What,
    lines,
    phrase,
)
from stablehttp.testing._origin_wire import HIGH, GoneError, Wire

_BAD = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_ENDLESS = b"".join(b"X-Endless-%d: and so on\r\n" % number for number in range(1000))


async def serve_http1(wire: Wire, script: Script, journal: Journal, limit: int | None) -> None:
    """Serve the requests of one connection until it ends.

    Raises:
        GoneError: the client left in the middle.
    """
    reader = Reader(wire, limit)
    begun = 0
    idle: float | None = None
    try:
        while wire.buffer or await wire.more(idle):
            draft = Draft(wire.track, begun, limit)
            begun += 1
            exchange = Http1Exchange(wire, reader, draft, journal)
            answer = await exchange.run(script)
            if exchange.closing:
                break
            idle = answer.idle
    except OverError:
        pass
    wire.close_sending()
    await linger_http1(wire, reader, journal, begun, limit)


async def linger_http1(wire: Wire, reader: Reader, journal: Journal, index: int, limit: int | None) -> None:
    """Record what still comes, and answer nothing, until the client closes."""
    if not reader.at_end:  # the rest of a content: there is no request to be found in it
        await wire.discard()
    while wire.buffer or await wire.more():
        draft = Draft(wire.track, index, limit)
        draft.after_close = True
        index += 1
        complete = False
        try:
            if await reader.head(draft):
                while await reader.piece(draft) is not None:
                    pass
                complete = True
        finally:
            journal.enter(draft, complete=complete)


@final
class Http1Exchange:
    """One request and its answer on HTTP/1.1: what the player sees as `Exchange`."""

    def __init__(self, wire: Wire, reader: Reader, draft: Draft, journal: Journal) -> None:
        self.draft = draft
        self.journal = journal
        self.closing = False
        self._wire = wire
        self._reader = reader
        self._out: list[bytes] = []
        self._out_size = 0
        self._chunked = False
        self._sent = 0
        self._declared: int | None = None

    async def run(self, script: Script) -> Answer:
        """Take the next answer and perform it on the request that begins to arrive."""
        entry = script.next()
        fault = entry.fault("request start") if isinstance(entry, Answer) else None
        if fault is not None:
            self.draft.raw_head = bytes(self._wire.buffer)
            self.journal.enter(self.draft, complete=False)
            self._wire.buffer.clear()
            await self.strike(fault.what)
        try:
            if not await self._reader.head(self.draft):
                self.journal.enter(self.draft, complete=False)
                if not self._wire.gone.done():
                    self._wire.write(_BAD)
                raise OverError
            answer = await play(self, entry)
        except GoneError:
            self.journal.enter(self.draft, complete=self._reader.at_end)
            if not self._wire.gone.done():  # the framing of the content cannot be read
                self._wire.write(_BAD)
                raise OverError from None
            raise
        self.decide_closing(answer)
        return answer

    # --- reading ---

    @property
    def at_end(self) -> bool:
        return self._reader.at_end

    @property
    def expects(self) -> bool:
        return self._reader.expects and not self._wire.buffer

    async def read(self) -> bytes | None:
        return await self._reader.piece(self.draft)

    # --- answering ---

    def inform(self, informational: Informational) -> None:
        reason = phrase(informational.status, informational.reason)
        self.send(_head(b"HTTP/1.1", informational.status, reason, lines(informational.fields)))

    def head_octets(self, answer: Answer, length: int | None, *, end: bool) -> bytes:
        del end  # HTTP/1.1 has no place for it
        fields = lines(answer.fields)
        names = {name.lower(): value for name, value in fields}
        framing = answer.framing
        if framing == "auto":
            framing = self._framing(answer, length, names)
        if framing == "length" and b"content-length" not in names:
            declared = length if answer.declared is None else answer.declared
            fields.append((b"Content-Length", b"%d" % (declared or 0)))
        if framing == "chunked" and b"transfer-encoding" not in names:
            fields.append((b"Transfer-Encoding", b"chunked"))
        if answer.connection == "close" and b"connection" not in names:
            fields.append((b"Connection", b"close"))
        self._chunked = framing == "chunked"
        self.closing = framing == "close" or names.get(b"connection", b"").lower() == b"close"
        if framing == "length" and self.draft.method != b"HEAD":
            given = names.get(b"content-length", b"")
            self._declared = int(given) if given.isdigit() else answer.declared
        return _head(answer.version, answer.status, phrase(answer.status, answer.reason), fields)

    async def endless_head(self, answer: Answer) -> None:
        self.send(self.head_octets(answer, 0, end=False)[:-2])
        while True:
            self.send(_ENDLESS)
            await self.flush()

    def send(self, octets: bytes) -> None:
        self._out.append(octets)
        self._out_size += len(octets)

    def send_cut(self, octets: bytes) -> None:
        self.send(octets)

    async def send_piece(self, piece: bytes, only: int | None = None) -> None:
        part = piece if only is None else piece[:only]
        self._sent += len(part)
        if not self._chunked:
            self.send(part)
        elif piece:
            self.send(b"%x\r\n" % len(piece))
            self.send(part)
            if only is None:
                self.send(b"\r\n")
        if self._out_size > HIGH:
            await self.flush()

    async def send_end(self, answer: Answer) -> None:
        if self._chunked and self.draft.method != b"HEAD":
            trailers = b"".join(b"%b: %b\r\n" % line for line in lines(answer.trailers))
            self.send(b"0\r\n" + trailers + b"\r\n")

    async def flush(self) -> None:
        if self._out:
            self._wire.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()
            self._out_size = 0
            await self._wire.drain()

    async def sleep(self, seconds: float) -> None:
        await self._wire.sleep(seconds)

    async def pass_gate(self, gate: Gate) -> None:
        await self._wire.unless_gone(gate.pass_through())

    async def strike(self, what: What) -> None:
        await strike_connection(self._wire, what)

    # --- inside ---

    def _framing(self, answer: Answer, length: int | None, names: dict[bytes, bytes]) -> Framing:
        if b"transfer-encoding" in names:
            return "chunked" if names[b"transfer-encoding"].lower().endswith(b"chunked") else "close"
        if b"content-length" in names or answer.declared is not None:
            return "length"
        bodiless = answer.status in (204, 304) or answer.status < 200 or _tunnel(self.draft, answer)
        if bodiless and length == 0:
            return "none"
        if tuple(answer.trailers) or length is None:
            return "close" if self.draft.version == b"HTTP/1.0" else "chunked"
        return "length"

    def decide_closing(self, answer: Answer) -> None:
        """Note whether the connection ends after this answer."""
        if answer.raw is not None:
            self.closing = True
        cut = self._declared is not None and self._sent < self._declared
        unread = answer.reading == "never" and not self._reader.at_end
        self.closing = self.closing or answer.connection == "close" or cut or unread or self._reader.wants_close
        if answer.connection == "keep":
            self.closing = False


def _tunnel(draft: Draft, answer: Answer) -> bool:
    return draft.method == b"CONNECT" and 200 <= answer.status < 300


def _head(version: bytes, status: int, reason: bytes, fields: list[Line]) -> bytes:
    start = b"%b %03d %b\r\n" % (version, status, reason)
    return start + b"".join(b"%b: %b\r\n" % line for line in fields) + b"\r\n"
