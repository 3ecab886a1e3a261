"""The threads of the CRT that connections live on.

The CRT's shared threads serve nearly everything.  Over HTTP/1.1 the CRT reads streamed content from a stream
that it asks again at once when there is nothing yet: a whole core would go into asking.  So such exchanges
have connections on one further thread, made at its first use, on which a stream may rest for a moment before
it says "nothing yet".  Nobody else waits there.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Final, Protocol, final
from weakref import WeakSet

from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup

from stablehttp import ForeignLoopError

REST: Final = 0.004
"""How long, in seconds, streams with nothing to give may keep their thread before it looks at its sockets."""


class Hungry(Protocol):
    """A stream that may have nothing to give."""

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing to give yet."""
        ...


@final
class Lane:
    """The bootstrap for connections whose content is streamed, and where their streams rest."""

    def __init__(self, bootstrap: ClientBootstrap) -> None:
        self.bootstrap = bootstrap
        self._resting: WeakSet[Hungry] = WeakSet()
        self._fed = threading.Event()

    def rest(self, stream: Hungry) -> None:
        """Wait until a stream is fed, for a moment at most; called in the CRT's thread."""
        self._resting.add(stream)
        self._fed.clear()
        if stream.is_empty:
            self._fed.wait(REST / len(self._resting))
        if not stream.is_empty:
            self._resting.discard(stream)

    def leave(self, stream: Hungry) -> None:
        """Forget a stream that nobody asks any more."""
        self._resting.discard(stream)

    def wake(self) -> None:
        """A stream was fed."""
        self._fed.set()


@final
class Threads:
    """Where the connections of one connector live: on threads that were lent, or on those of this process."""

    def __init__(self, lent: ClientBootstrap | None) -> None:
        self._process = os.getpid() if lent is not None else None
        self._lent = None if lent is None else Lane(lent)

    def bootstrap(self) -> ClientBootstrap:
        """The bootstrap for connections whose content is in memory, or that speak HTTP/2.

        Raises:
            ForeignLoopError: the threads stayed in the process that was forked.
        """
        process = self._check()
        return _shared(process) if self._lent is None else self._lent.bootstrap

    def lane(self) -> Lane:
        """The lane for connections whose content is streamed over HTTP/1.1.

        Raises:
            ForeignLoopError: the threads stayed in the process that was forked.
        """
        process = self._check()
        return _own_lane(process) if self._lent is None else self._lent

    def _check(self) -> int:
        process = os.getpid()
        if (_homes and process not in _homes) or self._process not in (None, process):
            raise ForeignLoopError(
                "awscrt was used before this process was forked, and its threads stayed in the other one; "
                "make connectors for it after the fork, or use another connector here"
            )
        return process


_homes: Final[set[int]] = set()
"""The process in which the CRT's threads were started by us."""


@cache
def _shared(process: int) -> ClientBootstrap:
    _homes.add(process)
    return ClientBootstrap.get_or_create_static_default()


@cache
def _own_lane(process: int) -> Lane:
    _homes.add(process)
    return Lane(ClientBootstrap(EventLoopGroup(1), DefaultHostResolver.get_or_create_static_default()))
