"""`stablehttp connectors`: what is installed, in which version, and what each can do."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final, cast

from stablehttp import (
    AsyncConnector,
    Capability,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    SyncConnector,
)
from stablehttp._cli._cast import Role, installed_roles
from stablehttp._cli._table import paint, table

_VERSIONS: Final = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
_CLIENTS: Final = {"crt": "awscrt"}


def run(*, colours: bool) -> int:
    """Print two tables, what is installed and what it can do; the exit status is 0."""
    roles: dict[tuple[str, HttpVersion], list[tuple[Role, str]]] = {}
    for role, reason in installed_roles(HttpSettings(), _VERSIONS):
        roles.setdefault((role.name, role.version), []).append((role, reason))
    rows = [_row(found) for found in roles.values()]
    print(table(("connector", "client", "version", "colours"), rows, colours=colours))
    usable = [found[0][0] for found in roles.values() if not found[0][1]]
    heads = ("capability", *[f"{role.name} {str(role.version).removeprefix('HTTP/')}" for role in usable])
    print("\n" + table(heads, list(matrix(usable)), colours=colours))
    note = "\nwhat a connector does not say it can do, it refuses before anything is sent"
    print(paint(note, "dim", colours=colours))
    return 0


def _row(found: list[tuple[Role, str]]) -> list[tuple[str, str]]:
    role, reason = found[0]
    client = _CLIENTS.get(role.name, role.name)
    try:
        installed = f"{client} {version(client)}"
    except PackageNotFoundError:
        installed = f"{client}, not installed"
    if reason:
        return [(role.name, "dim"), (installed, "dim"), (str(role.version), "dim"), (reason, "dim")]
    colours = ", ".join(role.colour for role, _ in found)
    return [(role.name, "bold"), (installed, ""), (str(role.version), ""), (colours, "")]


def matrix(usable: list[Role]) -> Iterator[list[tuple[str, str]]]:
    """A row for each capability: its name, and whether each of these connectors declares it."""
    declared = [_capabilities(role) for role in usable]
    for capability in Capability:
        cells = [("yes", "good") if capability in can else ("-", "dim") for can in declared]
        yield [(capability.value, ""), *cells]


def _capabilities(role: Role) -> frozenset[Capability]:
    made = cast("AsyncConnector | SyncConnector", role.make(ConnectorRequirements(versions=(role.version,))))
    return made.capabilities.get(role.version, frozenset[Capability]())
