"""One call, without colour: its request, its messages, its response, its errors.

Floor 14: stands on messages and the framing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isinf
from typing import Final, Generic, TypeVar, final

from stablehttp._body import Body
from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._errors import InvalidFieldError, InvalidURIError, MisuseError, StableHTTPError, TotalTimeoutError
from stablehttp._fields import Fields, LinesInput
from stablehttp._message import Request
from stablehttp._operation import Operation, OperationKind
from stablehttp._response import AnyResponse
from stablehttp._settings import Timeouts
from stablehttp._uri import URI
from stablehttp.connect._compression import ConnectCompression
from stablehttp.connect._errors import ConnectDeadlineError
from stablehttp.connect._method import ConnectMethod
from stablehttp.connect._reply import ConnectReply
from stablehttp.framing import (
    ConnectReader,
    FieldPair,
    StreamKind,
    encode_envelope,
    make_call_fields,
    make_reader,
)

B = TypeVar("B", bound=Body)
In = TypeVar("In")
Out = TypeVar("Out")

TRAILER_PREFIX: Final = "trailer-"

_RESERVED: Final = frozenset(
    {
        "accept-encoding",
        "content-encoding",
        "content-length",
        "content-type",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
    }
)


_OPERATIONS: Final[Mapping[StreamKind, tuple[OperationKind, frozenset[Capability]]]] = {
    "unary": ("unary", frozenset()),
    "client": ("client_stream", frozenset({Capability.STREAMED_REQUEST})),
    "server": ("server_stream", frozenset({Capability.STREAMED_RESPONSE})),
    "bidi": ("duplex", frozenset({Capability.STREAMED_REQUEST, Capability.STREAMED_RESPONSE})),
}
"""What each kind of call is to a transport, and what it needs of one."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a client makes its calls."""

    base: str
    headers: Fields
    compression: ConnectCompression | None
    accept: Sequence[ConnectCompression]
    limit: int
    deadline: float | None
    options: CallOptions

    def begin(
        self,
        method: ConnectMethod[In, Out],
        kind: StreamKind,
        headers: LinesInput,
        deadline: float | None,
        options: CallOptions | None,
    ) -> Call[In, Out]:
        """A call of `method`.

        Raises:
            InvalidMessageError: the metadata cannot be fields, or belong to the protocol.
            MisuseError: the options name a sink.
        """
        metadata = (*_checked_metadata(self.headers), *_checked_metadata(Fields(headers)))
        seconds = self.deadline if deadline is None else deadline
        chosen = options or self.options
        if chosen.sink is not None:
            raise MisuseError("the messages of a call are given to its caller; leave the sink out of the options")
        return Call(self, method, kind, metadata, seconds, chosen)


def make_manner(
    uri: str | URI,
    headers: LinesInput,
    compression: ConnectCompression | None,
    accept: Sequence[ConnectCompression],
    limit: int,
    deadline: float | None,
    options: CallOptions | None,
) -> Manner:
    """Check what a client is made with.

    Raises:
        InvalidMessageError: some part of it is invalid.
    """
    base = uri if isinstance(uri, URI) else URI(uri)
    if base.query is not None or base.fragment is not None:
        raise InvalidURIError("the paths of methods are put after the URI of a service, so it has no query or fragment")
    kept = Fields(headers)
    _checked_metadata(kept)
    return Manner(
        base=str(base).rstrip("/"),
        headers=kept,
        compression=compression,
        accept=tuple(accept),
        limit=limit,
        deadline=deadline,
        options=options or CallOptions(),
    )


def _checked_metadata(fields: Fields) -> Iterable[FieldPair]:
    for name in fields.keys():  # noqa: SIM118 (iterating gives lines)
        if name.lower() in _RESERVED or name.lower().startswith("connect-"):
            raise InvalidFieldError(
                f"field {name!r} belongs to the Connect protocol or to the framing of the request; "
                "metadata need names of their own",
                field=name,
            )
    return fields.items()


