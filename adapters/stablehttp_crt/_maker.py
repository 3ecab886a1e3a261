"""Offering the AWS CRT as a connector; importable without it.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp.adapting import Capabilities
    from stablehttp_crt._connector import AsyncCrtConnector, SyncCrtConnector

PACKAGES: Final = (ClientPackage(name="awscrt", lowest=(0, 32), below=(0, 39), extra="crt"),)

_ALWAYS: Final = frozenset(
    {
        Capability.STREAMED_REQUEST,
        Capability.EARLY_RESPONSE,
        Capability.STREAMED_RESPONSE,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
        Capability.TOTAL_TIMEOUT,
        Capability.PROXY,
    }
)
CAPABILITIES: Final[Capabilities] = MappingProxyType(
    {
        HttpVersion.HTTP_1_1: _ALWAYS | {Capability.CLEARTEXT, Capability.CONNECT_METHOD, Capability.FIELD_NAME_CASE},
        HttpVersion.HTTP_2: _ALWAYS | {Capability.DUPLEX},
    }
)
"""What the asynchronous connector can do over each version it may be made for."""

_SYNC_CAPABILITIES: Final[Capabilities] = MappingProxyType(
    {version: can - {Capability.DUPLEX} for version, can in CAPABILITIES.items()}
)


def _make(requirements: ConnectorRequirements) -> AsyncCrtConnector:
    from stablehttp_crt._connector import AsyncCrtConnector

    return AsyncCrtConnector(versions=requirements.versions, settings=requirements.settings)


def _make_sync(requirements: ConnectorRequirements) -> SyncCrtConnector:
    from stablehttp_crt._connector import SyncCrtConnector

    return SyncCrtConnector(versions=requirements.versions, settings=requirements.settings)


make_connector: Final = Maker("crt", _make, capabilities=CAPABILITIES, packages=PACKAGES)
"""A CRT connector for requirements, or None if the CRT cannot meet them or is not there."""

make_sync_connector: Final = Maker("crt", _make_sync, capabilities=_SYNC_CAPABILITIES, packages=PACKAGES)
"""A synchronous CRT connector for requirements, or None if the CRT cannot meet them or is not there."""
