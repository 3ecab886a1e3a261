"""Amazon event streams: messages to octets, and octets in any pieces to messages.

Floor 2: stands on messages and their headers.

A message is: total length, length of headers, CRC-32 of these eight octets; headers; payload; CRC-32 of
all before it.  The first checksum is looked at before either length is believed, and both lengths
before anything is kept, so a damaged or hostile length costs twelve octets.  CRC-32 finds every change
within 32 neighbouring bits, so every changed octet.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, final
from zlib import crc32

from stablehttp.framing._errors import (
    ChecksumError,
    FrameTooLargeError,
    InvalidFrameError,
    StreamFormatError,
    TruncatedStreamError,
)
from stablehttp.framing._event_stream_headers import decode_event_headers, encode_event_headers
from stablehttp.framing._event_stream_messages import EventMessage
from stablehttp.framing._incremental import IncrementalDecoder
from stablehttp.framing._limits import EventStreamLimits

_LENGTHS: Final = struct.Struct(">II")
_CHECKSUM: Final = struct.Struct(">I")
_PRELUDE: Final = struct.Struct(">III")
_AROUND: Final = _PRELUDE.size + _CHECKSUM.size

_DEFAULT_LIMITS: Final = EventStreamLimits()


def encode_event_message(message: EventMessage, *, limits: EventStreamLimits = _DEFAULT_LIMITS) -> bytes:
    """`message` as it goes on the wire.

    Raises:
        InvalidFrameError: its headers or its payload are larger than `limits` allow.
    """
    headers = encode_event_headers(message.headers)
    _check_own("headers", len(headers), limits.headers)
    _check_own("payload", len(message.payload), limits.payload)
    lengths = _LENGTHS.pack(_AROUND + len(headers) + len(message.payload), len(headers))
    start = b"".join([lengths, _CHECKSUM.pack(crc32(lengths)), headers])
    return b"".join([start, message.payload, _CHECKSUM.pack(crc32(message.payload, crc32(start)))])


def _check_own(part: str, length: int, limit: int) -> None:
    if length > limit:
        raise InvalidFrameError(
            f"{part} of an event-stream message have {length} octets, more than the limit of {limit}; "
            "spread them over several messages"
        )


@final
@dataclass(frozen=True, slots=True)
class _Prelude:
    total: int
    headers: int

    @property
    def payload(self) -> int:
        return self.total - self.headers - _AROUND


@final
class EventStreamDecoder(IncrementalDecoder[EventMessage]):
    """Octets of an event stream in, messages out.

    It holds at most one message that is not whole.  `finish` raises if the stream ended inside one.
    """

    __slots__ = ("_limits", "_prelude")

    def __init__(self, *, limits: EventStreamLimits = _DEFAULT_LIMITS) -> None:
        super().__init__()
        self._limits = limits
        self._prelude: _Prelude | None = None

    def _next(self) -> EventMessage | None:
        if self._prelude is None:
            if len(self._buffer) < _PRELUDE.size:
                return None
            self._prelude = self._read_prelude()
        if len(self._buffer) < self._prelude.total:
            return None
        message = self._read_message(self._prelude)
        del self._buffer[: self._prelude.total]
        self._prelude = None
        return message

    def _read_prelude(self) -> _Prelude:
        total, headers, checksum = _PRELUDE.unpack_from(self._buffer)
        if crc32(self._buffer[: _LENGTHS.size]) != checksum:
            raise ChecksumError(
                "the first twelve octets of an event-stream message do not match their checksum; "
                "the stream is damaged, or it is not an event stream"
            )
        prelude = _Prelude(int(total), int(headers))
        self._check(prelude)
        return prelude

    def _check(self, prelude: _Prelude) -> None:
        _check_theirs("headers", prelude.headers, self._limits.headers)
        if prelude.payload < 0:
            raise StreamFormatError(
                f"event-stream message of {prelude.total} octets cannot hold {prelude.headers} octets of headers "
                f"and the {_AROUND} octets around them"
            )
        _check_theirs("payload", prelude.payload, self._limits.payload)

    def _read_message(self, prelude: _Prelude) -> EventMessage:
        covered = prelude.total - _CHECKSUM.size
        start_of_payload = _PRELUDE.size + prelude.headers
        (checksum,) = _CHECKSUM.unpack_from(self._buffer, covered)
        with memoryview(self._buffer) as view:
            if crc32(view[:covered]) != checksum:
                raise ChecksumError("an event-stream message does not match its checksum; the stream is damaged")
            headers = bytes(view[_PRELUDE.size : start_of_payload])
            payload = bytes(view[start_of_payload:covered])
        return EventMessage(decode_event_headers(headers), payload)

    def _end(self) -> None:
        if self._buffer:
            whole = "" if self._prelude is None else f" of {self._prelude.total}"
            raise TruncatedStreamError(
                f"the event stream ended inside a message, after {len(self._buffer)} octets{whole}"
            )


def _check_theirs(part: str, length: int, limit: int) -> None:
    if length > limit:
        raise FrameTooLargeError(
            f"an event-stream message declares {length} octets of {part}, more than the limit of {limit}; "
            f"set EventStreamLimits({part}=…) higher if the peer may send that much",
            limit=limit,
            declared=length,
        )
