"""A corpus of awkward requests, each with a name: what real callers send and clients like to change.

Stands on messages.

Every one is a request that HTTP allows.  A connector carries it whole, or refuses it before the first
octet; none may arrive altered.  The contract tests and the page on fidelity go through all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Final, Literal, TypeAlias, final

from stablehttp._body import AsyncIterableBody, Body, BytesBody, IterableBody
from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest, Request
from stablehttp._uri import URI

Lines: TypeAlias = tuple[tuple[str, str | bytes], ...]
Group: TypeAlias = Literal["target", "method", "fields", "framing"]
_ALL: Final = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
_FIRST: Final = (HttpVersion.HTTP_1_1,)


@final
@dataclass(frozen=True, slots=True)
class Sample:
    """One request of the corpus, for an origin that is not known yet.

    `verbatim` targets are given through `URI.verbatim`.  `content` is what the body gives; it is bytes, or chunks of
    which `length` says whether their length is declared.  `versions` are those that have a place for it.
    """

    name: str
    group: Group
    _: KW_ONLY
    method: str = "GET"
    target: str = "/"
    verbatim: bool = False
    lines: Lines = ()
    content: bytes | tuple[bytes, ...] = b""
    length: int | None = None
    trailers: Lines = ()
    versions: Sequence[HttpVersion] = _ALL

    @property
    def octets(self) -> bytes:
        """All of the content."""
        return self.content if isinstance(self.content, bytes) else b"".join(self.content)

    def request(self, origin: str, colour: Literal["async", "sync"] = "async") -> AnyRequest:
        """The request, to `origin` (scheme, host and port), with a body of the given colour."""
        uri = URI.verbatim(origin, self.target) if self.verbatim else URI(origin + self.target)
        return Request(self.method, uri, headers=self.lines, body=self._body(colour), trailers=self.trailers)

    def _body(self, colour: str) -> Body:
        if isinstance(self.content, bytes):
            return BytesBody(self.content)
        if colour == "sync":
            return IterableBody(_iterate(self.content), length=self.length)
        return AsyncIterableBody(_aiterate(self.content), length=self.length)

    def __str__(self) -> str:
        return self.name


def _iterate(chunks: Iterable[bytes]) -> Iterator[bytes]:
    yield from chunks


async def _aiterate(chunks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


# --- targets ------------------------------------------------------------------------------------

_ESCAPES: Final = (
    "%2F", "%2f", "%27", "%3A", "%28", "%7E", "%7e", "%2B", "%25", "%20", "%41", "%3F", "%23", "%26", "%3D", "%00",
    "%0D%0A", "%C3%A9", "%c3%A9", "%E2%82%AC", "%FF", "%2E", "%5C",
)  # fmt: skip

_PATHS: Final = {
    "root": "/",
    "unreserved": "/AZaz09-._~",
    "sub-delimiters": "/!$&'()*+,;=",
    "colon and at": "/a:b@c:80",
    "quote": "/it's",
    "parentheses": "/f(1)(2)",
    "semicolons": "/a;v=1/b;c",
    "double slash first": "//a",
    "double slashes": "/a//b///c//",
    "dot segment": "/a/./b",
    "dot at the end": "/a/.",
    "two dots": "/a/../b",
    "two dots at the end": "/a/..",
    "two dots beyond the root": "/../../a",
    "three dots": "/a/.../b",
    "encoded dot segments": "/a/%2e%2e/%2E/b",
    "encoded slash in a key": "/bucket/a%2Fb%2fc",
    "empty segments at the end": "/a/b//",
    "looks like a URI": "/http://a.test/b",
    "every escape": "/" + "".join(_ESCAPES),
    "long": "/" + "segment/" * 200,
    "digits that look like a port": "/:80",
}

_QUERIES: Final = {
    "empty": "?",
    "two marks": "??",
    "marks and slashes": "?a=/b?c/:@",
    "flag": "?flag",
    "flag with sign": "?flag=",
    "no name": "?=value",
    "only a sign": "?=",
    "only an ampersand": "?&",
    "ampersand last": "?a=1&",
    "ampersand first": "?&a=1",
    "empty parameters": "?a=1&&&b=2",
    "repeated": "?a=1&b=2&a=3&a=1",
    "not sorted": "?z=1&a=2&Z=3&A=4",
    "plus": "?q=a+b+c",
    "quotes": "?q='x'",
    "sub-delimiters": "?!$'()*+,;",
    "semicolons": "?a=1;b=2",
    "tilde and bang": "?~=!~",
    "every escape": "?q=" + "".join(_ESCAPES),
    "a URI": "?next=https://b.test/?x=y",
    "a presigned one": "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20260101%2Fr%2Fs3%2Faws4_request",
    "long": "?q=" + "v" * 2000,
}

_VERBATIM: Final = {
    "brackets": "/?a[0]=1&a[]=2",
    "braces and bars": "/{id}|{x}^",
    "stray per cent": "/100%/%zz",
    "quotes and angles": '/"a"<b>`c`',
    "backslash": "/a\\b",
}


def _targets() -> Iterator[Sample]:
    for name, path in _PATHS.items():
        yield Sample(f"path: {name}", "target", target=path)
    for name, query in _QUERIES.items():
        yield Sample(f"query: {name}", "target", target="/q" + query)
    for escape in _ESCAPES:
        yield Sample(f"escape {escape}", "target", target=f"/a{escape}b?c={escape}&{escape}")
    yield Sample("empty query of the root", "target", target="/?")
    for name, target in _VERBATIM.items():
        yield Sample(f"verbatim: {name}", "target", target=target, verbatim=True)
    yield Sample("asterisk", "target", method="OPTIONS", target="*", verbatim=True)
    yield Sample("absolute form", "target", target="http://a.test/x?y", verbatim=True, versions=_FIRST)


# --- methods ------------------------------------------------------------------------------------

_METHODS: Final = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "MKCOL", "REPORT", "PURGE",
    "QUERY", "M-SEARCH", "get", "post", "Delete", "x", "VERSION-CONTROL", "!#$%&'*+-.^_`|~09",
)  # fmt: skip


def _methods() -> Iterator[Sample]:
    for method in _METHODS:
        yield Sample(f"method {method}", "method", method=method, target="/m")
    yield Sample("method CONNECT", "method", method="CONNECT", target="far.test:443", verbatim=True, versions=_FIRST)
    for method in ("GET", "DELETE", "OPTIONS", "PROPFIND", "get"):
        yield Sample(f"method {method} with content", "method", method=method, target="/m", content=b"content")


# --- fields -------------------------------------------------------------------------------------

_LINES: Final[dict[str, Lines]] = {
    "none": (),
    "lower case": (("x-lower", "1"),),
    "mixed case": (("X-mIxEd", "1"), ("WWW-thing", "2")),
    "repeated": (("X-A", "1"), ("X-A", "2"), ("X-A", "1")),
    "repeated, apart": (("X-A", "1"), ("X-B", "b"), ("X-A", "2"), ("X-C", "c"), ("X-A", "3")),
    "two spellings": (("X-D", "1"), ("x-d", "2")),
    "two spellings, apart": (("X-D", "1"), ("X-E", "e"), ("x-d", "2"), ("X-D", "3")),
    "order against the alphabet": (("Z", "1"), ("M", "2"), ("A", "3")),
    "empty value": (("X-Empty", ""), ("X-A", "1")),
    "only empty values": (("X-Empty", ""), ("X-Empty", "")),
    "tab inside": (("X-Tab", "a\tb\t\tc"),),
    "spaces inside": (("X-Spaces", "a  b   c"),),
    "comma list": (("X-List", "a, b,c ,d"),),
    "quoted string": (("X-Quoted", '"a, \\"b\\"; c"'),),
    "colons": (("X-Colons", ": a:b :"),),
    "odd name": (("!#$%&'*+-.^_`|~0", "1"),),
    "name of one letter": (("X", "1"),),
    "long name": (("X-" + "n" * 200, "1"),),
    "value of 3000 octets": (("X-Long", "v" * 3000),),
    "value of 4100 octets": (("X-Long", "v" * 4100),),
    "value of 7000 octets": (("X-Long", "v" * 7000),),
    "eighty lines": tuple((f"X-{number}", str(number)) for number in range(80)),
    "Latin-1 octets": (("X-Latin", b"caf\xe9"),),
    "UTF-8 octets": (("X-Text", "naïve €".encode()),),
    "all octets above 0x7F": (("X-High", bytes(range(0x80, 0x100))),),
    "Accept": (("Accept", "application/json, */*;q=0.1"),),
    "Accept-Encoding": (("Accept-Encoding", "gzip, br;q=0"),),
    "Accept-Encoding, empty": (("Accept-Encoding", ""),),
    "User-Agent": (("User-Agent", "sdk/1.0 (x; y)"),),
    "User-Agent, empty": (("User-Agent", ""),),
    "Authorization": (("Authorization", "AWS4-HMAC-SHA256 Credential=AK/x, SignedHeaders=host, Signature=00"),),
    "Cookie": (("Cookie", "a=1; b=2"),),
    "Cookie, twice": (("Cookie", "a=1"), ("cookie", "b=2")),
    "TE": (("TE", "trailers"),),
    "Range": (("Range", "bytes=0-0,-1"),),
    "conditions": (("If-Match", '"a"'), ("If-None-Match", '"b", W/"c"'), ("If-Match", '"d"')),
    "Date": (("Date", "Sat, 21 Nov 2026 00:00:00 GMT"),),
    "Via, twice": (("Via", "1.1 a"), ("Via", "1.1 b")),
    "X-Forwarded-For": (("X-Forwarded-For", "192.0.2.1, 192.0.2.2"),),
    "Content-Type without content": (("Content-Type", "application/json"),),
    "Host, its own": (("Host", "other.test"),),
    "Host, lower case and last": (("X-A", "1"), ("host", "other.test:8080")),
    "Host, an address": (("Host", "[2001:db8::1]:81"),),
    "priority": (("Priority", "u=1, i"),),
}

_LINES_1: Final[dict[str, Lines]] = {
    "Connection: close": (("Connection", "close"),),
    "Connection that names a field": (("Connection", "X-Hop"), ("X-Hop", "1")),
    "Keep-Alive": (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")),
    "TE with a coding": (("TE", "trailers, deflate;q=0.5"),),
    "Proxy-Connection": (("Proxy-Connection", "keep-alive"),),
}


def _fields() -> Iterator[Sample]:
    for name, lines in _LINES.items():
        yield Sample(f"fields: {name}", "fields", target="/f", lines=lines)
    for name, lines in _LINES_1.items():
        yield Sample(f"fields: {name}", "fields", target="/f", lines=lines, versions=_FIRST)
    for name in ("two spellings, apart", "Accept", "User-Agent, empty", "Host, lower case and last"):
        yield Sample(f"fields with content: {name}", "fields", method="PUT", lines=_LINES[name], content=b"content")


# --- framing ------------------------------------------------------------------------------------

_EVERY: Final = bytes(range(256))
_LARGE: Final = _EVERY * 400


def _framings() -> Iterator[Sample]:
    for method in ("POST", "PUT", "PATCH"):
        yield Sample(f"{method} without content", "framing", method=method)
        yield Sample(f"{method} with bytes", "framing", method=method, content=b"content")
    zero: Lines = (("Content-Length", "0"),)
    chunked: Lines = (("X-A", "1"), ("transfer-encoding", "chunked"), ("X-B", "2"))
    yield Sample("DELETE with Content-Length: 0", "framing", method="DELETE", lines=zero)
    yield Sample("GET with Content-Length: 0", "framing", lines=zero)
    yield Sample(
        "bytes, Content-Length in its place",
        "framing",
        method="PUT",
        lines=(("content-length", "2"), ("X-A", "1")),
        content=b"ab",
    )
    yield Sample("bytes of every value", "framing", method="PUT", content=_EVERY)
    yield Sample(
        "bytes that look like a request", "framing", method="PUT", content=b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    yield Sample("bytes that look like a last chunk", "framing", method="PUT", content=b"0\r\n\r\n")
    yield Sample("large bytes", "framing", method="PUT", content=_LARGE)
    yield Sample("chunks of known length", "framing", method="PUT", content=(b"a", _EVERY, b"c"), length=258)
    yield Sample("chunks of unknown length", "framing", method="PUT", content=(b"a", _EVERY, b"c"))
    yield Sample("chunks, large", "framing", method="POST", content=(_LARGE, b"x", _LARGE))
    yield Sample("one chunk of one octet", "framing", method="POST", content=(b"x",))
    yield Sample("no chunk at all", "framing", method="POST", content=())
    yield Sample("no chunk, length 0", "framing", method="POST", content=(), length=0)
    yield Sample("chunks with GET", "framing", content=(b"a", b"b"))
    yield Sample(
        "chunks, Content-Length by the caller",
        "framing",
        method="PUT",
        lines=(("Content-Length", "2"),),
        content=(b"a", b"b"),
    )
    yield Sample("bytes, chunked by the caller", "framing", method="PUT", lines=chunked, content=b"content")
    yield Sample("chunks, chunked by the caller", "framing", method="PUT", lines=chunked, content=(b"a", b"b"))
    yield Sample("trailers after chunks", "framing", method="PUT", content=(b"a", b"b"), trailers=(("X-Sum", "1"),))
    yield Sample(
        "trailers after bytes", "framing", method="PUT", content=b"ab", trailers=(("X-Sum", "1"), ("x-sum", "2"))
    )


def corpus() -> tuple[Sample, ...]:
    """All requests of the corpus, in a fixed order; names are unique."""
    return (*_targets(), *_methods(), *_fields(), *_framings())
