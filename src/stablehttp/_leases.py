"""A connector of a cache, in the hands of one call.

Floor 12: stands on caches.

What a call has taken is not closed before the call gives it back, however the call ends.
"""

from __future__ import annotations

from typing import final

from stablehttp._connector_cache import AsyncConnectorCache, SyncConnectorCache
from stablehttp._connectors import AsyncTransport, SyncTransport
from stablehttp._errors import NoConnectorError
from stablehttp._held_connectors import Held
from stablehttp._operation import Operation
from stablehttp._requirements import ConnectorRequirements


@final
class AsyncLease:
    """At most one connector of a cache, taken for one call."""

    __slots__ = ("_cache", "_held", "_operation")

    def __init__(self, cache: AsyncConnectorCache, operation: Operation | None) -> None:
        self._cache = cache
        self._operation = operation
        self._held: Held[AsyncTransport] | None = None

    async def take(self, wanted: ConnectorRequirements) -> AsyncTransport:
        """The connector for `wanted`, in the place of the one that was taken before.

        Raises:
            NoConnectorError: none meets the requirements.
            ClosedError: the cache is closed.
        """
        self.release()
        while self._held is None:
            held = self._cache.find(wanted.settings, wanted.versions, wanted.needs)
            if held is None:
                try:
                    held = await self._cache.make(wanted)
                except NoConnectorError as error:
                    raise _named(error, self._operation) from None
            if held.hold(self):
                self._held = held
        return self._held.connector

    def release(self) -> None:
        """Give back what was taken; a second call does nothing."""
        held, self._held = self._held, None
        if held is not None:
            held.release(self)


@final
class SyncLease:
    """The synchronous twin of `AsyncLease`."""

    __slots__ = ("_cache", "_held", "_operation")

    def __init__(self, cache: SyncConnectorCache, operation: Operation | None) -> None:
        self._cache = cache
        self._operation = operation
        self._held: Held[SyncTransport] | None = None

    def take(self, wanted: ConnectorRequirements) -> SyncTransport:
        """The connector for `wanted`, in the place of the one that was taken before.

        Raises:
            NoConnectorError: none meets the requirements.
            ClosedError: the cache is closed.
        """
        self.release()
        while self._held is None:
            held = self._cache.find(wanted.settings, wanted.versions, wanted.needs)
            if held is None:
                try:
                    held = self._cache.make(wanted)
                except NoConnectorError as error:
                    raise _named(error, self._operation) from None
            if held.hold(self):
                self._held = held
        return self._held.connector

    def release(self) -> None:
        """Give back what was taken; a second call does nothing."""
        held, self._held = self._held, None
        if held is not None:
            held.release(self)


def _named(error: NoConnectorError, operation: Operation | None) -> NoConnectorError:
    """The error, which says for which operation a connector was wanted."""
    if operation is None:
        return error
    return NoConnectorError(
        f"operation {operation.id!r} cannot be sent: {error}",
        wanted=error.wanted,
        reasons=error.reasons,
        operation=operation.id,
    )
