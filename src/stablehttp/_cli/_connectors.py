"""`stablehttp connectors`: what is installed, in which version, what each can do, and which would be chosen."""

from __future__ import annotations

import argparse
import sys
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
    explain_choice,
)
from stablehttp._cli._cast import Role, installed_roles
from stablehttp._cli._table import paint, table

_VERSIONS: Final = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
_CLIENTS: Final = {"crt": "awscrt"}
_NEEDS: Final = {capability.name.lower().replace("_", "-"): capability for capability in Capability}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--plain", action="store_true", help="no colours")
    parser.add_argument(
        "--http", action="append", default=[], choices=("1.1", "2"), help="a protocol version that will do, best first"
    )
    parser.add_argument(
        "--need",
        action="append",
        default=[],
        choices=sorted(_NEEDS),
        metavar="CAPABILITY",
        help=", ".join(sorted(_NEEDS)),
    )
    parser.add_argument("--sync", action="store_true", help="choose a synchronous connector")


def run(chosen: argparse.Namespace) -> int:
    """Print what is installed, what it can do, and what would be chosen; the exit status is 1 if nothing would."""
    colours = not chosen.plain and sys.stdout.isatty()
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
    return _explain(chosen, colours=colours)


def _explain(chosen: argparse.Namespace, *, colours: bool) -> int:
    wanted = ConnectorRequirements(
        versions=tuple(HttpVersion.parse(f"HTTP/{text}") for text in chosen.http),
        needs=frozenset(_NEEDS[name] for name in chosen.need),
    )
    choice = explain_choice(wanted, function="make_sync_connector" if chosen.sync else "make_connector")
    asked = " or ".join(map(str, wanted.versions))
    needs = ", ".join(sorted(need.value for need in wanted.needs))
    print(f"\nfor {asked}{f' with {needs}' if needs else ''}, a client that names no connector gets:")
    if choice.name is None:
        print(paint("  none: make one and name it", "bad", colours=colours))
    else:
        print(paint(f"  {choice.name}, over {choice.version}", "good", colours=colours))
    for name, reason in choice.reasons.items():
        print(f"  {name}: {reason}")
    return int(choice.name is None)


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
