"""Completing a request: everything that a signer must see is there, and framing is decided.

Floor 7: stands on messages.

Afterwards the list of lines is final: no adapter adds one.  `Host` comes first, because three of the
clients below can send it nowhere else, and what decides the end of the message is sealed even when
nobody signs.
"""

from __future__ import annotations

from typing import Final

from stablehttp._errors import FramingError
from stablehttp._fields import Fields, folded_names, put_first
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
    headers = request.headers
    check_framing(headers, request.body)
    if "host" in headers or request.uri.authority:
        put_first(headers, "Host", _authority(request.uri))
    _add_length(request, headers)
    if len(request.trailers):
        _announce_trailers(request, headers)
    seal_parts(request, (), _FRAMING, SEALED_BY)


def _add_length(request: AnyRequest, headers: Fields) -> None:
    names = folded_names(headers)
    if "content-length" in names or "transfer-encoding" in names:
        return
    length = request.body.length
    if length is None or len(request.trailers):
        headers.add("Transfer-Encoding", "chunked")
    elif length or request.method in _EMPTY_HAS_LENGTH:
        headers.add("Content-Length", str(length))


def _announce_trailers(request: AnyRequest, headers: Fields) -> None:
    if "content-length" in headers:
        raise FramingError(
            "trailers follow chunked content only (RFC 9112 §6.5), and 'Content-Length' was given; "
            "leave it out, or drop the trailers"
        )
    if "trailer" not in headers:
        headers.add("Trailer", ", ".join(request.trailers.keys()))


def _authority(uri: URI) -> str:
    target = uri.target
    if uri.is_verbatim and not target.startswith("/") and target != "*" and "://" not in target:
        return target
    return uri.authority
