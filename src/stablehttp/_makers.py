"""Makers: callables from requirements to a connector, or None where there is nothing to offer.

Floor 3: stands on requirements.

Any callable will do.  A `Maker` can also say, without making anything, why it would decline; all
adapters of this library offer one.  No client is imported before a connector is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar, final

from stablehttp._capability import Capability
from stablehttp._client_package import ClientPackage
from stablehttp._http_version import HttpVersion
from stablehttp._requirements import ConnectorRequirements

C_co = TypeVar("C_co", covariant=True)


@final
class Maker(Generic[C_co]):
    """Makes connectors of one kind, and can say without I/O when it would not.

    `make` is called only for requirements that `capabilities` meet (those of the best connector that it
    makes, by protocol version), when all `packages` are there, and `unavailable` gives no other reason.
    """

    __slots__ = ("_make", "_unavailable", "capabilities", "name", "packages")

    def __init__(
        self,
        name: str,
        make: Callable[[ConnectorRequirements], C_co],
        *,
        capabilities: Mapping[HttpVersion, frozenset[Capability]],
        packages: Iterable[ClientPackage] = (),
        unavailable: Callable[[ConnectorRequirements], str | None] = lambda _: None,
    ) -> None:
        self.name: str = name
        self.capabilities: Mapping[HttpVersion, frozenset[Capability]] = capabilities
        self.packages: tuple[ClientPackage, ...] = tuple(packages)
        self._make = make
        self._unavailable = unavailable

    def __call__(self, requirements: ConnectorRequirements, /) -> C_co | None:
        """A connector for `requirements`, which speaks those of the versions on which they can be met; else None."""
        if self.why_not(requirements) is not None:
            return None
        return self._make(replace(requirements, versions=self.usable(requirements)))

    def why_not(self, requirements: ConnectorRequirements) -> str | None:
        """Why nothing would be made for `requirements`, in words; None if a connector would be made."""
        versions = self.usable(requirements)
        if not versions:
            return self._lack(requirements)
        for package in self.packages:
            problem = package.problem()
            if problem is not None:
                return problem
        return self._unavailable(requirements)

    def check(self) -> None:
        """Make sure that every package is installed, in a version that is known.

        Raises:
            MissingExtraError: one is not.
        """
        for package in self.packages:
            package.check()

    def usable(self, requirements: ConnectorRequirements) -> tuple[HttpVersion, ...]:
        """Those of the versions over which everything that is needed can be had, best first."""
        return tuple(
            version
            for version in requirements.versions
            if version in self.capabilities and requirements.needs <= self.capabilities[version]
        )

    def _lack(self, requirements: ConnectorRequirements) -> str:
        spoken = [version for version in requirements.versions if version in self.capabilities]
        if not spoken:
            return f"does not speak {' or '.join(version.value for version in requirements.versions)}"
        lacks = requirements.needs - self.capabilities[spoken[0]]
        return f"does not offer {', '.join(sorted(need.value for need in lacks))} over {spoken[0]}"

    def __repr__(self) -> str:
        return f"<Maker {self.name}>"
