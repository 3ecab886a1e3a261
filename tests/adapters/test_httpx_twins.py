"""The two adapters for httpx and httpx2 are one text (W6): what is mended in one is mended in the other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ADAPTERS = Path(__file__).parents[2] / "adapters"
ONE, TWO = ADAPTERS / "stablehttp_httpx", ADAPTERS / "stablehttp_httpx2"
TESTS = Path(__file__).parent
PERMITTED = {
    "_maker.py": [
        ("LOWEST: Final = (2, 16)", "LOWEST: Final = (0, 28)"),
        ("BELOW: Final = (3,)", "BELOW: Final = (0, 29)"),
    ],
}
"""Differences that are meant: what the second says, and what the first says instead."""


def renamed(text: str) -> str:
    """The second text with the name of the first."""
    for new, old in (("httpx2", "httpx"), ("Httpx2", "Httpx"), ("httpcore2", "httpcore")):
        text = text.replace(new, old)
    return text


def meaning(text: str) -> str:
    """The text without its layout: names of other lengths break lines elsewhere, and sort imports otherwise."""
    tree = ast.parse(text)
    tree.body.sort(key=lambda node: ast.dump(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else "~")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            node.names.sort(key=lambda alias: alias.name)
    return ast.dump(tree)


def test_both_have_the_same_files() -> None:
    assert {path.name for path in ONE.glob("*.py")} == {path.name for path in TWO.glob("*.py")}


@pytest.mark.parametrize("name", sorted(path.name for path in ONE.glob("*.py")))
def test_the_two_texts_are_the_same_but_for_the_name(name: str) -> None:
    one, two = (ONE / name).read_text(), (TWO / name).read_text()
    for theirs, ours in PERMITTED.get(name, []):
        assert theirs in two
        two = two.replace(theirs, ours)

    assert meaning(renamed(two)) == meaning(one)


@pytest.mark.parametrize("name", sorted(path.name for path in (TESTS / "httpx").glob("*.py")))
def test_both_are_tested_by_the_same_text(name: str) -> None:
    one, two = (TESTS / "httpx" / name).read_text(), (TESTS / "httpx2" / name).read_text()

    assert meaning(renamed(two)) == meaning(one)
