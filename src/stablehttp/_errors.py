"""Every error that can leave this library.

Floor 0: stands on nothing.

Each error is ours and also the built-in that a stranger would catch.  Two attributes answer the
question that matters after a failure: `sent` (did octets of the request reach the wire) and
`processed` (could the server have acted on it).  An error that is raised before sending says "no"
to both, so that is the default; whoever knows better says so when raising.

No message here may show a field value, a query or userinfo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, TypeAlias, final

Answer: TypeAlias = Literal["no", "maybe", "yes"]


def _restore(kind: type[StableHTTPError], message: str, state: dict[str, object]) -> StableHTTPError:
    error = kind.__new__(kind, message)
    error.args = (message,)
    error.__dict__.update(state)
    return error


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ResponseHead:
    """The head of a response, as plain values: `http_version` is like "HTTP/1.1", `headers` are lines in order."""

    status: int
    http_version: str
    headers: tuple[tuple[str, str], ...] = ()

    def values(self, name: str) -> list[str]:
        """The values of the field lines called `name`, in any case, in order."""
        folded = name.lower()
        return [value for line, value in self.headers if line.lower() == folded]

    def __repr__(self) -> str:
        """Status, version and how many field lines; no value, because some are secrets."""
        return f"<ResponseHead {self.status}, {self.http_version}, {len(self.headers)} field lines>"


class StableHTTPError(Exception):
    """The root of all errors of this library.

    `sent` says whether octets of the request went out, `processed` whether the server could have
    acted on it: "no" (not sent, or the peer promised so), "maybe", or "yes" (a status arrived).
    A retry is safe for any method when `processed` is "no".  `method` and `origin` name the
    request where there was one; they never hold userinfo, a path or a query.  `status` is the
    status of the response whose head had already arrived, if one had, and `head` is that head, if
    the response had been given to the caller: then the server has acted, so both answers are "yes".
    `sink_octets` is how many octets of content lie in a sink that they were written to: 0 if they could be
    taken back, so that the sink can be given to a second attempt; None if there was no sink.
    """

    sent: Answer = "no"
    processed: Answer = "no"
    method: str | None = None
    origin: str | None = None
    status: int | None = None
    head: ResponseHead | None = None
    sink_octets: int | None = None

    def __init__(
        self,
        message: str,
        /,
        *,
        sent: Answer | None = None,
        processed: Answer | None = None,
        **parts: object,
    ) -> None:
        super().__init__(message)
        if sent is not None:
            self.sent = sent
        if processed is not None:
            self.processed = processed
        self.__dict__.update(parts)

    def about(self, method: str, origin: str) -> Self:
        """Remember which request this is about, unless that is known already; give back the error."""
        if self.method is None:
            self.method = method
            self.origin = origin
        return self

    def after(self, head: ResponseHead) -> Self:
        """Remember the head of the response after which this came, unless that is known; give back the error."""
        if self.head is None:
            self.head = head
            self.status = head.status
            self.sent = self.processed = "yes"
        return self

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), str(self), dict(self.__dict__))


# --- the caller's fault: the message, the body, or how the library was used ---------------------


class InvalidMessageError(StableHTTPError, ValueError):
    """A part of a message breaks a rule of HTTP; nothing was changed and nothing was sent."""


class InvalidFieldError(InvalidMessageError):
    """A field line cannot stand in a message.

    `field` is the name, if it could be told, and `index` where in the name or the value the first
    offending character stands.
    """

    field: str | None = None
    index: int | None = None


class InvalidFieldsError(InvalidFieldError):
    """Several lines of a bulk change were bad; `errors` holds one error for each, in order."""

    errors: Sequence[InvalidFieldError] = ()


class SectionTooLargeError(InvalidMessageError):
    """A header or trailer section is larger than a stated limit.

    `size` and `limit` are octets as RFC 9113 §6.5.2 counts them, `largest` names the largest fields.
    """

    size: int = 0
    limit: int = 0
    largest: Sequence[str] = ()


class AmbiguousFieldError(InvalidMessageError):
    """One value was asked for and the section does not hold one: `field` stands more than once."""

    field: str = ""


class InvalidMethodError(InvalidMessageError):
    """The method is not a token (RFC 9110 §9.1)."""


class InvalidURIError(InvalidMessageError):
    """The URI or the request target breaks a rule of RFC 3986 or RFC 9112 §3.2."""


class InvalidStatusError(InvalidMessageError):
    """The status is not a three-digit integer from 100 to 999 (RFC 9110 §15)."""


class FramingError(InvalidMessageError):
    """`Content-Length`, `Transfer-Encoding` and the body do not agree (RFC 9112 §6)."""


class ContentLengthError(FramingError):
    """A body held fewer or more octets than were declared; octets beyond the declared ones never left.

    `declared` and `found` are octets; `found` is what had been seen when the error was raised.
    """

    declared: int = 0
    found: int = 0


class UnknownLengthError(InvalidMessageError, RuntimeError):
    """A length is required, and the body cannot tell its own."""


class InvalidBodyError(InvalidMessageError, TypeError):
    """The object given as a body cannot be one; `where` names the parameter."""

    where: str = "body"


class BodyColourError(InvalidBodyError):
    """A synchronous body was given to an asynchronous connector, or the other way round."""


class BodyTakenError(StableHTTPError, RuntimeError):
    """A body that can be read once is wanted a second time; `taken_by` says who read it first."""

    taken_by: str = ""


class SealedError(StableHTTPError, RuntimeError):
    """Something that was signed, or fixed for sending, was about to change.

    `part` is what was about to change and `sealed_by` who relies on it.
    """

    part: str = ""
    sealed_by: str = ""


class SigningError(StableHTTPError, ValueError):
    """A signer could not sign what it was given."""


class MisuseError(StableHTTPError, RuntimeError):
    """The library was used in an order or a place in which it cannot work."""


class ClosedError(MisuseError):
    """A connector, a response or a body was used after it was closed."""


class ForeignLoopError(MisuseError):
    """An asynchronous object was used from another event loop, or process, than the one it belongs to."""


class TrailersUnavailableError(MisuseError):
    """Trailers were asked for before the content ended, or from a client that cannot deliver them."""


class ContentTooLargeError(StableHTTPError, ValueError):
    """More content than the stated limit, in octets, was about to be held in memory; `limit` is that limit."""

    limit: int = 0


class ContentDecodingError(StableHTTPError, ValueError):
    """Received content is not what it says: by its content coding, its charset, or as JSON."""

    sent: Answer = "yes"
    processed: Answer = "yes"


class SinkError(StableHTTPError, OSError):
    """What received content was to be written to did not take it; the sink's own exception is the cause."""

    sent: Answer = "yes"
    processed: Answer = "yes"


