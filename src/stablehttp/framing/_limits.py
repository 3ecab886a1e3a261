"""How large the parts of a stream may become before reading it stops.

Floor 2: stands on nothing of the library but its errors.

All numbers are octets.  They bound what a decoder holds for one frame, whatever the peer declares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, final

from stablehttp.framing._errors import InvalidFrameError

KIB: Final = 1024
MIB: Final = 1024 * KIB

CONNECT_MESSAGE_LIMIT: Final = 4 * MIB
"""The largest Connect message that is read unless the caller says otherwise; gRPC's default too."""


def check_limit(name: str, limit: int) -> int:
    """`limit`, if it is a number of octets.

    Raises:
        InvalidFrameError: it is negative.
    """
    if limit < 0:
        raise InvalidFrameError(f"limit {name!r} is {limit}, and no frame is smaller than 0 octets; give 0 or more")
    return limit


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EventStreamLimits:
    """The sizes of an Amazon event-stream message.

    The defaults are those of the format, which every service must keep.  Its text tells clients not to
    enforce them; a client that wants to follow a service beyond them gives larger ones.
    """

    headers: int = 128 * KIB
    payload: int = 24 * MIB

    def __post_init__(self) -> None:
        check_limit("headers", self.headers)
        check_limit("payload", self.payload)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSentEventLimits:
    """The size of one line, and of the data of one event, which may have many lines."""

    line: int = 4 * MIB
    event: int = 16 * MIB

    def __post_init__(self) -> None:
        check_limit("line", self.line)
        check_limit("event", self.event)
