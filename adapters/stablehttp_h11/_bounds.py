"""The time limits of one call, as points on a clock.

The total limit stands behind all others: whichever comes first counts, and the error says which it was.
"""

from __future__ import annotations

from typing import final

from stablehttp import ConnectTimeoutError, HTTPTimeoutError, PoolTimeoutError, Timeouts, TotalTimeoutError
from stablehttp_h11._errors import Stage

_NONE = Timeouts()


@final
class Bounds:
    """Time limits, in seconds; None is no limit."""

    __slots__ = ("_total_by", "pool", "read", "total", "write")

    def __init__(self, timeouts: Timeouts | None, now: float) -> None:
        timeouts = timeouts or _NONE
        self.read = timeouts.read
        self.write = timeouts.write
        self.pool = timeouts.pool
        self.total = timeouts.total
        self._total_by = None if self.total is None else now + self.total

    def by(self, now: float, seconds: float | None) -> float | None:
        """When `seconds` will be over, or the total limit if that comes first."""
        if seconds is None:
            return self._total_by
        return now + seconds if self._total_by is None else min(now + seconds, self._total_by)

    def left(self, now: float, seconds: float | None) -> float | None:
        """How many seconds are left until `by`."""
        by = self.by(now, seconds)
        return None if by is None else max(by - now, 0.0)

    def is_over(self, now: float) -> bool:
        """Whether the total limit has passed."""
        return self._total_by is not None and now >= self._total_by

    def late(
        self, now: float, kind: type[HTTPTimeoutError], stage: Stage, text: str, seconds: float | None
    ) -> HTTPTimeoutError:
        """The error for a limit that has passed: of `kind`, unless it was the total one."""
        if self.is_over(now):
            kind, seconds, text = TotalTimeoutError, self.total, "the whole call took longer than"
        return kind(f"{text} {seconds} seconds", seconds=seconds, sent=stage.sent, processed=stage.processed)

    def no_connection(self, now: float, seconds: float | None) -> HTTPTimeoutError:
        """The error for a connection that did not come about in time."""
        return self.late(now, ConnectTimeoutError, Stage.CONNECTING, "connecting took longer than", seconds)

    def no_place(self, now: float, error: PoolTimeoutError) -> HTTPTimeoutError:
        """The error for a pool that had no free connection in time."""
        if not self.is_over(now):
            return error
        return self.late(now, PoolTimeoutError, Stage.CONNECTING, "", None)
