"""The journal of a recording server: all that it saw, readable from any thread.

Stands on the records, the bell and on `stablehttp._errors`.

A request is entered before the last octets of its answer leave, so whoever has read a whole response
finds the request here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import final

from stablehttp._errors import HTTPTimeoutError
from stablehttp.testing._origin_bell import Bell
from stablehttp.testing._origin_log import Draft, Ended, Received, Track


@final
class Journal:
    """All that was seen, readable from any thread while the origin goes on."""

    def __init__(self, history: int | None) -> None:
        self.bell = Bell()
        self.count = 0
        self.tracks: list[Track] = []
        self.open_connections = 0
        self.errors: list[BaseException] = []
        self._requests: deque[Received] = deque(maxlen=history)
        self._untaken: deque[Received] = deque(maxlen=history)

    @property
    def requests(self) -> tuple[Received, ...]:
        while True:
            try:
                return tuple(self._requests)
            except RuntimeError:  # another request arrived in the middle of the copy
                continue

    def track(self, peer: str) -> Track:
        """Open the account of a new connection."""
        track = Track(number=len(self.tracks), peer=peer)
        self.tracks.append(track)
        self.open_connections += 1
        self.bell.ring()
        return track

    def end(self, track: Track, how: Ended) -> None:
        """Close the account of a connection; the first cause stays."""
        if track.ended == "open":
            track.ended = how
        self.open_connections -= 1
        self.bell.ring()

    def enter(self, draft: Draft, *, complete: bool) -> Received:
        """Record a request, once."""
        if draft.recorded is None:
            draft.recorded = received = draft.received(self.count, complete=complete)
            self.count += 1
            self._requests.append(received)
            self._untaken.append(received)
            self.bell.ring()
        return draft.recorded

    def fail(self, error: BaseException) -> None:
        """Keep an error of the script, to be raised where the origin is closed."""
        self.errors.append(error)
        self.bell.ring()

    def forget(self) -> None:
        self._requests.clear()
        self._untaken.clear()

    def take(self, timeout: float) -> Received:
        if not self.bell.wait(lambda: bool(self._untaken), timeout):
            raise self._late(timeout)
        return self._untaken.popleft()

    async def atake(self, seconds: float) -> Received:
        if not await self.bell.await_(lambda: bool(self._untaken), seconds):
            raise self._late(seconds)
        return self._untaken.popleft()

    def watch(self, holds: Callable[[], bool], timeout: float) -> None:
        if not self.bell.wait(_by_now(holds), timeout):
            raise self._unmet(timeout)

    async def awatch(self, holds: Callable[[], bool], seconds: float) -> None:
        if not await self.bell.await_(_by_now(holds), seconds):
            raise self._unmet(seconds)

    def _late(self, timeout: float) -> HTTPTimeoutError:
        octets = sum(track.octets_received for track in self.tracks)
        return HTTPTimeoutError(
            f"the origin recorded no further request within {timeout} seconds; so far it saw {self.count} requests "
            f"and {octets} octets on {len(self.tracks)} connections",
            sent="no",
            processed="no",
            seconds=timeout,
        )

    def _unmet(self, timeout: float) -> HTTPTimeoutError:
        return HTTPTimeoutError(
            f"what was waited for did not come to hold within {timeout} seconds; the origin saw {self.count} requests "
            f"on {len(self.tracks)} connections, of which {self.open_connections} are open",
            sent="no",
            processed="no",
            seconds=timeout,
        )


def _by_now(holds: Callable[[], bool]) -> Callable[[], bool]:
    """A predicate that looks at what is not there yet does not hold yet."""

    def look() -> bool:
        try:
            return holds()
        except LookupError:
            return False

    return look
