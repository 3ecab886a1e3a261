"""Reading the heads of a response out of octets, without I/O and without colour.

h11 reads them.  Field lines are read from the octets that h11 found valid: a lookup is one search in them, and
nothing that h11 normalises (the case of `chunked`, a repeated `Content-Length`) is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, final

import h11

from stablehttp import HttpVersion, InvalidResponseError
from stablehttp.adapting import FieldLine, receive_value, received_length
from stablehttp_h11._content import Chunked, Content, Counted, UntilClose

HEAD_LIMIT: Final = 100 * 1024
"""How many octets the heads of one response may have, informational ones and the trailers included."""

_FOLDING = re.compile(rb"[\t ]*\r?\n[\t ]+")
_SWITCHING = re.compile(rb"HTTP/1\.[0-9] 101[ \r\n]").match
_REQUEST: Final = h11.Request(method="GET", target="/", headers=[("Host", "-")])
"""Stands for any request: h11 takes a final response without having seen one, and a 1xx only after one."""
_SHORTEST: Final = len(b"HTTP/1.1 200\n\n")

_VERSIONS: Final = {b"1.0": HttpVersion.HTTP_1_0, b"1.1": HttpVersion.HTTP_1_1}


@final
class Head:
    """The head of a response; it is the lender of a borrowed section."""

    __slots__ = ("_lower", "raw", "reason", "status", "version")

    def __init__(self, event: h11.Response | h11.InformationalResponse, raw: bytes) -> None:
        self.status: int = event.status_code
        self.reason = event.reason.decode("latin-1")
        version = event.http_version
        if version[:1] != b"1":
            raise InvalidResponseError(
                f"the peer answered with HTTP/{version.decode('latin-1')}, and HTTP/1.1 was asked for (RFC 9110 §2.5)"
            )
        self.version = _VERSIONS.get(version, HttpVersion.HTTP_1_1)
        if b"\n " in raw or b"\n\t" in raw:
            raw = _FOLDING.sub(b" ", raw)
        self.raw = raw
        self._lower = raw.lower()

    def find(self, folded: str) -> Sequence[str]:
        """The values of all lines of this name, in order."""
        start = b"\n" + folded.encode("latin-1", "replace") + b":"
        place = self._lower.find(start)
        if place < 0 or b"\n" in start[1:]:
            return ()
        found: list[str] = []
        while place >= 0:
            place += len(start)
            found.append(receive_value(self.raw[place : self.raw.find(b"\n", place)].strip(b" \t\r")))
            place = self._lower.find(start, place)
        return found

    def read(self) -> Iterable[FieldLine]:
        """All lines, in order."""
        for line in self.raw.split(b"\n")[1:-2]:
            name, _, value = line.partition(b":")
            yield name.decode("ascii"), receive_value(value.strip(b" \t\r"))

    @property
    def keeps_alive(self) -> bool:
        """Whether the peer lets another request follow on this connection (RFC 9112 §9.3)."""
        return self.version is HttpVersion.HTTP_1_1 and not says_close(self.find("connection"))


def says_close(values: Iterable[str]) -> bool:
    """Whether the option `close` stands in the values of `Connection` (RFC 9110 §7.6.1)."""
    return any(option.strip().lower() == "close" for value in values for option in value.split(","))


@final
class HeadReader:
    """Reads the heads of one response: any number of informational ones, then the final one."""

    __slots__ = ("_connection", "_octets", "_seen")

    def __init__(self) -> None:
        self._octets: list[bytes] = []
        self._seen = 0
        self._connection = _new_connection()

    def feed(self, octets: bytes) -> None:
        """Take what arrived; empty lines before a status line are skipped, some peers send them."""
        self._seen += len(octets)
        if not self._octets:
            octets = octets.lstrip(b"\r\n")
        if octets:
            self._octets.append(octets)
            self._connection.receive_data(octets)

    def next(self) -> Head | None:
        """The next head, or None if more octets are needed.

        Raises:
            InvalidResponseError: this is no response of HTTP/1, or its heads are longer than `HEAD_LIMIT`.
            h11.RemoteProtocolError: this is no head.
        """
        event = self._next_event()
        if event is None:
            self._check_size(self._seen)
            return None
        rest = self._connection.trailing_data[0]
        self._check_size(self._seen - len(rest))
        whole = self._octets[0] if len(self._octets) == 1 else b"".join(self._octets)
        head = Head(event, whole[: len(whole) - len(rest)])
        self._octets = [rest]
        if isinstance(event, h11.InformationalResponse):
            self._begin_again(rest)
        return head

    def content(self, head: Head, method: str) -> Content:
        """The reader of the content that follows the final head, with what has arrived of it (RFC 9112 §6.3).

        Raises:
            InvalidResponseError: the head says in two ways where the content ends.
        """
        rest = self._octets[0]
        if method == "HEAD" or head.status in (204, 304):
            return Counted(0, rest)
        if method == "CONNECT" and 200 <= head.status < 300:
            return UntilClose(rest)
        codings = head.find("transfer-encoding")
        length = received_length(head.find("content-length"), codings)
        if codings:
            return Chunked(self._connection)
        return UntilClose(rest) if length is None else Counted(length, rest)

    def _next_event(self) -> h11.Response | h11.InformationalResponse | None:
        if not self._octets:
            return None
        if len(self._octets[0]) < _SHORTEST:
            self._octets[:] = [b"".join(self._octets)]
            if len(self._octets[0]) < _SHORTEST and b"\n" not in self._octets[0]:
                return None
        if self._octets[0][9:10] == b"1" and self._connection.our_state is h11.IDLE:
            self._connection.send(_REQUEST)
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError:
            if _SWITCHING(self._octets[0]):
                raise InvalidResponseError(
                    "the peer switched to another protocol, with 101, and nobody asked for that (RFC 9110 §15.2.2)"
                ) from None
            raise
        return event if isinstance(event, (h11.Response, h11.InformationalResponse)) else None

    def _begin_again(self, rest: bytes) -> None:
        self._octets = []
        self._connection = _new_connection()
        self._seen -= len(rest)
        if rest:
            self.feed(rest)

    def _check_size(self, octets: int) -> None:
        if octets > HEAD_LIMIT:
            raise InvalidResponseError(
                f"the head of the response has more than the {HEAD_LIMIT} octets that it may have"
            )


def _new_connection() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_LIMIT)
