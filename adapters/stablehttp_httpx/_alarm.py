"""The end of a blocking call's time: what no limit of the client's own can bound.

The client takes each of its limits for one reading or writing of the network, so a peer that sends an octet
now and then is never too late.  Here a thread shuts the connection down when the total is up, and what waits
for it wakes.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

from stablehttp_httpx._limits import OutOfTimeError

_AGAIN: Final = 0.05
"""How soon the connection is looked for again, in seconds: it may be in the making."""


@final
class Alarm:
    """Rings after so many seconds, and then shuts down what `find` gives until it is told to `rest`.

    `find` gives a network stream, or None while there is none; `over` says that nobody needs the alarm any more.
    """

    __slots__ = ("_find", "_lock", "_over", "_resting", "seconds", "struck")

    def __init__(self, seconds: float, find: Callable[[], object], over: Callable[[], bool]) -> None:
        self.seconds = seconds
        self.struck = False
        self._find = find
        self._over = over
        self._lock = threading.Lock()
        self._resting = threading.Event()
        threading.Thread(target=self._wait, daemon=True, name="stablehttp: total").start()

    def rest(self) -> None:
        """From now on nothing is shut down."""
        with self._lock:
            self._resting.set()

    def check(self) -> None:
        """Make sure that an end which looks good is not the one that was made here.

        Raises:
            OutOfTimeError: the total was used up.
        """
        if self.struck:
            raise OutOfTimeError("total", self.seconds)

    def _wait(self) -> None:
        pause = self.seconds
        while not self._resting.wait(pause) and not self._over():
            pause = _AGAIN
            with self._lock:
                if not self._resting.is_set():
                    self.struck = True
                    _shut_down(self._find())


def _shut_down(stream: object) -> None:
    """End reading and writing of a network stream, whoever is in the midst of it."""
    ask: Callable[[str], object] | None = getattr(stream, "get_extra_info", None)
    raw = None if ask is None else ask("socket")
    if isinstance(raw, socket.socket):
        with suppress(OSError):
            socket.socket.shutdown(raw, socket.SHUT_RDWR)  # that of TLS would take the session from its reader
