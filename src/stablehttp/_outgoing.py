"""Content on its way out, counted against its declared length.

Floor 7: stands on messages.

Every adapter takes the content of a request from here, so the rules are the same on all of them: a
body that gives more than it declared is stopped before the first octet too many leaves, one that
gives less is an error, and a body is closed exactly once however sending ends.  Trailers that a body
computes are had here too, once its content has ended.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import final

from stablehttp._body import AsyncBody, Body, SyncBody
from stablehttp._counter import Counter
from stablehttp._errors import BodyColourError, InvalidBodyError, MisuseError
from stablehttp._fields import Fields, owned_lines
from stablehttp._message import AnyRequest, Request
from stablehttp._streams import aend, end


def declared_length(request: AnyRequest) -> int | None:
    """The length of the content in octets, from the body or from `Content-Length`; None if it is chunked."""
    lines = owned_lines(request.headers).lines
    if "transfer-encoding" in lines:
        return None
    given = lines.get("content-length")
    return request.body.length if given is None else int(given[1])


@final
class AsyncOutgoing:
    """The content of one request: iterate it once, then `aclose` it."""

    __slots__ = ("_body", "_chunks", "_closed", "_counter", "_request")

    def __init__(self, request: Request[AsyncBody], reader: str) -> None:
        """Take the content of a completed request; nothing is read yet.

        Raises:
            BodyColourError, BodyTakenError: the body cannot be read here, or not again.
            MisuseError: the request was not completed, so nobody decided its framing.
        """
        check_async(request.body)
        _check_completed(request)
        self._body = request.body
        self._request = request
        self._counter = Counter(declared_length(request))
        self._chunks = self._body.achunks(reader=reader)
        self._closed = False

    @property
    def length(self) -> int | None:
        """The declared length in octets, or None."""
        return self._counter.declared

    @property
    def sent(self) -> int:
        """How many octets were given out so far."""
        return self._counter.found

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = b""
        try:
            while not chunk:  # an empty chunk would end the message
                chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._counter.finish()
            raise
        self._counter.count(chunk)
        return chunk

    def trailers(self) -> Fields:
        """The trailers to send: those of the request, then those that the body computed; a section of its own.

        Raises:
            MisuseError: the content has not ended.
            InvalidBodyError: the body computed others than it announced.
        """
        return _trailers(self._request, self._counter)

    async def aclose(self) -> None:
        """Close the body, once."""
        if not self._closed:
            self._closed = True
            if not getattr(self._chunks, "ag_running", False):
                await aend(self._chunks)
            await self._body.aclose()


@final
class SyncOutgoing:
    """The content of one request: iterate it once, then `close` it."""

    __slots__ = ("_body", "_chunks", "_closed", "_counter", "_request")

    def __init__(self, request: Request[SyncBody], reader: str) -> None:
        """Take the content of a completed request; nothing is read yet.

        Raises:
            BodyColourError, BodyTakenError: the body cannot be read here, or not again.
            MisuseError: the request was not completed, so nobody decided its framing.
        """
        check_sync(request.body)
        _check_completed(request)
        self._body = request.body
        self._request = request
        self._counter = Counter(declared_length(request))
        self._chunks = self._body.chunks(reader=reader)
        self._closed = False

    @property
    def length(self) -> int | None:
        """The declared length in octets, or None."""
        return self._counter.declared

    @property
    def sent(self) -> int:
        """How many octets were given out so far."""
        return self._counter.found

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = b""
        try:
            while not chunk:  # an empty chunk would end the message
                chunk = next(self._chunks)
        except StopIteration:
            self._counter.finish()
            raise
        self._counter.count(chunk)
        return chunk

    def trailers(self) -> Fields:
        """The trailers to send: those of the request, then those that the body computed; a section of its own.

        Raises:
            MisuseError: the content has not ended.
            InvalidBodyError: the body computed others than it announced.
        """
        return _trailers(self._request, self._counter)

    def close(self) -> None:
        """Close the body, once."""
        if not self._closed:
            self._closed = True
            if not getattr(self._chunks, "gi_running", False):
                end(self._chunks)
            self._body.close()


def check_async(body: Body) -> None:
    """Make sure that an asynchronous connector can read `body`.

    Raises:
        BodyColourError: it is a synchronous body.
        BodyTakenError: it was read already, and cannot be read again.
    """
    if not isinstance(body, AsyncBody):
        raise BodyColourError(
            f"{body!r} is read by blocking, and an asynchronous connector would stop its event loop; "
            "give bytes or an asynchronous iterable, or use a SyncPipeline"
        )
    body.check_available()


def check_sync(body: Body) -> None:
    """Make sure that a synchronous connector can read `body`.

    Raises:
        BodyColourError: it is an asynchronous body.
        BodyTakenError: it was read already, and cannot be read again.
    """
    if not isinstance(body, SyncBody):
        raise BodyColourError(
            f"{body!r} is read by awaiting, and a synchronous connector has no event loop; "
            "give bytes or an iterable, or use an AsyncPipeline"
        )
    body.check_available()


def _trailers(request: AnyRequest, counter: Counter) -> Fields:
    if not counter.ended:
        raise MisuseError("trailers are computed from the content, which has not ended; send it to its end first")
    trailers, body = request.trailers.copy(), request.body
    if body.trailer_names:
        lines = [(name, value) for name, value in body.computed_trailers()]
        if {name.lower() for name, _ in lines} != {name.lower() for name in body.trailer_names}:
            raise InvalidBodyError(
                f"{body!r} computed other trailers than it announced", sent="maybe", processed="maybe"
            )
        trailers.extend(lines)
    return trailers


def _check_completed(request: AnyRequest) -> None:
    if "host" not in request.headers:
        raise MisuseError("the request has no 'Host', so it was not completed; send it through a pipeline")
