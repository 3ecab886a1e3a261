"""Server-sent events, read from a response as they arrive.

Floor 7: stands on responses and the framing.

The format is in `stablehttp.framing`; here it meets a response.  Connecting again is left to the caller,
who has what that takes: `last_event_id` to send as `Last-Event-ID`, and `retry`, the wait that the server
asked for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Final, Self, final

from stablehttp._body import AsyncBody, SyncBody
from stablehttp._errors import InvalidFieldError
from stablehttp._field_syntax import MediaType
from stablehttp._reading import check_not_coded
from stablehttp._response import AnyResponse, Response
from stablehttp._streams import aend, end
from stablehttp.framing import ServerSentEvent, ServerSentEventDecoder, ServerSentEventLimits, StreamFormatError

_DEFAULT_LIMITS: Final = ServerSentEventLimits()
_READER: Final = "server-sent events"


class _Events:
    """What readings of both colours have in common."""

    __slots__ = ("_decoder", "_over", "_waiting")

    def __init__(
        self, response: AnyResponse, last_event_id: str, retry: int | None, limits: ServerSentEventLimits
    ) -> None:
        _check_head(response)
        self._decoder = ServerSentEventDecoder(last_event_id=last_event_id, retry=retry, limits=limits)
        self._waiting: Iterator[ServerSentEvent] = iter(())
        self._over = False

    @property
    def last_event_id(self) -> str:
        """The last id that the server named: what to send as `Last-Event-ID` when connecting again."""
        return self._decoder.last_event_id

    @property
    def retry(self) -> int | None:
        """How many milliseconds the server asked to wait before connecting again, if it did."""
        return self._decoder.retry


def _check_head(response: AnyResponse) -> None:
    if response.status != 200:
        raise StreamFormatError(
            f"a response with status {response.status} holds no events; 204 asks not to connect again, "
            "and of others read the content",
            status=response.status,
        )
    try:
        essence = MediaType.parse(response.headers.get("content-type", "")).essence
    except InvalidFieldError:
        essence = ""
    if essence != "text/event-stream":
        raise StreamFormatError("the response is not of content type 'text/event-stream'", status=200)
    check_not_coded(response.headers)


@final
class AsyncServerSentEvents(_Events, AsyncIterator[ServerSentEvent]):
    """The events in a response, read with `async for`; to stop early use `async with` or `aclose`.

    `last_event_id` and `retry` are what an earlier connection left, `limits` bound a line and an event.
    The end of the iteration is the end of the response; an event that was not complete by then is dropped,
    as the standard wants.
    """

    __slots__ = ("_chunks", "_response")

    def __init__(
        self,
        response: Response[AsyncBody],
        *,
        last_event_id: str = "",
        retry: int | None = None,
        limits: ServerSentEventLimits = _DEFAULT_LIMITS,
    ) -> None:
        """Take over `response`; if it holds no events it is left as it was.

        Raises:
            StreamFormatError: status or content type say that there are no events.
            ContentDecodingError: the content is coded; give `adecoded(response)`.
        """
        super().__init__(response, last_event_id, retry, limits)
        self._response = response
        self._chunks = response.body.achunks(reader=_READER)

    async def __anext__(self) -> ServerSentEvent:
        """The next event.

        Raises:
            FrameTooLargeError: a line or an event is larger than the limits.
            TransportError, HTTPTimeoutError: the response ended too early, or was silent for too long.
        """
        try:
            while (event := next(self._waiting, None)) is None:
                chunk = b"" if self._over else await anext(self._chunks, b"")
                if not chunk:
                    raise StopAsyncIteration
                self._waiting = self._decoder.feed(chunk)
        except BaseException:
            await self.aclose()
            raise
        return event

    async def aclose(self) -> None:
        """Read no more: the iteration is over.  A second call does nothing."""
        self._over = True
        self._waiting = iter(())
        await aend(self._chunks)
        await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


@final
class SyncServerSentEvents(_Events, Iterator[ServerSentEvent]):
    """The events in a response, read with `for`; to stop early use `with` or `close`.

    `last_event_id` and `retry` are what an earlier connection left, `limits` bound a line and an event.
    The end of the iteration is the end of the response; an event that was not complete by then is dropped,
    as the standard wants.
    """

    __slots__ = ("_chunks", "_response")

    def __init__(
        self,
        response: Response[SyncBody],
        *,
        last_event_id: str = "",
        retry: int | None = None,
        limits: ServerSentEventLimits = _DEFAULT_LIMITS,
    ) -> None:
        """Take over `response`; if it holds no events it is left as it was.

        Raises:
            StreamFormatError: status or content type say that there are no events.
            ContentDecodingError: the content is coded; give `decoded(response)`.
        """
        super().__init__(response, last_event_id, retry, limits)
        self._response = response
        self._chunks = response.body.chunks(reader=_READER)

    def __next__(self) -> ServerSentEvent:
        """The next event.

        Raises:
            FrameTooLargeError: a line or an event is larger than the limits.
            TransportError, HTTPTimeoutError: the response ended too early, or was silent for too long.
        """
        try:
            while (event := next(self._waiting, None)) is None:
                chunk = b"" if self._over else next(self._chunks, b"")
                if not chunk:
                    raise StopIteration
                self._waiting = self._decoder.feed(chunk)
        except BaseException:
            self.close()
            raise
        return event

    def close(self) -> None:
        """Read no more: the iteration is over.  A second call does nothing."""
        self._over = True
        self._waiting = iter(())
        end(self._chunks)
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
