"""Which connectors there are: every installed one, in every version and colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, TypeAlias, final

from stablehttp import (
    AsyncConnector,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    MissingExtraError,
    SyncConnector,
    installed_makers,
)

Colour: TypeAlias = Literal["async", "sync"]
_FUNCTIONS: dict[Colour, str] = {"async": "make_connector", "sync": "make_sync_connector"}


@final
@dataclass(frozen=True, slots=True)
class Role:
    """One connector to be made: its name, its protocol version and its colour."""

    name: str
    version: HttpVersion
    colour: Colour
    make: Callable[[ConnectorRequirements], AsyncConnector | SyncConnector | None]


def installed_roles(settings: HttpSettings, versions: tuple[HttpVersion, ...]) -> Iterator[tuple[Role, str]]:
    """Each role that an entry point stands for, with the reason why it cannot be had, or an empty text.

    A colour that an adapter does not have at all is left out.
    """
    for name, point in installed_makers().items():
        module = import_module(point.module)
        for version in versions:
            for colour, function in _FUNCTIONS.items():
                role = Role(name, version, colour, getattr(module, function))
                reason = _reason(role, ConnectorRequirements(settings=settings, versions=(version,)))
                if reason is not None:
                    yield role, reason


def _reason(role: Role, requirements: ConnectorRequirements) -> str | None:
    try:
        made = role.make(requirements)
    except MissingExtraError as error:
        return str(error) if role.colour == "async" else None
    if made is not None:
        return ""
    return None
