"""Offering pyqwest as a connector; importable without pyqwest.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from stablehttp import Capability, ClientPackage, ConnectorRequirements, HttpSettings, HttpVersion, Maker

if TYPE_CHECKING:
    from stablehttp.adapting import Capabilities
    from stablehttp_pyqwest._connector import AsyncPyqwestConnector, SyncPyqwestConnector

PACKAGES: Final = (ClientPackage(name="pyqwest", lowest=(0, 12), below=(0, 13), extra="pyqwest"),)

_CAN: Final = frozenset(
    {
        Capability.DUPLEX,
        Capability.STREAMED_REQUEST,
        Capability.EARLY_RESPONSE,
        Capability.STREAMED_RESPONSE,
        Capability.RESPONSE_TRAILERS,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
        Capability.TOTAL_TIMEOUT,
        Capability.CLEARTEXT,
    }
)
CAPABILITIES: Final[Capabilities] = MappingProxyType({HttpVersion.HTTP_1_1: _CAN, HttpVersion.HTTP_2: _CAN})
"""What the asynchronous connector can do; over HTTP/2 no exchange waits for a connection, as all share one."""

SYNC_CAPABILITIES: Final[Capabilities] = MappingProxyType(
    {version: can - {Capability.DUPLEX} for version, can in CAPABILITIES.items()}
)
"""What the synchronous connector can do: a request goes on after the head of its response only while that is read."""


def missing_setting(settings: HttpSettings) -> str | None:
    """What pyqwest cannot do of what `settings` ask for, in words; None if it can do all."""
    tls = settings.tls
    asked = {
        "sending through a proxy": settings.proxy is not None,
        "TLS without verification": not tls.verify,
        "a server name other than the host": tls.server_name is not None,
        "a TLS version to begin with": tls.minimum_version != "TLSv1.2",
    }
    return next((what for what, wanted in asked.items() if wanted), None)


def _unavailable(requirements: ConnectorRequirements) -> str | None:
    missing = missing_setting(requirements.settings)
    return None if missing is None else f"pyqwest does not offer {missing}, which the settings ask for"


def _make(requirements: ConnectorRequirements) -> AsyncPyqwestConnector:
    from stablehttp_pyqwest._connector import AsyncPyqwestConnector

    return AsyncPyqwestConnector(versions=requirements.versions, settings=requirements.settings)


def _make_sync(requirements: ConnectorRequirements) -> SyncPyqwestConnector:
    from stablehttp_pyqwest._connector import SyncPyqwestConnector

    return SyncPyqwestConnector(versions=requirements.versions, settings=requirements.settings)


make_connector: Final = Maker("pyqwest", _make, capabilities=CAPABILITIES, packages=PACKAGES, unavailable=_unavailable)
"""A pyqwest connector for requirements, or None if pyqwest cannot meet them or is not there."""

make_sync_connector: Final = Maker(
    "pyqwest", _make_sync, capabilities=SYNC_CAPABILITIES, packages=PACKAGES, unavailable=_unavailable
)
"""A synchronous pyqwest connector for requirements, or None if pyqwest cannot meet them or is not there."""
