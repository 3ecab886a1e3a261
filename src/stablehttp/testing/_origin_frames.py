"""HTTP/2 frames as octets: looking at those that arrive, making those that h2 would not send.

Stands on the journal.
"""

from __future__ import annotations

import re
from typing import NamedTuple, final

from stablehttp.testing._origin_log import Line, Track

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

_DATA, _HEADERS, _GOAWAY, _CONTINUATION = 0x0, 0x1, 0x7, 0x9
_END_HEADERS = 0x4
_OF_REQUESTS = (_DATA, _HEADERS, _CONTINUATION)
_OF_HEADS = (_HEADERS, _CONTINUATION)

_NAME_ODD = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9a-z]")
_VALUE_ODD = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$")
_OF_CONNECTIONS = frozenset((b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"))
_PSEUDO = frozenset((b":method", b":scheme", b":authority", b":path"))


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + content


def goaway(last: int, code: int) -> bytes:
    return frame(_GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big"))


def endless_start(stream: int) -> bytes:
    """A head that says `:status: 200` and does not end."""
    return frame(_HEADERS, 0, stream, b"\x88")


def endless_more(stream: int) -> bytes:
    """Another 16 KiB of the head that does not end: field lines that no decoder has to remember."""
    return frame(_CONTINUATION, 0, stream, b"\x00\x09x-endless\x0aand so on." * 700)


class Head(NamedTuple):
    """A header section on its way: the frames as they came, and their stream."""

    stream: int
    octets: bytes


@final
class FrameWalk:
    """Follows the frames of a connection: counts those of requests, keeps the octets of their heads."""

    def __init__(self, track: Track) -> None:
        self._track = track
        self._preface_left = len(PREFACE)
        self._start = bytearray()
        self._counted = 0
        self._kind = self._flags = self._stream = self._left = 0
        self._head = bytearray()
        self.heads: list[Head] = []

    def feed(self, octets: bytes) -> None:
        at = min(self._preface_left, len(octets))
        self._preface_left -= at
        while at < len(octets):
            at += self._content(octets, at) if self._left else self._frame_start(octets, at)

    def take_rest(self) -> bytes:
        """Take out the octets of a head that has not ended."""
        start = self._start if len(self._start) > 3 and self._start[3] in _OF_HEADS else b""
        rest = bytes(self._head + start)
        self._head.clear()
        return rest

    def _frame_start(self, octets: bytes, at: int) -> int:
        part = octets[at : at + 9 - len(self._start)]
        self._start += part
        if len(self._start) > 3 and self._start[3] in _OF_REQUESTS:
            self._track.request_octets += len(self._start) - self._counted
            self._counted = len(self._start)
        if len(self._start) == 9:
            self._left = int.from_bytes(self._start[:3], "big")
            self._kind, self._flags = self._start[3], self._start[4]
            self._stream = int.from_bytes(self._start[5:], "big") & 0x7FFFFFFF
            if self._kind in _OF_HEADS:
                self._head += self._start
            self._start.clear()
            self._counted = 0
            if not self._left:
                self._frame_end()
        return len(part)

    def _content(self, octets: bytes, at: int) -> int:
        part = octets[at : at + self._left]
        self._left -= len(part)
        if self._kind in _OF_REQUESTS:
            self._track.request_octets += len(part)
        if self._kind in _OF_HEADS:
            self._head += part
        if not self._left:
            self._frame_end()
        return len(part)

    def _frame_end(self) -> None:
        if self._kind in _OF_HEADS and self._flags & _END_HEADERS:
            self.heads.append(Head(self._stream, bytes(self._head)))
            self._head.clear()


def problems_of(lines: tuple[Line, ...]) -> list[str]:
    """What RFC 9113 §8.2 and §8.3 do not allow in the head of a request."""
    problems: list[str] = []
    pseudo: list[bytes] = []
    fields = 0
    for name, value in lines:
        if name.startswith(b":"):
            pseudo.append(name)
            if fields:
                problems.append("a pseudo-field after a field")
        else:
            fields += 1
            if not name or _NAME_ODD.search(name):
                problems.append(f"field line {fields} has a name that is not a token in lower case")
            if name in _OF_CONNECTIONS or (name == b"te" and value != b"trailers"):
                problems.append(f"field line {fields} is of HTTP/1.1 connections")
        if _VALUE_ODD.search(value):
            problems.append(f"line {fields + len(pseudo)} has a value with control characters or outer whitespace")
    if len(set(pseudo)) != len(pseudo) or not _PSEUDO.issuperset(pseudo):
        problems.append("repeated or unknown pseudo-fields")
    connect = (b":method", b"CONNECT") in lines
    if (
        missing := {b":method", b":authority"} - set(pseudo)
        if connect
        else {b":method", b":path", b":scheme"} - set(pseudo)
    ):
        problems.append(f"no {b', '.join(sorted(missing)).decode()}")
    return problems
