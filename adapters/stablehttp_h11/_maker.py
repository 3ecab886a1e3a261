"""Offering the embedded connector; importable without h11.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from stablehttp import ConnectorRequirements, HttpVersion, MissingExtraError

if TYPE_CHECKING:
    from stablehttp_h11._connector import AsyncH11Connector, SyncH11Connector

LOWEST: Final = (0, 16)
BELOW: Final = (0, 17)


def check_client() -> None:
    """Make sure that h11 is installed, in a version that this adapter knows.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        installed = version("h11")
    except PackageNotFoundError:
        raise _missing("h11 is not installed") from None
    parts = installed.split(".")
    numbers = tuple(int(part) for part in parts[:2] if part.isdigit())
    if not LOWEST <= numbers < BELOW:
        raise _missing(f"h11 {installed} is installed, and this adapter works with versions from 0.16 to below 0.17")


def make_connector(requirements: ConnectorRequirements) -> AsyncH11Connector | None:
    """The embedded connector for `requirements`, or None if it cannot meet them or h11 is not there.

    Where HTTP/2 would be better it leaves duplex to others: over HTTP/1.1 not every server is willing.
    """
    if not _can(requirements) or (requirements.duplex and requirements.versions[0] is not HttpVersion.HTTP_1_1):
        return None
    from stablehttp_h11._connector import AsyncH11Connector

    return AsyncH11Connector(settings=requirements.settings)


def make_sync_connector(requirements: ConnectorRequirements) -> SyncH11Connector | None:
    """The embedded connector for `requirements`, or None if it cannot meet them or h11 is not there."""
    if not _can(requirements) or requirements.duplex:
        return None
    from stablehttp_h11._connector import SyncH11Connector

    return SyncH11Connector(settings=requirements.settings)


def _can(requirements: ConnectorRequirements) -> bool:
    if HttpVersion.HTTP_1_1 not in requirements.versions:
        return False
    try:
        check_client()
    except MissingExtraError:
        return False
    return True


def _missing(problem: str) -> MissingExtraError:
    return MissingExtraError(f"{problem}; run: pip install 'h11>=0.16,<0.17'", extra="")
