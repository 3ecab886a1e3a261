"""Connectors that a cache holds: found by what was asked for, counted while they are used.

Floor 9: stands on connectors and requirements.

Nothing here waits or locks.  Looking up is one dict access, so readers need no lock; only one writer at a
time may add or take away.  Whoever uses a connector says so first and looks at `retired` afterwards,
while a cache that lets a connector go retires it first and looks for users afterwards: so one of both
sees the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Final, Generic, TypeAlias, TypeVar, final

from stablehttp._capability import Capability
from stablehttp._connectors import Connector
from stablehttp._errors import NoConnectorError
from stablehttp._http_version import HttpVersion
from stablehttp._requirements import ConnectorRequirements
from stablehttp._settings import HttpSettings

C = TypeVar("C")
Key: TypeAlias = tuple[HttpSettings, tuple[HttpVersion, ...], frozenset[Capability]]

MOST_CONNECTORS: Final = 64
"""How many connectors a cache holds unless it is told otherwise."""

_MOST_DECLINES: Final = 256


@final
class Held(Generic[C]):
    """One connector, what it was made for, and who uses it."""

    __slots__ = ("_let_go", "connector", "made_for", "maker", "recent", "retired", "users")

    def __init__(
        self, connector: C, maker: object, made_for: ConnectorRequirements, let_go: Callable[[Held[C]], None]
    ) -> None:
        self.connector: C = connector
        self.maker: object = maker
        self.made_for: ConnectorRequirements = made_for
        self.recent: bool = False
        self.retired: bool = False
        self.users: set[object] = set()
        self._let_go = let_go

    def hold(self, user: object) -> bool:
        """Use the connector from now on; False if it is about to be closed, and another has to be found."""
        self.users.add(user)
        if self.retired:
            self.release(user)
            return False
        return True

    def release(self, user: object) -> None:
        """Use it no more; the last user of a retired connector has it closed.  A second call does nothing."""
        if user in self.users:
            self.users.discard(user)
            self.close_if_unused()

    def retire(self) -> None:
        """Give it to nobody any more, and have it closed when nobody uses it."""
        self.retired = True
        self.close_if_unused()

    def close_if_unused(self) -> None:
        """Have it closed if it is retired and unused."""
        if self.retired and not self.users:
            self._let_go(self)

    def serves(self, maker: object, wanted: ConnectorRequirements) -> bool:
        """Whether `maker` need not be called again: this one speaks exactly what is wanted, and can do all of it."""
        if self.maker is not maker or self.made_for.settings != wanted.settings:
            return False
        if self.made_for == wanted:
            return True
        return (
            isinstance(self.connector, Connector)
            and set(self.connector.capabilities) == set(wanted.versions)
            and all(wanted.needs <= can for can in self.connector.capabilities.values())
        )


@final
class HeldConnectors(Generic[C]):
    """The connectors of one place (an event loop, a process), by what was asked for."""

    __slots__ = ("_declined", "_held", "_routes")

    def __init__(self) -> None:
        self._routes: dict[Key, Held[C]] = {}
        self._held: list[Held[C]] = []
        self._declined: dict[Key, NoConnectorError] = {}

    def find(
        self, settings: HttpSettings, versions: tuple[HttpVersion, ...], needs: frozenset[Capability]
    ) -> Held[C] | None:
        """The connector for this, or None if it has to be made first."""
        held = self._routes.get((settings, versions, needs))
        if held is not None:
            held.recent = True
        return held

    def check_declined(self, key: Key) -> None:
        """Say again what was said when nothing could be made for `key`.

        Raises:
            NoConnectorError: nothing could.
        """
        known = self._declined.get(key)
        if known is not None:
            raise copy(known)

    def decline(self, key: Key, error: NoConnectorError) -> None:
        """Remember that nothing can be made for `key`."""
        if len(self._declined) >= _MOST_DECLINES:
            self._declined.clear()
        self._declined[key] = copy(error)

    def forget_declines(self) -> None:
        """Remember no declines."""
        self._declined.clear()

    def serving(self, maker: object, wanted: ConnectorRequirements) -> C | None:
        """A connector that `maker` has made already and that meets `wanted`."""
        return next((held.connector for held in self._held if held.serves(maker, wanted)), None)

    def add(self, held: Held[C]) -> None:
        """Keep what was made; what is here already is kept once."""
        if all(other.connector is not held.connector for other in self._held):
            self._held.append(held)

    def route(self, key: Key, connector: C) -> Held[C]:
        """From now on `connector`, which was added, is what `key` leads to."""
        held = next(held for held in self._held if held.connector is connector)
        self._routes[key] = held
        return held

    def take_surplus(self, most: int, spare: Held[C]) -> Iterable[Held[C]]:
        """Take out those beyond `most` that were used least lately, but not `spare`; they still have to be retired."""
        surplus: list[Held[C]] = []
        while len(self._held) > most:
            oldest = next((held for held in self._held if not held.recent and held is not spare), None)
            if oldest is not None:
                surplus.append(self._take(oldest))
            for held in self._held if oldest is None else ():
                held.recent = False
        return surplus

    def take_all(self) -> list[Held[C]]:
        """Take out all, the newest first."""
        return [self._take(held) for held in reversed(self._held.copy())]

    def _take(self, held: Held[C]) -> Held[C]:
        self._held.remove(held)
        self._routes = {key: other for key, other in self._routes.items() if other is not held}
        return held

    def __len__(self) -> int:
        return len(self._held)
