"""What can go wrong in a stream: the peer's frames, and ours.

Floor 2: stands on the errors of the library.

A frame from a peer is read while its response arrives, so these errors say that the request was sent
and acted on.  No text here or elsewhere in this package shows octets of a frame.
"""

from __future__ import annotations

from stablehttp._errors import Answer, ContentTooLargeError, InvalidMessageError, StableHTTPError


class StreamFormatError(StableHTTPError, ValueError):
    """What the peer sent is not in the format of the stream; nothing after it can be trusted."""

    sent: Answer = "yes"
    processed: Answer = "yes"


class ChecksumError(StreamFormatError):
    """A checksum does not match: octets were changed on their way, or this is another format."""


class TruncatedStreamError(StreamFormatError, EOFError):
    """The stream ended where it may not end."""


class FrameTooLargeError(StreamFormatError, ContentTooLargeError):
    """A frame is larger than the limit, `limit`, in octets.

    `declared` is the length that the peer announced, or None where the format announces none.
    """

    declared: int | None = None


class EnvelopeError(StreamFormatError):
    """A Connect envelope breaks a rule of the Connect protocol."""


class InvalidFrameError(InvalidMessageError):
    """A frame that was about to be made breaks a rule of its format; nothing was made."""
