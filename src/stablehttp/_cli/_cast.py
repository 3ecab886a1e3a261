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
    Maker,
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

    What an adapter does not do at all, a version or a colour, is left out.
    """
    for name, home in installed_makers().items():
        module = import_module(home)
        missing = _missing(getattr(module, _FUNCTIONS["async"]))
        for version in versions:
            for colour, function in _FUNCTIONS.items():
                role = Role(name, version, colour, getattr(module, function))
                if missing:
                    if colour == "async":
                        yield role, missing
                elif role.make(ConnectorRequirements(settings=settings, versions=(version,))) is not None:
                    yield role, ""


def _missing(maker: object) -> str:
    """Why the client of an adapter cannot be used, or an empty text; a maker of somebody else's need not tell."""
    if isinstance(maker, Maker):
        try:
            maker.check()
        except MissingExtraError as error:
            return str(error)
    return ""
