"""Pages that repeat what the code knows are kept equal to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.floors import FLOORS

from stablehttp import _errors as errors

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


def test_the_page_on_errors_draws_the_tree_that_the_code_has() -> None:
    drawn = (DOCS / "errors.md").read_text().partition("```text\n")[2].partition("```")[0]

    assert drawn.splitlines() == list(_tree(errors.StableHTTPError))


def _tree(kind: type[errors.StableHTTPError], depth: int = 0) -> Iterator[str]:
    builtins = [base.__name__ for base in kind.__bases__ if not issubclass(base, errors.StableHTTPError)]
    shown = f" ({', '.join(builtins)})" if builtins and depth else ""
    yield "  " * depth + kind.__name__ + shown
    for below in vars(errors).values():
        if isinstance(below, type) and below.__bases__[0] is kind:
            yield from _tree(below, depth + 1)
