"""Completing a request: everything that a signer must see is there, and framing is decided.

Floor 7: stands on messages.

Content that changes its form for sending does so first, because framing depends on it.
Afterwards the list of lines is final: no adapter adds one.  `Host` comes first, because three of the
clients below can send it nowhere else.  Where the request goes and what decides the end of the message is
sealed even when nobody signs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stablehttp._body import ChainedBody, check_length_known
from stablehttp._errors import FramingError
from stablehttp._field_lines import Owned
from stablehttp._field_syntax import split_list
from stablehttp._field_value import FieldLine
from stablehttp._fields import owned_lines
from stablehttp._message import AnyRequest, check_framing, check_trailers, has_trailers, replace_body, seal
from stablehttp._uri import URI

_EMPTY_HAS_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "trailer", "@authority", "@scheme"})
SEALED_BY: Final = "the framing of the message"


def complete(request: AnyRequest, unavoidable: Iterable[FieldLine] = ()) -> None:
    """Put `Host` first and add what framing needs: `Content-Length`, `Transfer-Encoding`, `Trailer`.

    Framing that the caller gave is kept if it agrees with the body.  `unavoidable` lines, which the client below would
    send in any case, are added where there is none of their name.

    Raises:
        FramingError: it does not agree, or trailers are to follow content of a declared length.
        InvalidFieldError: `Host` is no authority, or a trailer comes too late for what it says.
    """
    chained = request.body.chained
    if chained is not None:
        _announce_content(request, chained)
    headers = owned_lines(request.headers)
    chunked = has_trailers(request)
    check_framing(request.headers, request.body)
    headers.put_first("host", ("Host", _authority(request.uri)))
    if "content-length" not in headers.lines and "transfer-encoding" not in headers.lines:
        _add_length(request, headers, chunked=chunked)
    if chunked:
        check_trailers(request.trailers)
        _announce_trailers(headers, _trailer_names(request))
    for line in unavoidable:
        if line[0].lower() not in headers.lines:
            headers.add(line[0].lower(), line)
    seal(request, _FRAMING, SEALED_BY)


def apply_framing(request: AnyRequest, *, requires_length: bool = False) -> None:
    """Add the framing that the body needs, as sending would, where a caller wants to see it earlier.

    That is `Content-Length`, or `Transfer-Encoding: chunked` where the length is unknown or trailers
    follow, and `Trailer`.  Framing that is there already is kept if it agrees with the body.  With
    `requires_length` the content is never sent in chunks.

    Raises:
        UnknownLengthError: the length is required, and neither the body nor `Content-Length` tells it.
        FramingError: what is there does not agree with the body, or trailers need chunks and a length is required.
    """
    headers = owned_lines(request.headers)
    check_framing(request.headers, request.body)
    if requires_length and "content-length" not in headers.lines:
        check_length_known(request.body)
        if has_trailers(request) or "transfer-encoding" in headers.lines:
            raise FramingError(
                "a length is required, so the content may not be sent in chunks, and no trailers can follow it; "
                "drop the trailers and 'Transfer-Encoding'"
            )
    if "content-length" not in headers.lines and "transfer-encoding" not in headers.lines:
        length, method = request.body.length, request.method
        if length is None or has_trailers(request):
            request.headers.add("Transfer-Encoding", "chunked")
        elif length or method in _EMPTY_HAS_LENGTH:
            request.headers.add("Content-Length", str(length))
    if has_trailers(request):
        _check_chunked(owned_lines(request.headers))
        if "trailer" not in request.headers:
            request.headers.add("Trailer", ", ".join(_trailer_names(request)))


def apply_content_type(request: AnyRequest, default: str = "application/octet-stream") -> None:
    """Add `Content-Type` where there is content and nobody said what it is: that of a form, else `default`.

    Nothing calls this unasked.  A line that is there is kept, and a request without content gets none.

    Raises:
        InvalidFieldError: `default` cannot stand in a field.
    """
    body = request.body
    if body.length != 0 and "content-type" not in request.headers:
        own: object = getattr(body.bare, "content_type", None)
        request.headers.add("Content-Type", own if isinstance(own, str) else default)


def _announce_content(request: AnyRequest, chained: ChainedBody) -> None:
    replace_body(request, request.body.renewed())
    for name, value in chained.announcement:
        if name == "Content-Encoding":
            codings = split_list(request.headers.get(name, ""))
            value = ", ".join([*(coding for coding in codings if coding.lower() != value), value])
        request.headers.set(name, value)


def _trailer_names(request: AnyRequest) -> list[str]:
    given = request.trailers.keys()
    folded = {name.lower() for name in given}
    return [*given, *[name for name in request.body.trailer_names if name.lower() not in folded]]


def _add_length(request: AnyRequest, headers: Owned, *, chunked: bool) -> None:
    length = request.body.length
    if length is None or chunked:
        headers.add("transfer-encoding", ("Transfer-Encoding", "chunked"))
    elif length or request.method in _EMPTY_HAS_LENGTH:
        headers.add("content-length", ("Content-Length", str(length)))


def _announce_trailers(headers: Owned, names: list[str]) -> None:
    _check_chunked(headers)
    if "trailer" not in headers.lines:
        headers.add("trailer", ("Trailer", ", ".join(names)))


def _check_chunked(headers: Owned) -> None:
    if "content-length" in headers.lines:
        raise FramingError(
            "trailers follow chunked content only (RFC 9112 §6.5), and 'Content-Length' was given; "
            "leave it out, or drop the trailers"
        )


def _authority(uri: URI) -> str:
    target = uri.target
    if uri.is_verbatim and not target.startswith("/") and target != "*" and "://" not in target:
        return target
    return uri.authority
