"""Content on its way out: what the CRT reads from.

The CRT asks for content in its own thread and gives a buffer of up to 16 KiB to fill; "nothing yet" is None and
the end is 0.  A `Meter` counts what was given to the CRT and what it took, so that a peer which takes nothing can
be told from a caller who gives nothing.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from stablehttp_crt._lane import Lane

READ_AHEAD: Final = 64 * 1024
"""How many octets of streamed content wait for the CRT at most, but for the newest chunk."""


@final
class Meter:
    """Octets given to the CRT and taken by it; each is counted by one thread only.

    `since` is when the CRT took something last, or was given something after it had nothing.  `ended`
    says that no more is to come.
    """

    __slots__ = ("ended", "given", "since", "taken")

    def __init__(self) -> None:
        self.given = 0
        self.taken = 0
        self.since = monotonic()
        self.ended = False

    @property
    def waiting(self) -> int:
        """How many octets the CRT has not taken yet."""
        return self.given - self.taken

    @property
    def done(self) -> bool:
        """Whether the CRT has taken all there will be."""
        return self.ended and self.given == self.taken

    def give(self, octets: int) -> None:
        """Take note of octets that the CRT can have."""
        if self.given == self.taken:
            self.since = monotonic()
        self.given += octets

    def take(self, octets: int) -> None:
        """Take note of octets that the CRT has taken."""
        self.taken += octets
        self.since = monotonic()


@final
class MemoryReader:
    """Content in memory, which the CRT copies from where it is."""

    __slots__ = ("_left", "_meter")

    def __init__(self, content: bytes, meter: Meter | None = None) -> None:
        self._left = memoryview(content)
        self._meter = meter

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` octets; the CRT prefers `readinto1`."""
        taken = self._left[:size] if size >= 0 else self._left
        self._left = self._left[len(taken) :]
        return bytes(taken)

    def readinto1(self, into: memoryview, /) -> int:
        """Fill `into` as far as the content goes."""
        count = min(len(into), len(self._left))
        into[:count] = self._left[:count]
        self._left = self._left[count:]
        if self._meter is not None and count:
            self._meter.take(count)
        return count


@final
class FedReader:
    """Content that arrives chunk by chunk from a pump, in another thread.

    When there is nothing to give, the CRT would ask again at once, for as long as it takes; so the reader waits
    in the CRT's thread for a moment, as its `Lane` allows.
    """

    __slots__ = ("__weakref__", "_chunks", "_lane", "_meter", "_room")

    def __init__(self, meter: Meter, lane: Lane, room: Callable[[], None]) -> None:
        """`room` is called when there is room for more, in the CRT's thread."""
        self._chunks: deque[memoryview] = deque()
        self._meter = meter
        self._lane = lane
        self._room = room

    @property
    def has_room(self) -> bool:
        """Whether another chunk may be put here."""
        return self._meter.waiting < READ_AHEAD

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to give yet."""
        return not self._chunks and not self._meter.ended

    def put(self, chunk: bytes) -> None:
        """Give the CRT a chunk."""
        self._meter.give(len(chunk))
        self._chunks.append(memoryview(chunk))
        self._lane.wake()

    def end(self) -> None:
        """Say that there is no more."""
        self._meter.ended = True
        self._lane.wake()

    def read(self, size: int = -1, /) -> bytes:
        """Part of what the CRT wants a stream to have; it uses `readinto1`."""
        raise NotImplementedError

    def readinto1(self, into: memoryview, /) -> int | None:
        """Fill `into` with what is there; None if there is nothing yet."""
        if self.is_empty:
            self._lane.rest(self)
            if self.is_empty:
                return None
        had_room = self.has_room
        count = 0
        while self._chunks and count < len(into):
            chunk = self._chunks[0]
            part = min(len(chunk), len(into) - count)
            into[count : count + part] = chunk[:part]
            if part == len(chunk):
                self._chunks.popleft()
            else:
                self._chunks[0] = chunk[part:]
            count += part
        if count:
            self._meter.take(count)
        if not had_room and self.has_room:
            self._room()
        return count
