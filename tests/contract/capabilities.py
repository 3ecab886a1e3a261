"""Writes docs/capabilities.md: `python -m tests.contract.capabilities`.

The page is worked out from what the makers of all adapters declare, without a client; a test keeps it current.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from stablehttp import Capability, HttpVersion, Maker, installed_makers

PAGE = Path(__file__).parents[2] / "docs" / "capabilities.md"
HEAD = """# Capabilities: what each connector can do

Written by `python -m tests.contract.capabilities`; `stablehttp connectors` prints the same for what is installed,
and which connector would be chosen for given requirements.

A connector declares what it can do for each protocol version, in `connector.capabilities`.  The contract suite proves
what is declared, on real servers, and that anything else is refused before the first octet leaves
(`UnsupportedTransportError`, which names what is missing and a way out).  How one is chosen stands in
[connectors.md](connectors.md), what is sent octet for octet in [fidelity.md](fidelity.md).

"""
COLOURS = {"Asynchronous": "make_connector", "Synchronous": "make_sync_connector"}


def page() -> str:
    """The whole page."""
    lines = [HEAD.rstrip()]
    for colour, function in COLOURS.items():
        lines += ["", f"## {colour} connectors", "", *_table(function)]
    lines += ["", "## In words", "", "| capability | |", "|---|---|"]
    lines += [f"| `{capability.name}` | {capability.value} |" for capability in Capability]
    return "\n".join(lines) + "\n"


def _table(function: str) -> Iterator[str]:
    columns: list[tuple[str, HttpVersion, frozenset[Capability]]] = []
    for name, module in installed_makers().items():
        maker: Maker[object] = getattr(import_module(module), function)
        if function == "make_sync_connector" and name == "aiohttp":
            continue
        columns += [(name, version, maker.capabilities[version]) for version in sorted(maker.capabilities)]
    yield f"| | {' | '.join(f'{name} {version.value[5:]}' for name, version, _ in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for capability in Capability:
        cells = ("yes" if capability in can else "-" for _, _, can in columns)
        yield f"| `{capability.name}` | {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.exit(0)
