"""Offering aiohttp as a connector; importable without aiohttp.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp import SyncConnector
    from stablehttp.adapting import Capabilities
    from stablehttp_aiohttp._connector import AsyncAiohttpConnector

PACKAGES: Final = (
    ClientPackage(name="aiohttp", lowest=(3, 14), below=(4,), extra="aiohttp"),
    ClientPackage(name="multidict", lowest=(6, 1), below=(8,), extra="aiohttp"),
    ClientPackage(name="yarl", lowest=(1, 18), below=(2,), extra="aiohttp"),
)
"""aiohttp, and what stands in its signatures; before 3.14 it reads the head of a response without end for ever."""

_CAN: Final = frozenset(
    {
        Capability.STREAMED_REQUEST,
        Capability.EARLY_RESPONSE,
        Capability.STREAMED_RESPONSE,
        Capability.EXPECT_CONTINUE,
        Capability.FIELD_NAME_CASE,
        Capability.REASON_PHRASE,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
        Capability.TOTAL_TIMEOUT,
        Capability.CLEARTEXT,
    }
)
CAPABILITIES: Final[Capabilities] = MappingProxyType({HttpVersion.HTTP_1_1: _CAN})
"""What this connector can do with a pool of its own."""


def _make(requirements: ConnectorRequirements) -> AsyncAiohttpConnector:
    from stablehttp_aiohttp._connector import AsyncAiohttpConnector

    return AsyncAiohttpConnector(settings=requirements.settings)


def _make_sync(_: ConnectorRequirements) -> SyncConnector | None:
    return None


make_connector: Final = Maker("aiohttp", _make, capabilities=CAPABILITIES, packages=PACKAGES)
"""An aiohttp connector for requirements, or None if aiohttp cannot meet them or is not there."""

make_sync_connector: Final = Maker(
    "aiohttp",
    _make_sync,
    capabilities=CAPABILITIES,
    packages=PACKAGES,
    unavailable=lambda _: "aiohttp is asynchronous only",
)
"""None: aiohttp is asynchronous only."""
