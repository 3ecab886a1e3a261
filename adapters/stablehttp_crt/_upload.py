"""Feeding streamed content to an exchange, beside whoever waits for its response.

A pump takes chunks from the caller's body and gives them to a sink as fast as the CRT takes them: in a task, or
in a thread of its own, because a caller's iterator that blocks must not keep an early response from anybody.
The last chunk of a declared length is held back until the body has ended, so that a body which gives more
never makes a complete request.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from time import monotonic
from typing import Final, Protocol, final

from awscrt.http import Http2ClientStream

from stablehttp.adapting import AsyncOutgoing, SyncOutgoing
from stablehttp_crt._bell import AsyncBell, SyncBell
from stablehttp_crt._body import READ_AHEAD, MemoryReader, Meter
from stablehttp_crt._exchange import Exchange

_MOST_FRAMES: Final = 8
_GRACE: Final = 0.1
"""How long, in seconds, somebody waits for a pump that stands in the caller's code."""


class Sink(Protocol):
    """Where content goes."""

    @property
    def has_room(self) -> bool:
        """Whether another chunk may be put here."""
        ...

    def put(self, chunk: bytes) -> None:
        """Give the CRT a chunk."""
        ...

    def end(self) -> None:
        """Say that there is no more."""
        ...


@final
class FrameWriter:
    """Content that is written to an HTTP/2 stream, chunk by chunk."""

    __slots__ = ("_meter", "_ring", "_stream", "_written")

    def __init__(self, stream: Http2ClientStream, meter: Meter, ring: Callable[[], None]) -> None:
        self._stream = stream
        self._meter = meter
        self._ring = ring
        self._written = 0

    @property
    def has_room(self) -> bool:
        """Whether another chunk may be put here."""
        return self._meter.waiting < READ_AHEAD and self._written < _MOST_FRAMES

    def put(self, chunk: bytes) -> None:
        """Give the CRT a chunk."""
        self._meter.give(len(chunk))
        self._written += 1
        self._write(MemoryReader(chunk, self._meter), end=False)

    def end(self) -> None:
        """Say that there is no more."""
        self._meter.ended = True
        self._write(None, end=True)

    def _write(self, reader: MemoryReader | None, *, end: bool) -> None:
        try:
            future = self._stream.write_data(reader, end)
        except RuntimeError:
            return  # the stream has ended; its completion says why
        if not end:
            future.add_done_callback(self._on_written)

    def _on_written(self, _: object) -> None:
        self._written -= 1
        self._ring()


def _own(chunk: bytes) -> bytes:
    """`chunk`, which the caller's body cannot change any more; it may have given any buffer."""
    return chunk if type(chunk) is bytes else bytes(chunk)


@final
class AsyncUpload:
    """A pump in a task."""

    __slots__ = ("_bell", "_exchange", "_outgoing", "_sink", "_stopped", "_task")

    def __init__(self, outgoing: AsyncOutgoing, sink: Sink, exchange: Exchange, bell: AsyncBell) -> None:
        """Begin to pump; the body is closed at the end, however it comes."""
        self._outgoing = outgoing
        self._sink = sink
        self._exchange = exchange
        self._bell = bell
        self._stopped = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name="stablehttp_crt upload")

    async def finish(self) -> None:
        """Stop, and wait until the body is closed."""
        self._stopped = True
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            try:
                await self._pump()
            finally:
                await self._outgoing.aclose()
        except asyncio.CancelledError as error:
            if not self._stopped:
                self._exchange.fail(error)
            raise
        except BaseException as error:
            if not self._stopped or not isinstance(error, Exception):
                self._exchange.fail(error)
            if not isinstance(error, Exception):
                raise

    async def _pump(self) -> None:
        held: bytes | None = None
        outgoing = self._outgoing
        async for chunk in outgoing:
            if held is not None:
                await self._give(held)
            held = _own(chunk)
            if outgoing.sent != outgoing.length:
                await self._give(held)
                held = None
            if self._exchange.over:
                return
        if held is not None:
            await self._give(held)
        self._sink.end()
        self._bell.ring()

    async def _give(self, chunk: bytes) -> None:
        self._sink.put(chunk)
        await self._bell.wait(self._has_room)

    def _has_room(self) -> bool:
        return self._sink.has_room or self._exchange.over


@final
class SyncUpload:
    """A pump in a thread, in the context of whoever sends."""

    __slots__ = ("_bell", "_ended", "_exchange", "_outgoing", "_sink", "_stopped")

    def __init__(self, outgoing: SyncOutgoing, sink: Sink, exchange: Exchange, bell: SyncBell) -> None:
        """Begin to pump; the body is closed at the end, however it comes."""
        self._outgoing = outgoing
        self._sink = sink
        self._exchange = exchange
        self._bell = bell
        self._stopped = False
        self._ended = False
        run = copy_context().run
        threading.Thread(target=run, args=(self._run,), name="stablehttp_crt-upload", daemon=True).start()

    def finish(self) -> None:
        """Stop, and wait until the body is closed, unless the caller's own code keeps it open."""
        self._stopped = True
        self._bell.ring()
        self._bell.wait(lambda: self._ended, monotonic() + _GRACE)

    def _run(self) -> None:
        try:
            try:
                self._pump()
            finally:
                self._outgoing.close()
        except BaseException as error:
            if not self._stopped:
                self._exchange.fail(error)
        finally:
            self._ended = True
            self._bell.ring()

    def _pump(self) -> None:
        held: bytes | None = None
        outgoing = self._outgoing
        for chunk in outgoing:
            if held is not None:
                self._give(held)
            held = _own(chunk)
            if outgoing.sent != outgoing.length:
                self._give(held)
                held = None
            if self._is_over():
                return
        if held is not None:
            self._give(held)
        self._sink.end()
        self._bell.ring()

    def _give(self, chunk: bytes) -> None:
        if not self._is_over():
            self._sink.put(chunk)
            self._bell.wait(self._has_room)

    def _has_room(self) -> bool:
        return self._sink.has_room or self._is_over()

    def _is_over(self) -> bool:
        return self._stopped or self._exchange.over
