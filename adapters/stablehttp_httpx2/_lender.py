"""The transports that a connector made itself, and their way out.

One transport serves all requests until it is *retired*: httpx2's HTTP/2 sends no RST_STREAM, so an exchange
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
    """A transport and how many exchanges use it.

    `streams` are the connections that were made, as far as they live: a pool of httpx2 can forget one that is
    being made when another exchange that waits for it is cancelled, and then never closes it.
    """

    transport: T
    users: int = 0
    retired: bool = False
    streams: WeakSet[object] = field(default_factory=WeakSet)


@final
class Lender(Generic[T]):
    """Gives out one transport, made at the first request; callable from any thread.

    Nothing here closes a transport: whoever is given one to close does.
    """

    __slots__ = ("_current", "_leases", "_lock", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._current: Lease[T] | None = None
        self._leases: set[Lease[T]] = set()

    @property
    def in_use(self) -> bool:
        """Whether any exchange goes on."""
        return any(lease.users for lease in self._leases)

    def lend(self) -> Lease[T]:
        """The transport for one exchange, to be given back."""
        with self._lock:
            lease = self._current
            if lease is None:
                lease = self._current = Lease(self._make())
                self._leases.add(lease)
            lease.users += 1
            return lease

    def take_back(self, lease: Lease[T], *, retire: bool) -> Lease[T] | None:
        """End one exchange; the lease comes back if its transport is to be closed now."""
        with self._lock:
            lease.users -= 1
            if retire:
                self._retire(lease)
            if not lease.retired or lease.users:
                return None
            self._leases.discard(lease)
            return lease

    def retire_all(self) -> list[Lease[T]]:
        """Retire what there is; transports that nobody uses come back to be closed now."""
        with self._lock:
            for lease in self._leases:
                self._retire(lease)
            idle = [lease for lease in self._leases if not lease.users]
            self._leases.difference_update(idle)
            return idle

    def forget_all(self) -> list[Lease[T]]:
        """Have nothing to do any more with what there is, in use or not."""
        with self._lock:
            leases, self._leases, self._current = list(self._leases), set(), None
            return leases

    def _retire(self, lease: Lease[T]) -> None:
        lease.retired = True
        if self._current is lease:
            self._current = None
