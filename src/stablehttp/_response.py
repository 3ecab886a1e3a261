"""Responses.

Floor 6: stands on received content, bodies, fields, sinks and extensions.

A response belongs to whoever received it, and can as well be built by hand.  Its content is streamed
unless somebody reads all of it, and then a stated limit bounds what is held in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar, cast, final, overload

from stablehttp._body import AsyncBody, B_co, Body, BytesBody, BytesLike, SyncBody, make_body
from stablehttp._errors import SealedError, TrailersUnavailableError
from stablehttp._extensions import Extensions
from stablehttp._field_lines import Guard
from stablehttp._fields import Fields, LinesInput, view_fields
from stablehttp._http_version import HttpVersion
from stablehttp._pouring import apour, pour
from stablehttp._reading import DEFAULT_LINE_LIMIT, Gatherer, LineReader, Rechunker, as_json, as_text, charset_of
from stablehttp._received import ArrivingBody, Explaining, ReceivedBody
from stablehttp._sinks import AsyncSinkInput, SinkInput
from stablehttp._status_line import checked_reason, checked_status, checked_version
from stablehttp._taps import Meter, ProgressHook, watched

B = TypeVar("B", bound=Body)

DEFAULT_READ_LIMIT: Final = 64 * 1024 * 1024
"""How many octets `read` and `aread` hold in memory unless told otherwise."""

DEFAULT_ERROR_LIMIT: Final = 1024 * 1024
"""How many octets of a response that is no success are kept when its content was to go to a sink."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInfo:
    """What is known of the connection that a response came over; None where the client does not tell."""

    reused: bool | None = None
    peer: str | None = None
    tls_version: str | None = None
    alpn: str | None = None


