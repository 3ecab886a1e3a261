"""Who may use which connection: one exchange at a time over HTTP/1.1, many over HTTP/2.

Connections come from a pool, which knows of one exchange each.  An HTTP/2 connection is taken from it
once, shared here, and given back when its last exchange has left.  For each endpoint there is one shared connection
that takes new exchanges at most, and one caller at most who opens one; others wait, and are served in the
order in which they came.  Without colour and without locks.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias, final

from stablehttp import StableHTTPError
from stablehttp.adapting import Lease
from stablehttp_crt._opening import Channel, Endpoint


@final
@dataclass(slots=True, eq=False)
class Line:
    """A connection in use.

    `active` counts its exchanges.  A retired one takes no more of them: one of its exchanges was given up, and
    cannot be ended in another way than with the connection.
    """

    lease: Lease[Channel]
    endpoint: Endpoint
    desk: Desk | None
    """The desk that hands out its places, if it can have more than one."""
    active: int = 1
    retired: bool = False

    @property
    def channel(self) -> Channel:
        """The connection."""
        return self.lease.connection

    @property
    def is_usable(self) -> bool:
        """Whether it takes another exchange, were there room."""
        return not self.retired and self.channel.is_usable()


Grant: TypeAlias = Line | None
"""A line with a place on it, or None for leave to open one."""


class Ticket(Protocol):
    """The turn of a caller who waits: a future of either colour."""

    def done(self) -> bool:
        """Whether it was called up, or left."""
        ...

    def set_result(self, result: Grant, /) -> None:
        """Call it up."""
        ...

    def set_exception(self, exception: StableHTTPError, /) -> None:
        """Turn it away."""
        ...


@final
@dataclass(slots=True)
class _Counter:
    """What goes on for one endpoint."""

    line: Line | None = None
    opening: bool = False
    alone: bool = False
    """Whether it was found to speak HTTP/1.1, so that everybody opens his own."""
    queue: deque[Ticket] = field(default_factory=lambda: deque[Ticket]())


_MOST_COUNTERS: Final = 512


@final
class Desk:
    """Hands out places on shared connections."""

    def __init__(self) -> None:
        self._counters: dict[Endpoint, _Counter] = {}

    def is_alone(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint was found to speak HTTP/1.1 only."""
        counter = self._counters.get(endpoint)
        return counter is not None and counter.alone

    def enter(self, endpoint: Endpoint, turn: Ticket) -> Grant | Ticket:
        """A line with a place on it, None for leave to open one, or `turn`, which is called up later."""
        counter = self._counters.get(endpoint)
        if counter is None:
            self._tidy()
            counter = self._counters[endpoint] = _Counter()
        line = self._current(counter)
        if counter.alone:
            return None
        if line is not None and line.active < line.channel.streams and not counter.queue:
            line.active += 1
            return line
        if line is None and not counter.opening:
            counter.opening = True
            return None
        counter.queue.append(turn)
        return turn

    def opened(self, endpoint: Endpoint, line: Line) -> None:
        """The caller who was to open a connection has one."""
        counter = self._counters[endpoint]
        if line.desk is None:
            counter.alone = True
            self._end_opening(counter)
        elif counter.alone or counter.line is None:
            counter.alone = False
            counter.opening = False
            counter.line = line
            self._serve(counter)

    def failed(self, endpoint: Endpoint, error: StableHTTPError | None) -> None:
        """The caller who was to open a connection has none; with `error`, neither would others have had one."""
        counter = self._counters[endpoint]
        if counter.alone:
            return
        if error is None:
            self._open_next(counter)
            return
        counter.opening = False
        self._turn_away(counter, error)

    def leave(self, line: Line) -> bool:
        """An exchange has left its line; whether it was the last."""
        line.active -= 1
        counter = self._counters[line.endpoint]
        if self._current(counter) is not None:
            self._serve(counter)
        elif counter.queue and not counter.opening:
            self._open_next(counter)
        if line.active == 0 and counter.line is line:
            counter.line = None
        return line.active == 0

    def changed(self, endpoint: Endpoint) -> None:
        """The peer takes another number of exchanges than before."""
        counter = self._counters[endpoint]
        if self._current(counter) is not None:
            self._serve(counter)

    def close(self, error: StableHTTPError) -> None:
        """Turn away everybody who waits."""
        for counter in self._counters.values():
            self._turn_away(counter, error)

    # --- inside ----------------------------------------------------------------------------------

    def _tidy(self) -> None:
        if len(self._counters) >= _MOST_COUNTERS:
            busy = {
                endpoint: counter
                for endpoint, counter in self._counters.items()
                if counter.line is not None or counter.opening or counter.queue
            }
            self._counters = busy

    def _turn_away(self, counter: _Counter, error: StableHTTPError) -> None:
        while counter.queue:
            turn = counter.queue.popleft()
            if not turn.done():
                turn.set_exception(copy(error))

    def _current(self, counter: _Counter) -> Line | None:
        """The line that takes new exchanges, unless it has ended or retired."""
        if counter.line is not None and not counter.line.is_usable:
            counter.line = None
        return counter.line

    def _serve(self, counter: _Counter) -> None:
        line = counter.line
        while line is not None and counter.queue and line.active < line.channel.streams:
            turn = counter.queue.popleft()
            if not turn.done():
                line.active += 1
                turn.set_result(line)

    def _open_next(self, counter: _Counter) -> None:
        counter.opening = False
        while counter.queue and not counter.opening:
            turn = counter.queue.popleft()
            if not turn.done():
                counter.opening = True
                turn.set_result(None)

    def _end_opening(self, counter: _Counter) -> None:
        counter.opening = False
        while counter.queue:
            turn = counter.queue.popleft()
            if not turn.done():
                turn.set_result(None)
