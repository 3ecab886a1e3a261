"""Offering aiohttp as a connector; importable without aiohttp.

Whoever asks what is installed imports this module only.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

from stablehttp import ConnectorRequirements, HttpVersion, MissingExtraError

if TYPE_CHECKING:
    from stablehttp import SyncConnector
    from stablehttp_aiohttp._connector import AsyncAiohttpConnector

LOWEST: Final = (3, 12)
BELOW: Final = (4,)


def check_client() -> None:
    """Make sure that aiohttp is installed, in a version that this adapter knows.

    Raises:
        MissingExtraError: it is not.
    """
    try:
        installed = version("aiohttp")
    except PackageNotFoundError:
        raise _missing("aiohttp is not installed") from None
    if not LOWEST <= _numbers(installed) < BELOW:
        raise _missing(f"aiohttp {installed} is installed, and this adapter works with versions from 3.12 to below 4")


def make_connector(requirements: ConnectorRequirements) -> AsyncAiohttpConnector | None:
    """An aiohttp connector for `requirements`, or None if aiohttp cannot meet them or is not there."""
    if HttpVersion.HTTP_1_1 not in requirements.versions or requirements.duplex or requirements.trailers:
        return None
    if requirements.settings.proxy is not None:
        return None
    try:
        check_client()
    except MissingExtraError:
        return None
    from stablehttp_aiohttp._connector import AsyncAiohttpConnector

    return AsyncAiohttpConnector(settings=requirements.settings)


def make_sync_connector(requirements: ConnectorRequirements) -> SyncConnector | None:  # noqa: ARG001
    """None: aiohttp is asynchronous only."""
    return None


def _numbers(text: str) -> tuple[int, ...]:
    """The leading numbers of a version; a pre-release of 4.0 counts as 4, which is out of range."""
    numbers: list[int] = []
    for part in text.split(".")[:3]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def _missing(problem: str) -> MissingExtraError:
    return MissingExtraError(f"{problem}; run: pip install 'stablehttp[aiohttp]'", extra="aiohttp")
