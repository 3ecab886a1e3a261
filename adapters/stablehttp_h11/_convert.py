"""Requests to octets, heads of responses to responses.

How h11 differs, and what we do about it:

- It moves `Host` to the front and writes `Transfer-Encoding` in lower case: the head is rendered here, the request is
  valid already; a completed request has `Host` first, so `to_h11` loses nothing either.
- It allows control characters other than NUL, CR, LF and whitespace in values, and so do we: they are received as
  they are, and a request cannot hold them.
- It drops repeated and lower-cases some framing lines of a response: lines are read from the octets themselves.

How odd responses are read (RFC 9112):

- Empty lines before a status line are skipped, lines may end with LF alone (§2.2), folded lines are unfolded (§5.2).
- The reason phrase may be missing (§4); a status below 100 or of four digits is invalid, one above 599 is not.
- HTTP/1.0 is answered to and closed (§9.3); another major version is invalid.
- 1xx are handed to a hook and skipped; 101 is invalid, because nobody asked for another protocol (RFC 9110 §15.2.2).
- Equal `Content-Length` values count once, differing or odd ones are invalid (§6.3).
- `Content-Length` with `Transfer-Encoding` is invalid (§6.3); so is a coding other than `chunked`, and `chunked` twice.
- 204, 304 and answers to HEAD have no content, whatever they declare (§6.3); octets behind it end the connection.
- Octets behind the end of a response are no response: they are dropped, with the connection (§6.3).
- Without a length content ends with the connection; with TLS only if the peer ended it itself (§9.8).
- Chunk extensions are ignored (§7.1.1), trailers are kept apart from the fields (§6.5.1).
- A 2xx to CONNECT has no framing: what follows is content until the peer closes (§6.3).
- Heads, 1xx and trailers included, may have 100 KiB.
"""

from __future__ import annotations

from typing import TypeVar

import h11

from stablehttp import URI, AnyRequest, AnyResponse, BytesBody, ConnectionInfo, Request, Response
from stablehttp.adapting import Body, adopt, borrow, receive_line
from stablehttp_h11._reader import Head
from stablehttp_h11._route import Route

B = TypeVar("B", bound=Body)


def to_h11(request: AnyRequest) -> h11.Request:
    """The head of `request` as a new object of h11; the content is not part of it."""
    return h11.Request(
        method=request.method.encode("ascii"),
        target=request.target.encode("ascii"),
        headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers.items()],
    )


def from_h11(request: h11.Request, *, scheme: str = "http", content: bytes = b"") -> Request[BytesBody]:
    """A request with the head that h11 read, and `content`, which it gives apart from it; all is checked now.

    Raises:
        InvalidMessageError: a part is invalid; its subclass says which.
    """
    lines = [receive_line(name, value) for name, value in request.headers.raw_items()]
    host = next(value for name, value in lines if name.lower() == "host")
    uri = URI.verbatim(f"{scheme}://{host}", request.target.decode("ascii"))
    return Request(
        request.method.decode("ascii"),
        uri,
        headers=[(name, value if value.isascii() else value.encode("latin-1")) for name, value in lines],
        body=content,
    )


def render_head(request: AnyRequest, route: Route) -> bytes:
    """The octets of the request line and the field lines."""
    lines = [f"{name}: {value}\r\n" for name, value in request.headers.items()]
    if route.credentials is not None and "proxy-authorization" not in request.headers:
        lines.append(f"Proxy-Authorization: {route.credentials}\r\n")
    return f"{request.method} {route.target(request)} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")


def from_head(head: Head, body: B, connection: ConnectionInfo) -> Response[B]:
    """The response that begins with `head`; its field lines stay there."""
    return Response(
        head.status,
        headers=borrow(head, head.read, head.find),
        body=body,
        reason=head.reason,
        http_version=head.version,
        connection=connection,
    )


def from_informational(head: Head) -> AnyResponse:
    """A 1xx response, for a hook."""
    return Response(
        head.status, headers=adopt(list(head.read())), body=b"", reason=head.reason, http_version=head.version
    )
