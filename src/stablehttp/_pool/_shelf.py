"""What pools of both colours keep: idle connections, and a count of all of them.

Nothing here waits or locks.  Reuse takes the newest idle connection, so that old ones get a chance to
expire; making room closes the one that was idle longest.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar, final

from stablehttp._errors import ClosedError, PoolTimeoutError

C = TypeVar("C")


@final
@dataclass(slots=True, eq=False)
class Lease(Generic[C]):
    """A connection in the hands of one exchange, until it is given back.

    `reused` says that an earlier exchange used it.
    """

    connection: C
    key: Hashable
    reused: bool


@final
class Shelf(Generic[C]):
    """The idle connections of a pool by key, and how many connections there are in all."""

    __slots__ = ("_close", "_idle", "_is_usable", "_keepalive", "_most", "count")

    def __init__(self, most: int, keepalive: float, is_usable: Callable[[C], bool], close: Callable[[C], None]) -> None:
        self._most = most
        self._keepalive = keepalive
        self._is_usable = is_usable
        self._close = close
        self._idle: dict[Hashable, list[tuple[C, float]]] = {}
        self.count = 0
        """Idle, leased and being made."""

    @property
    def idle(self) -> int:
        """How many are idle."""
        return sum(map(len, self._idle.values()))

    def take(self, key: Hashable) -> C | None:
        """The newest idle connection for `key` that can still be used, or None.

        Newer ones that cannot be used are closed on the way.
        """
        stack = self._idle.get(key)
        if stack is None:
            return None
        found = None
        earliest = monotonic() - self._keepalive
        while stack and found is None:
            connection, since = stack.pop()
            if since >= earliest and self._is_usable(connection):
                found = connection
            else:
                self.discard(connection)
        if not stack:
            del self._idle[key]
        return found

    def reserve(self) -> bool:
        """Count one connection more, which is about to be made; False if all there may be are in use."""
        if self.count >= self._most and not self._drop_oldest():
            return False
        self.count += 1
        return True

    def put(self, key: Hashable, connection: C) -> None:
        """Keep a connection for later."""
        self._idle.setdefault(key, []).append((connection, monotonic()))

    def is_usable(self, connection: C) -> bool:
        """Whether another exchange may use it."""
        return self._is_usable(connection)

    def discard(self, connection: C) -> None:
        """Close a connection that is not on the shelf, and count one less."""
        self.count -= 1
        self._close(connection)

    def sweep(self) -> float | None:
        """Close what has been idle for too long; give the seconds until the next one will have been."""
        now = monotonic()
        earliest = now - self._keepalive
        for key, stack in list(self._idle.items()):
            kept = [(connection, since) for connection, since in stack if since > earliest]
            expired = [connection for connection, since in stack if since <= earliest]
            if kept:
                self._idle[key] = kept
            else:
                del self._idle[key]
            for connection in expired:
                self.discard(connection)
        oldest = min((stack[0][1] for stack in self._idle.values()), default=None)
        return None if oldest is None else oldest + self._keepalive - now

    def close_idle(self) -> None:
        """Close all that are idle."""
        idle, self._idle = self._idle, {}
        for stack in idle.values():
            for connection, _ in stack:
                self.discard(connection)

    def forget(self) -> None:
        """Let go of all connections without closing them: they belong to a loop or a process that is gone."""
        self._idle = {}
        self.count = 0

    def _drop_oldest(self) -> bool:
        key = min(self._idle, key=lambda key: self._idle[key][0][1], default=None)
        if key is None:
            return False
        stack = self._idle[key]
        connection, _ = stack.pop(0)
        if not stack:
            del self._idle[key]
        self.discard(connection)
        return True


def waited_too_long(most: int, seconds: float | None) -> PoolTimeoutError:
    """The error for a caller that got no connection in time."""
    return PoolTimeoutError(
        f"none of the {most} connections became free within {seconds} seconds; "
        "read or close responses sooner, or allow more with HttpSettings(max_connections=…)",
        seconds=seconds,
    )


def already_closed() -> ClosedError:
    """The error for a caller that comes after the end."""
    return ClosedError("the connector was closed; make another one")