# --- capability: it cannot be done with what is there -------------------------------------------


class UnsupportedTransportError(StableHTTPError, RuntimeError):
    """The transport cannot do what the request or the operation needs; nothing was sent.

    `transport` names it, `capability` says in plain words what is missing, `operation` is the id of
    the operation that needs it, and `alternatives` name transports that can.  `negotiated` is the
    protocol version that the peers agreed on, where it is that one on which the transport cannot.
    """

    transport: str = ""
    capability: str = ""
    operation: str | None = None
    alternatives: Sequence[str] = ()
    negotiated: str | None = None


class NoConnectorError(StableHTTPError, RuntimeError):
    """No connector could be chosen or made.

    `wanted` lists the protocol versions asked for, best first, and `reasons` says for each maker
    that was asked why it declined.  `operation` is the id of the operation that it was for.
    """

    wanted: Sequence[str] = ()
    reasons: Mapping[str, str] = {}
    operation: str | None = None


class MissingExtraError(NoConnectorError, ImportError):
    """A package that an adapter needs is not installed, or not in a supported version; `extra` installs it."""

    extra: str = ""


# --- network, peer and time ---------------------------------------------------------------------


class TransportError(StableHTTPError, ConnectionError):
    """The exchange failed on its way."""

    sent: Answer = "maybe"
    processed: Answer = "maybe"


class ConnectError(TransportError):
    """No connection came about, so nothing was sent."""

    sent: Answer = "no"
    processed: Answer = "no"


class NameResolutionError(ConnectError):
    """The name of the host did not resolve."""


class ConnectRefusedError(ConnectError, ConnectionRefusedError):
    """The host refused the connection."""


class TLSError(ConnectError):
    """The TLS handshake failed."""


class CertificateError(TLSError):
    """The server's certificate could not be verified."""


class NegotiationError(ConnectError):
    """The server did not agree to a required protocol version.

    `wanted` and `negotiated` are protocol versions.
    """

    wanted: Sequence[str] = ()
    negotiated: str | None = None


class DisconnectedError(TransportError, ConnectionResetError):
    """The connection ended before the response was complete."""


class IncompleteResponseError(DisconnectedError):
    """The response ended before all of its content had arrived.

    `expected` and `received` are octets; `expected` is None where the length was not declared.
    """

    sent: Answer = "yes"
    processed: Answer = "yes"
    expected: int | None = None
    received: int = 0


class PeerEndedError(TransportError, BrokenPipeError):
    """The peer takes no more of the request's content: it has answered with all that it has to say, or has gone.

    No misuse, since nobody can know before.  `status` is that of its response, which says more, if there is one.
    """

    sent: Answer = "yes"


class InvalidResponseError(TransportError):
    """What the peer sent is not a response that HTTP allows."""

    sent: Answer = "yes"


def cause_for(told: BaseException, error: BaseException) -> BaseException | None:
    """What to raise `told` from: `error`, or None where a client quotes the octets that it could not read.

    Those may be a cookie that was set, and a traceback shows the texts of all that led to an error.
    """
    return None if isinstance(told, InvalidResponseError) else error


class HTTPTimeoutError(StableHTTPError, TimeoutError):
    """A stated time, in seconds, ran out; `seconds` is that time."""

    sent: Answer = "maybe"
    processed: Answer = "maybe"
    seconds: float | None = None


class ConnectTimeoutError(HTTPTimeoutError):
    """No connection came about in time, so nothing was sent."""

    sent: Answer = "no"
    processed: Answer = "no"


class PoolTimeoutError(HTTPTimeoutError):
    """No connection of the pool became free in time, so nothing was sent."""

    sent: Answer = "no"
    processed: Answer = "no"


class ReadTimeoutError(HTTPTimeoutError):
    """The peer sent nothing for the stated time."""


class WriteTimeoutError(HTTPTimeoutError):
    """The peer took nothing for the stated time."""


class TotalTimeoutError(HTTPTimeoutError):
    """The whole call took longer than it was given."""
