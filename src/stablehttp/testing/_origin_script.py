"""What the recording origin answers: answers, faults, and the queue they wait in.

Stands on the records and the gates.

An `Answer` is plain data; `_origin_play` performs it on HTTP/1.1 and on HTTP/2 alike.  Nothing in an
answer is checked for sense: an origin that only sends what HTTP allows would be no test.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus
from typing import Literal, TypeAlias, final

from stablehttp.testing._origin_gate import Gate as Gate
from stablehttp.testing._origin_gate import Pause as Pause
from stablehttp.testing._origin_log import Line, Received

Point: TypeAlias = Literal[
    "accept",
    "open",
    "request start",
    "request head",
    "request content",
    "request",
    "response head",
    "response content",
    "response end",
    "response",
]
"""Where in an exchange a fault strikes.

accept: the connection was accepted, nothing was read, TLS has not begun · open: the connection is ready
(TLS is done), nothing was read · request start: at least one octet of the request head arrived (on
HTTP/2: all of the head) · request head: the request head arrived · request content: `after` octets of
the content arrived · request: all of the request arrived, nothing was answered · response head: `after`
octets of the final response head went out (default: half of it) · response content: `after` octets of
the content went out (default: half of it, or the first piece of an iterable) · response end: all of the
content went out, but not the end of the framing (last chunk, trailers, END_STREAM) · response: the whole
response went out.
"""

Framing: TypeAlias = Literal["auto", "length", "chunked", "close", "none"]
Reading: TypeAlias = Literal["before", "after", "while", "never"]


@final
@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection in good order (FIN).

    Over TLS a close_notify comes before it, unless `tls_notify` is False.  What still arrives is read and
    recorded with `after_close` set, until the client closes too; so the client never gets a reset for it.
    """

    tls_notify: bool = True


@final
@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection (RST); what had already arrived is counted first.

    At "accept" or "open" it may reach the client while that is still finishing its connect call; "request start" comes
    later for certain.
    """


@final
@dataclass(frozen=True, slots=True)
class Hang:
    """Do nothing more, and read nothing more, until the client goes or the origin is closed."""


@final
@dataclass(frozen=True, slots=True)
class ResetStream:
    """Reset this stream with the HTTP/2 error `code` (7 is REFUSED_STREAM, 8 is CANCEL); HTTP/2 only."""

    code: int = 7


@final
@dataclass(frozen=True, slots=True)
class GoAway:
    """Send GOAWAY with the HTTP/2 error `code`; HTTP/2 only.

    `last` is the last stream that the origin promises to process: "before" leaves this stream out, "this"
    takes it in, a number is sent as it is.  Streams up to it go on as scripted, this one included;
    then the connection is closed.
    """

    code: int = 0
    last: Literal["before", "this"] | int = "before"


What: TypeAlias = Close | Reset | Hang | ResetStream | GoAway


@final
@dataclass(frozen=True, slots=True)
class Fault:
    """`what` happens `at` a point of the exchange, `after` so many octets where the point counts them."""

    what: What
    at: Point
    after: int | None = None


@final
@dataclass(frozen=True, slots=True)
class Echo:
    """As the content of an answer: the content of the request.

    With `reading="while"` each piece is sent back as soon as it arrived: each chunk of up to 64 KiB, each
    DATA frame.
    """


Step: TypeAlias = bytes | Pause | Gate
Content: TypeAlias = bytes | int | Echo | Iterable[Step]


@final
@dataclass(frozen=True, slots=True)
class Informational:
    """A response with a status from 100 to 199, sent before the final one."""

    status: int
    fields: Iterable[tuple[str | bytes, str | bytes]] = ()
    _: KW_ONLY
    reason: str | bytes | None = None


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """One response, and how the exchange goes on.

    `fields` are sent in order and spelling as given; what framing needs is added after them unless it is
    among them.  HTTP/2 sends names in lower case and leaves out Connection, Keep-Alive and
    Transfer-Encoding.  `reason` defaults to the phrase of the status.

    `content` is octets, a number of octets to generate (see `generated`), `Echo()`, or an iterable of pieces,
    pauses and gates, each piece sent on its own (reusable answers need a reusable iterable).  `piece` cuts
    octets into pieces of that size, `pause` waits so many seconds between pieces.

    `framing`: "length" adds Content-Length, "chunked" Transfer-Encoding and chunks, "close" ends by closing,
    "none" adds nothing and sends the content as it is; "auto" follows `fields` if they frame, else chunks for
    iterables and trailers, else length.  `declared` replaces the true value of Content-Length: after fewer octets
    than declared the connection is closed, after more it is kept.

    `reading`: the content of the request is read "before" the answer, "after" it, "while" it is sent, or
    "never".  `expect` says what `Expect: 100-continue` gets before the content is read: 100, or nothing.

    `delay` (seconds) and `hold` come before everything that is sent; `informational` before the head.
    `raw` is sent instead of everything, on HTTP/2 too, and then the connection is closed unless kept.
    `head` "endless" never ends the response head.  `connection` "close" announces and closes, "keep" never closes;
    None does what HTTP says.  `idle` closes the connection if no request follows within so many seconds.
    `faults` strike at their points.
    """

    status: int = 200
    content: Content = b""
    _: KW_ONLY
    reason: str | bytes | None = None
    fields: Iterable[tuple[str | bytes, str | bytes]] = ()
    trailers: Iterable[tuple[str | bytes, str | bytes]] = ()
    version: bytes = b"HTTP/1.1"
    framing: Framing = "auto"
    declared: int | None = None
    informational: Sequence[Informational] = ()
    raw: bytes | Iterable[Step] | None = None
    head: Literal["whole", "endless"] = "whole"
    reading: Reading = "before"
    expect: Literal["continue", "nothing"] = "continue"
    delay: float = 0.0
    hold: Gate | None = None
    piece: int | None = None
    pause: float = 0.0
    connection: Literal["keep", "close"] | None = None
    idle: float | None = None
    faults: Sequence[Fault] = ()

    @classmethod
    def echo(cls) -> Answer:
        """Answer with the content of the request, once all of it has arrived."""
        return cls(content=Echo())

    @classmethod
    def duplex(cls) -> Answer:
        """Answer at once, and send each piece of the request's content back as it arrives."""
        return cls(content=Echo(), reading="while", framing="chunked")

    @classmethod
    def failing(cls, what: What, at: Point, after: int | None = None, *, content: Content = b"") -> Answer:
        """An answer of 200 with `content` that fails at one point; the rest is ordinary."""
        return cls(content=content, faults=(Fault(what, at, after),))

    def fault(self, at: Point) -> Fault | None:
        """The fault that strikes at a point, if one does."""
        for fault in self.faults:
            if fault.at == at:
                return fault
        return None


