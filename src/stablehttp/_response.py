"""Responses.

Floor 6: stands on received content, bodies, fields and extensions.

A response belongs to whoever received it, and can as well be built by hand.  Its content is streamed
unless somebody reads all of it, and then a stated limit bounds what is held in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeAlias, TypeVar, cast, final, overload

from stablehttp._body import AsyncBody, B_co, Body, BytesBody, BytesLike, SyncBody, make_body
from stablehttp._errors import ContentTooLargeError, InvalidMessageError, InvalidStatusError
from stablehttp._extensions import Extensions
from stablehttp._field_lines import Guard
from stablehttp._fields import Fields, LinesInput, view_fields
from stablehttp._http_version import HttpVersion
from stablehttp._received import ReceivedBody

B = TypeVar("B", bound=Body)

DEFAULT_READ_LIMIT: Final = 64 * 1024 * 1024
"""How many octets `read` and `aread` hold in memory unless told otherwise."""


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
        "_trailers",
        "connection",
        "extensions",
        "http_version",
        "reason",
        "request_method",
        "request_uri",
        "status",
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
        if type(status) is not int or not 100 <= status <= 999:
            raise InvalidStatusError(f"a status is an integer from 100 to 999 (RFC 9110 §15), not {status!r:.40}")
        self.status: int = status
        self.reason: str = reason
        self._headers = headers if isinstance(headers, Fields) and isinstance(body, ReceivedBody) else Fields(headers)
        self._body = make_body(body)
        self._trailers = Fields(trailers)
        self.http_version: HttpVersion = http_version
        self.extensions: Extensions = Extensions() if extensions is None else extensions.copy()
        self.connection: ConnectionInfo = connection
        self._content: bytes | None = None
        self.request_method: str | None = None
        self.request_uri: str | None = None

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
        return self._body.trailers() if isinstance(self._body, ReceivedBody) else self._trailers

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
            _check_limit(self.body, limit)
            gathered = bytearray()
            try:
                async for chunk in self.body.achunks(reader="Response.aread"):
                    _check_more(len(gathered) + len(chunk), limit)
                    gathered += chunk
            finally:
                await self.body.aclose()
            self._content = bytes(gathered)
        return self._content

    def read(self: Response[SyncBody], *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        """All of the content, kept so that a second call gives it again; then the connection is given back.

        Raises:
            ContentTooLargeError: there are more than `limit` octets; the response is closed.
            TransportError, HTTPTimeoutError: the content ended too early, or too late.
        """
        if self._content is None:
            _check_limit(self.body, limit)
            gathered = bytearray()
            try:
                for chunk in self.body.chunks(reader="Response.read"):
                    _check_more(len(gathered) + len(chunk), limit)
                    gathered += chunk
            finally:
                self.body.close()
            self._content = bytes(gathered)
        return self._content

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


AnyResponse: TypeAlias = Response[Body]
"""A response of any body: what hooks take."""


def _check_limit(body: Body, limit: int) -> None:
    if limit < 0:
        raise InvalidMessageError("limit must be a number of octets that is not negative")
    if body.length is not None and body.length > limit:
        _check_more(body.length, limit)


def _check_more(octets: int, limit: int) -> None:
    if octets > limit:
        raise ContentTooLargeError(
            f"the content has more than the {limit} octets that were to be held in memory; "
            "give a larger limit, or read it in chunks",
            limit=limit,
            sent="yes",
            processed="yes",
        )


def view_response(response: AnyResponse, reader: str) -> AnyResponse:
    """A response that shows the same and refuses every change; reading its content still reads it."""
    view: AnyResponse = object.__new__(type(response))
    for slot in Response.__slots__:
        if slot != "__orig_class__":
            setattr(view, slot, getattr(response, slot))
    guard = Guard([(None, reader)])
    view._headers = view_fields(response._headers, guard)
    view._trailers = view_fields(response._trailers, guard)
    view.extensions = response.extensions.copy()
    return view
