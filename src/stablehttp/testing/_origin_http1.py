"""Reading HTTP/1.1 requests off a wire, literally.

Stands on the journal and the wire.

This is no validating parser: what a careless client sent is recorded as it came, with a remark in
`problems`.  Framing is read as a lenient server would: Transfer-Encoding before Content-Length, the first
Content-Length before the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import final

from stablehttp.testing._origin_log import Draft, Keeper, Line
from stablehttp.testing._origin_wire import GoneError, Wire

HEAD_LIMIT = 16 * 1024 * 1024
WHOLE_CHUNK = 64 * 1024

_END = re.compile(rb"\n\r?\n")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NAME_ODD = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")


def parse_lines(raw: list[bytes], problems: list[str], where: str) -> tuple[Line, ...]:
    """Field lines as they stand: the name up to the first colon, the value without the whitespace around it."""
    found: list[Line] = []
    for line in raw:
        name, colon, value = line.partition(b":")
        if not colon or not name or _NAME_ODD.search(name):
            if line[:1] in (b" ", b"\t"):
                problems.append(f"{where} line {len(found) + 1} is folded")
                name, value = b"", line
            elif not colon:
                problems.append(f"{where} line {len(found) + 1} has no colon")
            else:
                problems.append(f"{where} line {len(found) + 1} has a name that is not a token")
        found.append((name, value.strip(b" \t")))
    return tuple(found)


def split_lines(octets: bytes, problems: list[str], where: str) -> list[bytes]:
    """Lines without their ends; an end that is not CRLF is a problem."""
    ends = octets.count(b"\r\n")
    if octets.count(b"\n") == ends == octets.count(b"\r"):
        return octets.split(b"\r\n")
    problems.append(f"{where} holds a CR or LF that is not part of CRLF")
    return [line.removesuffix(b"\r") for line in octets.split(b"\n")]


@final
class Reader:
    """The requests of one connection, one after the other.

    `tap` is called with the octets of the content as they stood on the wire, framing included.
    """

    def __init__(self, wire: Wire, limit: int | None, tap: Callable[[bytes], None] | None = None) -> None:
        self._wire = wire
        self._limit = limit
        self._tap = tap
        self._left = 0
        self._chunked = False
        self.at_end = True
        self.expects = False
        self.wants_close = False

    async def head(self, draft: Draft) -> bool:
        """Read a request head into the draft; False if it never became whole."""
        wire, start = self._wire, 0
        while not wire.buffer.strip(b"\r\n"):
            if not await wire.more():
                return self._broken(draft, "the request head never began")
        if wire.buffer[0] in b"\r\n":
            draft.problems.append("empty lines before the request line")
            start = len(wire.buffer) - len(wire.buffer.lstrip(b"\r\n"))
        if not 0x20 <= wire.buffer[start] < 0x7F:
            return self._broken(draft, "this is not HTTP/1.1")
        while (end := _END.search(wire.buffer, start)) is None:
            if len(wire.buffer) > HEAD_LIMIT:
                return self._broken(draft, f"the request head is longer than {HEAD_LIMIT} octets")
            start = max(start, len(wire.buffer) - 2)
            if not await wire.more():
                return self._broken(draft, "the request head was cut")
        draft.raw_head = wire.take(end.end())
        wire.count_head()
        self._parse(draft)
        return True

    async def piece(self, draft: Draft) -> bytes | None:
        """Read the next piece of the content into the draft and give it back; None at the end.

        A piece is a chunk, or what has arrived of a chunk beyond 64 KiB or of unchunked content.

        Raises:
            GoneError: the content was cut, or its framing cannot be read.
        """
        if self.at_end:
            return None
        if self._chunked:
            return await self._chunk(draft)
        if not self._wire.buffer and not await self._wire.more():
            draft.problems.append(f"the content was cut {self._left} octets before its end")
            raise GoneError
        piece = self._wire.take(self._left)
        self._left -= len(piece)
        self.at_end = self._left == 0
        draft.content.add(piece)
        if self._tap is not None:
            self._tap(piece)
        return piece

    def _parse(self, draft: Draft) -> None:
        problems = draft.problems
        text = draft.raw_head.lstrip(b"\r\n")
        if _CONTROL.search(text):
            problems.append("the request head holds a control character")
        raw = split_lines(text, problems, "the request head")
        draft.method, _, rest = raw[0].partition(b" ")
        target, space, version = rest.rpartition(b" ")
        draft.target, draft.version = (target, version) if space else (rest, b"")
        if not space:
            problems.append("the request line has fewer than three parts")
        draft.fields = draft.raw_fields = parse_lines(raw[1:-2], problems, "field")
        lengths: list[bytes] = []
        codings: list[bytes] = []
        connection: list[bytes] = []
        hosts = 0
        self.expects = False
        for name, value in draft.fields:
            match name.lower():
                case b"content-length":
                    lengths.append(value)
                case b"transfer-encoding":
                    codings.append(value)
                case b"connection":
                    connection.extend(token.strip().lower() for token in value.split(b","))
                case b"host":
                    hosts += 1
                case b"expect":
                    self.expects = value.lower() == b"100-continue"
                case _:
                    pass
        if hosts != 1 and draft.version != b"HTTP/1.0":
            problems.append(f"{hosts} Host lines")
        self.wants_close = b"keep-alive" not in connection if draft.version == b"HTTP/1.0" else b"close" in connection
        self._frame(draft, lengths, codings)

    def _frame(self, draft: Draft, lengths: list[bytes], codings: list[bytes]) -> None:
        if codings and lengths:
            draft.problems.append("Content-Length beside Transfer-Encoding")
        if len(set(lengths)) > 1:
            draft.problems.append("differing Content-Length lines")
        last = codings[-1].rpartition(b",")[2].strip().lower() if codings else b""
        if codings and last != b"chunked":
            draft.problems.append("the last transfer coding is not chunked")
        if any(not length.isdigit() for length in lengths):
            draft.problems.append("Content-Length is not a number")
        self._chunked = last == b"chunked"
        self._left = int(lengths[0]) if lengths and lengths[0].isdigit() and not codings else 0
        self.at_end = not self._chunked and self._left == 0
        self.expects = self.expects and not self.at_end
        draft.raw_content = Keeper(self._limit) if self._chunked else None

    async def _chunk(self, draft: Draft) -> bytes | None:
        if self._left == 0:
            size = await self._chunk_size(draft)
            if size == 0:
                await self._trailers(draft)
                return None
            draft.chunks.append(size)
            self._left = size
            if size <= WHOLE_CHUNK:
                await self._until(draft, size + 2)
        if not self._wire.buffer:
            await self._until(draft, 1)
        piece = self._raw(draft, self._left)
        self._left -= len(piece)
        draft.content.add(piece)
        if self._left == 0:
            await self._until(draft, 2)
            if self._raw(draft, 2) != b"\r\n":
                draft.problems.append("a chunk does not end with CRLF")
                raise GoneError
        return piece

    async def _chunk_size(self, draft: Draft) -> int:
        line = await self._line(draft)
        size = line.partition(b";")[0].strip(b" \t")
        if not _CHUNK_SIZE.fullmatch(size):
            draft.problems.append("a chunk size is not a number")
            raise GoneError
        return int(size, 16)

    async def _trailers(self, draft: Draft) -> None:
        raw: list[bytes] = []
        while line := await self._line(draft):
            raw.append(line)
        draft.trailers = parse_lines(raw, draft.problems, "trailer")
        self.at_end = True

    async def _line(self, draft: Draft) -> bytes:
        wire, start = self._wire, 0
        while (end := wire.buffer.find(b"\n", start)) < 0:
            start = len(wire.buffer)
            if start > HEAD_LIMIT:
                draft.problems.append(f"a line of the chunked framing is longer than {HEAD_LIMIT} octets")
                raise GoneError
            await self._until(draft, start + 1)
        line = self._raw(draft, end + 1)[:-1]
        if not line.endswith(b"\r"):
            draft.problems.append("a line of the chunked framing does not end with CRLF")
        return line.removesuffix(b"\r")

    async def _until(self, draft: Draft, count: int) -> None:
        """Wait until the buffer holds `count` octets; if the peer leaves before, keep what there is."""
        while len(self._wire.buffer) < count:
            if not await self._wire.more():
                draft.problems.append("the chunked content was cut")
                rest = self._raw(draft, len(self._wire.buffer))
                if self._left:
                    draft.content.add(rest[: self._left])
                raise GoneError

    def _raw(self, draft: Draft, count: int) -> bytes:
        octets = self._wire.take(count)
        if draft.raw_content is not None:
            draft.raw_content.add(octets)
        if self._tap is not None:
            self._tap(octets)
        return octets

    def _broken(self, draft: Draft, problem: str) -> bool:
        draft.raw_head = self._wire.take(len(self._wire.buffer))
        draft.problems.append(problem)
        self.at_end = True
        return False
