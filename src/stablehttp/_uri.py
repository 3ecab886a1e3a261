"""Where a request goes: a URI that keeps the text it was given.

Floor 2: stands on grammar, references, parts, redaction and errors.

A signature covers the target as text, so nothing here decodes, re-encodes or folds what it was
given: a text that RFC 3986 does not allow is refused, and building from parts is the only place
that encodes.  Two rules are stricter than RFC 3986, because clients disagree on what such a host
means: a host holds no percent-encoding, and a host that ends in a number is an IPv4 address.

Origins that passed once are remembered, so that a URI at a known one costs half.  The memory is
bounded and holds neither userinfo nor targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, final

from stablehttp._errors import InvalidURIError
from stablehttp._grammar import PATH, QUERY, REG_NAME, SCHEME, USERINFO, first_bad_in_target
from stablehttp._redaction import redact_uri, shorten, show_uri
from stablehttp._reference import resolve, split_reference
from stablehttp._uri_parts import DEFAULT_PORTS, build_uri, plain_text

_BEGINNING = re.compile(
    rf"(?P<scheme>[Hh][Tt][Tt][Pp][Ss]?)://(?:(?P<userinfo>{USERINFO.pattern})@)?"
    rf"(?P<host>{REG_NAME.pattern}|\[[0-9A-Fa-f:.vV!$&'()*+,;=_~\-]+\])(?::(?P<port>[0-9]*))?(?=[/?#]|\Z)"
).match
_REST = re.compile(
    rf"(?P<path>(?:/{PATH.pattern})?)(?:\?(?P<query>{QUERY.pattern}))?(?:\#(?P<fragment>{QUERY.pattern}))?"
).fullmatch
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?").fullmatch
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}").fullmatch
_FUTURE = re.compile(r"\[[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+\]").fullmatch
_AUTHORITY_FORM = re.compile(rf"(?:{REG_NAME.pattern}|\[[0-9A-Fa-f:.]+\]):[0-9]+").fullmatch


_SHORTEST: Final = len("https://")
_MOST_REMEMBERED: Final = 1024
_LONGEST_REMEMBERED: Final = 300
_ORIGINS: dict[str, _Origin] = {}


@final
@dataclass(frozen=True, slots=True)
class _Origin:
    """Scheme, host and port, checked; one object serves all URIs that begin with the same text."""

    scheme: str
    host: str
    port: int | None
    authority: str
    origin: str


@final
class URI:
    """An absolute `http` or `https` URI, or an origin with a verbatim target.

    `str(uri)` is the text as given; `uri.target` is exactly what goes on the request line.
    """

    __slots__ = ("_fragment", "_origin", "_path", "_query", "_target", "_text", "_userinfo", "_verbatim")

    def __init__(self, text: str | URI) -> None:
        """Read `text`, and keep it byte for byte.

        Raises:
            InvalidURIError: `text` is not an absolute http or https URI that RFC 3986 allows.
        """
        if isinstance(text, URI):
            for slot in URI.__slots__:
                setattr(self, slot, getattr(text, slot))
            return
        if not isinstance(text, str):
            raise _why_invalid(text)
        self._text: str = str.__str__(text)
        self._origin, self._userinfo, end = _read_beginning(self._text)
        found = _REST(self._text, end)
        if found is None:
            raise _why_invalid(text)
        path, query, self._fragment = found.groups()
        self._path: str = path or "/"
        self._query: str | None = query
        self._target: str = self._path if query is None else f"{self._path}?{query}"
        self._verbatim = False

    @classmethod
    def verbatim(cls, origin: str | URI, target: str) -> URI:
        """A URI whose target goes on the request line as it is, for what RFC 3986 has no place for.

        `origin` is a scheme, a host and perhaps a port.  `target` may hold any visible ASCII
        character except `#`, in one of the forms of RFC 9112 §3.2: a path with a query, `*`,
        `host:port`, or an absolute URI for a proxy.

        Raises:
            InvalidURIError: `origin` has more than an origin, or `target` cannot stand on a request line.
        """
        self = cls(origin)
        if self._userinfo is not None or self._path != "/" or self._query is not None or self._fragment is not None:
            raise InvalidURIError(f"{show_uri(self._text)!r} is more than an origin; give scheme, host and port only")
        target = _checked_verbatim(target)
        self._target = target
        self._text = self.origin + target if target.startswith("/") else self.origin
        path, mark, query = target.partition("?")
        self._path = path
        self._query = query if mark else None
        self._verbatim = not (target.startswith("/") and _REST(target))
        return self

    @classmethod
    def build(
        cls,
        scheme: str,
        host: str,
        *,
        port: int | None = None,
        segments: Iterable[str] = (),
        query: Iterable[tuple[str, str | None]] = (),
    ) -> URI:
        """Make a URI from parts that are not encoded yet; everything but unreserved characters is.

        Each segment may hold anything, `/` included, which becomes `%2F`.  A parameter whose value
        is None has a name only (`?flag`).  A host outside ASCII is converted by IDNA.

        Raises:
            InvalidURIError: a part cannot stand in a URI however it is encoded.
        """
        return cls(build_uri(scheme, _ascii_host(host), port, segments, query))

    # --- parts -----------------------------------------------------------------------------------

    @property
    def scheme(self) -> str:
        """`http` or `https`, in lower case."""
        return self._origin.scheme

    @property
    def userinfo(self) -> str | None:
        """What stands before `@`, still encoded; it is a secret, and it is never sent."""
        return self._userinfo

    @property
    def host(self) -> str:
        """The host as given; an IPv6 address keeps its brackets."""
        return self._origin.host

    @property
    def port(self) -> int | None:
        """The port as given, or None."""
        return self._origin.port

    @property
    def effective_port(self) -> int:
        """The port as given, or the default port of the scheme."""
        return DEFAULT_PORTS[self._origin.scheme] if self._origin.port is None else self._origin.port

    @property
    def authority(self) -> str:
        """Host and port without userinfo, and without a default port: what `Host` and `:authority` say."""
        return self._origin.authority

    @property
    def origin(self) -> str:
        """Scheme, host and port in lower case, without a default port: equal for equal origins (RFC 6454 §4)."""
        return self._origin.origin

    @property
    def path(self) -> str:
        """The path, still encoded; `/` where it is empty (RFC 9110 §4.2.3)."""
        return self._path

    @property
    def query(self) -> str | None:
        """What stands behind `?`, still encoded; None where there is no `?`, which differs from an empty query."""
        return self._query

    @property
    def fragment(self) -> str | None:
        """What stands behind `#`, still encoded; it is never sent."""
        return self._fragment

    @property
    def target(self) -> str:
        """Exactly what goes on the request line."""
        return self._target

    @property
    def is_verbatim(self) -> bool:
        """Whether the target is one that no URI can express, so that only the target itself may be sent."""
        return self._verbatim

    # --- making others ---------------------------------------------------------------------------

    def resolve(self, reference: str) -> URI:
        """The URI that `reference` means from here, a `Location` value say (RFC 3986 §5.2).

        The text of `reference` is kept byte for byte; only dot segments are removed.

        Raises:
            InvalidURIError: the result is not a URI that this class holds.
        """
        return URI(str(resolve(split_reference(self._text), split_reference(plain_text(reference, "a reference")))))

    def with_endpoint(self, endpoint: str | URI) -> URI:
        """The same path and query at another scheme, host and port, below the path of `endpoint`.

        Exactly one slash joins the two paths.

        Raises:
            InvalidURIError: `endpoint` has a query, a fragment or userinfo, which would get lost.
        """
        base = URI(endpoint)
        if base._query is not None or base._fragment is not None or base._userinfo is not None:
            raise InvalidURIError(
                f"endpoint {show_uri(str(base))!r} has a query, a fragment or userinfo; "
                "give scheme, host, port and path"
            )
        if self._verbatim:
            if base._path != "/":
                raise InvalidURIError("a verbatim target cannot be put below the path of an endpoint; give an origin")
            return URI.verbatim(base.origin, self._target)
        path = base._path.rstrip("/") + self._path
        query = "" if self._query is None else f"?{self._query}"
        return URI(f"{base._beginning()}{path}{query}")

    def with_target(self, target: str) -> URI:
        """The same origin with another path and query, as they are to stand on the request line.

        Raises:
            InvalidURIError: `target` cannot stand there.
        """
        beginning = self._beginning()
        target = plain_text(target, "a request target")
        if target.startswith("/") and "#" not in target and _REST(target):
            return URI(beginning + target)
        return URI.verbatim(beginning, target)

    # --- the rest --------------------------------------------------------------------------------

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        """The text with userinfo and the values of secret parameters hidden."""
        if self._verbatim:
            return f"URI.verbatim({self.origin!r}, {shorten(redact_uri(self._target))!r})"
        return f"URI({shorten(redact_uri(self._text))!r})"

    def __eq__(self, other: object) -> bool:
        """Equal if text and target are; nothing is normalised."""
        if not isinstance(other, URI):
            return NotImplemented
        return self._text == other._text and self._target == other._target

    def __hash__(self) -> int:
        return hash((self._text, self._target))

    def __reduce__(self) -> tuple[Any, ...]:
        if self._verbatim:
            return URI.verbatim, (self.origin, self._target)
        return URI, (self._text,)

    def _beginning(self) -> str:
        port = "" if self._origin.port is None else f":{self._origin.port}"
        return f"{self._origin.scheme}://{self._origin.host}{port}"


def _read_beginning(text: str) -> tuple[_Origin, str | None, int]:
    """Origin and userinfo of `text`, and where they end."""
    end = text.find("/", _SHORTEST)
    known = _ORIGINS.get(text if end < 0 else text[:end])
    if known is not None:
        return known, None, len(text) if end < 0 else end
    found = _BEGINNING(text)
    if found is None:
        raise _why_invalid(text)
    scheme, userinfo, host, given_port = found.groups()
    port = _checked_port(given_port) if given_port else None
    _check_host(host)
    scheme = scheme.lower()
    authority = host if port is None or port == DEFAULT_PORTS[scheme] else f"{host}:{port}"
    origin = _Origin(scheme, host, port, authority, f"{scheme}://{authority.lower()}")
    if userinfo is None and found.end() <= _LONGEST_REMEMBERED:
        if len(_ORIGINS) >= _MOST_REMEMBERED:
            _ORIGINS.clear()
        _ORIGINS[found[0]] = origin
    return origin, userinfo, found.end()


def _check_host(host: str) -> None:
    if host[0] == "[":
        if not _FUTURE(host):
            _check_ipv6(host)
    elif host[-1] in "0123456789.abcdefABCDEFxX" and _ENDS_IN_NUMBER(host) and not _IPV4(host):
        raise InvalidURIError(
            f"host {shorten(host, 80)!r} ends in a number and is not an IPv4 address of four decimal octets; "
            "clients disagree on where it leads, so write the address out"
        )


def _check_ipv6(host: str) -> None:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(host[1:-1])
    except AddressValueError:
        raise InvalidURIError(f"host {shorten(host, 80)!r} is not an IPv6 address (RFC 3986 §3.2.2)") from None


def _checked_port(port: str) -> int:
    number = int(port) if len(port) < 40 else 65536
    if number > 65535:
        raise InvalidURIError("the port is above 65535 (RFC 6335 §6)")
    return number


def _checked_verbatim(target: object) -> str:
    target = plain_text(target, "a request target")
    index = first_bad_in_target(target)
    if index >= 0:
        raise InvalidURIError(
            f"request target holds {target[index]!r} at index {index}, which cannot stand on a request line "
            "(RFC 9112 §3.2); percent-encode it"
        )
    if not (target.startswith("/") or target == "*" or _AUTHORITY_FORM(target) or _is_absolute(target)):
        raise InvalidURIError(
            "a request target is a path that begins with '/', or '*', 'host:port' or an absolute URI (RFC 9112 §3.2)"
        )
    return target


def _is_absolute(target: str) -> bool:
    scheme, mark, rest = target.partition("://")
    return bool(mark and rest and SCHEME.fullmatch(scheme))


@cache
def _check_yarl() -> None:
    """Make sure that yarl, which encodes hosts that are not ASCII, is there in a version that is known."""
    from stablehttp._client_package import ClientPackage  # looks at what is installed; only needed here

    ClientPackage(name="yarl", lowest=(1, 18), below=(2,), extra="").check()


def _ascii_host(host: str) -> str:
    """`host`, by IDNA where it is not ASCII."""
    host = plain_text(host, "a host")
    if host.isascii():
        return host
    _check_yarl()
    from yarl import URL

    try:
        raw = URL.build(scheme="http", host=host).raw_host
    except (ValueError, UnicodeError):
        raw = None
    if not raw:
        raise InvalidURIError(f"host {shorten(host, 80)!r} has no IDNA form (RFC 5891)")
    return raw


def _why_invalid(text: object) -> InvalidURIError:
    if not isinstance(text, str):
        return InvalidURIError(f"a URI must be a str, not {type(text).__name__}")
    shown = show_uri(text)
    parts = split_reference(text)
    if parts.scheme is None or parts.authority is None:
        return InvalidURIError(f"{shown!r} is not an absolute URI; begin with 'https://' and a host (RFC 9110 §4.2)")
    if parts.scheme.lower() not in DEFAULT_PORTS:
        return InvalidURIError(f"scheme {shorten(parts.scheme, 40)!r} is not 'http' or 'https' (RFC 9110 §4.2)")
    if not parts.authority.rpartition("@")[2].strip(":"):
        return InvalidURIError(f"{shown!r} has no host (RFC 9110 §4.2)")
    for name, value, allowed in (
        ("path", parts.path, PATH),
        ("query", parts.query or "", QUERY),
        ("fragment", parts.fragment or "", QUERY),
    ):
        found = allowed.match(value)
        end = found.end() if found else 0
        if end < len(value):
            return InvalidURIError(
                f"{name} of the URI holds {value[end]!r} at index {end}, where RFC 3986 §3 does not allow it; "
                "percent-encode it, build the URI with URI.build, or use URI.verbatim if the receiver wants it raw"
            )
    return InvalidURIError(
        f"the authority of {shown!r} is invalid (RFC 3986 §3.2); a host holds letters, digits and '-._~!$&()*+,;=' "
        "without percent-encoding (IDNA for others, see URI.build), a port digits only"
    )
