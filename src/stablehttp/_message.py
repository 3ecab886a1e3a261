"""Requests.

Floor 5: stands on bodies, fields, URIs and extensions.

A message owns its fields: what is given to a constructor is copied.  The body is read-only, because
its type is part of the message's type; `with_body` gives a new request.  Whatever decides where a
message ends is checked when it is built, and once more when it is completed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast, final, overload

from stablehttp._body import (
    AsyncBody,
    AsyncReader,
    B_co,
    BinaryFile,
    Body,
    BytesBody,
    BytesLike,
    DualBody,
    FileBody,
    Reader,
    SyncBody,
    make_body,
)
from stablehttp._errors import (
    BodyTakenError,
    FramingError,
    InvalidFieldError,
    InvalidMethodError,
    SealedError,
)
from stablehttp._extensions import Extensions
from stablehttp._field_lines import Guard
from stablehttp._field_value import is_secret
from stablehttp._fields import Fields, LinesInput, guard_fields, owned_lines, view_fields
from stablehttp._grammar import COMMON_METHODS, FORBIDDEN_IN_TRAILERS, first_bad_in_token, is_content_length, is_token
from stablehttp._redaction import CREDENTIAL_FIELDS, redact_uri, shorten
from stablehttp._uri import URI

B = TypeVar("B", bound=Body)

_METHOD: Final = ("@method",)
_URI: Final = ("@request-target", "@target-uri", "@path", "@query")
_ORIGIN: Final = ("@authority", "@scheme")
_HOST = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?").fullmatch


@final
@dataclass(frozen=True, slots=True)
class RequestParts(Generic[B_co]):
    """What a request is made of; the sections are the owner's to change."""

    method: str
    uri: URI
    headers: Fields
    body: B_co
    trailers: Fields
    extensions: Extensions


