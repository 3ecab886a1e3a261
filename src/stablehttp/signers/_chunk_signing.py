"""Content that is signed while it is sent: `aws-chunked`.

Floor 2: stands on errors.

Signatures form a chain: that of the request comes first, each chunk signs the one before it, the
last chunk is empty, and trailers sign the last chunk.  `ChunkSigner` is the chain as pure
functions, running signature in, signature out; `ChunkedContent` puts the octets around it.  A
signature has a fixed length, so how long the encoded content will be is known before it exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, final

from stablehttp._errors import ClosedError, SigningError
from stablehttp.signers._signing_rules import ContentSigning

_EMPTY: Final = sha256(b"").hexdigest()
_SIGNATURE: Final = len(";chunk-signature=") + 64
_TRAILER_SIGNATURE: Final = len("x-amz-trailer-signature:\r\n") + 64

SMALLEST_CHUNK: Final = 8192
"""S3 refuses smaller chunks, except for the last one with content."""


@final
@dataclass(frozen=True, slots=True)
class ChunkSigner:
    """Signs chunks and trailers of one request; made by `SigV4Signer.chunk_signer`."""

    algorithm: str
    when: str
    scope: str
    sign: Callable[[bytes], str] = field(repr=False)

    def sign_chunk(self, previous: str, chunk: bytes) -> str:
        """Sign a chunk that follows what `previous` is the signature of; the last chunk is empty."""
        parts = (f"{self.algorithm}-PAYLOAD", self.when, self.scope, previous, _EMPTY, sha256(chunk).hexdigest())
        return self.sign("\n".join(parts).encode())

    def sign_trailers(self, previous: str, trailers: Iterable[tuple[str, str]]) -> str:
        """Sign the trailers that follow the last chunk, whose signature is `previous`."""
        lines = "".join(sorted([f"{name.lower()}:{value.strip()}\n" for name, value in trailers]))
        parts = (f"{self.algorithm}-TRAILER", self.when, self.scope, previous, sha256(lines.encode()).hexdigest())
        return self.sign("\n".join(parts).encode())


@final
class ChunkedContent:
    """The octets of `aws-chunked` content, in the order in which they are sent.

    With a `signer`, chunks and trailers are signed, beginning from `seed`, the signature of the
    request; without one, neither is.  After `end` nothing more can follow.
    """

    __slots__ = ("_ended", "_previous", "_signer")

    def __init__(self, signer: ChunkSigner | None, seed: str = "") -> None:
        if signer is not None and not seed:
            raise SigningError("signed chunks continue from the signature of the request; give it as seed")
        self._signer = signer
        self._previous = seed
        self._ended = False

    def chunk(self, data: bytes) -> bytes:
        """Give the octets of one chunk; for no data there are none, since an empty chunk is the last.

        Raises:
            ClosedError: the content has ended.
        """
        if not data:
            return b""
        return b"%b%b\r\n" % (self._head(data), data)

    def end(self, trailers: Sequence[tuple[str, str]] = ()) -> bytes:
        """Give the octets of the last chunk and of the trailers, which only now need to be known.

        Raises:
            ClosedError: the content has ended already.
            SigningError: a trailer holds a line break.
        """
        if any("\r" in text or "\n" in text for trailer in trailers for text in trailer):
            raise SigningError("a trailer holds a line break and would be read as two; remove it")
        lines = [f"{name}:{value}\r\n" for name, value in trailers]
        head = self._head(b"")
        if self._signer is not None and trailers:
            lines.append(f"x-amz-trailer-signature:{self._signer.sign_trailers(self._previous, trailers)}\r\n")
        self._ended = True
        return head + "".join(lines).encode("latin-1") + b"\r\n"

    def _head(self, data: bytes) -> bytes:
        if self._ended:
            raise ClosedError("the content has ended with its last chunk; begin a new one for another request")
        if self._signer is None:
            return b"%x\r\n" % len(data)
        self._previous = self._signer.sign_chunk(self._previous, data)
        return b"%x;chunk-signature=%b\r\n" % (len(data), self._previous.encode())


def chunked_length(
    length: int, chunk_size: int, content: ContentSigning, trailers: Iterable[tuple[str, int]] = ()
) -> int:
    """Give how many octets `length` octets will be in chunks of `chunk_size`, trailers included.

    `trailers` are the names and the lengths of the values; `content` is the one of the rules.

    Raises:
        SigningError: such content is not sent in chunks, or the chunks are smaller than S3 allows.
    """
    if chunk_size < SMALLEST_CHUNK < length:
        raise SigningError(f"chunks of {chunk_size} octets are too small for S3; make them {SMALLEST_CHUNK} or more")
    signed = content in ("signed-chunks", "signed-chunks-and-trailer")
    if not signed and content != "unsigned-chunks-and-trailer":
        raise SigningError(f"content={content!r} is not sent in chunks; choose one of the rules for chunks")
    whole, rest = divmod(length, chunk_size)
    sizes = [(whole, chunk_size), (1 if rest else 0, rest), (1, 0)]
    chunks = sum(count * (len(f"{size:x}") + size + (_SIGNATURE if signed else 0) + 4) for count, size in sizes)
    lines = sum(len(name) + value + 3 for name, value in trailers)
    return chunks + lines + (_TRAILER_SIGNATURE if signed and lines else 0)
