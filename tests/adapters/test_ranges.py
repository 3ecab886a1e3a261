"""Each adapter knows which versions of its client it works with, and the extras say the same (W15)."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from stablehttp import URI, ClientPackage, MissingExtraError, installed_makers
from stablehttp._uri import _check_yarl

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
MODULES = sorted(installed_makers().values())


def declared(extra: str) -> dict[str, str]:
    """What the project requires for an extra, or without one: name and range."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found = (re.fullmatch(r"([\w-]+)(?:\[[^]]*\])?(.*)", line) for line in lines)
    return {match[1]: match[2] for match in found if match is not None}


@pytest.mark.parametrize("module", MODULES)
def test_the_ranges_of_an_adapter_are_those_of_its_extra(module: str) -> None:
    """W15, U-A5."""
    packages: tuple[ClientPackage, ...] = import_module(module).PACKAGES

    assert packages
    for package in packages:
        lowest, below = (".".join(map(str, numbers)) for numbers in (package.lowest, package.below))
        required = declared(package.extra).get(package.name) or declared("")[package.name]
        assert required == f">={lowest},<{below}"


@pytest.mark.parametrize("module", MODULES)
def test_what_is_installed_here_is_in_range_for_both_colours(module: str) -> None:
    maker = import_module(module)

    maker.make_connector.check()
    maker.make_sync_connector.check()


def test_the_core_looks_at_yarl_before_it_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """W15."""
    real = importlib.metadata.version
    _check_yarl.cache_clear()
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.0.0" if name == "yarl" else real(name))

    with pytest.raises(
        MissingExtraError, match=r"yarl 2.0.0 is installed, and this adapter works from 1.18 to below 2"
    ):
        URI.build("https", "b\u00fccher.test")
    assert URI.build("https", "a.test").host == "a.test"

    monkeypatch.undo()
    assert URI.build("https", "b\u00fccher.test").host == "xn--bcher-kva.test"


def test_a_package_says_what_is_wrong_and_what_to_install() -> None:
    """W15: one clear error."""
    absent = ClientPackage(name="no-such-package-anywhere", lowest=(1,), below=(2,), extra="httpx")

    with pytest.raises(MissingExtraError, match=r"is not installed; run: pip install 'stablehttp\[httpx\]'") as caught:
        absent.check()

    assert isinstance(caught.value, ImportError)
    assert caught.value.extra == "httpx"
