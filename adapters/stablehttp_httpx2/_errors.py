"""What the client raises, in our words: one table, first match wins.

An error says two things beside its kind.  `sent` is "no" only while the client's own account says that
the head of the request was not begun; `processed` is "no" then too, and where an HTTP/2 server promised
so (REFUSED_STREAM, or GOAWAY with an earlier stream).  The client's exception is the cause.

The client hides what lies below its exceptions in various places, so all of `__cause__`, `__context__`,
arguments and groups are looked through.  Nothing that a peer or a caller wrote goes into a text.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias, cast, final

import httpx2

from stablehttp import (
    CertificateError,
    ConnectError,
    ConnectRefusedError,
    ConnectTimeoutError,
    DisconnectedError,
    HTTPTimeoutError,
    HttpVersion,
    IncompleteResponseError,
    InvalidResponseError,
    NameResolutionError,
    NegotiationError,
    PoolTimeoutError,
    ReadTimeoutError,
    StableHTTPError,
    TLSError,
    TotalTimeoutError,
    TransportError,
    WriteTimeoutError,
)
from stablehttp.adapting import Answer
from stablehttp_httpx2._limits import Kind, OutOfTimeError
from stablehttp_httpx2._progress import Progress, Stage

_REFUSED_STREAM: Final = 7
_NO_ERROR: Final = 0

_TIMEOUTS: Final[dict[Kind, tuple[type[HTTPTimeoutError], str]]] = {
    "pool": (PoolTimeoutError, "no connection of the pool became free"),
    "connect": (ConnectTimeoutError, "no connection came about"),
    "write": (WriteTimeoutError, "the peer took nothing"),
    "read": (ReadTimeoutError, "the peer sent nothing"),
    "drain": (ReadTimeoutError, "the rest of the content did not come"),
    "total": (TotalTimeoutError, "the call did not end"),
}


@final
@dataclass(frozen=True, slots=True)
class Content:
    """How much of a response's content had come when something failed."""

    expected: int | None
    received: int


@final
@dataclass(frozen=True, slots=True)
class Scene:
    """All that is known of one failure."""

    progress: Progress
    error: BaseException
    below: tuple[BaseException, ...]
    event: object
    content: Content | None

    @property
    def answers(self) -> dict[str, Answer]:
        """What `sent` and `processed` have to say, if the kind of the error does not say it already."""
        if self.content is not None:
            return {"sent": "yes", "processed": "yes"}
        early = self.progress.stage < Stage.HEAD
        if early and (self.progress.told or isinstance(self.error, _BEFORE_SENDING)):
            return {"sent": "no", "processed": "no"}
        return {"sent": "maybe", "processed": "maybe"}

    def has(self, *kinds: type[BaseException]) -> bool:
        """Whether one of these exceptions is among those that led here."""
        return self.find(*kinds) is not None

    def find(self, *kinds: type[BaseException]) -> BaseException | None:
        """The first of these exceptions among those that led here."""
        return next((error for error in self.below if isinstance(error, kinds)), None)

    def named(self, *names: str) -> bool:
        """Whether an exception of one of these classes, written with their package, led here."""
        return any(f"{type(error).__module__.split('.')[0]}.{type(error).__name__}" in names for error in self.below)


_BEFORE_SENDING: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    OutOfTimeError,
)

Row: TypeAlias = tuple[Callable[[Scene], bool], Callable[[Scene], StableHTTPError]]


def translate(error: BaseException, progress: Progress, content: Content | None = None) -> StableHTTPError:
    """Our error for what the client raised; one of ours is given back as it is.

    Only where a pool was waited for until nothing was left of the total, that is what ran out.
    """
    if isinstance(error, PoolTimeoutError) and (late := progress.late("pool")).kind == "total":
        error = late
    if isinstance(error, StableHTTPError):
        return error
    below = tuple(_below(error))
    event = next((part for found in below for part in found.args if type(part).__module__ == "h2.events"), None)
    scene = Scene(progress, error, below, event, content)
    return next(make(scene) for matches, make in _TABLE if matches(scene))