Decide: TypeAlias = Callable[[Received], Answer]


@final
@dataclass(frozen=True, slots=True)
class OnHead:
    """Decides on the answer as soon as the request head arrived; `complete` and `content` are empty then.

    A bare callable is asked when all of the request has arrived.
    """

    decide: Decide


Entry: TypeAlias = Answer | OnHead | Decide


@final
class Script:
    """The answers to come: a queue, then one for all other requests."""

    def __init__(self, default: Entry) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Entry] = deque()
        self.default = default

    def __len__(self) -> int:
        return len(self._queue)

    def append(self, entries: Iterable[Entry]) -> None:
        added = tuple(entries)
        with self._lock:
            self._queue.extend(added)

    def clear(self) -> None:
        with self._lock:
            self._queue.clear()

    def next(self) -> Entry:
        """Take the next answer for a request."""
        if self._queue:
            with self._lock:
                for at, entry in enumerate(self._queue):
                    if not _of_connection(entry):
                        del self._queue[at]
                        return entry
        return self.default

    def next_of_connection(self) -> Answer | None:
        """Take the next answer if it belongs to a connection, because it fails before any request."""
        with self._lock:
            entry = self._queue[0] if self._queue else self.default
            if not isinstance(entry, Answer) or not _of_connection(entry):
                return None
            if self._queue:
                self._queue.popleft()
            return entry


def _of_connection(entry: Entry) -> bool:
    return isinstance(entry, Answer) and any(fault.at in ("accept", "open") for fault in entry.faults)


def octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")


def lines(fields: Iterable[tuple[str | bytes, str | bytes]]) -> list[Line]:
    """Field lines as octets, otherwise as given."""
    return [(octets(name), octets(value)) for name, value in fields]


def phrase(status: int, reason: str | bytes | None) -> bytes:
    """The reason as octets; without one, the phrase that RFC 9110 has for the status."""
    if reason is not None:
        return octets(reason)
    try:
        return HTTPStatus(status).phrase.encode("ascii")
    except ValueError:
        return b""


_BLOCK = b"0123456789abcdef" * 4096


def generated(count: int) -> Iterator[bytes]:
    """The content of an answer that is given as a number: `0123456789abcdef` over and over, in blocks of 64 KiB."""
    while count > 0:
        yield _BLOCK if count >= len(_BLOCK) else _BLOCK[:count]
        count -= len(_BLOCK)
