"""Content on its way out: in memory and framed already, or a stream that is framed chunk by chunk.

Content in memory up to `_JOINED` octets leaves together with the head, in one piece; larger content is never
copied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias, final

from stablehttp import AnyRequest, AsyncBody, BytesBody, ContentLengthError, Fields, MisuseError, Request, SyncBody
from stablehttp.adapting import AsyncOutgoing, SyncOutgoing, declared_length

_JOINED: Final = 64 * 1024
READER: Final = "the h11 connector"


@final
@dataclass(frozen=True, slots=True)
class Whole:
    """Content in memory, framed."""

    pieces: list[bytes]

    def behind(self, head: bytes) -> list[bytes]:
        """Head and content, as pieces to write."""
        if not self.pieces:
            return [head]
        if sum(map(len, self.pieces)) > _JOINED:
            return [head, *self.pieces]
        return [b"".join([head, *self.pieces])]


@final
@dataclass(frozen=True, slots=True)
class AsyncStream:
    """Content that is awaited; `chunked` says whether it is framed in chunks, with the trailers behind it."""

    outgoing: AsyncOutgoing
    chunked: bool


@final
@dataclass(frozen=True, slots=True)
class SyncStream:
    """Content that is iterated; `chunked` says whether it is framed in chunks, with the trailers behind it."""

    outgoing: SyncOutgoing
    chunked: bool


AsyncContent: TypeAlias = Whole | AsyncStream
SyncContent: TypeAlias = Whole | SyncStream


def prepare_async(request: Request[AsyncBody]) -> AsyncContent:
    """The content of `request`; nothing is read yet.

    Raises:
        MisuseError, ContentLengthError: the request was not completed.
        BodyColourError, BodyTakenError: the body cannot be read here, or not again.
    """
    body: object = request.body
    if type(body) is BytesBody:
        return _prepare_whole(request, body.content)
    outgoing = AsyncOutgoing(request, READER)
    _check_framed(request, outgoing.length)
    return AsyncStream(outgoing, chunked=outgoing.length is None)


def prepare_sync(request: Request[SyncBody]) -> SyncContent:
    """The content of `request`; nothing is read yet.

    Raises:
        MisuseError, ContentLengthError: the request was not completed.
        BodyColourError, BodyTakenError: the body cannot be read here, or not again.
    """
    body: object = request.body
    if type(body) is BytesBody:
        return _prepare_whole(request, body.content)
    outgoing = SyncOutgoing(request, READER)
    _check_framed(request, outgoing.length)
    return SyncStream(outgoing, chunked=outgoing.length is None)


def frame(chunk: bytes, *, chunked: bool) -> list[bytes]:
    """One piece of content as pieces to write; what may change under our hands is copied."""
    octets = chunk if type(chunk) is bytes else bytes(chunk)
    if not chunked:
        return [octets]
    size = b"%x\r\n" % len(octets)
    return [size, octets, b"\r\n"] if len(octets) > _JOINED else [b"".join((size, octets, b"\r\n"))]


def end_of_chunks(trailers: Fields) -> bytes:
    """The last chunk, the trailers, and the empty line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in trailers.items()])
    return f"0\r\n{lines}\r\n".encode("latin-1")


def expects_continue(request: AnyRequest, content: AsyncContent | SyncContent) -> bool:
    """Whether the content is to be held until the peer asks for it (RFC 9110 §10.1.1)."""
    if "expect" not in request.headers:
        return False
    expected = any(value.strip().lower() == "100-continue" for value in request.headers.values("expect"))
    return expected and not (isinstance(content, Whole) and not content.pieces)


def _prepare_whole(request: AnyRequest, content: bytes) -> Whole:
    declared = declared_length(request)
    if declared is None:
        framed = frame(content, chunked=True) if content else []
        _check_framed(request, declared)
        return Whole([*framed, end_of_chunks(request.trailers)])
    if declared != len(content):
        raise ContentLengthError(
            f"the body has {len(content)} octets, and {declared} were declared; leave 'Content-Length' out",
            declared=declared,
            found=len(content),
        )
    _check_framed(request, declared)
    return Whole([content] if content else [])


def _check_framed(request: AnyRequest, declared: int | None) -> None:
    headers = request.headers
    if "host" not in headers or (declared and "content-length" not in headers):
        raise MisuseError("the request was not completed, so nobody decided its framing; send it through a pipeline")
