"""What a message of an event stream means: an event, an initial response, an exception or an error.

Floor 2: stands on messages and their decoder.

Four states, told apart by the headers `:message-type`, `:event-type` and `:exception-type`.  An
*exception* is one that the service's model describes, with a payload; an *error* has a code and a text
and no payload.  Event types that nobody knows are events like any other: a service may add some.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

from stablehttp._errors import Answer, StableHTTPError
from stablehttp.framing._errors import StreamFormatError
from stablehttp.framing._event_stream import EventStreamDecoder
from stablehttp.framing._event_stream_messages import EventHeader, EventMessage, HeaderType
from stablehttp.framing._incremental import IncrementalDecoder
from stablehttp.framing._limits import EventStreamLimits

MESSAGE_TYPE: Final = ":message-type"
EVENT_TYPE: Final = ":event-type"
EXCEPTION_TYPE: Final = ":exception-type"
ERROR_CODE: Final = ":error-code"
ERROR_MESSAGE: Final = ":error-message"
CONTENT_TYPE: Final = ":content-type"

INITIAL_REQUEST: Final = "initial-request"
INITIAL_RESPONSE: Final = "initial-response"


@dataclass(frozen=True, slots=True)
class _Carried:
    message: EventMessage

    @property
    def payload(self) -> bytes:
        """The payload of the message."""
        return self.message.payload

    @property
    def content_type(self) -> str | None:
        """The media type of the payload, if the message names it."""
        header = self.message.get(CONTENT_TYPE)
        return header.value if header is not None and isinstance(header.value, str) else None


@final
@dataclass(frozen=True, slots=True)
class Event(_Carried):
    """An event; `type` is its name in the service's model."""

    type: str


@final
@dataclass(frozen=True, slots=True)
class InitialResponse(_Carried):
    """What the operation answers besides its events; it comes before the first of them."""


@final
@dataclass(frozen=True, slots=True)
class ExceptionEvent(_Carried):
    """A failure that the service's model describes; `type` is its name there.  The stream is over."""

    type: str


@final
@dataclass(frozen=True, slots=True)
class ErrorEvent(_Carried):
    """A failure that no model describes.  The stream is over."""

    code: str
    text: str | None = field(repr=False)


StreamEvent: TypeAlias = Event | InitialResponse | ExceptionEvent | ErrorEvent


class EventStreamError(StableHTTPError, RuntimeError):
    """The peer reported a failure inside an event stream.

    `code` is the exception type or the error code, and `event` is all that the peer said.
    """

    sent: Answer = "yes"
    processed: Answer = "yes"
    code: str = ""
    event: ExceptionEvent | ErrorEvent | None = None


def classify_message(message: EventMessage) -> StreamEvent:
    """What `message` means.

    Raises:
        StreamFormatError: it does not say, or what it says is incomplete.
    """
    kind = _text_of(message, MESSAGE_TYPE)
    match kind:
        case "event":
            event_type = _text_of(message, EVENT_TYPE)
            return InitialResponse(message) if event_type == INITIAL_RESPONSE else Event(message, event_type)
        case "exception":
            return ExceptionEvent(message, _text_of(message, EXCEPTION_TYPE))
        case "error":
            text = _text_of(message, ERROR_MESSAGE) if message.get(ERROR_MESSAGE) is not None else None
            return ErrorEvent(message, _text_of(message, ERROR_CODE), text)
        case _:
            raise StreamFormatError(
                f"event-stream message has the unknown {MESSAGE_TYPE} {kind[:40]!r}; known are event, exception, error"
            )


def _text_of(message: EventMessage, name: str) -> str:
    header = message.get(name)
    if header is None:
        raise StreamFormatError(f"event-stream message has no header {name!r}, so it does not say what it means")
    if not isinstance(header.value, str):
        raise StreamFormatError(f"event-stream header {name!r} is of {header.type!r} and must be a string")
    return header.value


def check_event(event: StreamEvent) -> Event | InitialResponse:
    """`event`, if it is no failure.

    Raises:
        EventStreamError: it is one.
    """
    match event:
        case Event() | InitialResponse():
            return event
        case ExceptionEvent():
            text = f"the peer ended the event stream with the exception {event.type[:80]!r}; its payload says more"
            raise EventStreamError(text, code=event.type, event=event)
        case ErrorEvent():
            text = f"the peer ended the event stream with the error {event.code[:80]!r}; its text says more"
            raise EventStreamError(text, code=event.code, event=event)


def make_event(
    event_type: str, payload: bytes = b"", *, content_type: str | None = None, headers: Iterable[EventHeader] = ()
) -> EventMessage:
    """The message of an event to send; `headers` follow those that say what it is.

    Raises:
        InvalidFrameError: a header is bad or stands twice.
    """
    named = [(MESSAGE_TYPE, "event"), (EVENT_TYPE, event_type)]
    if content_type is not None:
        named.append((CONTENT_TYPE, content_type))
    own = tuple(EventHeader(name, HeaderType.STRING, value) for name, value in named)
    return EventMessage((*own, *headers), payload)


_DEFAULT_LIMITS: Final = EventStreamLimits()


@final
class EventReader(IncrementalDecoder[StreamEvent]):
    """Octets of an event stream in, events out, failures among them; see `check_event`."""

    __slots__ = ("_messages", "_pending")

    def __init__(self, *, limits: EventStreamLimits = _DEFAULT_LIMITS) -> None:
        super().__init__()
        self._messages = EventStreamDecoder(limits=limits)
        self._pending: Iterator[EventMessage] = iter(())

    def _next(self) -> StreamEvent | None:
        if self._buffer:
            self._pending = self._messages.feed(bytes(self._buffer))
            self._buffer.clear()
        message = next(self._pending, None)
        return None if message is None else classify_message(message)

    def _end(self) -> None:
        self._messages.finish()
