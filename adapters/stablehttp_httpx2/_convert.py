"""Between our messages and httpx2's: once on the way out, line by line on the way in.

How httpx2 differs, and what is done about it:

- Its client adds `Accept`, `Accept-Encoding`, `Connection`, `User-Agent` and framing: requests are built
  with `stream=`, which adds nothing, and go to a transport.
- It upper-cases methods: the method is assigned again after the request is built.
- It parses and normalises URLs, at four times the price of everything else here: on a transport of our
  own without a proxy the target travels in `extensions["target"]`, beside one parsed URL per origin.
  Elsewhere that extension reaches requests for tunnels, and mocks see no path, so the whole URL is
  parsed, and a target that it would change is refused.
- Its HTTP/1.1 writes `Host` first whatever the order: a completed request has it there.
- It writes field values as octets, and so do we; over HTTP/2 it checks none of them, which a `Request` did.
- It has no request trailers, no waiting for 100 (Continue), and would take any 2xx to CONNECT for a
  tunnel: refused.
- It passes on what an HTTP/2 server sends as fields without a look: names and values are checked here.
- It hands out 101 as a final response: nothing here asks for another protocol, so it is an invalid one.
- It takes any digits as the version, and a length beside chunks: another major version, and both framings, are invalid.
- It sends all content before it reads, so a response that comes earlier is seen late, or not at all when an
  HTTP/2 server gives no leave to send the rest: not declared, and bounded by the limits of time.
- It keeps what it has read beyond the end of a response, and would take it for the next one: the connection
  is given up (`_leftover`).
- Its pools lose places, its HTTP/2 leaves streams behind and its timeouts there strike all exchanges at once,
  when calls are cancelled, fail or take too long: pools and limits are ours (`_lanes`, `_shared`, `_watch`).
- It sends a request again by itself when an HTTP/2 server shuts down, and speaks HTTP/2 to servers that have
  not agreed to it: both are stopped before the request goes out (`_progress`).
- It delivers no response trailers and no 1xx.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast, final

import httpx2

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
    InvalidResponseError,
    InvalidURIError,
    IterableBody,
    MisuseError,
    Request,
    SyncBody,
    UnsupportedTransportError,
)
from stablehttp.adapting import has_trailers, receive_fields, received_length
from stablehttp_httpx2._content import AsyncContent, Octets, SyncContent, async_content, sync_content
from stablehttp_httpx2._limits import NO_TIMEOUTS, Ration, limits_of

_MOST_ORIGINS: Final = 256
_VERSIONS: Final = {b"HTTP/1.1": HttpVersion.HTTP_1_1, b"HTTP/2": HttpVersion.HTTP_2, b"HTTP/1.0": HttpVersion.HTTP_1_0}
_NO_CONTENT: Final = frozenset({204, 304})


# --- requests ------------------------------------------------------------------------------------


def to_httpx2(request: Request[AsyncBody] | Request[SyncBody]) -> httpx2.Request:
    """A new `httpx2.Request` that makes any transport of httpx2 send a completed request as it stands.

    Its content is not touched before the transport reads it; unless it is bytes, it can be read once.

    Raises:
        UnsupportedTransportError: httpx2 would send something else.
        BodyTakenError: the content was read, and cannot be read again.
        MisuseError: the request was not completed.
    """
    check_possible(request)
    return convert(request, whole_url(request.uri), _content_of(request), {})


def check_possible(request: AnyRequest) -> None:
    """Refuse what httpx2 has no way to send.

    Raises:
        UnsupportedTransportError: it would leave something out, or take it for something else.
    """
    if has_trailers(request):
        raise _refused(Capability.REQUEST_TRAILERS, "drop the trailers")
    if request.method == "CONNECT":
        raise _refused(Capability.CONNECT_METHOD, "let the connector's settings name the proxy")


def _refused(capability: Capability, hint: str) -> UnsupportedTransportError:
    return UnsupportedTransportError(
        f"connector 'httpx2' does not offer {capability.value}; use one that declares "
        f"Capability.{capability.name} (h11), or {hint}",
        transport="httpx2",
        capability=capability.value,
        alternatives=("h11",),
    )


def _content_of(request: AnyRequest) -> Octets | AsyncContent | SyncContent:
    untimed = Ration(limits_of(NO_TIMEOUTS, None))
    if isinstance(request.body, BytesBody):
        return httpx2.ByteStream(request.body.content)
    if isinstance(request.body, AsyncBody):
        return async_content(cast("Request[AsyncBody]", request), untimed)
    return sync_content(cast("Request[SyncBody]", request), untimed)


def convert(
    request: AnyRequest,
    url: httpx2.URL,
    stream: Octets | AsyncContent | SyncContent,
    extensions: dict[str, object],
) -> httpx2.Request:
    """The request with the lines and the method of ours."""
    lines = request.headers.items()
    if not lines or lines[0][0].lower() != "host":
        raise MisuseError("the request does not begin with 'Host', so it was not completed; send it through a pipeline")
    converted = httpx2.Request(
        "",
        url,
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in lines],
        stream=stream,
        extensions=extensions,
    )
    converted.method = request.method
    return converted


def whole_url(uri: URI) -> httpx2.URL:
    """The URL, where httpx2 keeps it as it is.

    Raises:
        UnsupportedTransportError: httpx2 would change the host or the target, or refuses them.
    """
    try:
        url = httpx2.URL(uri.origin + uri.target) if uri.target.startswith("/") else None
    except httpx2.InvalidURL:
        url = None
    if url is None or url.raw_path != uri.target.encode("ascii") or not _is_same_host(url, uri):
        raise UnsupportedTransportError(
            "httpx2 would change the target or the host of this request, and only a transport that the connector made "
            "itself, without a proxy, can be told not to; use such a one, or the connector h11",
            transport="httpx2",
            capability="this target, as it stands",
            alternatives=("h11",),
        )
    return url


@final
class Origins:
    """One parsed URL for each origin, for transports that take the target beside it."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, httpx2.URL] = {}

    def url(self, uri: URI) -> httpx2.URL:
        """The URL of the origin.

        Raises:
            UnsupportedTransportError: httpx2 cannot connect to a host of this form.
        """
        known = self._known.get(uri.origin)
        if known is None:
            if len(self._known) >= _MOST_ORIGINS:
                self._known.clear()
            known = self._known[uri.origin] = whole_url(URI(uri.origin))
        return known


