"""A URI from parts that are not encoded yet: the only place that encodes.

Floor 1: stands on redaction and errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, cast
from urllib.parse import quote

from stablehttp._errors import InvalidURIError
from stablehttp._redaction import shorten

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def build_uri(
    scheme: str, host: str, port: int | None, segments: Iterable[str], query: Iterable[tuple[str, str | None]]
) -> str:
    """The text of a URI made of these parts, the host in ASCII; everything but unreserved characters is encoded.

    Raises:
        InvalidURIError: a part cannot stand in a URI however it is encoded.
    """
    if port is not None and type(port) is not int:
        raise InvalidURIError(f"a port must be an int, not {type(port).__name__}")
    if isinstance(segments, (str, bytes)):
        raise InvalidURIError("segments are an iterable of str, not one; give [segment]")
    host = _host_to_build(host)
    encoded = [_encoded(segment, "a path segment") for segment in segments]
    if any(segment in (".", "..") for segment in encoded):
        raise InvalidURIError(
            "a path segment is '.' or '..', which receivers take for a step in the tree (RFC 3986 §3.3); "
            "use URI.verbatim if it is meant as a name"
        )
    pairs = [_encoded_pair(pair) for pair in query]
    if plain_text(scheme, "a scheme").lower() not in DEFAULT_PORTS:
        raise InvalidURIError(f"scheme {shorten(scheme, 40)!r} is not 'http' or 'https' (RFC 9110 §4.2)")
    path = "/" + "/".join(encoded)
    where = "" if port is None else f":{port}"
    return f"{scheme}://{host}{where}{path}" + ("?" + "&".join(pairs) if pairs else "")


def plain_text(value: object, what: str) -> str:
    """`value` as a plain `str`: a subclass may say anything about itself.

    Raises:
        InvalidURIError: it is no `str`; `what` says what it should have been.
    """
    if not isinstance(value, str):
        raise InvalidURIError(f"{what} must be a str, not {type(value).__name__}")
    return str.__str__(value)


def _encoded(value: object, what: str) -> str:
    try:
        return quote(plain_text(value, what), safe="")
    except UnicodeEncodeError:  # it would carry the text, which may be a secret
        raise InvalidURIError(f"{what} holds half of a surrogate pair, which has no octets (RFC 3986 §2.5)") from None


def _encoded_pair(pair: object) -> str:
    if not isinstance(pair, (tuple, list)) or len(cast("Sequence[object]", pair)) != 2:
        raise InvalidURIError("a query is (name, value) pairs; of a mapping, give its items()")
    name, value = cast("Sequence[object]", pair)
    start = _encoded(name, "the name of a parameter")
    return start if value is None else f"{start}={_encoded(value, 'the value of a parameter')}"


def _host_to_build(host: str) -> str:
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not host or set(host) & set("/?#@"):
        raise InvalidURIError(f"host {shorten(host.rpartition('@')[2], 80)!r} is none (RFC 3986 §3.2.2); give it alone")
    return host
