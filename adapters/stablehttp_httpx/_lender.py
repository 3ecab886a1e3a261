"""The transports that a connector made itself, and their way out.

One transport serves all requests until it is *retired*: httpx's HTTP/2 sends no RST_STREAM, so an exchange
that ended early leaves a stream and a part of the connection's window behind, for good.  New requests then
go to a new transport, and the old one is closed when its last exchange has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final
from weakref import WeakSet

T = TypeVar("T")


@final
@dataclass(slots=True, eq=False)
class Lease(Generic[T]):
    """A transport and how many exchanges use it; `closed` says that the connector was closed under them.

    `streams` are the connections that were made, as far as they live: httpx 0.28 can forget one that is
    being made while another exchange that waits for it is cancelled, and then never closes it.
    """

    transport: T
    users: int = 0
    retired: bool = False
    closed: bool = False
    streams: WeakSet[object] = field(default_factory=WeakSet)


@final
class Lender(Generic[T]):
    """Gives out one transport, made at the first request; callable from any thread.

    Nothing here closes a transport: whoever is given one to close does.
    """

    __slots__ = ("_all", "_current", "_lock", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._current: Lease[T] | None = None
        self._all: set[Lease[T]] = set()

    def lend(self) -> Lease[T]:
        """The transport for one exchange, to be given back."""
        with self._lock:
            lease = self._current
            if lease is None:
                lease = self._current = Lease(self._make())
                self._all.add(lease)
            lease.users += 1
            return lease

    def take_back(self, lease: Lease[T], *, retire: bool) -> Lease[T] | None:
        """End one exchange; the lease comes back if its transport is to be closed now."""
        with self._lock:
            lease.users -= 1
            if retire:
                lease.retired = True
                if self._current is lease:
                    self._current = None
            if lease.retired and not lease.users and not lease.closed:
                self._all.discard(lease)
                return lease
            return None

    def close(self) -> list[Lease[T]]:
        """Give up all transports; they come back to be closed."""
        with self._lock:
            leases, self._all, self._current = self._all, set(), None
            for lease in leases:
                lease.closed = True
            return list(leases)
