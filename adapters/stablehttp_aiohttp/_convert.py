"""Between our messages and aiohttp's: once on the way out, line by line on the way in.

How aiohttp differs, and what is done about it:

- It upper-cases methods, adds `Accept`, `Accept-Encoding`, `User-Agent`, `Content-Type` and
  `Content-Length: 0`, moves `Transfer-Encoding` and loses a name given in two spellings: a client
  middleware of ours puts method and lines in place after all that has happened (`_exchange`).
- It re-encodes URLs: the whole target travels as the path of a `yarl.URL` that is built as encoded.
- It writes field values as UTF-8, so octets above 0x7F would change: refused.
- It sends an authority of its own making for `CONNECT`, and has no request trailers: refused.
- It takes generators apart itself, and bytes in one piece however large: content goes through a payload of
  ours, unless it is in memory and little.
- It sends requests of some methods again if a kept connection breaks: the session is told of a method
  that is not one of them, and the middleware refuses to run twice.
- It decodes received values as UTF-8 with surrogates: the octets are brought back, and read as Latin-1.
- It undoes folding by taking out the line break alone, so more than one blank may stay.
- It takes any status of three digits, any transfer coding, NUL in a reason, and HTTP/0.9 and 2.0 in text,
  and hands out 101: a status below 100, a coding other than one `chunked`, NUL, a major version other than
  1, and a switch of protocols are invalid responses here.
- It wakes nobody who waits for content when it finds the chunked coding broken: `_body` looks for itself.
- It delivers no response trailers and no 1xx.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, NamedTuple, final

from aiohttp import ClientRequest, ClientResponse, HttpVersion10, HttpVersion11, hdrs
from aiohttp.payload import Payload
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from stablehttp import (
    URI,
    AsyncBody,
    BytesBody,
    Capability,
    Fields,
    HttpVersion,
    InvalidResponseError,
    InvalidURIError,
    MisuseError,
    Request,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncOutgoing, FieldLine, adopt, borrow, has_trailers, receive_line, receive_value
from stablehttp_aiohttp._body import AiohttpContent
from stablehttp_aiohttp._payloads import PayloadBody
from stablehttp_aiohttp._upload import Upload

_READER: Final = "the aiohttp connector"
_LITTLE: Final = 32 * 1024
"""Content up to this size, in octets, goes out at once, so that there is nothing to stop and nothing to wait for."""
_VERSIONS: Final = {HttpVersion11: HttpVersion.HTTP_1_1, HttpVersion10: HttpVersion.HTTP_1_0}


class AiohttpRequest(NamedTuple):
    """One request as aiohttp takes it; each object in it is new and belongs to whoever asked for it."""

    method: str
    url: URL
    headers: CIMultiDict[str]
    data: AiohttpContent | bytes | None
    expects: bool
    """Whether the content waits for a 100 (Continue)."""
    closes: bool
    """Whether the connection serves no other request afterwards."""


# --- requests ------------------------------------------------------------------------------------


def to_aiohttp(request: Request[AsyncBody]) -> AiohttpRequest:
    """What makes aiohttp send a completed request as it stands; its content is not touched yet.

    Raises:
        UnsupportedTransportError: aiohttp would send something else, or cannot send it.
        BodyColourError, BodyTakenError: the content cannot be read here, or not again.
        MisuseError: the request was not completed.
    """
    headers = CIMultiDict(request.headers.items())
    if request.method == "CONNECT" or has_trailers(request) or not "".join(headers.values()).isascii():
        raise _impossible(request)
    if hdrs.HOST not in headers:
        raise MisuseError("the request has no 'Host', so it was not completed; send it through a pipeline")
    expects = hdrs.EXPECT in headers and _lists(headers.getall(hdrs.EXPECT), "100-continue")
    data = _content(request, headers, expects=expects)
    return AiohttpRequest(
        request.method,
        _url(request.uri),
        headers,
        data,
        expects and data is not None,
        hdrs.CONNECTION in headers and _lists(headers.getall(hdrs.CONNECTION), "close"),
    )


def from_aiohttp(request: ClientRequest) -> Request[AsyncBody]:
    """A request of ours that says what `request`, met in a client middleware say, would send now.

    The lines are read as aiohttp writes them, in UTF-8.

    Raises:
        InvalidMessageError: it would send what HTTP does not allow.
    """
    url = request.url
    port = "" if url.explicit_port is None else f":{url.explicit_port}"
    origin = URI(f"{url.scheme}://{url.host_subcomponent}{port}")
    target = url.raw_path_qs
    return Request(
        request.method,
        origin if target == "/" else origin.with_target(target),
        headers=[
            (str.__str__(name), value.encode("utf-8", "surrogatepass")) for name, value in request.headers.items()
        ],
        body=_body_of(request.body),
    )


def _content(request: Request[AsyncBody], headers: CIMultiDict[str], *, expects: bool) -> AiohttpContent | bytes | None:
    """The content as aiohttp takes it: a little of it in memory as it is, None if there is not even a last chunk."""
    body = request.body
    if isinstance(body, BytesBody):
        if not body.content and hdrs.TRANSFER_ENCODING not in headers:
            return None
        if len(body.content) <= _LITTLE and not expects:
            return body.content
    return AiohttpContent(body, Upload(AsyncOutgoing(request, _READER)))


def _impossible(request: Request[AsyncBody]) -> UnsupportedTransportError:
    if request.method == "CONNECT":
        capability, hint = Capability.CONNECT_METHOD, "let the connector's settings name the proxy"
    elif has_trailers(request):
        capability, hint = Capability.REQUEST_TRAILERS, "drop the trailers"
    else:
        capability, hint = Capability.OPAQUE_VALUES, "encode the values that hold such octets"
    return UnsupportedTransportError(
        f"connector 'aiohttp' does not offer {capability.value}; use one that declares "
        f"Capability.{capability.name} (h11), or {hint}",
        transport="aiohttp",
        capability=capability.value,
        alternatives=("h11",),
    )


def _lists(values: Sequence[str], word: str) -> bool:
    """Whether these values, which are lists, hold `word`."""
    return any(word in map(str.strip, value.lower().split(",")) for value in values)


def _url(uri: URI) -> URL:
    try:
        return URL.build(scheme=uri.scheme, host=uri.host, port=uri.port, path=uri.target, encoded=True)
    except ValueError as error:
        raise InvalidURIError(f"aiohttp cannot take the authority of {uri.origin!r}") from error


def _body_of(body: object) -> AsyncBody:
    if isinstance(body, AiohttpContent):
        return body.body
    return PayloadBody(body) if isinstance(body, Payload) else BytesBody()


# --- responses -----------------------------------------------------------------------------------

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
_FORBIDDEN: Final = re.compile(r"[\x00\r\n]").search
_first: Final = itemgetter(0)
_MOST_NAMES: Final = 1024
_LONGEST_NAME: Final = 64
_good_names: set[bytes] = set()
"""Names that were found to be tokens, so that a name is looked at once."""


def response_fields(response: ClientResponse) -> Fields:
    """The header section of `response`, borrowed from it after one look at all lines.

    Raises:
        InvalidResponseError: a line is none that HTTP allows.
    """
    raw = response.raw_headers
    headers = response.headers
    if not _good_names.issuperset(map(_first, raw)):
        _learn([name for name, _ in raw])
    values = "".join(headers.values())
    if not values.isprintable() and _FORBIDDEN(values):
        return adopt([receive_line(name, value) for name, value in raw])
    section = _Section(headers, raw)
    return borrow(response, section.read, section.find)


def _learn(names: list[bytes]) -> None:
    for name in names:
        if not _TOKEN(name):
            receive_line(name, b"")  # raises
    if len(_good_names) > _MOST_NAMES:
        _good_names.clear()
    _good_names.update(name for name in names if len(name) <= _LONGEST_NAME)


@final
class _Section:
    """The lines of a response, in aiohttp's own containers."""

    __slots__ = ("_headers", "_raw")

    def __init__(self, headers: CIMultiDictProxy[str], raw: Sequence[tuple[bytes, bytes]]) -> None:
        self._headers = headers
        self._raw = raw

    def read(self) -> list[FieldLine]:
        return [receive_line(name, value) for name, value in self._raw]

    def find(self, name: str) -> list[str]:
        if not name.isascii():  # aiohttp would fold U+212A to `k`
            return []
        return [
            value.strip(" \t") if value.isascii() else receive_value(_octets(value).strip(b" \t"))
            for value in self._headers.getall(name, ())
        ]


