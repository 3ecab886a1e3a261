"""Compression of Connect messages, with a bound on what comes out.

Floor 2: stands on the errors of this package.

A compressor takes octets and gives octets.  A decompressor takes octets and how many may come out at
most, and must not make more than that on the way.  gzip is here because the standard library has it;
others are given by the caller.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final, TypeAlias

from stablehttp._errors import ContentTooLargeError
from stablehttp.framing._errors import EnvelopeError, FrameTooLargeError, StreamFormatError

Compressor: TypeAlias = Callable[[bytes], bytes]
Decompressor: TypeAlias = Callable[[bytes, int], bytes]

_GZIP: Final = 31
_WINDOW: Final = 4096


def compress_gzip(octets: bytes) -> bytes:
    """`octets` as one gzip member without a time, so that equal input gives equal output."""
    stream = zlib.compressobj(wbits=_GZIP)
    return stream.compress(octets) + stream.flush()


def decompress_gzip(octets: bytes, limit: int) -> bytes:
    """What the gzip members in `octets` hold, at most `limit` octets; of no octets, none.

    Input is taken in small pieces because zlib copies what follows a member: a message of many empty
    members would otherwise cost the square of its length.

    Raises:
        FrameTooLargeError: more than `limit` octets come out.
        EnvelopeError: it is not gzip, or its end is missing.
    """
    out = bytearray()
    place = 0
    try:
        while place < len(octets):
            place = _take_member(octets, place, out, limit)
    except zlib.error:
        raise EnvelopeError(f"a message of {len(octets)} octets that is marked as compressed is not gzip") from None
    return bytes(out)


def _take_member(octets: bytes, place: int, out: bytearray, limit: int) -> int:
    stream = zlib.decompressobj(wbits=_GZIP)
    while not stream.eof:
        window = octets[place : place + _WINDOW]
        if not window:
            raise EnvelopeError(f"a gzip message of {len(octets)} octets ends inside a member")
        out += stream.decompress(window, limit - len(out) + 1)
        _check_size(len(out), limit)
        place += len(window) - len(stream.unused_data)
    return place


def _check_size(size: int, limit: int) -> None:
    if size > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> FrameTooLargeError:
    return FrameTooLargeError(
        f"a compressed message becomes larger than the limit of {limit} octets; "
        "set the limit higher if the peer may send that much",
        limit=limit,
    )


def decompress_with(decompress: Decompressor, octets: bytes, limit: int) -> bytes:
    """What `decompress` makes of `octets`; of no octets, none, as the Connect protocol wants.

    Raises:
        FrameTooLargeError: more than `limit` octets come out.
        EnvelopeError: `decompress` failed, in whatever way.
    """
    if not octets:
        return b""
    try:
        message = decompress(octets, limit)
    except StreamFormatError:
        raise
    except ContentTooLargeError as error:
        raise _too_large(limit) from error
    except Exception as error:
        raise EnvelopeError(f"a compressed message of {len(octets)} octets could not be decompressed") from error
    _check_size(len(message), limit)
    return message
