"""Where received content is written to: files, paths, callbacks, anything with `write`.

Floor 2: stands on the standard library.

What a sink is; `_pouring` writes to it.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, cast, final


class Sink(Protocol):
    """Something with `write`: it takes octets and says how many, or None for all of them."""

    def write(self, octets: bytes, /) -> int | None:
        """Take some or all of `octets`."""
        ...


class AsyncSink(Protocol):
    """Something whose `write` is awaited."""

    def write(self, octets: bytes, /) -> Awaitable[int | None]:
        """Take some or all of `octets`."""
        ...


@final
class CallbackSink:
    """A sink that calls `callback` with each chunk, and counts."""

    __slots__ = ("_callback", "octets")

    def __init__(self, callback: Callable[[bytes], object]) -> None:
        self._callback = callback
        self.octets: int = 0

    def write(self, octets: bytes, /) -> int | Awaitable[int]:
        """Hand `octets` on, all of them; to be awaited if the callback is."""
        done = self.call(octets)
        if inspect.isawaitable(done):
            return self._after(cast("Awaitable[object]", done), len(octets))
        return self.count(len(octets))

    def call(self, octets: bytes) -> object:
        """What the callback gives for `octets`, which may have to be awaited; `count` them afterwards."""
        return self._callback(octets)

    def count(self, octets: int) -> int:
        """Take note that `octets` were taken."""
        self.octets += octets
        return octets

    async def _after(self, done: Awaitable[object], octets: int) -> int:
        await done
        return self.count(octets)


SinkInput: TypeAlias = Sink | CallbackSink | Callable[[bytes], object] | os.PathLike[str]
"""What content can be written to: an object with `write`, a callback, or a `Path`."""

AsyncSinkInput: TypeAlias = SinkInput | AsyncSink | Callable[[bytes], Awaitable[object]]
"""The same, and what is awaited."""
