"""The canonical form of a request target: path and query.

Floor 2: stands on errors.

A server computes this form from the octets that arrived, by decoding and encoding again.  So the
target is never changed here, only read: whatever spelling went on the request line, the form is
the one that the server will find.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias
from urllib.parse import quote, unquote_to_bytes

from stablehttp._errors import SigningError

PathEncoding: TypeAlias = Literal["once", "twice"]
"""How often the octets of a path are encoded in the canonical form: S3 says once, all others twice."""

PathSegments: TypeAlias = Literal["normalized", "as-sent"]
"""Whether `.`, `..` and empty segments are resolved in the canonical form; S3 keeps them."""

_UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]*").fullmatch
_UNRESERVED_PATH = re.compile(r"[A-Za-z0-9\-._~/]*").fullmatch

# what nobody needs to encode again: an octet that may not stand raw, in the one spelling that the form has for it
_ENCODED = r"%(?:[0189A-F][0-9A-F]|2[0-9A-C]|3[A-F]|[46]0|5[B-E]|7[BCDF])"
_CANONICAL_PATH = re.compile(rf"(?:[A-Za-z0-9\-._~/]++|{_ENCODED})*+").fullmatch
_CANONICAL_PARAMETER = re.compile(
    rf"(?:[A-Za-z0-9\-._~]++|%2F|{_ENCODED})++=(?:[A-Za-z0-9\-._~]++|%2F|{_ENCODED})*+"
).fullmatch


def split_target(target: str) -> tuple[str, str]:
    """Give path and query of a request target, without the question mark.

    Raises:
        SigningError: the target has no path: it is in authority or asterisk form.
    """
    path, _, query = target.partition("?")
    if path.startswith("/"):
        return path, query
    if "://" in path:
        _, slash, rest = path.partition("://")[2].partition("/")
        return slash + rest or "/", query
    if not path:
        return "/", query
    raise SigningError(
        "a request target without a path (authority or asterisk form) cannot be signed; send it unsigned"
    )


def canonical_path(path: str, encoding: PathEncoding, segments: PathSegments) -> str:
    """Give the path as the server will spell it, whatever characters were sent encoded or raw."""
    if segments == "normalized" and ("//" in path or "/." in path):
        path = without_dots(path)
    if encoding == "twice":
        return path if _UNRESERVED_PATH(path) else _quoted(path, "/~")
    return path if _CANONICAL_PATH(path) else _quoted(_octets(path), "/~")


def without_dots(path: str) -> str:
    """Resolve `.` and `..`, and drop empty segments, as services other than S3 do."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def parse_query(query: str) -> list[tuple[str, str]]:
    """Split a query into encoded names and values, in order; a parameter without a value gets an empty one."""
    pairs: list[tuple[str, str]] = []
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((_reencoded(name), _reencoded(value)))
    return pairs


def canonical_query(query: str) -> str:
    """Give the parameters encoded, and sorted by encoded name, then by encoded value."""
    return query if not query or _CANONICAL_PARAMETER(query) else join_query(parse_query(query))


def join_query(pairs: list[tuple[str, str]]) -> str:
    """Sort parameters that are encoded already, and join them."""
    pairs.sort()
    return "&".join([f"{name}={value}" for name, value in pairs])


def encoded(text: str) -> str:
    """Percent-encode everything but unreserved characters."""
    return text if _UNRESERVED(text) else _quoted(text, "~")


def _reencoded(text: str) -> str:
    return text if _UNRESERVED(text) else _quoted(_octets(text.replace("+", " ")), "~")


def _quoted(text: str | bytes, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:
        raise _not_text() from None


def _octets(text: str) -> bytes:
    try:
        return unquote_to_bytes(text)
    except UnicodeEncodeError:
        raise _not_text() from None


def _not_text() -> SigningError:
    return SigningError("the request target holds half a surrogate pair, which has no octets; encode it first")
