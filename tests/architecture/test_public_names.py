"""The public names are a list that a person has to change."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("public_names.txt")
DOORS = (
    "stablehttp",
    "stablehttp.adapting",
    "stablehttp.connect",
    "stablehttp.framing",
    "stablehttp.signers",
    "stablehttp.testing",
)


def names_of(door: str) -> set[str]:
    module = importlib.import_module(door)
    listed = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    kept = {name for name in listed if name not in ("annotations", "contract")}
    return {f"{door}.{name}" for name in kept}


@pytest.mark.parametrize("door", DOORS)
def test_a_door_shows_the_names_that_are_listed_and_no_others(door: str) -> None:
    listed = {line for line in LIST.read_text().split() if line.rpartition(".")[0] == door}

    assert names_of(door) == listed, f"public names changed; if that is meant, change {LIST.name}"
