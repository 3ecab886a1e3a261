"""Offering httpx2 as a connector; importable without httpx2.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp.adapting import Capabilities
    from stablehttp_httpx2._connector import AsyncHttpx2Connector, SyncHttpx2Connector

LOWEST: Final = (2, 16)
BELOW: Final = (3,)
PACKAGES: Final = (ClientPackage(name="httpx2", lowest=LOWEST, below=BELOW, extra="httpx2"),)

_EVERYWHERE: Final = frozenset(
    {
        Capability.STREAMED_REQUEST,
        Capability.STREAMED_RESPONSE,
        Capability.OPAQUE_VALUES,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
        Capability.TOTAL_TIMEOUT,
        Capability.PROXY,
        Capability.CLEARTEXT,
    }
)

CAPABILITIES: Final[Capabilities] = MappingProxyType(
    {
        HttpVersion.HTTP_1_1: _EVERYWHERE | {Capability.FIELD_NAME_CASE, Capability.REASON_PHRASE},
        HttpVersion.HTTP_2: _EVERYWHERE,
    }
)
"""What a connector with a transport of its own can do."""


def _unavailable(requirements: ConnectorRequirements) -> str | None:
    if HttpVersion.HTTP_2 in requirements.versions and find_spec("h2") is None:
        return "httpx2 needs the package h2 for HTTP/2, which is not installed"
    return None


def _make(requirements: ConnectorRequirements) -> AsyncHttpx2Connector:
    from stablehttp_httpx2._connector import AsyncHttpx2Connector

    return AsyncHttpx2Connector(versions=requirements.versions, settings=requirements.settings)


def _make_sync(requirements: ConnectorRequirements) -> SyncHttpx2Connector:
    from stablehttp_httpx2._connector import SyncHttpx2Connector

    return SyncHttpx2Connector(versions=requirements.versions, settings=requirements.settings)


make_connector: Final = Maker("httpx2", _make, capabilities=CAPABILITIES, packages=PACKAGES, unavailable=_unavailable)
"""An httpx2 connector for requirements, or None if httpx2 cannot meet them or is not there."""

make_sync_connector: Final = Maker(
    "httpx2", _make_sync, capabilities=CAPABILITIES, packages=PACKAGES, unavailable=_unavailable
)
"""A synchronous httpx2 connector for requirements, or None if httpx2 cannot meet them or is not there."""
