"""Amazon event streams, read from a response as they arrive.

Floor 7: stands on responses and the framing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final, TypeAlias

from stablehttp._body import AsyncBody, SyncBody
from stablehttp._errors import InvalidFieldError
from stablehttp._field_syntax import MediaType
from stablehttp._reading import check_not_coded
from stablehttp._response import AnyResponse, Response
from stablehttp.framing import (
    Event,
    EventStreamDecoder,
    EventStreamLimits,
    InitialResponse,
    StreamFormatError,
    check_event,
    classify_message,
)

EVENT_STREAM: Final = "application/vnd.amazon.eventstream"
_DEFAULT_LIMITS: Final = EventStreamLimits()
_READER: Final = "the reader of events"

GoodEvent: TypeAlias = Event | InitialResponse
"""What an event stream holds, its failures apart."""


async def aread_events(
    response: Response[AsyncBody], *, limits: EventStreamLimits = _DEFAULT_LIMITS
) -> AsyncIterator[GoodEvent]:
    """The events in a response, as they arrive.

    Raises:
        EventStreamError: the peer reported a failure among them; the stream is over.
        StreamFormatError: this is no event stream, it is damaged, or it was cut short.
    """
    check_event_head(response)
    decoder = EventStreamDecoder(limits=limits)
    async for chunk in response.body.achunks(reader=_READER):
        for message in decoder.feed(chunk):
            yield check_event(classify_message(message))
    decoder.finish()


def read_events(response: Response[SyncBody], *, limits: EventStreamLimits = _DEFAULT_LIMITS) -> Iterator[GoodEvent]:
    """The synchronous twin of `aread_events`.

    Raises:
        EventStreamError: the peer reported a failure among them; the stream is over.
        StreamFormatError: this is no event stream, it is damaged, or it was cut short.
    """
    check_event_head(response)
    decoder = EventStreamDecoder(limits=limits)
    for chunk in response.body.chunks(reader=_READER):
        for message in decoder.feed(chunk):
            yield check_event(classify_message(message))
    decoder.finish()


def check_event_head(response: AnyResponse) -> None:
    """Make sure that the content is a stream of events.

    Raises:
        StreamFormatError: status or content type say that it is something else.
        ContentDecodingError: the content is coded; give `adecoded(response)`.
    """
    if not response.ok:
        raise StreamFormatError(
            f"a response with status {response.status} holds no events; read its content, which says what went wrong",
            status=response.status,
        )
    try:
        essence = MediaType.parse(response.headers.get("content-type", "")).essence
    except InvalidFieldError:
        essence = ""
    if essence != EVENT_STREAM:
        raise StreamFormatError(f"the response is not of content type {EVENT_STREAM!r}", status=response.status)
    check_not_coded(response.headers)
