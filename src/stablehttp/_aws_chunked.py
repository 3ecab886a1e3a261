"""Content sent as `aws-chunked`: signed while it is sent, with its trailers inside the content.

Floor 5: stands on bodies and on the chunks of signers.

The chunks are all of one size but the last, and signatures have a fixed length, so the length on the
wire is known before anything is read.  The signature of the request, with which the chain begins, is
not: the pipeline signs the request first and then tells the body, a fresh one for each attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Literal, cast, final, overload

from stablehttp._body import (
    AsyncBody,
    BinaryFile,
    Body,
    BytesLike,
    ChainedBody,
    ChunkChain,
    ChunkSigning,
    DualBody,
    SyncBody,
    check_length_known,
    make_body,
)
from stablehttp._counter import Counter
from stablehttp._errors import InvalidBodyError, MisuseError
from stablehttp._redaction import described
from stablehttp._streams import aend, end
from stablehttp.signers import SMALLEST_CHUNK, ChunkedContent, ChunkSigner, chunked_length

DEFAULT_CHUNK = 64 * 1024


class AwsChunkedBody(ChainedBody):
    """Content in chunks; `aws_chunked` makes one of the colour of what it is given."""

    __slots__ = ("_chunk_size", "_encoding", "_inner", "_signing")

    def __init__(self, inner: Body, signing: ChunkSigning, chunk_size: int) -> None:
        super().__init__()
        self._inner = inner
        self._signing: ChunkSigning = signing
        self._chunk_size = chunk_size
        self._encoding: tuple[ChunkChain | None, str] | None = (None, "") if signing.startswith("unsigned") else None

    @property
    def length(self) -> int | None:
        """The length on the wire; None if a trailer is computed whose length nobody told."""
        inner = self._inner
        lengths = inner.trailer_lengths
        if inner.length is None or lengths is None:
            return None
        trailers = zip(inner.trailer_names, lengths, strict=True)
        return chunked_length(inner.length, self._chunk_size, self._signing, trailers)

    @property
    def replayable(self) -> bool:
        """Whether the content below is."""
        return self._inner.replayable

    @property
    def taken_by(self) -> str | None:
        """Who asked for the first octet, or None while nobody has."""
        return self._inner.taken_by

    @property
    def chained(self) -> ChainedBody:
        """This body."""
        return self

    @property
    def signing(self) -> ChunkSigning:
        """How chunks and trailers are signed."""
        return self._signing

    @property
    def announcement(self) -> tuple[tuple[str, str], ...]:
        """The coding, the length of the content itself, and the names of the trailers."""
        names = self._inner.trailer_names
        return (
            ("Content-Encoding", "aws-chunked"),
            ("X-Amz-Decoded-Content-Length", str(self._inner.length)),
            *([("X-Amz-Trailer", ",".join(names))] if names else []),
            *([] if self._encoding is None else [("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")]),
        )

    def check_available(self) -> None:
        """Make sure that the content can be read from its beginning.

        Raises:
            BodyTakenError: it was read, and cannot be read again.
        """
        self._inner.check_available()

    def renewed(self) -> Body:
        """The same content, not signed yet."""
        return type(self)(self._inner.renewed(), self._signing, self._chunk_size)

    def begin(self, chain: ChunkChain, seed: str) -> None:
        """Have chunks and trailers signed by `chain`; those that are sent unsigned stay so."""
        if self._encoding is None:
            self._encoding = chain, seed

    def __repr__(self) -> str:
        return f"<aws-chunked {self._inner!r}>"

    def _encoder(self) -> _Encoder:
        if self._encoding is None:
            raise MisuseError(
                "signed chunks continue the signature of their request, and it was not signed; "
                "send it through a pipeline with a signer"
            )
        chain, seed = self._encoding
        content = ChunkedContent(cast("ChunkSigner | None", chain), seed)  # by its shape
        return _Encoder(content, self._chunk_size, self._inner)


class _SyncChunked(AwsChunkedBody, SyncBody):
    __slots__ = ()

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The chunks as they are sent."""
        encoder = self._encoder()
        chunks = cast(SyncBody, self._inner).chunks(reader=reader)
        try:
            for chunk in chunks:
                yield from encoder.encode(chunk)
            yield encoder.finish()
        finally:
            end(chunks)

    def close(self) -> None:
        """Close the body below."""
        cast(SyncBody, self._inner).close()


