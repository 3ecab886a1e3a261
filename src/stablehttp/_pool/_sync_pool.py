"""The pool of synchronous connectors, for any number of threads.

The same rules as for the asynchronous pool, under one lock that is never held while a connection is
made.  Closing is quick and happens under it.

A finalizer can run in the middle of anything, in a thread that holds the lock too, so it only leaves word in
`_orphans`.  Whoever lets go of the lock looks there.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar, final

from stablehttp._errors import StableHTTPError
from stablehttp._pool._shelf import Lease, Shelf, already_closed, waited_too_long

C = TypeVar("C")


@final
@dataclass(slots=True, eq=False)
class _Waiter(Generic[C]):
    """A caller in the queue; when it is woken it has a lease, an error, or else leave to make a connection."""

    key: Hashable
    woken: threading.Event = field(default_factory=threading.Event)
    lease: Lease[C] | None = None
    error: StableHTTPError | None = None


@final
class SyncPool(Generic[C]):
    """Connections by key, at most `max_connections` in all, for any number of threads.

    `is_usable` sees, without waiting, whether an idle connection can serve another exchange; `close`
    closes one, and neither waits nor raises.  An idle connection is kept for `keepalive` seconds, as far as
    somebody uses the pool, and is closed earlier when another key needs its place.

    In a forked process the pool begins anew.
    """

    def __init__(
        self,
        *,
        max_connections: int,
        keepalive: float,
        is_usable: Callable[[C], bool],
        close: Callable[[C], None],
    ) -> None:
        self._most = max_connections
        self._shelf: Shelf[C] = Shelf(max_connections, keepalive, is_usable, close)
        self._waiters: OrderedDict[_Waiter[C], None] = OrderedDict()
        self._leases: set[Lease[C]] = set()
        self._orphans: deque[Lease[C]] = deque()
        self._close = close
        self._closed = False
        self._lock = threading.Lock()
        self._pid = os.getpid()

    @property
    def open_connections(self) -> int:
        """How many connections are idle, in use or being made."""
        return self._shelf.count

    @property
    def idle_connections(self) -> int:
        """How many connections are idle."""
        return self._shelf.idle

    def acquire(self, key: Hashable, make: Callable[[], C], seconds: float | None = None) -> Lease[C]:
        """An idle connection for `key`, or one that `make` makes, once there is a place for it.

        Callers are served in the order in which they came.  `seconds` bounds the wait for a place, not the making.
        Whoever gets a lease gives it to `release`, exactly once.

        Raises:
            PoolTimeoutError: there was no place in time.
            ClosedError: the pool is closed, or was closed in the meantime.
        """
        if self._pid != os.getpid():
            self._settle_in()
        with self._lock:
            begun = self._begin(key)
        self._collect()
        if isinstance(begun, _Waiter):
            begun = self._wait(begun, seconds)
        return self._make(key, make) if begun is None else begun

    def release(self, lease: Lease[C], *, reusable: bool) -> None:
        """Take a connection back; unless it is `reusable` it is closed.  A second call does nothing."""
        with self._lock:
            self._take_back(lease, reusable=reusable)
        self._collect()

    def abandon(self, lease: Lease[C]) -> None:
        """Take a connection back from a finalizer, and close it; this may come from anywhere at any time."""
        self._orphans.append(lease)
        self._collect()

    def close(self) -> None:
        """Close idle connections now, and those in use when they are given back; whoever waits is refused."""
        if self._pid != os.getpid():
            self._settle_in()
        with self._lock:
            self._closed = True
            self._shelf.close_idle()
            while self._waiters:
                waiter, _ = self._waiters.popitem(last=False)
                waiter.error = already_closed()
                waiter.woken.set()
        self._collect()

    # --- handing on; under the lock --------------------------------------------------------------

    def _begin(self, key: Hashable) -> Lease[C] | _Waiter[C] | None:
        """A lease, a place in the queue, or None for leave to make a connection."""
        if self._closed:
            raise already_closed()
        connection = self._shelf.take(key)
        if connection is not None:
            return self._lease(key, connection, reused=True)
        if self._shelf.reserve():
            return None
        waiter: _Waiter[C] = _Waiter(key)
        self._waiters[waiter] = None
        return waiter

    def _take_back(self, lease: Lease[C], *, reusable: bool) -> None:
        if lease in self._leases:
            self._leases.discard(lease)
            if not (reusable and not self._closed and self._shelf.is_usable(lease.connection)):
                self._close(lease.connection)
                self._free_place()
            elif not self._hand_on(lease):
                self._shelf.put(lease.key, lease.connection)
                self._shelf.sweep()

    def _lease(self, key: Hashable, connection: C, *, reused: bool) -> Lease[C]:
        lease = Lease(connection, key, reused)
        self._leases.add(lease)
        return lease

    def _hand_on(self, lease: Lease[C]) -> bool:
        if not self._waiters:
            return False
        waiter, _ = self._waiters.popitem(last=False)
        if waiter.key == lease.key:
            waiter.lease = self._lease(lease.key, lease.connection, reused=True)
        else:
            self._close(lease.connection)
        waiter.woken.set()
        return True

    def _free_place(self) -> None:
        if self._waiters:
            waiter, _ = self._waiters.popitem(last=False)
            waiter.woken.set()
        else:
            self._shelf.count -= 1

    # --- waiting and making; not under the lock --------------------------------------------------

    def _collect(self) -> None:
        while self._orphans and self._lock.acquire(blocking=False):
            try:
                if self._orphans:
                    self._take_back(self._orphans.popleft(), reusable=False)
            finally:
                self._lock.release()

    def _wait(self, waiter: _Waiter[C], seconds: float | None) -> Lease[C] | None:
        try:
            waiter.woken.wait(seconds)
        except BaseException:
            self._withdraw(waiter)
            raise
        with self._lock:
            late = self._waiters.pop(waiter, waiter) is None
        self._collect()
        if late:
            raise waited_too_long(self._most, seconds)
        if waiter.error is not None:
            raise waiter.error
        return waiter.lease

    def _withdraw(self, waiter: _Waiter[C]) -> None:
        """A caller leaves the queue; what it was handed and could not take goes on to the next."""
        with self._lock:
            if self._waiters.pop(waiter, waiter) is None or waiter.error is not None:
                return
            if waiter.lease is None:
                self._free_place()
            else:
                self._take_back(waiter.lease, reusable=True)
        self._collect()

    def _make(self, key: Hashable, make: Callable[[], C]) -> Lease[C]:
        try:
            made = make()
        except BaseException:
            with self._lock:
                self._free_place()
            self._collect()
            raise
        with self._lock:
            lease = self._lease(key, made, reused=False)
        self._collect()
        return lease

    def _settle_in(self) -> None:
        """Begin anew in a forked process, where the lock may be held by a thread that is not there."""
        self._lock = threading.Lock()
        self._shelf.forget()
        self._waiters = OrderedDict()
        self._leases = set()
        self._orphans = deque()
        self._pid = os.getpid()
