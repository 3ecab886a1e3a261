"""Offering httpx2 as a connector; importable without httpx2.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from stablehttp import ConnectorRequirements, HttpVersion, MissingExtraError

if TYPE_CHECKING:
    from stablehttp_httpx2._connector import AsyncHttpx2Connector, SyncHttpx2Connector

LOWEST: Final = (2, 16)
BELOW: Final = (3,)


def check_client() -> None:
    """Make sure that httpx2 is installed, in a version that this adapter knows.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        installed = version("httpx2")
    except PackageNotFoundError:
        raise _missing("httpx2 is not installed") from None
    if not LOWEST <= _numbers(installed) < BELOW:
        lowest, below = (".".join(map(str, numbers)) for numbers in (LOWEST, BELOW))
        raise _missing(f"httpx2 {installed} is installed, and this adapter works from {lowest} to below {below}")


def make_connector(requirements: ConnectorRequirements) -> AsyncHttpx2Connector | None:
    """An httpx2 connector for `requirements`, or None if httpx2 cannot meet them or is not there."""
    if not _can_meet(requirements):
        return None
    from stablehttp_httpx2._connector import AsyncHttpx2Connector

    return AsyncHttpx2Connector(versions=requirements.versions, settings=requirements.settings)


def make_sync_connector(requirements: ConnectorRequirements) -> SyncHttpx2Connector | None:
    """A synchronous httpx2 connector for `requirements`, or None if httpx2 cannot meet them or is not there."""
    if not _can_meet(requirements):
        return None
    from stablehttp_httpx2._connector import SyncHttpx2Connector

    return SyncHttpx2Connector(versions=requirements.versions, settings=requirements.settings)


def _can_meet(requirements: ConnectorRequirements) -> bool:
    if requirements.duplex or requirements.trailers or not requirements.versions:
        return False
    if HttpVersion.HTTP_2 in requirements.versions and find_spec("h2") is None:
        return False
    try:
        check_client()
    except MissingExtraError:
        return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version; a pre-release counts as the version that it precedes."""
    numbers: list[int] = []
    for part in text.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _missing(problem: str) -> MissingExtraError:
    return MissingExtraError(f"{problem}; run: pip install 'stablehttp[httpx2]'", extra="httpx2")