def _is_same_host(url: httpx2.URL, uri: URI) -> bool:
    return url.raw_host.decode("latin-1") == uri.host.strip("[]").lower()


def from_httpx2(request: httpx2.Request) -> AnyRequest:
    """A request of ours with everything of an `httpx2.Request`, read and checked at once.

    Content that httpx2 holds in memory is taken over; a stream stays a stream, asynchronous if it can be
    both.  Extensions of httpx2 have no meaning here and are left out, but for the target.

    Raises:
        InvalidMessageError: httpx2 holds what no message may hold; its subclass says where.
    """
    target = request.extensions.get("target", request.url.raw_path)
    return Request(
        request.method,
        _uri(request.url, target.decode("latin-1") if isinstance(target, bytes) else str(target)),
        headers=[(name.decode("latin-1"), value) for name, value in request.headers.raw],
        body=_body(request.stream),
    )


def _uri(url: httpx2.URL, target: str) -> URI:
    userinfo = url.userinfo.decode("latin-1")
    origin = f"{url.scheme}://{userinfo}{'@' if userinfo else ''}{url.netloc.decode('latin-1')}"
    try:
        uri = URI(origin + target)
    except InvalidURIError:
        return URI.verbatim(URI(origin).origin, target)
    return uri if uri.target == target else URI.verbatim(uri.origin, target)


def _body(stream: httpx2.SyncByteStream | httpx2.AsyncByteStream) -> Body:
    if isinstance(stream, httpx2.ByteStream):
        return BytesBody(b"".join(stream))
    return AsyncIterableBody(stream) if isinstance(stream, httpx2.AsyncByteStream) else IterableBody(stream)


# --- responses -----------------------------------------------------------------------------------


class Head(NamedTuple):
    """The head of a response; `length` is that of the content where it is known, 0 where there can be none.

    `delimited` says that the end of the content is told by something else than the end of the connection.
    """

    status: int
    reason: str
    version: HttpVersion
    headers: Fields
    length: int | None
    delimited: bool


def read_head(response: httpx2.Response, method: str) -> Head:
    """The head of a response to a request with `method`.

    Raises:
        InvalidResponseError: HTTP allows no such head.
    """
    status = response.status_code
    if not 200 <= status <= 999:
        raise InvalidResponseError(_BAD_STATUS if status != 101 else _SWITCHED)
    headers = receive_fields(response.headers.raw)
    codings = headers.values("transfer-encoding")
    length = received_length(headers.values("content-length"), codings)
    if status in _NO_CONTENT or method == "HEAD":
        length = 0
    return Head(
        status,
        response.extensions.get("reason_phrase", b"").decode("latin-1"),
        _version(response.extensions.get("http_version", b"HTTP/1.1")),
        headers,
        length,
        delimited=length is not None or bool(codings),
    )


def _version(spoken: bytes) -> HttpVersion:
    known = _VERSIONS.get(spoken)
    if known is None and not spoken.startswith(b"HTTP/1."):
        raise InvalidResponseError("the server answered in a version of HTTP that was not asked for (RFC 9110 §2.5)")
    return known or HttpVersion.HTTP_1_1


_BAD_STATUS: Final = "the status of the response is none of the numbers from 200 to 999 (RFC 9110 §15)"
_SWITCHED: Final = "the server switched protocols (101), and the request did not ask for that (RFC 9110 §7.8)"
