"""The content of a response to a Connect call, read in any pieces.

Floor 2: stands on heads and envelopes of the Connect protocol.

A stream tells at its end whether the call failed, so its content must be read to the end.  Every failure
leaves as a `ConnectCallError`; where the peer broke the protocol, the broken rule is its cause.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn, TypeAlias, final

from stablehttp._errors import MisuseError, TrailersUnavailableError
from stablehttp.framing._connect_codes import ConnectCode, code_of_status
from stablehttp.framing._connect_compression import Decompressor, decompress_with
from stablehttp.framing._connect_end import EndOfStream
from stablehttp.framing._connect_envelopes import EnvelopeDecoder
from stablehttp.framing._connect_errors import ConnectCallError, read_wire_error
from stablehttp.framing._connect_head import GZIP_ONLY, ResponseHead, read_head
from stablehttp.framing._connect_metadata import FieldPair, FieldPairs, StreamKind
from stablehttp.framing._errors import StreamFormatError
from stablehttp.framing._incremental import Octets
from stablehttp.framing._json import parse_json
from stablehttp.framing._limits import CONNECT_MESSAGE_LIMIT, check_limit


class _Reader(ABC):
    """What both readers share: the head, and that a reader that failed stays failed."""

    __slots__ = ("_failure", "_head")

    def __init__(self, head: ResponseHead) -> None:
        self._head = head
        self._failure: ConnectCallError | None = None

    @property
    def headers(self) -> FieldPairs:
        """The leading metadata and all other fields."""
        return self._head.headers

    @property
    @abstractmethod
    def trailers(self) -> FieldPairs:
        """The trailing metadata."""

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _fail(self, failure: ConnectCallError, cause: StreamFormatError | None = None) -> NoReturn:
        self._failure = failure
        raise failure from cause


@final
class UnaryReader(_Reader):
    """The response of a unary call: `finish` gives its one message, or raises."""

    __slots__ = ("_content", "_finished", "_limit")

    def __init__(self, head: ResponseHead, limit: int) -> None:
        super().__init__(head)
        self._limit = limit
        self._content = bytearray()
        self._finished = False

    @property
    def trailers(self) -> FieldPairs:
        """The trailing metadata."""
        return self._head.trailers

    def expect(self, length: int | None) -> None:
        """Take note of how many octets the response declares.

        Raises:
            ConnectCallError: they are more than the limit.
        """
        if length is not None and length > self._limit:
            self._fail(self._too_large())

    def feed(self, octets: Octets, /) -> Iterator[bytes]:
        """Take `octets`; no message comes before the end, so the iterator is empty.

        Raises:
            ConnectCallError: the content is larger than the limit.
            MisuseError: the reader is finished.
        """
        self._check()
        if self._finished:
            raise MisuseError("UnaryReader is finished; make a new one for another response")
        self._content += octets
        if len(self._content) > self._limit:
            self._content.clear()
            self._fail(self._too_large())
        return iter(())

    def finish(self) -> tuple[bytes, ...]:
        """Say that the content ended, and give the message.

        Raises:
            ConnectCallError: the call failed.
        """
        self._check()
        self._finished = True
        if self._head.status != 200:
            self._fail(self._error())
        try:
            return (self._message(),)
        except StreamFormatError as cause:
            self._fail(self._head.broken(cause), cause)

    def _message(self) -> bytes:
        content = bytes(self._content)
        decompress = self._head.decompress
        return content if decompress is None else decompress_with(decompress, content, self._limit)

    def _too_large(self) -> ConnectCallError:
        if self._head.status != 200:
            return self._head.inferred()
        code = ConnectCode.RESOURCE_EXHAUSTED
        return self._head.failure(
            code, f"the call failed with {code.value!r}: its content is larger than the limit of {self._limit} octets"
        )

    def _error(self) -> ConnectCallError:
        try:
            wire = read_wire_error(parse_json(self._message()))
        except ValueError:
            return self._head.inferred()
        return self._head.reported(wire, code_of_status(self._head.status))


@final
class StreamReader(_Reader):
    """The response of a streaming call: `feed` gives its messages; both it and `finish` may raise.

    The error that ends a stream is raised as soon as it is read.  A call whose response is one message
    fails when a second comes, or when none came.
    """

    __slots__ = ("_decoder", "_end", "_messages")

    def __init__(self, head: ResponseHead, limit: int) -> None:
        super().__init__(head)
        self._decoder = EnvelopeDecoder(decompress=head.decompress, limit=limit)
        self._end: EndOfStream | None = None
        self._messages = 0

    @property
    def trailers(self) -> FieldPairs:
        """The trailing metadata.

        Raises:
            TrailersUnavailableError: the end of the stream was not read yet.
        """
        if self._end is None:
            raise TrailersUnavailableError("trailers of a Connect stream come with its end; read all messages first")
        return self._end.metadata

    def feed(self, octets: Octets, /) -> Iterator[bytes]:
        """Take `octets`, and give an iterator over the messages that are now whole.

        Raises:
            ConnectCallError: the call failed; the iterator raises it too, after the messages before.
        """
        self._check()
        return self._read(self._decoder.feed(octets))

    def finish(self) -> tuple[bytes, ...]:
        """Say that the content ended; all messages came before, so this gives none.

        Raises:
            ConnectCallError: the call failed.
        """
        self._check()
        try:
            self._decoder.finish()
        except StreamFormatError as cause:
            self._fail(self._head.broken(cause), cause)
        if self._head.kind == "client" and self._messages == 0:
            self._fail(self._miscounted("no message"))
        return ()

    def _read(self, items: Iterator[bytes | EndOfStream]) -> Iterator[bytes]:
        try:
            for item in items:
                match item:
                    case EndOfStream():
                        self._take_end(item)
                    case bytes():
                        self._count()
                        yield item
        except StreamFormatError as cause:
            self._fail(self._head.broken(cause), cause)

    def _take_end(self, end: EndOfStream) -> None:
        self._end = end
        if end.error is not None:
            self._fail(self._head.reported(end.error, ConnectCode.UNKNOWN, end.metadata))

    def _count(self) -> None:
        self._messages += 1
        if self._head.kind == "client" and self._messages > 1:
            self._fail(self._miscounted("several messages"))

    def _miscounted(self, found: str) -> ConnectCallError:
        code = ConnectCode.UNIMPLEMENTED
        trailers = self._end.metadata if self._end is not None else ()
        text = f"the call failed with {code.value!r}: its response holds {found} and must hold one"
        return self._head.failure(code, text, trailers=trailers)


ConnectReader: TypeAlias = UnaryReader | StreamReader


def make_reader(
    status: int,
    headers: Iterable[FieldPair],
    *,
    codec: str,
    kind: StreamKind,
    decompressors: Mapping[str, Decompressor] = GZIP_ONLY,
    limit: int = CONNECT_MESSAGE_LIMIT,
    length: int | None = None,
) -> ConnectReader:
    """A reader for the content of a response with this head, if the head allows to read on.

    `decompressors` are those that the request said it accepts, by name in lower case.  `length` is how many octets of
    content the response declares, if it does.

    Raises:
        ConnectCallError: the head alone tells that the call failed.
    """
    check_limit("limit", limit)
    head = read_head(status, headers, codec=codec, kind=kind, decompressors=decompressors)
    if kind != "unary":
        return StreamReader(head, limit)
    reader = UnaryReader(head, limit)
    reader.expect(length)
    return reader
