"""The time of a signature, which the caller gives.

Floor 2: stands on errors.
"""

from __future__ import annotations

from datetime import UTC, datetime

from stablehttp._errors import SigningError


def as_utc(now: datetime) -> datetime:
    """Give the same moment in UTC.

    Raises:
        SigningError: the time has no time zone, so that nobody knows when it is.
    """
    if now.tzinfo is UTC:
        return now
    if now.utcoffset() is None:
        raise SigningError("the time to sign with has no time zone; give an aware one, as datetime.now(UTC) is")
    return now.astimezone(UTC)


def timestamp(now: datetime) -> str:
    """Give a time as `20150830T123600Z`, for an aware one in any zone; see `as_utc`."""
    now = as_utc(now)
    parts = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    # half the time of an f-string, a third of that of strftime (measured)
    return "%04d%02d%02dT%02d%02d%02dZ" % parts  # noqa: UP031
