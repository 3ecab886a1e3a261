"""The envelopes of a Connect stream: to octets, and from octets in any pieces.

Floor 2: stands on compression and the end-of-stream message.

An envelope is a flag octet, a length of four octets, and that many octets.  Flag 1 says compressed, flag 2
says end of stream, others are reserved.  All that can be told from these five octets is checked before
anything is kept.  A response that has no end-of-stream message was cut, however cleanly it closed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, final

from stablehttp.framing._connect_compression import Compressor, Decompressor, decompress_with
from stablehttp.framing._connect_end import EndOfStream, read_end_of_stream, write_end_of_stream
from stablehttp.framing._connect_errors import WireError
from stablehttp.framing._connect_metadata import FieldPair
from stablehttp.framing._errors import EnvelopeError, FrameTooLargeError, InvalidFrameError, TruncatedStreamError
from stablehttp.framing._incremental import IncrementalDecoder
from stablehttp.framing._limits import CONNECT_MESSAGE_LIMIT, check_limit

COMPRESSED: Final = 0b01
END_OF_STREAM: Final = 0b10

_KNOWN: Final = COMPRESSED | END_OF_STREAM
_PREFIX: Final = struct.Struct(">BI")
_LONGEST: Final = 0xFFFFFFFF


def encode_envelope(message: bytes, *, compress: Compressor | None = None) -> bytes:
    """`message` in an envelope, compressed if `compress` is given and there is something to compress.

    Raises:
        InvalidFrameError: it is longer than the four octets of a length can say.
    """
    return _envelope(0, message, compress)


def encode_end_of_stream(
    error: WireError | None = None, metadata: Iterable[FieldPair] = (), *, compress: Compressor | None = None
) -> bytes:
    """The envelope that ends a response stream, as a server sends it."""
    return _envelope(END_OF_STREAM, write_end_of_stream(error, metadata), compress)


def _envelope(flags: int, message: bytes, compress: Compressor | None) -> bytes:
    if compress is not None and message:
        flags, message = flags | COMPRESSED, compress(message)
    if len(message) > _LONGEST:
        raise InvalidFrameError(f"a message of {len(message)} octets does not fit an envelope; send several")
    return _PREFIX.pack(flags, len(message)) + message


@final
class EnvelopeDecoder(IncrementalDecoder[bytes | EndOfStream]):
    """Octets of a Connect response stream in, messages and at last an `EndOfStream` out.

    `decompress` belongs to the compression that the response named; without one, a compressed
    message is an error.  `limit` bounds each message, before and after decompression.
    """

    __slots__ = ("_decompress", "_ended", "_limit", "_prefix")

    def __init__(self, *, decompress: Decompressor | None = None, limit: int = CONNECT_MESSAGE_LIMIT) -> None:
        super().__init__()
        self._decompress = decompress
        self._limit = check_limit("limit", limit)
        self._prefix: tuple[int, int] | None = None
        self._ended = False

    def _next(self) -> bytes | EndOfStream | None:
        if self._ended and self._buffer:
            raise EnvelopeError("octets follow the end-of-stream message of a Connect response, which must be the last")
        if self._prefix is None:
            if len(self._buffer) < _PREFIX.size:
                return None
            self._prefix = self._read_prefix()
        flags, length = self._prefix
        if len(self._buffer) < _PREFIX.size + length:
            return None
        with memoryview(self._buffer) as view:
            message = bytes(view[_PREFIX.size : _PREFIX.size + length])
        del self._buffer[: _PREFIX.size + length]
        self._prefix = None
        return self._read(flags, message)

    def _read_prefix(self) -> tuple[int, int]:
        flags, length = (int(part) for part in _PREFIX.unpack_from(self._buffer))
        if flags & ~_KNOWN:
            raise EnvelopeError(
                f"a Connect envelope has the flags {flags:#010b}; only the lowest two bits have a meaning"
            )
        if flags & COMPRESSED and self._decompress is None:
            raise EnvelopeError("a Connect envelope is marked as compressed, and the response named no compression")
        if length > self._limit:
            raise FrameTooLargeError(
                f"a Connect envelope declares {length} octets, more than the limit of {self._limit}; "
                "set the limit higher if the peer may send that much",
                limit=self._limit,
                declared=length,
            )
        return flags, length

    def _read(self, flags: int, message: bytes) -> bytes | EndOfStream:
        if flags & COMPRESSED and self._decompress is not None:
            message = decompress_with(self._decompress, message, self._limit)
        if not flags & END_OF_STREAM:
            return message
        self._ended = True
        return read_end_of_stream(message)

    def _end(self) -> None:
        if self._buffer:
            whole = "" if self._prefix is None else f" of {_PREFIX.size + self._prefix[1]}"
            raise TruncatedStreamError(
                f"the Connect response ended inside an envelope, after {len(self._buffer)} octets{whole}"
            )
        if not self._ended:
            raise TruncatedStreamError("the Connect response ended without an end-of-stream message, so it was cut")
