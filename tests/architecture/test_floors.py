"""The shape of the house, checked by reading the sources."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.floors import DOORS, FLOOR_OF, PRIVATE_DEPENDENCIES

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "stablehttp"
ADAPTERS = ROOT / "adapters"
DOOR_NAMES = {
    "stablehttp",
    "stablehttp.adapting",
    "stablehttp.connect",
    "stablehttp.framing",
    "stablehttp.signers",
    "stablehttp.testing",
}
CLIENTS = {
    "stablehttp_h11": {"h11"},
    "stablehttp_httpx": {"httpx"},
    "stablehttp_httpx2": {"httpx2"},
    "stablehttp_aiohttp": {"aiohttp", "yarl", "multidict"},
    "stablehttp_crt": {"awscrt"},
    "stablehttp_pyqwest": {"pyqwest"},
}
SAME_FILES = {"__init__.py", "_maker.py", "_convert.py", "_body.py", "_errors.py", "_connector.py"}

core_modules = sorted(path for path in CORE.rglob("*.py"))
adapter_modules = sorted(path for path in ADAPTERS.rglob("*.py"))


def imports_of(path: Path, package: str) -> Iterator[tuple[str, int]]:
    """Each imported module, absolute, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *([base] if base else [])])
            yield base, node.lineno


def package_of(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).parent.parts)


def room_of(path: Path) -> str:
    """The module or package right below `stablehttp` that `path` belongs to."""
    return path.relative_to(CORE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", core_modules, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_imports_only_from_lower_floors(path: Path) -> None:
    room = room_of(path)
    if room in DOORS:
        pytest.skip("a door may see the whole house")
    assert room in FLOOR_OF, f"{room} is on no floor; add it to tests/architecture/floors.py"

    for module, line in imports_of(path, package_of(path, CORE.parent)):
        if not module.startswith("stablehttp."):
            continue
        target = module.split(".")[1]
        if target == room:
            continue
        assert target in FLOOR_OF, f"{path.name}:{line} imports {module}, which is a door or unknown"
        assert FLOOR_OF[target] < FLOOR_OF[room], f"{path.name}:{line} imports {module}, which is not below it"


@pytest.mark.parametrize("path", core_modules, ids=lambda path: str(path.relative_to(CORE)))
def test_a_module_of_the_core_says_its_own_floor(path: Path) -> None:
    room = room_of(path)
    if room in DOORS or path.parent != CORE:
        pytest.skip("not a module on a floor of its own")

    said = re.search(r"^Floor (\d+):", path.read_text(), re.MULTILINE)

    assert said is not None
    assert int(said[1]) == FLOOR_OF[room]


@pytest.mark.parametrize("path", core_modules, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_imports_nothing_from_outside_but_its_private_dependencies(path: Path) -> None:
    room = room_of(path)
    optional = {"h2", "hpack", "hyperframe", "trustme", "pytest"} if room in ("testing", "_cli") else set()
    optional |= {"cryptography", "http_sf"} if room == "signers" else set()
    if room in ("_cli", "__main__"):
        optional |= {"httpx", "httpx2", "aiohttp", *CLIENTS}

    for module, line in imports_of(path, package_of(path, CORE.parent)):
        top = module.split(".")[0]
        if top == "stablehttp" or top in sys.stdlib_module_names or top in optional:
            continue
        assert room in PRIVATE_DEPENDENCIES.get(top, ()), f"{path.name}:{line} imports {module}"


@pytest.mark.parametrize("path", adapter_modules, ids=lambda path: str(path.relative_to(ADAPTERS)))
def test_an_adapter_uses_the_doors_and_one_client_only(path: Path) -> None:
    """W1, U-A5."""
    adapter = path.relative_to(ADAPTERS).parts[0]

    for module, line in imports_of(path, package_of(path, ADAPTERS)):
        top = module.split(".")[0]
        if top in sys.stdlib_module_names or top == adapter or module in DOOR_NAMES:
            continue
        assert top in CLIENTS[adapter], f"{adapter}/{path.name}:{line} imports {module}"


@pytest.mark.parametrize("adapter", sorted(CLIENTS))
def test_every_adapter_has_the_same_six_files(adapter: str) -> None:
    here = {path.name for path in (ADAPTERS / adapter).glob("*.py")}

    assert here >= SAME_FILES


@pytest.mark.parametrize("path", adapter_modules, ids=lambda path: str(path.relative_to(ADAPTERS)))
def test_an_adapter_touches_no_private_attribute_of_its_client(path: Path) -> None:
    """U-A5: an underscored attribute may be read on `self` and `cls` only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            if node.attr in ("_replace", "_asdict", "_fields"):
                continue  # the public face of named tuples
            owner = node.value
            allowed = isinstance(owner, ast.Name) and owner.id in ("self", "cls", "other")
            assert allowed, f"{path.name}:{node.lineno} touches {ast.unparse(node)}"


@pytest.mark.parametrize(
    "door", ["__init__.py", "adapting.py", "signers/__init__.py", "framing/__init__.py", "connect/__init__.py"]
)
def test_a_door_only_re_exports(door: str) -> None:
    tree = ast.parse((CORE / door).read_text())

    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module not in ("__future__", "typing", "importlib"):
            for alias in node.names:
                assert alias.asname == alias.name, f"{door}:{node.lineno} imports {alias.name} without re-exporting it"
        assert not isinstance(node, ast.ClassDef), f"{door}:{getattr(node, 'lineno', 0)} defines a class"