def response_version(response: ClientResponse) -> HttpVersion:
    """The protocol version of `response`.

    Raises:
        InvalidResponseError: its status or version is none that can be met here.
    """
    version = response.version
    known = None if version is None else _VERSIONS.get(version)
    if known is None:
        raise InvalidResponseError("the peer answered in a protocol version other than HTTP/1.0 and HTTP/1.1")
    if response.status < 100:
        raise InvalidResponseError(f"the peer sent status {response.status:03}, which HTTP does not have")
    if response.status == 101:
        raise InvalidResponseError("the peer switched protocols (101), which this library does not do")
    return known


def response_reason(response: ClientResponse) -> str:
    """The reason phrase of `response`, its octets read as Latin-1.

    Raises:
        InvalidResponseError: it holds NUL, CR or LF.
    """
    reason = response.reason or ""
    if reason.isprintable() and reason.isascii():
        return reason
    if _FORBIDDEN(reason):
        raise InvalidResponseError("the peer sent NUL, CR or LF in the reason phrase (RFC 9112 §4)")
    return _octets(reason).decode("latin-1")


def response_length(response: ClientResponse) -> int | None:
    """The length of the content in octets as the peer declared it, 0 where there can be none.

    Raises:
        InvalidResponseError: the content has a transfer coding that nobody asked for.
    """
    headers = response.headers
    if hdrs.TRANSFER_ENCODING in headers and [*map(str.lower, headers.getall(hdrs.TRANSFER_ENCODING))] != ["chunked"]:
        raise InvalidResponseError("the peer used a transfer coding other than 'chunked', once (RFC 9112 §6.1)")
    if response.content.at_eof():
        return 0
    declared = headers.get(hdrs.CONTENT_LENGTH)
    return int(declared) if declared is not None and declared.isdecimal() else None


def _octets(text: str) -> bytes:
    """The octets that aiohttp decoded."""
    return text.encode("utf-8", "surrogateescape")
