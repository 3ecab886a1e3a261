"""The time limits of one call, which the CRT has not: when to look again, and what has run out."""

from __future__ import annotations

from time import monotonic
from typing import Final, final

from stablehttp import HTTPTimeoutError, ReadTimeoutError, Timeouts, TotalTimeoutError, WriteTimeoutError
from stablehttp.adapting import Answer
from stablehttp_crt._exchange import Exchange

_AT_ONCE: Final = 0.001


@final
class Clock:
    """The time limits of one call."""

    __slots__ = ("_timeouts", "_total", "pool", "until")

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._total = timeouts.total
        self.pool = timeouts.pool
        self.until = None if timeouts.total is None else monotonic() + timeouts.total
        """When the whole call has had its time."""

    def place_until(self) -> float | None:
        """Until when a free connection may be waited for, from now on."""
        return self.sooner(self.pool)

    def left_of_pool(self, until: float | None) -> float | None:
        """How many seconds may be waited if `until` is what `place_until` said; as they were given, before any wait."""
        if until is None:
            return None
        left = max(until - monotonic(), 0.0)
        return self.pool if self.pool is not None and self.pool - left < _AT_ONCE else left

    def sooner(self, seconds: float | None) -> float | None:
        """When `seconds` will be over, or the whole time if that comes first."""
        if seconds is None:
            return self.until
        by = monotonic() + seconds
        return by if self.until is None else min(by, self.until)

    def took_too_long(self, answer: Answer) -> TotalTimeoutError:
        """The whole call had its time; `answer` says whether octets went out."""
        return TotalTimeoutError(
            f"the whole call took longer than {self._total} seconds",
            seconds=self._total,
            sent=answer,
            processed=answer,
        )

    def check_total(self, answer: Answer) -> None:
        """Make sure that the whole call still has time.

        Raises:
            TotalTimeoutError: it has none.
        """
        if self.until is not None and monotonic() >= self.until:
            raise self.took_too_long(answer)

    def check(self, exchange: Exchange, since: float) -> float | None:
        """Make sure that no limit has passed for somebody who waits since then; when to look again.

        While the peer has content to take, or the caller some to give, its silence means nothing.

        Raises:
            ReadTimeoutError, WriteTimeoutError, TotalTimeoutError: one has.
        """
        answer: Answer = "maybe" if exchange.head is None else "yes"
        self.check_total(answer)
        now = monotonic()
        meter = exchange.meter
        looks = [] if self.until is None else [self.until]
        write, read = self._timeouts.write, self._timeouts.read
        if write is not None and meter.waiting:
            looks.append(_by(max(meter.since, since) + write, now, WriteTimeoutError, "took nothing", write, answer))
        elif write is not None and not meter.ended:
            looks.append(now + write)
        if read is not None and exchange.head is not None:
            looks.append(_by(max(exchange.last, since) + read, now, ReadTimeoutError, "sent nothing", read, answer))
        elif read is not None and meter.done:
            begin = max(exchange.last, since, meter.since)
            looks.append(_by(begin + read, now, ReadTimeoutError, "sent nothing", read, answer))
        elif read is not None:
            looks.append(now + read)
        return min(looks, default=None)


def _by(due: float, now: float, kind: type[HTTPTimeoutError], what: str, seconds: float, answer: Answer) -> float:
    if now >= due:
        raise kind(f"the peer {what} for {seconds} seconds", seconds=seconds, sent=answer, processed=answer)
    return due
