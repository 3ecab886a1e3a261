"""Test vectors from elsewhere, which stand beside the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "vectors"


def vectors(relative: str) -> Any:
    """What the JSON file `relative` holds; the module that asks is skipped where there are no vectors."""
    path = ROOT / relative
    if not path.is_file():
        pytest.skip(f"no test vectors at {path}", allow_module_level=True)
    return json.loads(path.read_text(encoding="ascii"))
