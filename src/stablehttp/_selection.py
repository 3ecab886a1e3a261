"""Choosing a connector, and making it no earlier than needed.

Floor 10: stands on connectors.

A maker is any callable from requirements to a connector, or None where it has nothing to offer.
What is installed is found through entry points that lead to client-free modules, so asking costs no
import of a client, and installing a package never changes which connector sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final, TypeAlias, cast

from stablehttp._connectors import AsyncConnector, SyncConnector
from stablehttp._errors import NoConnectorError
from stablehttp._requirements import ConnectorRequirements

ENTRY_POINTS: Final = "stablehttp.connectors"
_DEFAULT: Final = "h11"

MakeConnector: TypeAlias = Callable[[ConnectorRequirements], AsyncConnector | None]
MakeSyncConnector: TypeAlias = Callable[[ConnectorRequirements], SyncConnector | None]


def installed_makers() -> Mapping[str, EntryPoint]:
    """The entry points of all installed adapters, by name; nothing is imported."""
    return {point.name: point for point in sorted(entry_points(group=ENTRY_POINTS))}


def make_connector(requirements: ConnectorRequirements | None = None) -> AsyncConnector:
    """A connector that meets `requirements`: h11 if it does, else the one installed adapter that does.

    Raises:
        NoConnectorError: none meets them, or several do and none may be preferred by itself.
    """
    return cast(AsyncConnector, _choose(requirements or ConnectorRequirements(), "make_connector"))


def make_sync_connector(requirements: ConnectorRequirements | None = None) -> SyncConnector:
    """A synchronous connector that meets `requirements`; chosen as `make_connector` does.

    Raises:
        NoConnectorError: none meets them, or several do and none may be preferred by itself.
    """
    return cast(SyncConnector, _choose(requirements or ConnectorRequirements(), "make_sync_connector"))


def best_available(requirements: ConnectorRequirements | None = None) -> AsyncConnector:
    """A connector that meets `requirements`, whichever adapter that takes: crt, httpx, httpx2, aiohttp, then others.

    Raises:
        NoConnectorError: none meets them.
    """
    wanted = requirements or ConnectorRequirements()
    points = installed_makers()
    reasons: dict[str, str] = {}
    for name in sorted(points, key=lambda name: (_PREFERRED.get(name, 99), name)):
        made = _ask(points[name], wanted, "make_connector", reasons)
        if made is not None:
            return cast(AsyncConnector, made)
    raise _nothing(wanted, reasons)


_PREFERRED: Final = {"h11": 0, "crt": 1, "httpx": 2, "httpx2": 3, "aiohttp": 4}


def _choose(requirements: ConnectorRequirements, function: str) -> object:
    points = dict(installed_makers())
    reasons: dict[str, str] = {}
    if _DEFAULT in points:
        made = _ask(points.pop(_DEFAULT), requirements, function, reasons)
        if made is not None:
            return made
    found = {name: made for name in points if (made := _ask(points[name], requirements, function, reasons))}
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        names = ", ".join(found)
        raise NoConnectorError(
            f"several connectors would do ({names}), and none is preferred by itself; make one and pass it on: "
            f"connector=stablehttp_{next(iter(found))}.{function}(requirements)",
            wanted=[version.value for version in requirements.versions],
            reasons=dict.fromkeys(found, "would do"),
        )
    raise _nothing(requirements, reasons)


def _ask(point: EntryPoint, requirements: ConnectorRequirements, function: str, reasons: dict[str, str]) -> object:
    maker: Callable[[ConnectorRequirements], object] | None = getattr(import_module(point.module), function, None)
    made = None if maker is None else maker(requirements)
    if made is None:
        reasons[point.name] = "declined, or its client is not installed"
    return made


def _nothing(requirements: ConnectorRequirements, reasons: dict[str, str]) -> NoConnectorError:
    wanted = [version.value for version in requirements.versions]
    told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "no adapter is installed"
    return NoConnectorError(
        f"no connector speaks {' or '.join(wanted)} as required ({told}); install stablehttp[all], or require less",
        wanted=wanted,
        reasons=reasons,
    )