def _below(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        found = queue.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            queue += [found.__cause__, found.__context__, *found.args]
            if isinstance(found, BaseExceptionGroup):
                queue += cast("BaseExceptionGroup[BaseException]", found).exceptions


# --- rows ----------------------------------------------------------------------------------------


def _is(*kinds: type[BaseException]) -> Callable[[Scene], bool]:
    return lambda scene: isinstance(scene.error, kinds)


def _while_connecting(*kinds: type[BaseException]) -> Callable[[Scene], bool]:
    return lambda scene: scene.answers["sent"] == "no" and scene.has(*kinds)


def _event(name: str) -> Callable[[Scene], bool]:
    return lambda scene: type(scene.event).__name__ == name


def _says(kind: type[StableHTTPError], text: str) -> Callable[[Scene], StableHTTPError]:
    return lambda scene: kind(text, **scene.answers)


def _late(scene: Scene) -> StableHTTPError:
    error = scene.error
    if not isinstance(error, OutOfTimeError):
        kind: Kind = next(kind for raised, kind in _KINDS if isinstance(error, raised))
        sending = scene.content is None and scene.progress.stage in (Stage.HEAD, Stage.CONTENT)
        error = scene.progress.late(kind, sending=sending)
    make, what = _TIMEOUTS[error.kind]
    within = "in time" if error.seconds is None else f"within {error.seconds:g} seconds"
    return make(f"{what} {within}", seconds=error.seconds, **scene.answers)


_KINDS: Final[tuple[tuple[type[BaseException], Kind], ...]] = (
    (httpx2.PoolTimeout, "pool"),
    (httpx2.ConnectTimeout, "connect"),
    (httpx2.WriteTimeout, "write"),
    (httpx2.ReadTimeout, "read"),
)


def _certificate(scene: Scene) -> StableHTTPError:
    found = scene.find(ssl.SSLCertVerificationError)
    why = getattr(found, "verify_message", "") or "it is not trusted"
    return CertificateError(f"the certificate of the server could not be verified: {why}")


def _no_protocol(scene: Scene) -> bool:
    reason: str | None = getattr(scene.find(ssl.SSLError), "reason", None)
    return reason is not None and "NO_APPLICATION_PROTOCOL" in reason


def _not_agreed(scene: Scene) -> StableHTTPError:
    wanted = [version.value for version in scene.progress.versions]
    return NegotiationError(
        f"{' or '.join(wanted)} is required, and the server agreed to none of the protocols that were offered; "
        "allow another version",
        wanted=wanted,
    )


def _handshake_broke(scene: Scene) -> bool:
    return isinstance(scene.error, httpx2.ConnectError) and scene.progress.secure and scene.progress.stream is not None


def _reset(scene: Scene) -> StableHTTPError:
    if not getattr(scene.event, "remote_reset", True):
        return _invalid(scene)
    code = int(getattr(scene.event, "error_code", _NO_ERROR))
    if code == _REFUSED_STREAM and scene.content is None:
        return DisconnectedError(
            "the server refused the request before it took it up (REFUSED_STREAM); it is safe to send it again",
            sent="yes",
            processed="no",
        )
    return _cut(scene, f"the server reset the stream (error {code})")


def _went_away(scene: Scene) -> StableHTTPError:
    last = getattr(scene.event, "last_stream_id", None)
    if scene.content is None and last is not None and scene.progress.stream_id > last:
        return DisconnectedError(
            "the server shut the connection down before it took the request up (GOAWAY); it is safe to send it again",
            sent="yes",
            processed="no",
        )
    return _cut(scene, "the server shut the connection down (GOAWAY)")


def _disconnected(scene: Scene) -> StableHTTPError:
    return _cut(scene, "the connection ended")


def _cut(scene: Scene, what: str) -> StableHTTPError:
    content = scene.content
    if content is None:
        return DisconnectedError(f"{what} before the response came", **scene.answers)
    of = "" if content.expected is None else f" of {content.expected}"
    return IncompleteResponseError(
        f"{what} after {content.received}{of} octets of the content",
        expected=content.expected,
        received=content.received,
    )


def _is_cut(scene: Scene) -> bool:
    """The client and h11 tell an end of the connection from malformed octets in words only."""
    if not isinstance(scene.error, httpx2.RemoteProtocolError):
        return False
    text = str(scene.error)
    return "disconnected" in text or text.startswith("peer closed connection")


def _miscounted(scene: Scene) -> BaseException | None:
    """What h2 raises if there is more or less content than declared; the head may have come in the same octets."""
    return next((error for error in scene.below if type(error).__name__ == "InvalidBodyLengthError"), None)


def _is_miscounted(scene: Scene) -> bool:
    return _miscounted(scene) is not None


def _wrong_length(scene: Scene) -> StableHTTPError:
    found = _miscounted(scene)
    expected: int = getattr(found, "expected_length", 0)
    arrived: int = getattr(found, "actual_length", 0)
    if arrived < expected:
        text = f"the content ended after {arrived} of {expected} octets"
        given = 0 if scene.content is None else scene.content.received
        return IncompleteResponseError(text, expected=expected, received=given)
    return InvalidResponseError(
        f"the content has more than the {expected} octets that 'Content-Length' declares (RFC 9110 §8.6)",
        sent="yes",
        processed="yes",
    )


def _is_stream_gone(scene: Scene) -> bool:
    return scene.progress.stage is Stage.CONTENT and scene.named("h2.StreamClosedError", "h2.NoSuchStreamError")


def _is_own_refusal(scene: Scene) -> bool:
    """Before the head is written the client's state machines can refuse it; over HTTP/2, for want of a free stream."""
    return scene.progress.stage is Stage.HEAD and isinstance(scene.error, httpx2.LocalProtocolError)


def _own_refusal(scene: Scene) -> StableHTTPError:
    what = "the connection has no free stream" if scene.named("h2.TooManyStreamsError") else "the client refused it"
    return TransportError(f"the request was not sent: {what}", sent="no", processed="no")


def _invalid(scene: Scene) -> StableHTTPError:
    version = scene.progress.version or HttpVersion.HTTP_1_1
    part = "head" if scene.content is None else "content"
    return InvalidResponseError(f"what the server sent as the {part} of a response is not {version}", **scene.answers)


def _is_malformed(scene: Scene) -> bool:
    return isinstance(scene.error, httpx2.RemoteProtocolError | httpx2.LocalProtocolError) or any(
        type(error).__module__.split(".")[0] in ("h2", "h11", "hpack", "hyperframe") for error in scene.below
    )


def _status_is_no_number(scene: Scene) -> bool:
    """Over HTTP/2 the client reads `:status` with `int`."""
    return scene.progress.version is HttpVersion.HTTP_2 and isinstance(scene.error, ValueError)


def _anything(scene: Scene) -> StableHTTPError:
    return TransportError(f"the client failed in a way of its own ({type(scene.error).__name__})", **scene.answers)


_TABLE: Final[tuple[Row, ...]] = (
    (_is(OutOfTimeError, *(raised for raised, _ in _KINDS)), _late),
    (
        _while_connecting(socket.gaierror, UnicodeError),
        _says(NameResolutionError, "the name of the host did not resolve"),
    ),
    (_while_connecting(ConnectionRefusedError), _says(ConnectRefusedError, "the host refused the connection")),
    (_while_connecting(ssl.SSLCertVerificationError), _certificate),
    (_no_protocol, _not_agreed),
    (_while_connecting(ssl.SSLError), _says(TLSError, "the TLS handshake failed")),
    (_handshake_broke, _says(TLSError, "the connection ended during the TLS handshake")),
    (_is(httpx2.ProxyError), _says(ConnectError, "the proxy did not make a tunnel")),
    (_is(httpx2.ConnectError), _says(ConnectError, "no connection came about")),
    (_event("StreamReset"), _reset),
    (_event("ConnectionTerminated"), _went_away),
    (_is(httpx2.NetworkError), _disconnected),
    (_is_cut, _disconnected),
    (_is_miscounted, _wrong_length),
    (_is_stream_gone, _disconnected),
    (_is_own_refusal, _own_refusal),
    (_is_malformed, _invalid),
    (_status_is_no_number, _invalid),
    (_is(BaseException), _anything),
)
