"""The response of a call that names a sink: its content has gone there when the call returns.

Floor 7: stands on responses and sinks.

Only the content of a success goes to the sink.  That of any other response is kept, up to a limit, so that a
page that says "not found" never lands in the caller's file.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast, final

from stablehttp._body import AsyncBody, BinaryFile, BytesBody, DualBody, FileBody, SyncBody
from stablehttp._errors import BodyTakenError, StableHTTPError
from stablehttp._fields import Fields
from stablehttp._pouring import can_be_read_again
from stablehttp._received import ArrivingBody
from stablehttp._response import AnyResponse, Response, replace_content
from stablehttp._sinks import AsyncSinkInput, SinkInput


@final
class SinkBody(ArrivingBody, DualBody):
    """Content that was written to the sink of a call, and is read again from there, if it can be.

    `sink` is the object that was given; None if the response was no success: then the content is kept here, and
    nothing was written.  `octets` is how many there are.
    """

    __slots__ = ("_again", "_explain", "_trailers", "octets", "sink")

    def __init__(self, sink: object, octets: int, again: DualBody | None, arrived: AnyResponse) -> None:
        super().__init__()
        self.sink: object = sink
        self.octets: int = octets
        self._again = again
        body = arrived.body
        trailers = arrived.trailers if not isinstance(body, ArrivingBody) else None
        self._trailers: Callable[[], Fields] = (
            body.trailers if isinstance(body, ArrivingBody) else lambda: cast(Fields, trailers)
        )
        self._explain: Callable[[StableHTTPError], None] = (
            body.explain if isinstance(body, ArrivingBody) else lambda _: None
        )

    @property
    def length(self) -> int:
        """How many octets of content there are."""
        return self.octets

    @property
    def replayable(self) -> bool:
        """Whether it can be read again from the sink, as often as one likes."""
        return self._again is not None and self._again.replayable

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content, read from the sink.

        Raises:
            BodyTakenError: the sink cannot be read.
            InvalidBodyError: it could be, and cannot any more.
        """
        return self._readable().chunks(reader=reader)

    def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content, read from the sink.

        Raises:
            BodyTakenError: the sink cannot be read.
            InvalidBodyError: it could be, and cannot any more.
        """
        return self._readable().achunks(reader=reader)

    def trailers(self) -> Fields:
        """The trailer section that followed the content.

        Raises:
            TrailersUnavailableError: the client cannot deliver trailers.
        """
        return self._trailers()

    def explain(self, error: StableHTTPError) -> None:
        """Have `error` say which request this content answers."""
        self._explain(error)

    def _readable(self) -> DualBody:
        if self._again is None:
            raise BodyTakenError(
                f"the content, {self.octets} octets, was written to the sink of the call, which cannot be read; "
                "find it there",
                taken_by="the sink of the call",
            )
        return self._again

    def __repr__(self) -> str:
        return f"<SinkBody of {self.octets} octets>"


async def apour_response(response: Response[AsyncBody], sink: AsyncSinkInput) -> None:
    """Write the content of a success to `sink`, keep that of any other response, and have `body` say so.

    Raises:
        SinkError, ContentTooLargeError, TransportError, HTTPTimeoutError: as `Response.awrite_to`.
    """
    octets = await response.awrite_to(sink)
    _settle(response, sink, octets, b"" if octets is not None else await response.aread())


def pour_response(response: Response[SyncBody], sink: SinkInput) -> None:
    """Write the content of a success to `sink`, keep that of any other response, and have `body` say so.

    Raises:
        SinkError, ContentTooLargeError, TransportError, HTTPTimeoutError: as `Response.write_to`.
    """
    octets = response.write_to(sink)
    _settle(response, sink, octets, b"" if octets is not None else response.read())


def _settle(response: AnyResponse, sink: object, octets: int | None, kept: bytes) -> None:
    if octets is None:
        body = SinkBody(None, len(kept), BytesBody(kept), response)
    else:
        body = SinkBody(sink, octets, _again(sink, octets), response)
    replace_content(response, body)


def _again(sink: object, octets: int) -> DualBody | None:
    if not can_be_read_again(sink):
        return None
    if isinstance(sink, os.PathLike):
        return FileBody.from_path(cast("os.PathLike[str]", sink))
    return FileBody(cast(BinaryFile, sink), length=octets)
