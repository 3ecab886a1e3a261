"""Serving HTTP/2: one connection, its frames and its streams.

Stands on the exchange of one stream, the frames and the wire, and on h2, which is why this module is
imported only when an origin speaks HTTP/2.

h2 keeps the states and the flow control; its checks of field lines are off, and what is recorded comes
from the octets and from the decoder, so that it is what was sent even where h2 gives up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from typing import final

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import hpack
from hpack import HeaderTuple

from stablehttp.testing._origin_frames import FrameWalk, problems_of
from stablehttp.testing._origin_http2_exchange import Http2Exchange, Link
from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Draft, Line
from stablehttp.testing._origin_play import OverError, play
from stablehttp.testing._origin_script import Answer, Script
from stablehttp.testing._origin_wire import GoneError, Wire

_HEAD_LIMIT = 16 * 1024 * 1024


async def serve_http2(wire: Wire, script: Script, journal: Journal, limit: int | None) -> None:
    """Serve the streams of one connection until it ends."""
    await Http2Connection(wire, script, journal, limit).serve()


async def linger_http2(wire: Wire) -> None:
    """Count what still comes, and answer nothing, until the client closes."""
    walk = FrameWalk(wire.track)
    while wire.buffer or await wire.more():
        walk.feed(wire.take(len(wire.buffer)))


@final
class _Decoder(hpack.Decoder):
    """Remembers what it decoded, so that it is known even if h2 refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.max_header_list_size = _HEAD_LIMIT
        self.decoded: list[tuple[Line, ...]] = []

    def decode(self, data: bytes, raw: bool = False) -> Iterable[HeaderTuple]:
        found = tuple(super().decode(data, raw))
        self.decoded.append(tuple((bytes(line[0]), bytes(line[1])) for line in found))
        return found


