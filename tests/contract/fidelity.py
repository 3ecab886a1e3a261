"""Writes docs/fidelity.md: `python -m tests.contract.fidelity`.

Each request of the corpus goes through every connector that is installed; what arrived is compared octet by
octet with what went to the connector.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.contract.subjects import missing, subjects
from tests.contract.test_corpus import outcome

from stablehttp import HttpSettings, HttpVersion
from stablehttp._cli._cast import installed_roles
from stablehttp._cli._connectors import matrix
from stablehttp.testing._corpus import corpus
from stablehttp.testing.contract import Bench, Subject

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
GROUPS = ("target", "method", "fields", "framing")
HEAD = """# Fidelity: what each connector sends

Written by `python -m tests.contract.fidelity`; the same comparison runs in the tests.

A corpus of {count} awkward requests (percent-encodings in both cases, dot segments, empty and repeated parameters,
targets that no URI can express, methods in any case, repeated lines in two spellings, every framing) is sent through
every connector to a server that keeps the octets.  A request arrives *whole* (method, target, field lines in order
with case and repetitions, content, framing: all as they stood when it was handed over), or it is *refused* before the
first octet leaves.  Nothing arrives altered.

Over HTTP/2 names are in lower case, as that version wants it.  A connector that does not declare
`Capability.FIELD_NAME_CASE` (pyqwest) sends them so over HTTP/1.1 too, where nobody may tell the difference (RFC 9110
§5.1), and that counts as whole; an operation that depends on the spelling names this capability among its needs.

For comparison, clients in obvious use, on 148 requests of this kind over HTTP/1.1: httpx 0 whole, aiohttp 0,
smithy-http 0 to 2, the AWS CRT 137.

| connector | colour | version | """


async def measure(subject: Subject) -> tuple[Counter[tuple[str, str]], list[tuple[str, str]]]:
    """How many of each group arrived how, and what was refused, with the reason."""
    counts: Counter[tuple[str, str]] = Counter()
    refused: list[tuple[str, str]] = []
    async with Bench(subject) as bench:
        for sample in corpus():
            if subject.version not in sample.versions:
                continue
            kind, words = await outcome(bench, sample)
            counts[sample.group, kind] += 1
            if kind != "whole":
                refused.append((sample.name, words))
    return counts, refused


def rows() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A row for each connector, and what it refused."""
    for subject in subjects():
        if missing(subject.name) is not None:
            continue
        counts, refused = asyncio.run(measure(subject))
        cells = [
            f"{counts[group, 'whole']} of {sum(counts[group, kind] for kind in ('whole', 'refused', 'altered'))}"
            for group in GROUPS
        ]
        kinds = [str(sum(counts[group, kind] for group in GROUPS)) for kind in ("whole", "refused", "altered")]
        spoken = f"{subject.version}{'' if subject.tls or subject.version.value != 'HTTP/2' else ', cleartext'}"
        yield f"| {subject.name} | {subject.colour} | {spoken} | {' | '.join(cells)} | {' | '.join(kinds)} |", refused


def main() -> int:
    """Write the page."""
    lines = [HEAD.format(count=len(corpus())) + "targets | methods | fields | framings | whole | refused | altered |"]
    lines.append("|---" * 10 + "|")
    reasons: dict[tuple[str, str], list[str]] = {}
    for row, refused in rows():
        print(row)
        lines.append(row)
        for found in refused:
            reasons.setdefault(found, []).append("/".join(cell.strip() for cell in row.split("|")[1:4]))
    lines += ["", "## What is refused, by whom, and why", ""]
    lines += [f"- **{name}** ({'; '.join(who)}): {words}" for (name, words), who in reasons.items()]
    lines += ["", "## What each connector declares", "", *declarations()]
    lines += ["", f"Measured with {', '.join(versions())} on Python {sys.version.split()[0]}.", ""]
    PAGE.write_text("\n".join(lines))
    return 0


def declarations() -> Iterator[str]:
    """The table of `stablehttp connectors`; what is not declared is refused before anything is sent."""
    roles = [
        role
        for role, reason in installed_roles(HttpSettings(), (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2))
        if not reason and role.colour == "async"
    ]
    yield f"| | {' | '.join(f'{role.name} {role.version}' for role in roles)} |"
    yield "|---" * (len(roles) + 1) + "|"
    for cells in matrix(roles):
        yield f"| {' | '.join(text for text, _ in cells)} |"


def versions() -> Iterator[str]:
    """Names and versions of the clients that are installed."""
    for package in ("h11", "httpx", "httpx2", "aiohttp", "awscrt", "pyqwest"):
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


if __name__ == "__main__":
    sys.exit(main())
