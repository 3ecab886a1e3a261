"""The examples of the documentation run, page by page, as one program each."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md") if "```python" in path.read_text())
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
async def test_the_examples_of_a_page_run_one_after_the_other(page: str) -> None:
    source = "\n".join(_BLOCK.findall((DOCS / page).read_text()))
    body = textwrap.indent(source, "    ")
    names: dict[str, object] = {"__name__": f"docs_{page.removesuffix('.md')}"}

    code = compile(f"async def example() -> None:\n{body}", page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    exec(code, names)
    example = names["example"]
    assert callable(example)
    await example()


def test_there_are_pages_with_examples() -> None:
    assert "tour.md" in PAGES