@final
class Call(Generic[In, Out]):
    """One call of one method."""

    __slots__ = (
        "_compress",
        "_deadline",
        "_has_deadline",
        "_manner",
        "_metadata",
        "_options",
        "kind",
        "method",
        "origin",
    )

    def __init__(
        self,
        manner: Manner,
        method: ConnectMethod[In, Out],
        kind: StreamKind,
        metadata: Collection[FieldPair],
        deadline: float | None,
        options: CallOptions,
    ) -> None:
        self._manner = manner
        self._metadata = metadata
        self._deadline = inf if deadline is None else deadline
        self._has_deadline = not isinf(self._deadline)
        self._options = options
        self._compress = manner.compression.compress if manner.compression is not None else None
        self.kind: StreamKind = kind
        self.method: ConnectMethod[In, Out] = method
        self.origin: str = ""

    def content(self, message: In) -> bytes:
        """`message` as the whole content of a request: bare for a unary call, else in its envelope."""
        if self.kind != "unary":
            return self.envelope(message)
        octets = self.method.octets(message)
        return octets if self._compress is None or not octets else self._compress(octets)

    def envelope(self, message: In) -> bytes:
        """`message` in its envelope."""
        return encode_envelope(self.method.octets(message), compress=self._compress)

    @property
    def operation(self) -> Operation:
        """What the call is to the transport that carries it."""
        kind, needs = _OPERATIONS[self.kind]
        return Operation(self.method.path, kind, needs=needs)

    def options(self, given: Timeouts | None) -> CallOptions:
        """The options of the call; `given` are the timeouts of the pipeline, which the deadline is added to."""
        if not self._has_deadline:
            return self._options
        timeouts = self._options.timeouts or given or Timeouts()
        if timeouts.total is not None and timeouts.total < self._deadline:
            self._has_deadline = False  # another bound is reached first, and is told as what it is
            return replace(self._options, timeouts=timeouts)
        return replace(self._options, timeouts=replace(timeouts, total=self._deadline))

    def request(self, body: B) -> Request[B]:
        """The request of the call.

        Raises:
            InvalidMessageError: some part is invalid.
        """
        manner = self._manner
        fields = make_call_fields(
            self.method.codec,
            self.kind,
            timeout=self._deadline,
            encoding=manner.compression.name if manner.compression is not None else None,
            accepted=[compression.name for compression in manner.accept],
        )
        request = Request("POST", manner.base + self.method.path, headers=[*fields, *self._metadata], body=body)
        self.origin = request.uri.origin
        return request

    def reader(self, response: AnyResponse) -> ConnectReader:
        """What reads the content of the response.

        Raises:
            ConnectCallError: the head alone tells that the call failed.
        """
        return make_reader(
            response.status,
            response.headers.items(),
            codec=self.method.codec,
            kind=self.kind,
            decompressors={compression.name: compression.decompress for compression in self._manner.accept},
            limit=self._manner.limit,
            length=response.body.length,
        )

    def reply(self, response: AnyResponse, reader: ConnectReader, messages: Sequence[bytes]) -> ConnectReply[Out]:
        """The outcome of a call that one message answers."""
        trailers = fields_of(reader.trailers)
        headers = response.headers
        if self.kind == "unary" and trailers:
            headers = headers.copy()
            for name in trailers.keys():  # noqa: SIM118 (iterating gives lines)
                headers.remove(f"{TRAILER_PREFIX}{name}")
        return ConnectReply(self.method.decode(messages[0]), headers, trailers)

    def failed(self, error: StableHTTPError) -> StableHTTPError:
        """What to raise for `error`: the same, but for the deadline of the call."""
        if self._has_deadline and isinstance(error, TotalTimeoutError) and not isinstance(error, ConnectDeadlineError):
            deadline = ConnectDeadlineError(
                f"the call had {self._deadline:g} seconds and was not over by then; "
                "give it more, or ask the server for less",
                sent=error.sent,
                processed=error.processed,
                seconds=self._deadline,
                status=error.status,
            )
            deadline.__cause__ = error
            error = deadline
        return error.about("POST", self.origin)


def fields_of(pairs: Iterable[FieldPair]) -> Fields:
    """Metadata that came, as a section; text from JSON that ASCII does not hold becomes its octets in UTF-8."""
    return Fields(
        (name, value.encode() if type(value) is str and not value.isascii() else value) for name, value in pairs
    )
