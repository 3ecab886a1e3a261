"""Offering httpx as a connector; importable without httpx.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp.adapting import Capabilities
    from stablehttp_httpx._connector import AsyncHttpxConnector, SyncHttpxConnector

LOWEST: Final = (0, 28)
BELOW: Final = (0, 29)
PACKAGES: Final = (ClientPackage(name="httpx", lowest=LOWEST, below=BELOW, extra="httpx"),)

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
        return "httpx needs the package h2 for HTTP/2, which is not installed"
    return None


def _make(requirements: ConnectorRequirements) -> AsyncHttpxConnector:
    from stablehttp_httpx._connector import AsyncHttpxConnector

    return AsyncHttpxConnector(versions=requirements.versions, settings=requirements.settings)


def _make_sync(requirements: ConnectorRequirements) -> SyncHttpxConnector:
    from stablehttp_httpx._connector import SyncHttpxConnector

    return SyncHttpxConnector(versions=requirements.versions, settings=requirements.settings)


make_connector: Final = Maker("httpx", _make, capabilities=CAPABILITIES, packages=PACKAGES, unavailable=_unavailable)
"""An httpx connector for requirements, or None if httpx cannot meet them or is not there."""

make_sync_connector: Final = Maker(
    "httpx", _make_sync, capabilities=CAPABILITIES, packages=PACKAGES, unavailable=_unavailable
)
"""A synchronous httpx connector for requirements, or None if httpx cannot meet them or is not there."""
