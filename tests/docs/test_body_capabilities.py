"""The table of docs/bodies.md says what each connector can do with bodies, as the connectors themselves declare it.

`python -m tests.docs.test_body_capabilities` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import Capability, HttpSettings
from stablehttp.testing.contract import Subject

PAGE: Final = Path(__file__).parents[2] / "docs" / "bodies.md"
ABOUT_BODIES: Final = (
    Capability.STREAMED_REQUEST,
    Capability.STREAMED_RESPONSE,
    Capability.EARLY_RESPONSE,
    Capability.REQUEST_TRAILERS,
    Capability.RESPONSE_TRAILERS,
    Capability.EXPECT_CONTINUE,
    Capability.INFORMATIONAL,
)


def columns() -> dict[str, frozenset[Capability]]:
    """What each connector declares, by its name and protocol version; both colours declare the same here."""
    found: dict[str, frozenset[Capability]] = {}
    for subject in subjects():
        name = f"{subject.name} {str(subject.version).removeprefix('HTTP/')}"
        can = _declared(subject)
        assert found.setdefault(name, can) == can, f"{subject} declares other things than its twin"
    return found


def _declared(subject: Subject) -> frozenset[Capability]:
    connector = subject.make(HttpSettings(), (subject.version,))
    return frozenset(connector.capabilities[subject.version]) & frozenset(ABOUT_BODIES)


def table() -> Iterator[str]:
    """The table, line by line."""
    declared = columns()
    yield f"| | {' | '.join(declared)} |"
    yield "|---" * (len(declared) + 1) + "|"
    for capability in ABOUT_BODIES:
        cells = ["yes" if capability in can else "—" for can in declared.values()]
        yield f"| {capability.value} | {' | '.join(cells)} |"


def test_the_page_shows_what_the_connectors_declare() -> None:
    """U-D7, U-J6, U-M1, U-M2: what a client cannot do is in the documentation."""
    for subject in subjects():
        if missing(subject.name, subject.colour) is not None:
            pytest.skip(str(missing(subject.name, subject.colour)))

    shown = PAGE.read_text().partition("<!-- capabilities -->\n")[2].partition("<!-- /capabilities -->")[0]

    assert shown.splitlines() == list(table())


if __name__ == "__main__":
    print("\n".join(table()))
