"""One HTTP/2 stream of the recording origin: what the player sees as `Exchange`.

Stands on the player, the frames and the wire, and on h2.

Everything is written at once, never collected: header blocks must reach the wire in the order in which
they were encoded, whichever stream they belong to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, final

from h2.connection import ConnectionState
from h2.exceptions import ProtocolError, StreamClosedError

from stablehttp.testing._origin_frames import endless_more, endless_start, goaway
from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Draft, Line
from stablehttp.testing._origin_play import OverError, strike_connection
from stablehttp.testing._origin_script import (
    Answer,
    Close,
    Gate,
    GoAway,
    Hang,
    Informational,
    Reset,
    ResetStream,
    What,
    lines,
)
from stablehttp.testing._origin_wire import GoneError, Wire

if TYPE_CHECKING:
    from h2.connection import H2Connection

_LEFT_OUT = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))


@final
class Link:
    """What the streams of one connection share: the wire, the state of h2, and the news of open windows."""

    def __init__(self, wire: Wire, h2: H2Connection) -> None:
        self.wire = wire
        self.h2 = h2
        self.promised: int | None = None
        self.silent = False
        self._windows: asyncio.Future[None] | None = None

    def flush(self) -> None:
        """Send the frames that h2 has made, unless the last one was cut and nothing may follow it."""
        if (octets := self.h2.data_to_send()) and not self.silent:
            self.wire.write(octets)

    def goaway(self, code: int, last: int) -> None:
        """Send GOAWAY; streams beyond `last` are not served any more."""
        self.flush()
        self.promised = last if self.promised is None else min(last, self.promised)
        if not self.silent:
            self.wire.write(goaway(last, code))

    def window_opened(self) -> None:
        if self._windows is not None and not self._windows.done():
            self._windows.set_result(None)
        self._windows = None

    async def another_window(self, gone: asyncio.Future[None]) -> None:
        """Wait until the client allows more to be sent."""
        if self._windows is None:
            self._windows = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._windows, gone), return_when=asyncio.FIRST_COMPLETED)


@final
class Http2Exchange:
    """One request and its answer on one stream."""

    def __init__(self, link: Link, stream: int, draft: Draft, journal: Journal) -> None:
        self.draft = draft
        self.journal = journal
        self.stream = stream
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ended = False
        self._link = link
        self._inbox: deque[tuple[bytes, int]] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._end_sent = False

    # --- fed by the connection ---

    def arrived(self, octets: bytes, counted: int) -> None:
        """Content arrived; `counted` is what it takes of the windows, padding included."""
        self._inbox.append((octets, counted))
        self._wake()

    def end(self) -> None:
        self.ended = True
        self._wake()

    def leave(self) -> None:
        """The client reset the stream, or the connection is over."""
        if not self.gone.done():
            self.gone.set_result(None)
        self._wake()

    def drop_rest(self) -> None:
        """Give back the window that unread content takes."""
        while self._inbox:
            self._acknowledge(self._inbox.popleft()[1])

    # --- reading ---

    @property
    def at_end(self) -> bool:
        return self.ended and not self._inbox

    @property
    def expects(self) -> bool:
        waits = any(name == b"expect" and value.lower() == b"100-continue" for name, value in self.draft.fields)
        return waits and not self.ended and not self._inbox

    async def read(self) -> bytes | None:
        while True:
            if self._inbox:
                piece, counted = self._inbox.popleft()
                self._acknowledge(counted)
                if piece:
                    self.draft.content.add(piece)
                    self.draft.chunks.append(len(piece))
                    return piece
            elif self.ended:
                return None
            elif self.gone.done():
                self.draft.problems.append("the content was cut")
                raise GoneError
            else:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter

    # --- answering ---

    def inform(self, informational: Informational) -> None:
        self._headers(informational.status, lines(informational.fields), end=False)
        self._link.flush()

    def head_octets(self, answer: Answer, length: int | None, *, end: bool) -> bytes:
        fields = lines(answer.fields)
        names = {name.lower() for name, _ in fields}
        declared = length if answer.declared is None else answer.declared
        bodiless = answer.status in (204, 304) and not length
        wanted = answer.framing in ("auto", "length") and not bodiless
        if wanted and declared is not None and b"content-length" not in names:
            fields.append((b"content-length", b"%d" % declared))
        self._link.flush()
        self._headers(answer.status, fields, end=end)
        return self._link.h2.data_to_send()

    async def endless_head(self, answer: Answer) -> None:
        del answer  # its status would have to be encoded, and whoever waits for the end never sees it
        self.send(endless_start(self.stream))
        while True:
            self.send(endless_more(self.stream))
            await self.flush()

    def send(self, octets: bytes) -> None:
        self._check()
        if not self._link.silent:
            self._link.wire.write(octets)

    def send_cut(self, octets: bytes) -> None:
        self.send(octets)
        self._link.silent = bool(octets)

    async def send_piece(self, piece: bytes, only: int | None = None) -> None:
        link, rest = self._link, memoryview(piece if only is None else piece[:only])
        while rest:
            self._check()
            room = min(link.h2.local_flow_control_window(self.stream), link.h2.max_outbound_frame_size)
            if room <= 0:
                await link.another_window(self.gone)
                continue
            link.h2.send_data(self.stream, bytes(rest[:room]))
            link.flush()
            rest = rest[room:]
            await link.wire.drain()

    async def send_end(self, answer: Answer) -> None:
        if self._end_sent:
            return
        self._check()
        self._end_sent = True
        if trailers := _lower(lines(answer.trailers)):
            self._link.h2.send_headers(self.stream, trailers, end_stream=True)
        else:
            self._link.h2.end_stream(self.stream)
        self._link.flush()

    async def flush(self) -> None:
        await self._link.wire.drain()

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.wait((self.gone,), timeout=seconds)
            self._check()

    async def pass_gate(self, gate: Gate) -> None:
        passing = asyncio.ensure_future(gate.pass_through())
        try:
            await asyncio.wait((passing, self.gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
        self._check()

    async def strike(self, what: What) -> None:
        match what:
            case Close() | Reset():
                await strike_connection(self._link.wire, what)
            case Hang():
                await asyncio.wait((self.gone,))
                raise GoneError
            case ResetStream(code):
                self.reset(code)
                raise OverError
            case GoAway(code, last):
                self._go_away(code, last)

    def reset(self, code: int) -> None:
        """Reset the stream."""
        self._check()
        with contextlib.suppress(StreamClosedError):  # the client was quicker, and nobody has noticed yet
            self._link.h2.reset_stream(self.stream, code)
        self._link.flush()

    # --- inside ---

    def _go_away(self, code: int, last: str | int) -> None:
        promised = last if isinstance(last, int) else self.stream if last == "this" else max(self.stream - 2, 0)
        self._link.goaway(code, promised)
        if self.stream > promised:
            self.journal.enter(self.draft, complete=self.at_end)
            raise OverError

    def _headers(self, status: int, fields: list[Line], *, end: bool) -> None:
        self._check()
        self._end_sent = self._end_sent or end
        kept = [line for line in _lower(fields) if line[0] not in _LEFT_OUT]
        self._link.h2.send_headers(self.stream, [(b":status", b"%03d" % status), *kept], end_stream=end)

    def _acknowledge(self, counted: int) -> None:
        if counted:
            with contextlib.suppress(GoneError, ProtocolError):  # whoever cannot be told does not wait for it
                self._link.h2.acknowledge_received_data(counted, self.stream)
                self._link.flush()

    def _check(self) -> None:
        # after a client's GOAWAY, which announces its close, h2 sends nothing more
        if self.gone.done() or self._link.h2.state_machine.state is ConnectionState.CLOSED:
            raise GoneError

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _lower(fields: list[Line]) -> list[Line]:
    return [(name.lower(), value) for name, value in fields]
