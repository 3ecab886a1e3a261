"""Handlers of an event stream, for those who would rather be called than iterate.

Floor 2: stands on events.

For each message the order is: raw handlers, then those of what the message means.  Handlers run in the
order in which they were added; what one raises reaches the caller of `dispatch`, and no later one runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar, final

from stablehttp.framing._event_stream_messages import EventMessage
from stablehttp.framing._events import (
    ErrorEvent,
    Event,
    ExceptionEvent,
    InitialResponse,
    StreamEvent,
    check_event,
    classify_message,
)

HeaderPairs: TypeAlias = Sequence[tuple[str, str]]

T = TypeVar("T")


@final
class EventHandlers:
    """Who is called for what.

    A failure that the peer reports is raised unless a handler for errors is there to take it; an
    event of a type without a handler reaches raw handlers only.
    """

    __slots__ = ("_error", "_events", "_headers", "_initial", "_raw")

    def __init__(self) -> None:
        self._events: dict[str, list[Callable[[Event], object]]] = {}
        self._initial: list[Callable[[InitialResponse], object]] = []
        self._error: list[Callable[[ExceptionEvent | ErrorEvent], object]] = []
        self._headers: list[Callable[[HeaderPairs], object]] = []
        self._raw: list[Callable[[EventMessage], object]] = []

    def on(self, event_type: str, handler: Callable[[Event], object]) -> None:
        """Call `handler` for every event of `event_type`."""
        self._events.setdefault(event_type, []).append(handler)

    def on_initial_response(self, handler: Callable[[InitialResponse], object]) -> None:
        """Call `handler` for the initial response."""
        self._initial.append(handler)

    def on_error(self, handler: Callable[[ExceptionEvent | ErrorEvent], object]) -> None:
        """Call `handler` for a failure that the peer reports, instead of raising it."""
        self._error.append(handler)

    def on_headers(self, handler: Callable[[HeaderPairs], object]) -> None:
        """Call `handler` with the field lines of the HTTP response, before the first message."""
        self._headers.append(handler)

    def on_raw(self, handler: Callable[[EventMessage], object]) -> None:
        """Call `handler` for every message, before anything else looks at it."""
        self._raw.append(handler)

    def dispatch_headers(self, headers: HeaderPairs) -> None:
        """Tell of the head of the HTTP response."""
        for handler in self._headers:
            handler(headers)

    def dispatch(self, message: EventMessage) -> StreamEvent:
        """Tell of one message, and give what it means.

        Raises:
            StreamFormatError: it does not say what it means; raw handlers have seen it.
            EventStreamError: it is a failure, and there is no handler for errors.
        """
        for handler in self._raw:
            handler(message)
        event = classify_message(message)
        match event:
            case Event():
                _call(self._events.get(event.type, ()), event)
            case InitialResponse():
                _call(self._initial, event)
            case ExceptionEvent() | ErrorEvent():
                if not self._error:
                    check_event(event)
                _call(self._error, event)
        return event


def _call(handlers: Sequence[Callable[[T], object]], event: T) -> None:
    for handler in handlers:
        handler(event)
