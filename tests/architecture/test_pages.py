"""Pages that repeat what the code knows are kept equal to it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.architecture.floors import FLOORS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_on_architecture_draws_the_floors_that_are_tested() -> None:
    text = (DOCS / "architecture.md").read_text()
    drawn = text.partition("<!-- floors -->\n")[2].partition("<!-- /floors -->")[0]

    rows = [
        f"| {number} | {' '.join(f'`{module}`' for module in modules)} |"
        for number, modules in reversed(list(enumerate(FLOORS)))
    ]

    assert drawn.splitlines() == ["| floor | modules |", "|---|---|", *rows]


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