@final
class Request(Generic[B_co]):
    """A request that cannot be invalid, and belongs to no client.

    `method` and `uri` are checked when assigned; `headers` and `trailers` are sections that are
    changed in place; the body is part of the type and is changed by `with_body`.
    """

    __slots__ = ("_body", "_guard", "_headers", "_method", "_trailers", "_uri", "extensions")

    @overload
    def __init__(
        self: Request[BytesBody],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: BytesLike | None = ...,
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Request[B],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: B,
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Request[FileBody],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: BinaryFile,
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Request[DualBody],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: Reader,
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Request[AsyncBody],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: AsyncIterable[bytes] | AsyncReader,
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: Request[SyncBody],
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = ...,
        body: Iterable[bytes],
        trailers: LinesInput = ...,
        extensions: Extensions | None = ...,
    ) -> None: ...
    def __init__(
        self,
        method: str,
        uri: str | URI,
        *,
        headers: LinesInput = (),
        body: object = None,
        trailers: LinesInput = (),
        extensions: Extensions | None = None,
    ) -> None:
        """Build a request; everything is checked now.

        `body` is bytes, a `Body`, a binary file or a reader, or an iterable or asynchronous iterable
        of bytes.  No field is
        added here: `Host` and framing come when the request is sent.

        Raises:
            InvalidMessageError: some part is invalid, or the parts do not agree; its subclass says which.
        """
        self._guard: Guard | None = None
        self._method = _checked_method(method)
        self._uri = uri if isinstance(uri, URI) else URI(uri)
        self._headers = Fields(headers)
        self._trailers = None if trailers == () else _checked_trailers(trailers)
        self._body: B_co = cast(B_co, BytesBody(body) if type(body) is bytes else make_body(body))
        self.extensions: Extensions = Extensions() if extensions is None else Extensions(extensions)
        check_framing(self._headers, self._body)

    @property
    def method(self) -> str:
        """The method, a token, in the case it was given."""
        return self._method

    @method.setter
    def method(self, method: str) -> None:
        if self._guard is not None:
            self._allow("method", _METHOD)
        self._method = _checked_method(method)

    @property
    def uri(self) -> URI:
        """Where the request goes."""
        return self._uri

    @uri.setter
    def uri(self, uri: str | URI) -> None:
        new = uri if isinstance(uri, URI) else URI(uri)
        if self._guard is not None:
            self._allow("uri", _URI)
            if new.origin != self._uri.origin:
                self._allow("origin", _ORIGIN)
        self._uri = new

    @property
    def headers(self) -> Fields:
        """The header section."""
        return self._headers

    @property
    def trailers(self) -> Fields:
        """The trailer section, sent after the content; it is sealed as a whole by the first seal."""
        if self._trailers is None:  # few requests have any, so the section is made when somebody asks
            self._trailers = Fields()
            if self._guard is not None:
                guard_fields(self._trailers, Guard([(None, self._guard.seals[0][1])]))
        return self._trailers

    @property
    def body(self) -> B_co:
        """Where the content comes from."""
        return self._body

    @property
    def target(self) -> str:
        """Exactly what goes on the request line."""
        return self._uri.target

    @property
    def sealed_by(self) -> str | None:
        """Who signed this request, or fixed it for sending; None while it may change freely."""
        if self._guard is None:
            return None
        return self._guard.author(_METHOD + _URI) or "the pipeline"

    @overload
    def with_body(self, body: BytesLike | None) -> Request[BytesBody]: ...
    @overload
    def with_body(self, body: B) -> Request[B]: ...
    @overload
    def with_body(self, body: BinaryFile) -> Request[FileBody]: ...
    @overload
    def with_body(self, body: Reader) -> Request[DualBody]: ...
    @overload
    def with_body(self, body: AsyncIterable[bytes] | AsyncReader) -> Request[AsyncBody]: ...
    @overload
    def with_body(self, body: Iterable[bytes]) -> Request[SyncBody]: ...
    def with_body(self, body: object) -> Request[Any]:
        """A new, unsealed request with another body, and without the framing fields of the old one.

        Raises:
            InvalidBodyError: `body` cannot be one.
        """
        made = make_body(body)
        request: Request[Any] = derive(self)
        request._body = made
        request._headers.remove("Content-Length")
        request._headers.remove("Transfer-Encoding")
        return request

    def retarget(self, uri: str | URI) -> Request[B_co]:
        """A new, unsealed request to another place, a redirect's target say, with the same body.

        If the origin changes, `Host` and all lines of credential fields and of values marked as secret
        are left behind: they were meant for the old origin only.

        Raises:
            InvalidURIError: `uri` is not absolute.
        """
        request = derive(self)
        request._uri = uri if isinstance(uri, URI) else URI(uri)
        if request._uri.origin != self._uri.origin:
            for name in [*CREDENTIAL_FIELDS, "host"]:
                request._headers.remove(name)
            for name, value in self._headers.items():
                if is_secret(value):
                    request._headers.remove(name)
        return request

    def parts(self) -> RequestParts[B_co]:
        """All parts of the request, its own sections included, for whoever takes it to pieces."""
        return RequestParts(
            self._method, self._uri, self._headers.copy(), self.body, self.trailers.copy(), self.extensions.copy()
        )

    @classmethod
    def from_parts(cls, parts: RequestParts[B]) -> Request[B]:
        """Put a request together again; nothing is missing from `parts`.

        Raises:
            InvalidMessageError: the parts were changed, and do not agree any more.
        """
        return Request(
            parts.method,
            parts.uri,
            headers=parts.headers,
            body=parts.body,
            trailers=parts.trailers,
            extensions=parts.extensions,
        )

    def copy(self) -> Request[B_co]:
        """A new, unsealed request with fields of its own.

        Raises:
            BodyTakenError: the body can be read only once, so that two requests cannot have it.
        """
        if not self._body.replayable:
            raise BodyTakenError(
                "a request whose body can be read only once cannot be copied; give the copy a body with with_body()",
                taken_by=self._body.taken_by or "the request itself",
            )
        return derive(self)

    def __repr__(self) -> str:
        """Method, redacted URI and sizes; no field value."""
        where = shorten(redact_uri(str(self._uri)))
        return f"<Request {self._method} {where}, {len(self._headers)} field lines, {self._body!r}>"

    def __eq__(self, other: object) -> bool:
        """Equal if method, URI, fields and body are."""
        if not isinstance(other, Request):
            return NotImplemented
        theirs = cast(AnyRequest, other)
        return (self._method, self._uri, self._headers, self.trailers, self._body) == (
            theirs._method,
            theirs._uri,
            theirs._headers,
            theirs.trailers,
            theirs._body,
        )

    def __copy__(self) -> Request[B_co]:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Request[B_co]:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self._body, BytesBody):
            raise TypeError(f"a request can be pickled if its content is bytes, and this one has {self._body!r}")
        return _remake_request, (
            self._method,
            self._uri,
            self._headers,
            self._body.content,
            self.trailers,
            list(self.extensions),
        )

    def _allow(self, part: str, components: tuple[str, ...]) -> None:
        sealed_by = self._guard.author(components) if self._guard is not None else None
        if sealed_by is not None:
            raise SealedError(
                f"the {part} of the request may not change any more: {sealed_by} relies on it; "
                "change it in an earlier hook, or work on request.copy()",
                part=part,
                sealed_by=sealed_by,
            )


AnyRequest: TypeAlias = Request[Body]
"""A request of any body: what hooks and signers take."""


def derive(request: Request[B]) -> Request[B]:
    """An unsealed request with fields of its own and the same body, for whoever must not change the original."""
    new: Request[B] = object.__new__(type(request))
    new._guard = None
    new._method = request._method
    new._uri = request._uri
    new._headers = request._headers.copy()
    new._trailers = None if request._trailers is None else request._trailers.copy()
    new._body = request._body
    new.extensions = request.extensions.copy()
    return new


