"""What the recording origin saw: requests and connections.

Stands on the standard library.

`Received` and `Connection` are what users read: frozen, and safe to keep.  `Draft` and `Track` are the
same things while they still change; only the thread of the origin touches them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

Line: TypeAlias = tuple[bytes, bytes]
"""A field line: its name and its value, as octets."""

Ended: TypeAlias = Literal["open", "client closed", "client reset", "closed", "reset"]
"""How a connection ended: by the client's close or reset, by the origin's, or not yet."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it arrived.

    `raw_head` is the truth: the octets of the request line and the field lines with the empty line
    after them (on HTTP/2: the HEADERS and CONTINUATION frames).  `fields` keeps order, spelling and
    repetition; only the whitespace around a value is taken off.  On HTTP/2 `method`, `target`,
    `authority` and `scheme` come from the pseudo-fields, which are not in `fields`; `raw_fields` has all
    lines in the order of the wire.

    `content` has the framing taken off, `raw_content` has the framing of HTTP/1.1; `chunks` are the sizes of
    the chunks or of the DATA frames, in octets.  Beyond the origin's `content_limit` content is counted and
    hashed but not kept; `content_length` and `content_sha256` are about all of it.

    `complete` is False if the request ended before its framing did, or had not been read to its end when
    it was recorded.  `after_close` says that it arrived after the origin had closed its side, so nothing
    acted on it.  `problems` says in words what no careful sender would send.
    """

    number: int
    connection: int
    index: int
    stream: int | None = None
    http_version: Literal["HTTP/1.1", "HTTP/2"] = "HTTP/1.1"
    tls: bool = False
    alpn: str | None = None
    method: bytes = b""
    target: bytes = b""
    version: bytes = b""
    scheme: bytes | None = None
    authority: bytes | None = None
    fields: tuple[Line, ...] = ()
    raw_fields: tuple[Line, ...] = ()
    raw_head: bytes = b""
    content: bytes = b""
    raw_content: bytes = b""
    content_length: int = 0
    content_sha256: str = ""
    chunks: tuple[int, ...] = ()
    trailers: tuple[Line, ...] = ()
    complete: bool = False
    after_close: bool = False
    problems: tuple[str, ...] = ()

    def values(self, name: str | bytes) -> tuple[bytes, ...]:
        """Give the values of all field lines called `name`, in any spelling, in order."""
        wanted = (name.encode("latin-1") if isinstance(name, str) else name).lower()
        return tuple(value for found, value in self.fields if found.lower() == wanted)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "incomplete"
        path = self.target.partition(b"?")[0].decode("latin-1")
        return (
            f"<Received {self.number}: {self.method.decode('latin-1')} {path} {self.http_version}, "
            f"{len(self.fields)} field lines, {self.content_length} octets, {state}>"
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection at the moment it was asked for.

    `octets_received` and `octets_sent` count what HTTP saw, inside TLS where there is TLS.
    `request_octets` are those that belong to requests: all of them on HTTP/1.1, those in HEADERS,
    CONTINUATION and DATA frames on HTTP/2.  While it is 0, no part of any request has arrived.
    `requests` counts the request heads that arrived whole.  `certificate` is the client's, as DER.
    """

    number: int
    peer: str = ""
    http_version: Literal["HTTP/1.1", "HTTP/2"] = "HTTP/1.1"
    tls: bool = False
    alpn: str | None = None
    sni: str | None = None
    tls_error: str | None = None
    certificate: bytes | None = None
    octets_received: int = 0
    octets_sent: int = 0
    request_octets: int = 0
    requests: int = 0
    ended: Ended = "open"


@final
@dataclass(slots=True, kw_only=True)
class Track:
    """A connection while it lives: what `Connection` shows."""

    number: int
    peer: str = ""
    http_version: Literal["HTTP/1.1", "HTTP/2"] = "HTTP/1.1"
    tls: bool = False
    alpn: str | None = None
    sni: str | None = None
    tls_error: str | None = None
    certificate: bytes | None = None
    octets_received: int = 0
    octets_sent: int = 0
    request_octets: int = 0
    requests: int = 0
    ended: Ended = "open"

    def snapshot(self) -> Connection:
        return Connection(
            number=self.number,
            peer=self.peer,
            http_version=self.http_version,
            tls=self.tls,
            alpn=self.alpn,
            sni=self.sni,
            tls_error=self.tls_error,
            certificate=self.certificate,
            octets_received=self.octets_received,
            octets_sent=self.octets_sent,
            request_octets=self.octets_received if self.http_version == "HTTP/1.1" else self.request_octets,
            requests=self.requests,
            ended=self.ended,
        )


@final
class Keeper:
    """Keeps octets up to a limit; counts and hashes all of them."""

    __slots__ = ("_hash", "_kept", "_limit", "_pieces", "total")

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._pieces: list[bytes] = []
        self._kept = 0
        self._hash = None if limit is None else hashlib.sha256()
        self.total = 0

    def add(self, octets: bytes) -> None:
        self.total += len(octets)
        if self._limit is None:
            self._pieces.append(octets)
            return
        if self._hash is not None:
            self._hash.update(octets)
        room = self._limit - self._kept
        if room > 0:
            self._pieces.append(octets[:room])
            self._kept += min(room, len(octets))

    def kept(self) -> bytes:
        if len(self._pieces) > 1:
            self._pieces = [b"".join(self._pieces)]
        return self._pieces[0] if self._pieces else b""

    def sha256(self) -> str:
        return (hashlib.sha256(self.kept()) if self._hash is None else self._hash).hexdigest()


_NOTHING_SHA256 = hashlib.sha256().hexdigest()


@final
class Draft:
    """A request while it arrives."""

    __slots__ = (
        "after_close",
        "authority",
        "chunks",
        "content",
        "fields",
        "index",
        "method",
        "problems",
        "raw_content",
        "raw_fields",
        "raw_head",
        "recorded",
        "scheme",
        "stream",
        "target",
        "track",
        "trailers",
        "version",
    )

    def __init__(self, track: Track, index: int, limit: int | None, *, stream: int | None = None) -> None:
        self.track = track
        self.index = index
        self.stream = stream
        self.method = self.target = self.version = self.raw_head = b""
        self.scheme: bytes | None = None
        self.authority: bytes | None = None
        self.fields: tuple[Line, ...] = ()
        self.raw_fields: tuple[Line, ...] = ()
        self.trailers: tuple[Line, ...] = ()
        self.chunks: list[int] = []
        self.problems: list[str] = []
        self.content = Keeper(limit)
        self.raw_content: Keeper | None = None
        self.after_close = False
        self.recorded: Received | None = None

    def received(self, number: int, *, complete: bool) -> Received:
        content = self.content.kept()
        return Received(
            number=number,
            connection=self.track.number,
            index=self.index,
            stream=self.stream,
            http_version=self.track.http_version,
            tls=self.track.tls,
            alpn=self.track.alpn,
            method=self.method,
            target=self.target,
            version=self.version,
            scheme=self.scheme,
            authority=self.authority,
            fields=self.fields,
            raw_fields=self.raw_fields,
            raw_head=self.raw_head,
            content=content,
            raw_content=content if self.raw_content is None else self.raw_content.kept(),
            content_length=self.content.total,
            content_sha256=self.content.sha256() if self.content.total else _NOTHING_SHA256,
            chunks=tuple(self.chunks),
            trailers=self.trailers,
            complete=complete,
            after_close=self.after_close,
            problems=tuple(self.problems),
        )
