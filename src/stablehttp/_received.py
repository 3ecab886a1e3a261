"""Content that arrives from a peer: read once, in the colour of the connector.

Floor 5: stands on bodies and fields.

An adapter gives a source with one method to read and one to close; everything that users see of
received content is here, so that it is the same on all connectors.
"""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Protocol, final

from stablehttp._body import AsyncBody, Body, SyncBody, describe_length
from stablehttp._errors import (
    ClosedError,
    InvalidResponseError,
    ResponseHead,
    StableHTTPError,
    TrailersUnavailableError,
)
from stablehttp._fields import Fields
from stablehttp._http_version import HttpVersion

_MOST_DIGITS: Final = 19
"""As many as an integer of 64 bits has."""


def received_length(lengths: Sequence[str], codings: Sequence[str] = ()) -> int | None:
    """How many octets of content a response declares, by the values of its framing fields; None where it does not.

    `lengths` are the values of `Content-Length`, `codings` those of `Transfer-Encoding`.  Lengths that are
    repeated and equal count once.

    Raises:
        InvalidResponseError: the content could be read in two ways, or only by a coding other than `chunked`.
    """
    if codings:
        if lengths:
            raise InvalidResponseError(
                "the response has both 'Content-Length' and 'Transfer-Encoding', so it could be read in two ways "
                "(RFC 9112 §6.3)"
            )
        if len(codings) > 1 or codings[0].strip(" \t").lower() != "chunked":
            raise InvalidResponseError(
                "the response has a 'Transfer-Encoding' other than one 'chunked', and no other was asked for "
                "(RFC 9112 §6.1)"
            )
        return None
    if not lengths:
        return None
    length, *others = lengths
    if others or "," in length:
        length, *others = {part.strip(" \t") for value in lengths for part in value.split(",")}
    if others or not (length.isascii() and length.isdecimal() and len(length) <= _MOST_DIGITS):
        raise InvalidResponseError("'Content-Length' of the response is not one number (RFC 9110 §8.6)")
    return int(length)


def warn_dropped(request: str, *, source: object) -> None:
    """Say that a response was neither read to its end nor closed: for the `__del__` of whoever holds its connection.

    `request` is the method and the origin, with a space between.
    """
    warnings.warn(
        f"a response to {request} was dropped before its content was read; read it, or use `async with` or `with`",
        ResourceWarning,
        stacklevel=2,
        source=source,
    )


class AsyncSource(Protocol):
    """What an adapter gives for the content of a response; it raises errors of this library only."""

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        ...

    async def aclose(self) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        ...

    def trailers(self) -> Fields | None:
        """The trailers, once the content has ended; None where the client cannot deliver them."""
        ...


class SyncSource(Protocol):
    """What an adapter gives for the content of a response; it raises errors of this library only."""

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        ...

    def close(self) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        ...

    def trailers(self) -> Fields | None:
        """The trailers, once the content has ended; None where the client cannot deliver them."""
        ...


class ArrivingBody(Body):
    """Content that arrives, as it was sent or decoded since, and may be followed by trailers."""

    __slots__ = ()

    def trailers(self) -> Fields:
        """The trailer section that followed the content.

        Raises:
            TrailersUnavailableError: the content has not ended, or the client cannot deliver trailers.
        """
        raise NotImplementedError

    def explain(self, error: StableHTTPError) -> None:
        """Have `error` say which request this content answers and after which head; not if it is about another."""
        raise NotImplementedError


@final
class Explaining:
    """A block of code that reads a response: errors of this library that leave it say which one."""

    __slots__ = ("_body",)

    def __init__(self, body: Body) -> None:
        self._body = body

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StableHTTPError) and isinstance(self._body, ArrivingBody):
            self._body.explain(error)