def replace_body(request: AnyRequest, body: Body) -> None:
    """Have `request` send another body, of the same colour, before anything of it is sealed."""
    request._body = body


def view_request(request: AnyRequest, reader: str) -> AnyRequest:
    """A request that shows the same and refuses every change; `reader` is named in the refusal."""
    view: AnyRequest = object.__new__(type(request))
    view._guard = guard = Guard([(None, reader)])
    view._method = request._method
    view._uri = request._uri
    view._headers = view_fields(request._headers, guard)
    view._trailers = view_fields(request.trailers, guard)
    view._body = request._body
    view.extensions = request.extensions.copy()
    return view


def seal(request: AnyRequest, parts: frozenset[str] | None, sealed_by: str) -> None:
    """From now on these may not change: folded names of fields, and components as signers name them (`@method`).

    None stands for everything.  What is sealed already keeps its author.
    """
    guard = request._guard
    if guard is None:
        guard = request._guard = Guard([])
        guard_fields(request._headers, guard)
        if request._trailers is not None:
            guard_fields(request._trailers, Guard([(None, sealed_by)]))
    guard.seals.append((parts, sealed_by))


def seal_whole(request: AnyRequest, sealed_by: str) -> None:
    """From now on nothing of the request may change; what is sealed already keeps its author."""
    seal(request, None, sealed_by)


def has_trailers(request: AnyRequest) -> bool:
    """Whether trailers follow the content: given, or computed by the body while it is sent."""
    return (request._trailers is not None and len(request._trailers) > 0) or bool(request._body.trailer_names)


# --- rules ---------------------------------------------------------------------------------------


def check_framing(headers: Fields, body: Body) -> None:
    """Make sure that what the caller said about `Host` and framing can be true.

    Raises:
        FramingError: `Content-Length` or `Transfer-Encoding` is invalid, repeated, or does not agree
            with the body (RFC 9112 §6).
        InvalidFieldError: `Host` is repeated or is no authority (RFC 9112 §3.2).
    """
    names = owned_lines(headers).lines
    if "content-length" in names or "transfer-encoding" in names:
        _check_lengths(headers.values("content-length"), headers.values("transfer-encoding"), body)
    if "host" in names:
        _check_host(headers.values("host"))


def _check_host(hosts: tuple[str, ...]) -> None:
    if len(hosts) > 1 or not all(host == "" or _HOST(host) for host in hosts):
        problem = "stands more than once" if len(hosts) > 1 else "is not a host with an optional port"
        raise InvalidFieldError(f"field 'Host' {problem} (RFC 9112 §3.2); give one authority", field="host")


def _check_lengths(lengths: tuple[str, ...], codings: tuple[str, ...], body: Body) -> None:
    if lengths and codings:
        raise FramingError(
            "'Content-Length' and 'Transfer-Encoding' stand together, so the message could be read in two ways "
            "(RFC 9112 §6.1); remove one"
        )
    if codings and codings != ("chunked",):
        raise FramingError(
            "'Transfer-Encoding' must be exactly 'chunked', once (RFC 9112 §6.1); "
            "for a content coding use 'Content-Encoding'"
        )
    if len(lengths) > 1 or not all(map(is_content_length, lengths)):
        raise FramingError("'Content-Length' must be one number of at most 19 digits (RFC 9110 §8.6)")
    if lengths and body.length not in (None, int("".join(lengths))):
        raise FramingError(
            f"'Content-Length' says {''.join(lengths)} octets and the body has {body.length} (RFC 9110 §8.6); "
            "leave the field out, it is added when the request is sent"
        )


def _checked_method(method: object) -> str:
    if type(method) is str and method in COMMON_METHODS:
        return method
    if not isinstance(method, str):
        raise InvalidMethodError(f"a method must be a str, not {type(method).__name__}")
    method = str.__str__(method)  # a subclass may say anything about itself
    if not is_token(method):
        index = first_bad_in_token(method)
        what = "is empty" if not method else f"holds {method[index]!r} at index {index}"
        raise InvalidMethodError(f"method {what}, and a method is a token (RFC 9110 §9.1)")
    return method


def _checked_trailers(lines: LinesInput) -> Fields:
    trailers = Fields(lines)
    check_trailers(trailers)
    return trailers


def check_trailers(trailers: Fields) -> None:
    """Make sure that every line may come after the content.

    Raises:
        InvalidFieldError: one may not.
    """
    for folded, (name, _) in owned_lines(trailers).named():
        if folded in FORBIDDEN_IN_TRAILERS:
            raise InvalidFieldError(
                f"field {name!r} may not stand in trailers, where it comes too late (RFC 9110 §6.5.1); "
                "put it into headers",
                field=name,
            )


def _remake_request(
    method: str, uri: URI, headers: Fields, content: bytes, trailers: Fields, extensions: list[object]
) -> Request[BytesBody]:
    return Request(method, uri, headers=headers, body=content, trailers=trailers, extensions=Extensions(extensions))