class _AsyncChunked(AwsChunkedBody, AsyncBody):
    __slots__ = ()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The chunks as they are sent."""
        encoder = self._encoder()
        chunks = cast(AsyncBody, self._inner).achunks(reader=reader)
        try:
            async for chunk in chunks:
                for encoded in encoder.encode(chunk):
                    yield encoded
            yield encoder.finish()
        finally:
            await aend(chunks)

    async def aclose(self) -> None:
        """Close the body below."""
        await cast(AsyncBody, self._inner).aclose()


@final
class _DualChunked(_SyncChunked, _AsyncChunked, DualBody):
    __slots__ = ()


class _Encoder:
    """Cuts the content of one reading into chunks of one size."""

    def __init__(self, content: ChunkedContent, chunk_size: int, inner: Body) -> None:
        self._content = content
        self._chunk_size = chunk_size
        self._inner = inner
        self._counter = Counter(inner.length)
        self._held = bytearray()

    def encode(self, octets: bytes) -> Iterator[bytes]:
        """The chunks that are full with these octets; the rest is held."""
        self._counter.count(octets)
        size, rest = self._chunk_size, memoryview(octets)
        if self._held:
            missing = size - len(self._held)
            self._held += rest[:missing]
            rest = rest[missing:]
            if len(self._held) == size:
                yield self._content.chunk(bytes(self._held))
                self._held.clear()
        while len(rest) >= size:
            yield self._content.chunk(bytes(rest[:size]))
            rest = rest[size:]
        self._held += rest

    def finish(self) -> bytes:
        """The chunk of what is held, the last one, and the trailers."""
        self._counter.finish()
        trailers = list(self._inner.computed_trailers())
        if {name.lower() for name, _ in trailers} != {name.lower() for name in self._inner.trailer_names}:
            raise InvalidBodyError(
                f"{self._inner!r} computed other trailers than it announced", sent="maybe", processed="maybe"
            )
        return self._content.chunk(bytes(self._held)) + self._content.end(trailers)


@overload
def aws_chunked(
    body: DualBody | BytesLike | BinaryFile | None,
    *,
    signatures: Literal["signed", "unsigned"] = ...,
    chunk_size: int = ...,
) -> DualBody: ...
@overload
def aws_chunked(
    body: AsyncBody | AsyncIterable[bytes],
    *,
    signatures: Literal["signed", "unsigned"] = ...,
    chunk_size: int = ...,
) -> AsyncBody: ...
@overload
def aws_chunked(
    body: SyncBody | Iterable[bytes],
    *,
    signatures: Literal["signed", "unsigned"] = ...,
    chunk_size: int = ...,
) -> SyncBody: ...
def aws_chunked(
    body: object, *, signatures: Literal["signed", "unsigned"] = "signed", chunk_size: int = DEFAULT_CHUNK
) -> Body:
    """A body with the same content, sent as `aws-chunked`: for S3, whose uploads can be signed while they are read.

    Trailers that `body` computes (`with_checksum`, `with_trailers`) go into the content, after the last
    chunk.  With `signatures="unsigned"` only those protect it.  The pipeline adds `Content-Encoding`,
    `X-Amz-Decoded-Content-Length` and `X-Amz-Trailer` before it signs, and a `SigV4Signer` signs the
    request accordingly, whatever its rules say of content.

    Raises:
        InvalidBodyError: `body` cannot be one; chunks are too small for S3; or unsigned content has no trailer.
        UnknownLengthError: the length of the content is not known, and S3 wants it announced.
    """
    inner = make_body(body)
    check_length_known(inner)
    if inner.chained is not None:
        raise InvalidBodyError("body is aws-chunked already, and can be so once only", where="body")
    if type(chunk_size) is not int or chunk_size < SMALLEST_CHUNK:
        raise InvalidBodyError(
            f"chunk_size must be {SMALLEST_CHUNK} octets or more, which S3 demands, not {described(chunk_size)}",
            where="chunk_size",
        )
    signing = _signing(signatures, bool(inner.trailer_names))
    if isinstance(inner, SyncBody):
        make = _DualChunked if isinstance(inner, AsyncBody) else _SyncChunked
        return make(inner, signing, chunk_size)
    return _AsyncChunked(inner, signing, chunk_size)


def _signing(signatures: Literal["signed", "unsigned"], trailers: bool) -> ChunkSigning:
    match signatures:
        case "signed":
            return "signed-chunks-and-trailer" if trailers else "signed-chunks"
        case "unsigned":
            if not trailers:
                raise InvalidBodyError(
                    "unsigned chunks need a trailer that protects the content; give with_checksum(body, "
                    "'x-amz-checksum-sha256'), or have the chunks signed",
                    where="body",
                )
            return "unsigned-chunks-and-trailer"
