"""Offering the AWS CRT as a connector; importable without it.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from stablehttp import ConnectorRequirements, HttpVersion, MissingExtraError

if TYPE_CHECKING:
    from stablehttp_crt._connector import AsyncCrtConnector, SyncCrtConnector

LOWEST: Final = (0, 32)
BELOW: Final = (0, 39)
_SPOKEN: Final = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)


def check_client() -> None:
    """Make sure that awscrt is installed, in a version that this adapter knows.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        installed = version("awscrt")
    except PackageNotFoundError:
        raise _missing("awscrt is not installed") from None
    if not LOWEST <= _numbers(installed) < BELOW:
        raise _missing(f"awscrt {installed} is installed, and this adapter works with versions from 0.32 to below 0.39")


def make_connector(requirements: ConnectorRequirements) -> AsyncCrtConnector | None:
    """A CRT connector for `requirements`, or None if the CRT cannot meet them or is not there."""
    versions = _versions(requirements)
    if not versions:
        return None
    from stablehttp_crt._connector import AsyncCrtConnector

    return AsyncCrtConnector(versions=versions, settings=requirements.settings)


def make_sync_connector(requirements: ConnectorRequirements) -> SyncCrtConnector | None:
    """A synchronous CRT connector for `requirements`, or None if the CRT cannot meet them or is not there."""
    versions = _versions(requirements)
    if not versions or requirements.duplex:
        return None
    from stablehttp_crt._connector import SyncCrtConnector

    return SyncCrtConnector(versions=versions, settings=requirements.settings)


def _versions(requirements: ConnectorRequirements) -> tuple[HttpVersion, ...]:
    """The versions that a connector would speak; none if there can be no connector."""
    versions = tuple(version for version in requirements.versions if version in _SPOKEN)
    if requirements.duplex:
        versions = tuple(version for version in versions if version is HttpVersion.HTTP_2)
    if requirements.trailers:
        return ()
    try:
        check_client()
    except MissingExtraError:
        return ()
    return versions


def _numbers(text: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts if part.isdecimal())


def _missing(problem: str) -> MissingExtraError:
    return MissingExtraError(f"{problem}; run: pip install 'stablehttp[crt]'", extra="crt")
