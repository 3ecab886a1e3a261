"""Between our messages and pyqwest's: once on the way out, name by name on the way in.

How pyqwest differs, and what is done about it:

- It reads URLs as browsers do: dot segments, `'` in a query and some other octets change, and `*` or an absolute
  form cannot be said.  It tells what it made of a URL, so a request whose target would change is refused.
- Over HTTP/2 `:authority` comes from that URL, in lower case and without a default port: a `Host` that differs
  is refused, and one that agrees is left out, because it would travel as a field as well.
- It keeps lines in a map: names go out in lower case over HTTP/1.1 too, so `Capability.FIELD_NAME_CASE` is not
  declared; lines of one name go out next to each other, so one with others between them is refused.
- It adds `Accept: */*` where there is none: the connector says so, and a pipeline adds it before anything is signed.
- It writes field values as UTF-8, so octets above 0x7F would change: refused.
- It adds `Content-Length: 0` to some methods over HTTP/2, and sends a request again when the peer refused its stream,
  unless the content is streamed: over HTTP/2 all content is, none included.
- It does not wait for 100 (Continue), has no `CONNECT` and no request trailers: refused.
- It takes chunks of `bytes` and `bytearray` only: any other buffer is copied.
- It drops what HTTP/2 has no place for: refused.
- It gives received lines in lower case, those of one name next to each other, and no reason phrase.
- It gives an empty value for one that holds octets above 0x7F; nobody can tell it from one that was empty.
- It takes at most 100 lines in the head of a response over HTTP/1.1: one with more is an invalid response.
- It tells HTTP/1.0 and 1.1 not apart: a response counts as HTTP/1.1.
- It hands out 101 like any other status: an invalid response here.
- It delivers response trailers, and no 1xx.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, final

import pyqwest

from stablehttp import (
    URI,
    AnyRequest,
    AsyncBody,
    AsyncIterableBody,
    Body,
    BytesBody,
    Capability,
    Fields,
    HttpVersion,
    InvalidMessageError,
    InvalidResponseError,
    InvalidURIError,
    IterableBody,
    MisuseError,
    Request,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncOutgoing, FieldLine, adopt, borrow, check_async, has_trailers, received_length
from stablehttp_pyqwest._upload import Upload

if TYPE_CHECKING:
    from stablehttp_pyqwest._upload import Whole

NAME: Final = "pyqwest"
READER: Final = "the pyqwest connector"
UNAVOIDABLE: Final[tuple[FieldLine, ...]] = (("Accept", "*/*"),)
"""What goes out with every request that has no line of the name."""

_OWN_WAYS_OF_HTTP2: Final = frozenset({"connection", "keep-alive", "proxy-connection", "upgrade"})
_LEFT_OUT: Final = frozenset({"host", "transfer-encoding"})


# --- requests ------------------------------------------------------------------------------------


def to_pyqwest(request: Request[AsyncBody], *, version: HttpVersion = HttpVersion.HTTP_1_1) -> pyqwest.Request:
    """A new request object for a connection of `version`; its content is not touched yet.

    Raises:
        UnsupportedTransportError: pyqwest would send something else, or cannot send it.
        InvalidMessageError: HTTP/2 has no place for a field of the request.
        BodyColourError, BodyTakenError: the content cannot be read here, or not again.
        MisuseError: the request was not completed.
    """
    check_async(request.body)
    body = request.body
    if isinstance(body, BytesBody) and version is HttpVersion.HTTP_1_1:
        return convert(request, version, body.content or None)
    return convert(request, version, Upload(AsyncOutgoing(request, READER)))


def convert(
    request: AnyRequest, version: HttpVersion, content: bytes | Upload | Whole | AsyncIterator[bytes] | None
) -> pyqwest.Request:
    """The request with this content, which goes out as it stands or is refused.

    Raises:
        UnsupportedTransportError: pyqwest would send something else, or cannot send it.
        InvalidMessageError: HTTP/2 has no place for a field of the request.
        MisuseError: the request was not completed.
    """
    lines = request.headers.items()
    folded = [name.lower() for name, _ in lines]
    names = set(folded)
    if "accept" not in names or "host" not in names or "expect" in names:
        raise _incomplete(names)
    if has_trailers(request) or request.method == "CONNECT":
        raise _impossible(request)
    if not "".join([value for _, value in lines]).isascii():
        raise _refused(Capability.OPAQUE_VALUES, "encode the values that hold such octets", "h11", "httpx", "httpx2")
    if len(names) != len(folded):
        _check_together(folded)
    uri, target = request.uri, request.target
    prefix = prefix_of(uri.scheme, uri.host, uri.port)
    if version is HttpVersion.HTTP_2:
        lines = _lines_for_http2(lines, prefix)
    url = prefix + target
    made = pyqwest.Request(request.method, url if target[:1] == "/" else prefix, pyqwest.Headers(lines), content)
    if made.url != url:
        raise UnsupportedTransportError(
            "connector 'pyqwest' would change the target: it reads URLs as browsers do, who resolve dot segments and "
            "encode some octets; encode them yourself, or use another connector (h11, httpx, httpx2, aiohttp, crt)",
            transport=NAME,
            capability="sending any target as it is",
            alternatives=("h11", "httpx", "httpx2", "aiohttp", "crt"),
        )
    return made


def from_pyqwest(request: pyqwest.Request | pyqwest.SyncRequest) -> Request[Body]:
    """A request of ours that says what `request` would send, read and checked at once; content is not read.

    Raises:
        InvalidMessageError: it would send what HTTP does not allow.
    """
    lines = [(name, value.encode()) for name, value in request.headers.items()]
    return Request(request.method, request.url, headers=lines, body=_body_of(request.content))


def _body_of(content: bytes | AsyncIterator[bytes] | Iterator[bytes]) -> Body:
    match content:
        case bytes():
            return BytesBody(content)
        case AsyncIterator():
            return AsyncIterableBody(content)
        case _:
            return IterableBody(content)


def _incomplete(names: set[str]) -> Exception:
    if "host" not in names:
        return MisuseError("the request has no 'Host', so it was not completed; send it through a pipeline")
    if "expect" in names:
        return _refused(Capability.EXPECT_CONTINUE, "remove the field 'Expect'", "h11", "aiohttp")
    return UnsupportedTransportError(
        "connector 'pyqwest' sends 'Accept: */*' with a request that has no such field; send it through a pipeline, "
        "which adds it before anything is signed, or add the field",
        transport=NAME,
        capability="requests without 'Accept'",
    )


def _impossible(request: AnyRequest) -> UnsupportedTransportError:
    if request.method == "CONNECT":
        return _refused(Capability.CONNECT_METHOD, "let the connector's settings name the proxy", "h11")
    return _refused(Capability.REQUEST_TRAILERS, "drop the trailers", "h11")


def _refused(capability: Capability, hint: str, *others: str) -> UnsupportedTransportError:
    return UnsupportedTransportError(
        f"connector 'pyqwest' does not offer {capability.value}; use one that declares "
        f"Capability.{capability.name} ({', '.join(others)}), or {hint}",
        transport=NAME,
        capability=capability.value,
        alternatives=others,
    )


def _check_together(folded: Sequence[str]) -> None:
    """Make sure that lines of one name stand next to each other.

    Raises:
        UnsupportedTransportError: there is another one between them.
    """
    seen: set[str] = set()
    last = ""
    for name in folded:
        if name != last and name in seen:
            raise UnsupportedTransportError(
                f"connector 'pyqwest' would move a line of field {name!r} next to the first one; put lines of one "
                "name next to each other, or use another connector (h11, httpx, httpx2, aiohttp, crt)",
                transport=NAME,
                capability="lines of one name with others between them",
                alternatives=("h11", "httpx", "httpx2", "aiohttp", "crt"),
            )
        seen.add(name)
        last = name


@lru_cache(maxsize=256)
def prefix_of(scheme: str, host: str, port: int | None) -> str:
    """Scheme and authority as pyqwest understands them.

    Raises:
        InvalidURIError: it does not, or takes the host for another one.
    """
    try:
        found = pyqwest.Request("GET", f"{scheme}://{host}{'' if port is None else f':{port}'}/").url[:-1]
    except ValueError as error:
        raise InvalidURIError(f"pyqwest cannot take the host {host!r}; use another connector") from error
    authority = found.partition("://")[2]
    if authority.removesuffix("" if port is None else f":{port}") != host.lower() and host[0] != "[":
        raise InvalidURIError(
            f"pyqwest takes the host {host!r} for {authority!r}; write it so, or use another connector"
        )
    return found


def _lines_for_http2(lines: Sequence[FieldLine], prefix: str) -> list[FieldLine]:
    """The lines without `Host`, which `:authority` says, and without our own coding."""
    made: list[FieldLine] = []
    for line in lines:
        name = line[0].lower()
        if name in _OWN_WAYS_OF_HTTP2 or (name == "te" and line[1].strip().lower() != "trailers"):
            raise InvalidMessageError(
                f"field {name!r} is about one connection, and HTTP/2 has no place for it (RFC 9113 §8.2.2); remove it"
            )
        if name == "host" and line[1] != prefix.partition("://")[2]:
            raise UnsupportedTransportError(
                "connector 'pyqwest' sends the authority of the URI over HTTP/2, in lower case and without a default "
                "port, and 'Host' says something else; use HTTP/1.1, or another connector (httpx, httpx2, crt)",
                transport=NAME,
                capability="an authority other than that of the URI over HTTP/2",
                alternatives=("httpx", "httpx2", "crt"),
            )
        if name not in _LEFT_OUT:
            made.append(line)
    return made


def target_of(uri: URI) -> tuple[str, int]:
    """Host without brackets, and port."""
    return uri.host.strip("[]"), uri.effective_port


# --- responses -----------------------------------------------------------------------------------


def response_fields(headers: pyqwest.Headers) -> Fields:
    """A section borrowed from `headers`; pyqwest has checked its lines."""
    section = _Section(headers)
    return borrow(headers, section.read, section.find)


def trailer_fields(trailers: pyqwest.Headers) -> Fields:
    """The trailer section."""
    return adopt([(name, value.strip(" \t")) for name, value in trailers.items()])


@final
class _Section:
    """The lines of a response, in pyqwest's own container."""

    __slots__ = ("_headers",)

    def __init__(self, headers: pyqwest.Headers) -> None:
        self._headers = headers

    def read(self) -> list[FieldLine]:
        return [(name, value.strip(" \t")) for name, value in self._headers.items()]

    def find(self, name: str) -> list[str]:
        try:
            return [value.strip(" \t") for value in self._headers.getall(name)]
        except ValueError:  # no field can have this name
            return []


def response_length(response: pyqwest.Response, method: str, version: HttpVersion) -> int | None:
    """The length of the content in octets as the peer declared it, 0 where there can be none.

    Raises:
        InvalidResponseError: the framing could be read in two ways, or the peer switched protocols.
    """
    status, headers = response.status, response.headers
    if status == 101:
        raise InvalidResponseError("the peer switched protocols (101), which this library does not do")
    if method == "HEAD" or status in (204, 304):
        return 0
    codings = headers.getall("transfer-encoding") if version is HttpVersion.HTTP_1_1 else ()
    return received_length(headers.getall("content-length"), codings)
