"""Completing a request: everything that a signer must see is there, and framing is decided.

Floor 7: stands on messages.

Afterwards the list of lines is final: no adapter adds one.  `Host` comes first, because three of the
clients below can send it nowhere else, and what decides the end of the message is sealed even when
nobody signs.
"""

from __future__ import annotations

from typing import Final

from stablehttp._errors import FramingError
from stablehttp._field_lines import Owned
from stablehttp._fields import owned_lines
from stablehttp._message import AnyRequest, check_framing, seal_parts
from stablehttp._uri import URI

_EMPTY_HAS_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})
_FRAMING: Final = frozenset({"host", "content-length", "transfer-encoding", "trailer"})
SEALED_BY: Final = "the framing of the message"


def complete(request: AnyRequest) -> None:
    """Put `Host` first and add what framing needs: `Content-Length`, `Transfer-Encoding`, `Trailer`.

    Framing that the caller gave is kept if it agrees with the body.

    Raises:
        FramingError: it does not agree, or trailers are to follow content of a declared length.
        InvalidFieldError: `Host` is no authority.
    """
    headers = owned_lines(request.headers)
    trailers = owned_lines(request.trailers)
    check_framing(request.headers, request.body)
    headers.put_first("host", ("Host", _authority(request.uri)))
    if "content-length" not in headers.lines and "transfer-encoding" not in headers.lines:
        _add_length(request, headers, chunked=bool(trailers.lines))
    if trailers.lines:
        _announce_trailers(headers, request.trailers.keys())
    seal_parts(request, (), _FRAMING, SEALED_BY)


def _add_length(request: AnyRequest, headers: Owned, *, chunked: bool) -> None:
    length = request.body.length
    if length is None or chunked:
        headers.add("transfer-encoding", ("Transfer-Encoding", "chunked"))
    elif length or request.method in _EMPTY_HAS_LENGTH:
        headers.add("content-length", ("Content-Length", str(length)))


def _announce_trailers(headers: Owned, names: list[str]) -> None:
    if "content-length" in headers.lines:
        raise FramingError(
            "trailers follow chunked content only (RFC 9112 §6.5), and 'Content-Length' was given; "
            "leave it out, or drop the trailers"
        )
    if "trailer" not in headers.lines:
        headers.add("trailer", ("Trailer", ", ".join(names)))


def _authority(uri: URI) -> str:
    target = uri.target
    if uri.is_verbatim and not target.startswith("/") and target != "*" and "://" not in target:
        return target
    return uri.authority