@final
class Response(Generic[B_co]):
    """A response, whoever received it; it can be built without a socket, a loop or a client."""

    __slots__ = (
        "_body",
        "_content",
        "_headers",
        "_http_version",
        "_reader",
        "_reason",
        "_status",
        "_trailers",
        "connection",
        "extensions",
        "request_method",
        "request_uri",
    )

    @overload
    def __init__(
        self: Response[BytesBody],
        status: int,
        *,
        headers: LinesInput = ...,
        body: BytesLike | None = ...,
        reason: str = ...,
        trailers: LinesInput = ...,
        http_version: HttpVersion = ...,
        extensions: Extensions | None = ...,
        connection: ConnectionInfo = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Response[B],
        status: int,
        *,
        headers: LinesInput = ...,
        body: B,
        reason: str = ...,
        trailers: LinesInput = ...,
        http_version: HttpVersion = ...,
        extensions: Extensions | None = ...,
        connection: ConnectionInfo = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Response[AsyncBody],
        status: int,
        *,
        headers: LinesInput = ...,
        body: AsyncIterable[bytes],
        reason: str = ...,
        trailers: LinesInput = ...,
        http_version: HttpVersion = ...,
        extensions: Extensions | None = ...,
        connection: ConnectionInfo = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Response[SyncBody],
        status: int,
        *,
        headers: LinesInput = ...,
        body: Iterable[bytes],
        reason: str = ...,
        trailers: LinesInput = ...,
        http_version: HttpVersion = ...,
        extensions: Extensions | None = ...,
        connection: ConnectionInfo = ...,
    ) -> None: ...
    def __init__(
        self,
        status: int,
        *,
        headers: LinesInput = (),
        body: object = None,
        reason: str = "",
        trailers: LinesInput = (),
        http_version: HttpVersion = HttpVersion.HTTP_1_1,
        extensions: Extensions | None = None,
        connection: ConnectionInfo = ConnectionInfo(),
    ) -> None:
        """Build a response.

        Raises:
            InvalidStatusError: `status` is not an integer from 100 to 999.
            InvalidMessageError: another part is invalid; its subclass says which.
        """
        self._reader: str | None = None
        self._status = checked_status(status)
        self._reason = checked_reason(reason)
        self._headers = headers if isinstance(headers, Fields) and isinstance(body, ReceivedBody) else Fields(headers)
        self._body = make_body(body)
        if isinstance(self._body, ReceivedBody):
            self._body.follows(status, http_version, self._headers)
        self._trailers: Fields | None = Fields(trailers)
        self._http_version = checked_version(http_version)
        self.extensions: Extensions = Extensions() if extensions is None else Extensions(extensions)
        self.connection: ConnectionInfo = connection
        self._content: bytes | None = None
        self.request_method: str | None = None
        self.request_uri: str | None = None

    @property
    def status(self) -> int:
        """The status, from 100 to 999."""
        return self._status

    @status.setter
    def status(self, status: int) -> None:
        self._allow("status")
        self._status = checked_status(status)

    @property
    def reason(self) -> str:
        """The reason phrase, octets read as Latin-1; empty where the version, or the client, has none."""
        return self._reason

    @reason.setter
    def reason(self, reason: str) -> None:
        self._allow("reason")
        self._reason = checked_reason(reason)

    @property
    def http_version(self) -> HttpVersion:
        """The protocol version that the response came with."""
        return self._http_version

    @http_version.setter
    def http_version(self, version: HttpVersion) -> None:
        self._allow("http_version")
        self._http_version = checked_version(version)

    @property
    def headers(self) -> Fields:
        """The header section."""
        return self._headers

    @property
    def body(self) -> B_co:
        """Where the content comes from."""
        return cast(B_co, self._body)

    @property
    def trailers(self) -> Fields:
        """The trailer section, once the content has ended.

        Raises:
            TrailersUnavailableError: the content has not ended, or the client cannot deliver trailers.
        """
        if isinstance(self._body, ArrivingBody):
            return self._body.trailers()
        if self._trailers is None:
            raise TrailersUnavailableError("the client that received this response could not deliver its trailers")
        return self._trailers

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    async def aread(self: Response[AsyncBody], *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        """All of the content, kept so that a second call gives it again; then the connection is given back.

        Raises:
            ContentTooLargeError: there are more than `limit` octets; the response is closed.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        if self._content is None:
            gathered = Gatherer(limit)
            with Explaining(self._body):
                try:
                    gathered.expect(self.body.length)
                    async for chunk in self.body.achunks(reader="Response.aread"):
                        gathered.add(chunk)
                finally:
                    await self.body.aclose()
            self._content = gathered.content()
        return self._content

    def read(self: Response[SyncBody], *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        """All of the content, kept so that a second call gives it again; then the connection is given back.

        Raises:
            ContentTooLargeError: there are more than `limit` octets; the response is closed.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        if self._content is None:
            gathered = Gatherer(limit)
            with Explaining(self._body):
                try:
                    gathered.expect(self.body.length)
                    for chunk in self.body.chunks(reader="Response.read"):
                        gathered.add(chunk)
                finally:
                    self.body.close()
            self._content = gathered.content()
        return self._content

    def achunks(self: Response[AsyncBody], size: int) -> AsyncIterator[bytes]:
        """The content in chunks of `size` octets; only the last may be shorter.  For chunks as they come use `body`."""
        return self._cut(Rechunker(size))

    def chunks(self: Response[SyncBody], size: int) -> Iterator[bytes]:
        """The content in chunks of `size` octets; only the last may be shorter.  For chunks as they come use `body`."""
        cutter = Rechunker(size)
        for chunk in self._stored():
            yield from cutter.feed(chunk)
        yield from cutter.finish()

    async def _cut(self: Response[AsyncBody], cutter: Rechunker) -> AsyncIterator[bytes]:
        async for chunk in self._astored():
            for piece in cutter.feed(chunk):
                yield piece
        for piece in cutter.finish():
            yield piece

    async def atext(self: Response[AsyncBody], *, charset: str | None = None, limit: int = DEFAULT_READ_LIMIT) -> str:
        """All of the content as text: in `charset`, else in that of `Content-Type`, else in UTF-8; strictly.

        Raises:
            ContentDecodingError: it is no such text, or is still coded.
            ContentTooLargeError: there are more than `limit` octets.
        """
        with Explaining(self._body):
            named = charset_of(self._headers, charset)
            return as_text(await self.aread(limit=limit), named)

    def text(self: Response[SyncBody], *, charset: str | None = None, limit: int = DEFAULT_READ_LIMIT) -> str:
        """All of the content as text: in `charset`, else in that of `Content-Type`, else in UTF-8; strictly.

        Raises:
            ContentDecodingError: it is no such text, or is still coded.
            ContentTooLargeError: there are more than `limit` octets.
        """
        with Explaining(self._body):
            named = charset_of(self._headers, charset)
            return as_text(self.read(limit=limit), named)

    async def ajson(self: Response[AsyncBody], *, limit: int = DEFAULT_READ_LIMIT) -> object:
        """The value of the content as JSON, which is in UTF-8 and holds no NaN.

        Raises:
            ContentDecodingError: it is no JSON, or is still coded.
            ContentTooLargeError: there are more than `limit` octets.
        """
        with Explaining(self._body):
            return as_json(await self.aread(limit=limit), self._headers)

    def json(self: Response[SyncBody], *, limit: int = DEFAULT_READ_LIMIT) -> object:
        """The value of the content as JSON, which is in UTF-8 and holds no NaN.

        Raises:
            ContentDecodingError: it is no JSON, or is still coded.
            ContentTooLargeError: there are more than `limit` octets.
        """
        with Explaining(self._body):
            return as_json(self.read(limit=limit), self._headers)

    async def alines(
        self: Response[AsyncBody], *, charset: str | None = None, limit: int = DEFAULT_LINE_LIMIT
    ) -> AsyncIterator[str]:
        """The lines of the content as they arrive, each without its LF or CR LF.

        Raises:
            ContentDecodingError: it is no text, or is still coded.
            ContentTooLargeError: a line has more than `limit` characters.
        """
        with Explaining(self._body):
            reader = LineReader(charset_of(self._headers, charset), limit)
            async for chunk in self._astored():
                for line in reader.feed(chunk):
                    yield line
            for line in reader.finish():
                yield line

    def lines(
        self: Response[SyncBody], *, charset: str | None = None, limit: int = DEFAULT_LINE_LIMIT
    ) -> Iterator[str]:
        """The lines of the content as they arrive, each without its LF or CR LF.

        Raises:
            ContentDecodingError: it is no text, or is still coded.
            ContentTooLargeError: a line has more than `limit` characters.
        """
        with Explaining(self._body):
            reader = LineReader(charset_of(self._headers, charset), limit)
            for chunk in self._stored():
                yield from reader.feed(chunk)
            yield from reader.finish()

    async def awrite_to(
        self: Response[AsyncBody], sink: AsyncSinkInput, *, error_limit: int = DEFAULT_ERROR_LIMIT
    ) -> int | None:
        """Write the content of a success to `sink` and give the number of octets.

        A sink is anything with `write`, a callback, or a `Path`.  It is not closed; one that can be
        read is taken back to where the content begins, and what failed half-way is undone where it
        can be.  A response that is not 2xx leaves the sink alone: the answer is None, and `aread`
        gives its content, of which at most `error_limit` octets are kept.

        Raises:
            SinkError: the sink did not take the content.
            ContentTooLargeError: a response that is no success has more than `error_limit` octets.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        if not self.ok:
            await self.aread(limit=error_limit)
            return None
        with Explaining(self._body):
            try:
                return await apour(self._astored(), sink)
            finally:
                await self.body.aclose()

    def write_to(self: Response[SyncBody], sink: SinkInput, *, error_limit: int = DEFAULT_ERROR_LIMIT) -> int | None:
        """Write the content of a success to `sink` and give the number of octets.

        A sink is anything with `write`, a callback, or a `Path`.  It is not closed; one that can be
        read is taken back to where the content begins, and what failed half-way is undone where it
        can be.  A response that is not 2xx leaves the sink alone: the answer is None, and `read`
        gives its content, of which at most `error_limit` octets are kept.

        Raises:
            SinkError: the sink did not take the content.
            ContentTooLargeError: a response that is no success has more than `error_limit` octets.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        if not self.ok:
            self.read(limit=error_limit)
            return None
        with Explaining(self._body):
            try:
                return pour(self._stored(), sink)
            finally:
                self.body.close()

    def watch(self, hook: ProgressHook) -> None:
        """Have `hook` told how much of the content has arrived, from now on."""
        if isinstance(self._body, ReceivedBody):
            self._body.watch(Meter(hook, "received", self._body.length).update)
        else:
            self._body = watched(self._body, hook, "received")

    def _astored(self: Response[AsyncBody]) -> AsyncIterator[bytes]:
        return (self.body if self._content is None else BytesBody(self._content)).achunks(reader="the response")

    def _stored(self: Response[SyncBody]) -> Iterator[bytes]:
        return (self.body if self._content is None else BytesBody(self._content)).chunks(reader="the response")

    async def aclose(self: Response[AsyncBody]) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        await self.body.aclose()

    def close(self: Response[SyncBody]) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        self.body.close()

    async def __aenter__(self: Response[AsyncBody]) -> Response[AsyncBody]:
        return self

    async def __aexit__(self: Response[AsyncBody], *exception: object) -> None:
        await self.aclose()

    def __enter__(self: Response[SyncBody]) -> Response[SyncBody]:
        return self

    def __exit__(self: Response[SyncBody], *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        """Status, version and sizes; no field value and no content."""
        about = f" to {self.request_method} {self.request_uri}" if self.request_method else ""
        return f"<Response {self.status}{about}, {self.http_version}, {self._body!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        """A response can be copied and pickled if its content is in memory: bytes, or read to its end."""
        content = self._body.content if isinstance(self._body, BytesBody) else self._content
        if content is None:
            raise TypeError(
                f"a response can be copied and pickled once its content was read, and this one has {self!r}"
            )
        try:
            trailers = self.trailers
        except TrailersUnavailableError:
            trailers = None
        parts = (self._reason, self._headers, content, trailers, self._http_version, list(self.extensions))
        return _remake, (self._status, *parts, self.connection, self.request_method, self.request_uri)

    def _allow(self, part: str) -> None:
        if self._reader is not None:
            raise SealedError(
                f"the {part} of the response may not change here: {self._reader} relies on it; "
                "change it in modify_response",
                part=part,
                sealed_by=self._reader,
            )


AnyResponse: TypeAlias = Response[Body]
"""A response of any body: what hooks take."""


def _remake(
    status: int,
    reason: str,
    headers: Fields,
    content: bytes,
    trailers: Fields | None,
    version: HttpVersion,
    extensions: list[object],
    connection: ConnectionInfo,
    request_method: str | None,
    request_uri: str | None,
) -> Response[BytesBody]:
    response = Response(
        status,
        headers=headers,
        body=content,
        reason=reason,
        trailers=trailers or (),
        http_version=version,
        extensions=Extensions(extensions),
        connection=connection,
    )
    if trailers is None:
        response._trailers = None
    response.request_method = request_method
    response.request_uri = request_uri
    return response


def replace_content(response: AnyResponse, body: Body) -> None:
    """Have `response` give its content from elsewhere: from where it went."""
    response._body = body
    response._content = None


def view_response(response: AnyResponse, reader: str) -> AnyResponse:
    """A response that shows the same and refuses every change; reading its content still reads it."""
    view: AnyResponse = object.__new__(type(response))
    for slot in Response.__slots__:
        if slot != "__orig_class__":
            setattr(view, slot, getattr(response, slot))
    guard = Guard([(None, reader)])
    view._headers = view_fields(response._headers, guard)
    view._trailers = None if response._trailers is None else view_fields(response._trailers, guard)
    view._reader = reader
    view.extensions = response.extensions.copy()
    return view
