"""Server-sent events: octets in any pieces to events.

Floor 2: stands on the errors of this package.

Follows "Server-sent events" of the WHATWG HTML standard (§9.2.5 and §9.2.6).  Lines end with CR, LF or
CRLF and with nothing else; CR and LF are single octets in UTF-8, so lines are cut before they are
decoded.  A CR ends its line at once and an LF right after it is skipped, so no event waits for an octet
that may never come.  Octets that are not UTF-8 become U+FFFD, one byte order mark at the very start is
skipped, and an event that no empty line ended is dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, final

from stablehttp.framing._errors import FrameTooLargeError
from stablehttp.framing._incremental import IncrementalDecoder
from stablehttp.framing._limits import ServerSentEventLimits

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LF: Final = 0x0A
_CR: Final = 0x0D
_END_OF_LINE: Final = re.compile(rb"[\r\n]")
_MILLISECONDS: Final = re.compile(r"[0-9]{1,15}").fullmatch

_DEFAULT_LIMITS: Final = ServerSentEventLimits()


@final
@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; `last_event_id` is the last id that the stream named, with this event or before."""

    type: str
    data: str
    last_event_id: str


@final
class ServerSentEventDecoder(IncrementalDecoder[ServerSentEvent]):
    """Octets of a `text/event-stream` in, events out.

    `last_event_id` is what to send as `Last-Event-ID` after a reconnection, and `retry` how many
    milliseconds the server asked to wait before one, if it did; give both to the next decoder.
    """

    __slots__ = (
        "_at_start",
        "_data",
        "_id",
        "_limits",
        "_searched",
        "_size",
        "_skip_lf",
        "_type",
        "last_event_id",
        "retry",
    )

    def __init__(
        self,
        *,
        last_event_id: str = "",
        retry: int | None = None,
        limits: ServerSentEventLimits = _DEFAULT_LIMITS,
    ) -> None:
        super().__init__()
        self.last_event_id: str = last_event_id
        self.retry = retry
        self._limits = limits
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []
        self._size = 0
        self._searched = 0
        self._at_start = True
        self._skip_lf = False

    def _next(self) -> ServerSentEvent | None:
        while (line := self._take_line()) is not None:
            if line:
                self._take_field(line)
            elif (event := self._dispatch()) is not None:
                return event
        return None

    def _take_line(self) -> bytes | None:
        if self._skip_lf and self._buffer:
            self._skip_lf = False
            if self._buffer[0] == _LF:
                del self._buffer[0]
        found = _END_OF_LINE.search(self._buffer, self._searched)
        length = len(self._buffer) if found is None else found.start()
        if length > self._limits.line:
            raise FrameTooLargeError(
                f"a line of the event source is longer than the limit of {self._limits.line} octets; "
                "set ServerSentEventLimits(line=…) higher if the server may send that much",
                limit=self._limits.line,
            )
        if found is None:
            self._searched = length
            return None
        line = bytes(self._buffer[:length])
        self._skip_lf = self._buffer[length] == _CR
        del self._buffer[: length + 1]
        self._searched = 0
        return self._without_mark(line)

    def _without_mark(self, line: bytes) -> bytes:
        at_start, self._at_start = self._at_start, False
        return line.removeprefix(_BYTE_ORDER_MARK) if at_start else line

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._add_data(value, len(line))
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if _MILLISECONDS(value):
                self.retry = int(value)
            case _:
                pass

    def _add_data(self, value: str, octets: int) -> None:
        self._size += octets
        if self._size > self._limits.event:
            raise FrameTooLargeError(
                f"the lines of an event are longer than the limit of {self._limits.event} octets; "
                "set ServerSentEventLimits(event=…) higher if the server may send that much",
                limit=self._limits.event,
            )
        self._data.append(value)

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        lines, event_type = self._data, self._type
        self._data, self._type, self._size = [], "", 0
        return ServerSentEvent(event_type or "message", "\n".join(lines), self._id) if lines else None

    def _end(self) -> None:
        self._buffer.clear()
        self._data.clear()