class ReceivedBody(ArrivingBody):
    """Content that arrives from a peer: read once, in the colour of the connector."""

    __slots__ = ("_answers", "_closed", "_ended", "_head", "_held", "_length", "_on_close", "_watch")

    def __init__(self, *, length: int | None = None, held: bool = True) -> None:
        super().__init__()
        self._held = held
        self._answers: tuple[str, str] | None = None
        self._head: tuple[int, HttpVersion, Fields] | None = None
        self._length = length
        self._ended = False
        self._closed = False
        self._watch: Callable[[bytes], object] | None = None
        self._on_close: Callable[[], None] | None = None

    @property
    def length(self) -> int | None:
        """The length that the peer declared, in octets."""
        return self._length

    @property
    def ended(self) -> bool:
        """Whether all of the content has arrived and was read."""
        return self._ended

    @property
    def closed(self) -> bool:
        """Whether the connection was given back or discarded."""
        return self._closed

    def trailers(self) -> Fields:
        """The trailer section that followed the content.

        Raises:
            TrailersUnavailableError: the content has not ended, or the client cannot deliver trailers.
        """
        if not self._ended:
            raise TrailersUnavailableError("trailers come after the content; read the response to its end first")
        found = self._trailers()
        if found is None:
            raise TrailersUnavailableError(
                "the client below this connector does not deliver trailers; use a connector that declares "
                "Capability.RESPONSE_TRAILERS"
            )
        return found

    def _trailers(self) -> Fields | None:
        raise NotImplementedError

    def answers(self, method: str, origin: str) -> None:
        """Remember which request this content answers, so that errors can say so."""
        self._answers = (method, origin)

    def follows(self, status: int, http_version: HttpVersion, headers: Fields) -> None:
        """Remember after which head this content comes, so that errors can carry it."""
        self._head = (status, http_version, headers)

    def explain(self, error: StableHTTPError) -> None:
        """Have `error` say which request this content answers and after which head; not if it is about another."""
        about = self._answers
        if about is not None and error.method is not None and (error.method, error.origin) != about:
            return
        if about is not None:
            error.about(*about)
        if self._head is not None:
            status, version, headers = self._head
            error.after(ResponseHead(status=status, http_version=version.value, headers=tuple(headers.items())))

    def watch(self, update: Callable[[bytes], object]) -> None:
        """Have `update` called with each chunk that arrives, before it is given out."""
        self._watch = update

    def when_closed(self, release: Callable[[], None]) -> None:
        """Have `release` called once when the connection was given back or discarded; at once if it was."""
        if self._closed:
            release()
        else:
            self._on_close = release

    def _release(self) -> None:
        release, self._on_close = self._on_close, None
        if release is not None:
            release()

    def _source_warns(self) -> bool:
        raise NotImplementedError

    def __del__(self) -> None:
        """Say that nobody read or closed the content; a source that says so itself is left to do it."""
        if getattr(self, "_on_close", None) is not None:
            self._release()
        if getattr(self, "_closed", True) or not self._held or self._answers is None or self._source_warns():
            return
        warn_dropped(" ".join(self._answers), source=self)

    def _begin(self, reader: str) -> None:
        with Explaining(self):
            self._check_open()
            self._claim(reader)

    def _check_open(self) -> None:
        """Make sure that nobody takes content for whole that was given up."""
        if self._closed and not self._ended:
            raise ClosedError("the response was closed before all of its content was read")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {describe_length(self._length)}>"


@final
class AsyncReceivedBody(ReceivedBody, AsyncBody):
    """Content that arrives from a peer, read with `async for`."""

    __slots__ = ("_source",)

    def __init__(self, source: AsyncSource, *, length: int | None = None, held: bool = True) -> None:
        """Take content from `source`; `held` says that it holds a connection, so dropping it is worth a warning."""
        super().__init__(length=length, held=held)
        self._source = source

    def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content as it arrives; when it has ended the connection is given back.

        Raises:
            BodyTakenError: it was read already.
            ClosedError: the response was closed before.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        return _AsyncChunks(self, reader)

    async def _next(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        try:
            self._check_open()
            chunk = await self._source.read()
            if chunk and self._watch is not None:
                self._watch(chunk)
        except BaseException as error:
            if isinstance(error, StableHTTPError):
                self.explain(error)
            await self.aclose()
            raise
        if not chunk:
            self._ended = True
            await self.aclose()
        return chunk

    async def aclose(self) -> None:
        """Give the connection back if the content has ended, else discard it."""
        if not self._closed:
            self._closed = True
            try:
                await self._source.aclose()
            finally:
                if self._on_close is not None:
                    self._release()

    def _trailers(self) -> Fields | None:
        return self._source.trailers()

    def _source_warns(self) -> bool:
        return hasattr(self._source, "__del__")


@final
class SyncReceivedBody(ReceivedBody, SyncBody):
    """Content that arrives from a peer, read by iterating."""

    __slots__ = ("_source",)

    def __init__(self, source: SyncSource, *, length: int | None = None, held: bool = True) -> None:
        """Take content from `source`; `held` says that it holds a connection, so dropping it is worth a warning."""
        super().__init__(length=length, held=held)
        self._source = source

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content as it arrives; when it has ended the connection is given back.

        Raises:
            BodyTakenError: it was read already.
            ClosedError: the response was closed before.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        self._begin(reader)
        try:
            while chunk := self._source.read():
                if self._watch is not None:
                    self._watch(chunk)
                yield chunk
                self._check_open()
            self._ended = True
        except StableHTTPError as error:
            self.explain(error)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection back if the content has ended, else discard it."""
        if not self._closed:
            self._closed = True
            try:
                self._source.close()
            finally:
                if self._on_close is not None:
                    self._release()

    def _trailers(self) -> Fields | None:
        return self._source.trailers()

    def _source_warns(self) -> bool:
        return hasattr(self._source, "__del__")


@final
class _AsyncChunks(AsyncIterator[bytes]):
    """One reading of received content.

    It is no generator: an event loop ends a dropped generator in a task of its own, which nobody
    awaits; a reading that is dropped leaves the content to whoever has the response.
    """

    __slots__ = ("_body", "_over", "_reader")

    def __init__(self, body: AsyncReceivedBody, reader: str) -> None:
        self._body = body
        self._reader: str | None = reader
        self._over = False

    async def __anext__(self) -> bytes:
        if self._reader is not None:
            self._body._begin(self._reader)  # noqa: SLF001 (a friend of the one class of this module)
            self._reader = None
        chunk = b"" if self._over else await self._body._next()  # noqa: SLF001
        if not chunk:
            self._over = True
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Stop reading: the connection is discarded unless the content has ended."""
        self._over = True
        if self._reader is None:
            await self._body.aclose()
