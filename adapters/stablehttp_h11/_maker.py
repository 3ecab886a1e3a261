"""Offering the embedded connector as a connector; importable without h11.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp.adapting import Capabilities
    from stablehttp_h11._connector import AsyncH11Connector, SyncH11Connector

PACKAGES: Final = (ClientPackage(name="h11", lowest=(0, 16), below=(0, 17), extra=""),)

CAPABILITIES: Final[Capabilities] = MappingProxyType({HttpVersion.HTTP_1_1: frozenset(Capability)})
"""What the asynchronous connector can do.

Duplex as HTTP/1.1 has it: with a server that answers before it has read the request, and through no proxy that
holds back what it forwards.
"""

SYNC_CAPABILITIES: Final[Capabilities] = MappingProxyType(
    {HttpVersion.HTTP_1_1: CAPABILITIES[HttpVersion.HTTP_1_1] - {Capability.DUPLEX}}
)


def _make(requirements: ConnectorRequirements) -> AsyncH11Connector:
    from stablehttp_h11._connector import AsyncH11Connector

    return AsyncH11Connector(settings=requirements.settings)


def _make_sync(requirements: ConnectorRequirements) -> SyncH11Connector:
    from stablehttp_h11._connector import SyncH11Connector

    return SyncH11Connector(settings=requirements.settings)


make_connector: Final = Maker("h11", _make, capabilities=CAPABILITIES, packages=PACKAGES)
"""The embedded connector for requirements, or None if it cannot meet them or h11 is not there."""

make_sync_connector: Final = Maker("h11", _make_sync, capabilities=SYNC_CAPABILITIES, packages=PACKAGES)
"""The synchronous embedded connector for requirements, or None if it cannot meet them or h11 is not there."""
