"""Requests and heads of responses, from our types to those of `awscrt.http` and back.

How the CRT differs, and what we do about it (each has a test in tests/adapters/crt):

- it adds nothing and changes nothing on HTTP/1.1; on HTTP/2 it would drop `Connection` and its like without
  a word: refused here, and names are put in lower case by us;
- it sends content only if the list says how it is framed, and drops it silently otherwise: the framing of a
  completed request stands in the list;
- values are text and go out as UTF-8, so an octet above 0x7F would become two: refused;
- it sends no trailers, and does not wait for 100 (Continue): refused;
- over HTTP/2 it cuts a target in absolute form down to its path: refused;
- over HTTP/2 a line of more than 4096 octets (name, value and 32) kills the whole connection, `:path`,
  `:authority` and `:method` included: refused, and declared in `limits`;
- it says what is wrong with a request in a bare RuntimeError: translated, nothing was sent;
- content of unknown length is read from a stream that the CRT asks again and again while it has nothing to give:
  such exchanges have a thread of the CRT to themselves, in which the stream may wait (`_lane`);
- an HTTP/1.1 connection would queue a second exchange: the pool gives it one at a time (`_lines`);
- a server that closes without an answer fails only the completion of the stream, and so does content that
  was cut: both are awaited (`_exchange`);
- response values arrive as text that was UTF-8; other octets fail the request with AWS_ERROR_UNKNOWN, and the CRT
  prints a traceback that we cannot keep from it: an InvalidResponseError;
- content without length and coding, which ends with the connection, is lost below us: reading it is an
  InvalidResponseError, its status and fields can be seen;
- over HTTP/1.1 it shows a head only with the first octet of content, or at the end if there is none;
- what a peer sends after a response may become part of it: left out, and the connection is closed;
- there is no reason phrase, no interim response, no trailer of a response, and HTTP/1.0 looks like HTTP/1.1;
- `:status` stands among the lines of an HTTP/2 response: left out;
- it has no bound on pauses: read, write, pool and total are timed here, and so is the TLS handshake;
- a certificate that is refused shows only after 10 to 30 seconds, which its TLS library waits on purpose, and
  then without a reason: after a second a handshake of Python's own finds out (`_probe`);
- HTTP/2 without TLS is not offered by the binding: refused;
- its binding cannot reset one stream of a connection: a connection with an exchange that was given up serves no
  new ones, and is closed when the others on it have ended;
- its threads do not survive a fork: a forked process is refused before any I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias, final

from awscrt.http import HttpHeaders, HttpRequest

from stablehttp import (
    URI,
    AnyRequest,
    BytesBody,
    Capability,
    Fields,
    HttpVersion,
    InvalidBodyError,
    InvalidMessageError,
    InvalidResponseError,
    Request,
    UnsupportedTransportError,
)
from stablehttp.adapting import FieldLine, borrow, has_trailers, receive_line, receive_value, received_length
from stablehttp_crt._body import MemoryReader

NAME: Final = "crt"
LONGEST_LINE: Final = 4096
"""Name, value and 32, in octets, of the longest line that the CRT carries over HTTP/2."""

Lines: TypeAlias = Sequence[tuple[str, str]]
"""Field lines as the CRT gives them: values that were UTF-8 on the wire, as text."""

_OWN_WAYS_OF_HTTP2: Final = frozenset({"connection", "keep-alive", "proxy-connection", "upgrade"})
_SIZE_OF_LENGTH: Final = len("content-length")
_SIZE_OF_CODING: Final = len("transfer-encoding")
_NO_TOKEN = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]").search


# --- requests -----------------------------------------------------------------------------------


def to_crt(request: AnyRequest, *, version: HttpVersion = HttpVersion.HTTP_1_1) -> HttpRequest:
    """A new request object for a connection of `version`, with content that is in memory.

    Streamed content is not part of it: a connector feeds that to the stream.

    Raises:
        InvalidMessageError: HTTP/2 has no place for a field of the request.
        UnsupportedTransportError: the CRT cannot send it as it stands.
    """
    made = Prepared(request, (version,)).to_crt(version)
    body = request.body
    if isinstance(body, BytesBody) and body.content:
        made.body_stream = MemoryReader(body.content)
    return made


def from_crt(
    client_request: HttpRequest, *, origin: str | None = None, body: bytes | None = None
) -> Request[BytesBody]:
    """Our request for one of the CRT's, read and checked at once.

    `origin` is where it goes, and defaults to https and its `Host`.  The CRT does not let a body stream be
    read by others, so content is given as `body`.

    Raises:
        InvalidMessageError: some part is invalid, or content is there and was not given.
    """
    if client_request.body_stream is not None and body is None:
        raise InvalidBodyError("the CRT does not let the content of its request be read; give it as body=")
    lines = [receive_line(name.encode(), value.encode()) for name, value in client_request.headers]
    if origin is None:
        hosts = [value for name, value in lines if name.lower() == "host"]
        if not hosts:
            raise InvalidMessageError("the request has no 'Host', so its origin is not known; give origin=")
        origin = f"https://{hosts[0]}"
    uri = URI.verbatim(origin, client_request.path)
    return Request(client_request.method, uri, headers=lines, body=body)


@final
class Prepared:
    """A request of which it is known that the CRT carries it as it stands, over each of some versions."""

    __slots__ = ("_http2_lines", "_lines", "_request")

    def __init__(self, request: AnyRequest, versions: Iterable[HttpVersion]) -> None:
        """Check it.

        Raises:
            UnsupportedTransportError: the CRT does not; `capability` says what is missing.
            InvalidMessageError: HTTP/2 has no place for a field of the request.
        """
        headers = request.headers
        if has_trailers(request):
            raise _refuse(Capability.REQUEST_TRAILERS, "drop the trailers")
        if "expect" in headers:
            raise _refuse(Capability.EXPECT_CONTINUE, "remove the field 'Expect'")
        self._request = request
        self._lines = headers.items()
        self._http2_lines: list[FieldLine] = []
        if HttpVersion.HTTP_2 in versions:
            if request.method == "CONNECT":
                raise _refuse(Capability.CONNECT_METHOD, "use HTTP/1.1 for it")
            _check_form(request.target)
            self._http2_lines = _lines_for_http2(request, self._lines)
        if not "".join([value for _, value in self._lines]).isascii():
            raise _refuse(Capability.OPAQUE_VALUES, "encode the values that hold such octets")

    def to_crt(self, version: HttpVersion) -> HttpRequest:
        """A new request object for a connection of `version`, one of those that were checked; without content."""
        lines = self._http2_lines if version is HttpVersion.HTTP_2 else self._lines
        return HttpRequest(self._request.method, self._request.target, HttpHeaders(lines))


def _refuse(capability: Capability, way: str) -> UnsupportedTransportError:
    return UnsupportedTransportError(
        f"connector {NAME!r} does not offer {capability.value}; use one that declares {capability!r}, or {way}",
        transport=NAME,
        capability=capability.value,
    )


def _lines_for_http2(request: AnyRequest, lines: list[FieldLine]) -> list[FieldLine]:
    """The lines in lower case, without our own coding; the CRT makes `:authority` of `host`."""
    made = [(name.lower(), value) for name, value in lines]
    for name, value in made:
        if name in _OWN_WAYS_OF_HTTP2 or (name == "te" and value.strip().lower() != "trailers"):
            raise InvalidMessageError(
                f"field {name!r} is about one connection, and HTTP/2 has no place for it (RFC 9113 §8.2.2); remove it"
            )
        _check_size(":authority" if name == "host" else name, value)
    _check_size(":path", request.target)
    _check_size(":method", request.method)
    return [line for line in made if line[0] != "transfer-encoding"]


def _check_form(target: str) -> None:
    if target != "*" and not target.startswith("/"):
        raise UnsupportedTransportError(
            f"connector {NAME!r} would cut a target that does not begin with '/' for HTTP/2; use HTTP/1.1 for it",
            transport=NAME,
            capability="the absolute form of the target over HTTP/2",
        )


def _check_size(name: str, value: str) -> None:
    octets = len(name) + len(value)
    if octets + 32 > LONGEST_LINE:
        raise UnsupportedTransportError(
            f"connector {NAME!r} cannot carry field {name!r:.80} over HTTP/2: name and value have {octets} octets "
            f"and {LONGEST_LINE - 32} are the most; use HTTP/1.1 or another connector",
            transport=NAME,
            capability=f"field lines of more than {LONGEST_LINE - 32} octets",
        )


# --- responses ----------------------------------------------------------------------------------


@final
class Head:
    """The head of a response, read and checked.

    `may_have_content` says whether a response to such a request, with such a status, has content (RFC 9112 §6.3);
    `declared` is the length of that, and `framed` says that the head declares how it ends.
    """

    __slots__ = ("_lines", "declared", "framed", "may_have_content", "status")

    def __init__(self, method: str, status: int, lines: Lines) -> None:
        """Check what arrived in answer to a request with `method`.

        Raises:
            InvalidResponseError: the status, a name, a value or the framing is one that HTTP does not allow.
        """
        if not 100 <= status <= 999:
            raise InvalidResponseError("the peer sent a status that is no number from 100 to 999", processed="maybe")
        self.status = status
        self._lines = lines[1:] if lines and lines[0][0] == ":status" else lines
        names = _checked_names(self._lines)
        self.may_have_content = not (method == "HEAD" or status in (204, 304) or is_tunnel(method, status))
        self.declared: int | None = None if self.may_have_content else 0
        self.framed = not self.may_have_content
        if self.may_have_content:
            sizes = list(map(len, names))
            codings = self._find("transfer-encoding") if _SIZE_OF_CODING in sizes else ()
            lengths = self._find("content-length") if _SIZE_OF_LENGTH in sizes else ()
            self.declared = received_length(lengths, codings)
            self.framed = self.declared is not None or bool(codings)

    @property
    def headers(self) -> Fields:
        """The header section, whose lines stay where they are until all of them are wanted."""
        return borrow(self._lines, self._read, self._find)

    def _read(self) -> list[FieldLine]:
        return [(name, value if value.isascii() else receive_value(value.encode())) for name, value in self._lines]

    def _find(self, folded: str) -> list[str]:
        size = len(folded)
        return [
            value if value.isascii() else receive_value(value.encode())
            for name, value in self._lines
            if len(name) == size and name.lower() == folded
        ]


def is_tunnel(method: str, status: int) -> bool:
    """Whether this makes the connection a tunnel, which is no use to us."""
    return method == "CONNECT" and 200 <= status < 300


def _checked_names(lines: Lines) -> list[str]:
    """All names, once it is sure what the CRT ought to have checked; one look at all lines together."""
    names = [name for name, _ in lines]
    if "" in names or _NO_TOKEN("".join(names)):
        raise InvalidResponseError("the peer sent a field name that is not a token (RFC 9110 §5.1)")
    values = "".join([value for _, value in lines])
    if "\r" in values or "\n" in values or "\0" in values:
        raise InvalidResponseError("the peer sent NUL, CR or LF in a field value (RFC 9110 §5.5)")
    return names