@final
class Http2Connection:
    """The frames of one connection, dealt out to the exchanges of its streams."""

    def __init__(self, wire: Wire, script: Script, journal: Journal, limit: int | None) -> None:
        self._wire = wire
        self._script = script
        self._journal = journal
        self._limit = limit
        self._walk = FrameWalk(wire.track)
        self._decoder = _Decoder()
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding=None,
            validate_inbound_headers=False,
            normalize_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self._h2 = h2.connection.H2Connection(config)
        self._h2.decoder = self._decoder
        self._link = Link(wire, self._h2)
        self._exchanges: dict[int, Http2Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._index = 0
        self._last_stream = 0
        self._idle: asyncio.TimerHandle | None = None

    async def serve(self) -> None:
        self._h2.initiate_connection()
        try:
            self._link.flush()
            while self._wire.buffer or await self._wire.more():
                octets = self._wire.take(len(self._wire.buffer))
                self._walk.feed(octets)
                self._receive(octets)
                self._journal.bell.ring()
        finally:
            self._stop_idling()
            for exchange in self._exchanges.values():
                exchange.leave()
            if self._tasks:
                await asyncio.wait(self._tasks)
            self._enter_rest("the request head was cut")

    # --- what arrives ---

    def _receive(self, octets: bytes) -> None:
        try:
            for event in self._h2.receive_data(octets):
                self._take(event)
        except h2.exceptions.ProtocolError as error:
            self._give_up(str(error))
        if not self._wire.gone.done() and not self._wire.shut:
            self._link.flush()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=stream):
                self._begin(stream, ended=event.stream_ended is not None)
            case h2.events.TrailersReceived(stream_id=stream):
                trailers = self._section(stream)[1]
                if stream in self._exchanges:
                    self._exchanges[stream].draft.trailers = trailers
            case h2.events.DataReceived(stream_id=stream):
                counted = event.flow_controlled_length
                if stream in self._exchanges:
                    self._exchanges[stream].arrived(event.data, counted)
                elif counted:
                    self._h2.acknowledge_received_data(counted, stream)
            case h2.events.StreamEnded(stream_id=stream):
                if stream in self._exchanges:
                    self._exchanges[stream].end()
            case h2.events.StreamReset(stream_id=stream):
                if stream in self._exchanges:
                    self._exchanges[stream].leave()
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self._link.window_opened()
            case _:
                pass

    def _section(self, stream: int) -> tuple[bytes, tuple[Line, ...]]:
        """The next header section of a stream: its frames, and the lines in them."""
        for at, head in enumerate(self._walk.heads):
            if head.stream == stream:
                del self._walk.heads[: at + 1]
                lines = self._decoder.decoded[at]
                del self._decoder.decoded[: at + 1]
                return head.octets, lines
        return b"", ()

    def _begin(self, stream: int, *, ended: bool) -> None:
        draft = self._draft(stream, *self._section(stream))
        self._wire.count_head()
        self._last_stream = stream
        self._stop_idling()
        exchange = Http2Exchange(self._link, stream, draft, self._journal)
        if ended:
            exchange.end()
        self._exchanges[stream] = exchange
        promised = self._link.promised
        draft.after_close = self._wire.shut or (promised is not None and stream > promised)
        task = asyncio.get_running_loop().create_task(self._attend(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _draft(self, stream: int, octets: bytes, lines: tuple[Line, ...]) -> Draft:
        draft = Draft(self._wire.track, self._index, self._limit, stream=stream)
        self._index += 1
        draft.raw_head = octets
        draft.raw_fields = lines
        draft.fields = tuple(line for line in lines if not line[0].startswith(b":"))
        pseudo = dict(reversed(lines))
        draft.method = pseudo.get(b":method", b"")
        draft.target = pseudo.get(b":path", b"")
        draft.scheme = pseudo.get(b":scheme")
        draft.authority = pseudo.get(b":authority")
        draft.version = b"HTTP/2"
        draft.problems = problems_of(lines)
        return draft

    # --- one stream ---

    async def _attend(self, exchange: Http2Exchange) -> None:
        answer: Answer | None = None
        try:
            if exchange.draft.after_close:
                while await exchange.read() is not None:
                    pass
                self._journal.enter(exchange.draft, complete=True)
            else:
                answer = await self._perform(exchange)
        except (GoneError, OverError):
            self._journal.enter(exchange.draft, complete=exchange.at_end)
        except Exception as error:  # of the script, or of ours: raised where the origin is closed
            self._journal.fail(error)
            self._wire.abort()
        finally:
            del self._exchanges[exchange.stream]
            exchange.drop_rest()
        with contextlib.suppress(GoneError):
            self._after(answer)

    async def _perform(self, exchange: Http2Exchange) -> Answer:
        entry = self._script.next()
        fault = entry.fault("request start") if isinstance(entry, Answer) else None
        if fault is not None:
            self._journal.enter(exchange.draft, complete=exchange.at_end)
            await exchange.strike(fault.what)
        answer = await play(exchange, entry)
        if answer.reading == "never" and not exchange.at_end and answer.raw is None:
            exchange.reset(0)  # NO_ERROR: stop sending (RFC 9113 §8.1)
        return answer

    def _after(self, answer: Answer | None) -> None:
        """What the end of an exchange means for the connection."""
        if self._wire.gone.done():
            return
        if answer is not None and answer.raw is not None and answer.connection != "keep":
            self._wire.close_sending()
        elif answer is not None and answer.connection == "close" and self._link.promised is None:
            self._link.goaway(0, self._last_stream)
        if self._exchanges:
            return
        if self._link.promised is not None:
            self._wire.close_sending()
        elif answer is not None and answer.idle is not None:
            self._idle = asyncio.get_running_loop().call_later(answer.idle, self._idled)

    # --- the end ---

    def _idled(self) -> None:
        if not self._wire.gone.done():
            self._link.goaway(0, self._last_stream)
            self._wire.close_sending()

    def _stop_idling(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _give_up(self, problem: str) -> None:
        """The client broke the protocol; h2 has made the GOAWAY that says so."""
        self._enter_rest(problem)
        for exchange in self._exchanges.values():
            exchange.draft.problems.append(problem)
            exchange.leave()
        if not self._wire.gone.done() and not self._wire.shut:
            self._link.flush()
            self._wire.close_sending()

    def _enter_rest(self, problem: str) -> None:
        """Record the heads that never became requests."""
        for at, head in enumerate(self._walk.heads):
            lines = self._decoder.decoded[at] if at < len(self._decoder.decoded) else ()
            draft = self._draft(head.stream, head.octets, lines)
            draft.problems.append(problem)
            self._journal.enter(draft, complete=False)
        self._walk.heads.clear()
        self._decoder.decoded.clear()
        if rest := self._walk.take_rest():
            draft = self._draft(0, rest, ())
            draft.problems = [problem]
            self._journal.enter(draft, complete=False)
