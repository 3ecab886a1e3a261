"""What may be seen from outside: no foreign type, and no import before it is needed."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
import typing
from collections.abc import Callable, Iterator

import pytest

import stablehttp

FOREIGN = ("aiohttp", "httpx", "httpx2", "httpcore", "httpcore2", "awscrt", "pyqwest", "requests", "urllib3")
PRIVATE = ("multidict", "yarl", "h11", "h2")
PUBLIC_DOORS = (
    "stablehttp",
    "stablehttp.adapting",
    "stablehttp.connect",
    "stablehttp.framing",
    "stablehttp.signers",
    "stablehttp.testing",
)


def public_objects() -> Iterator[tuple[str, object]]:
    for door in PUBLIC_DOORS:
        module = importlib.import_module(door)
        names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
        for name in names:
            value = getattr(module, name)
            if not isinstance(value, types.ModuleType) and name != "annotations":
                yield f"{door}.{name}", value


OBJECTS = dict(public_objects())


def ours(value: object) -> bool:
    module = (getattr(value, "__module__", None) or "builtins").split(".")[0]
    return module == "stablehttp" or module in sys.stdlib_module_names


def parts_of(hint: object) -> Iterator[object]:
    yield hint
    for part in typing.get_args(hint):
        if isinstance(part, (list, tuple)):
            for inner in part:
                yield from parts_of(inner)
        else:
            yield from parts_of(part)


def functions_of(value: object) -> Iterator[Callable[..., object]]:
    if inspect.isfunction(value):
        yield value
    elif inspect.isclass(value):
        for name, member in vars(value).items():
            if isinstance(member, property):
                yield from (part for part in (member.fget, member.fset) if part is not None)
            elif isinstance(member, (classmethod, staticmethod)):
                yield member.__func__
            elif name == "__replace__":
                continue  # made by dataclasses, with keyword arguments by design
            elif inspect.isfunction(member) and ours(member) and member.__module__ != "typing":
                yield member


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_no_public_name_resolves_to_a_type_of_another_package(name: str) -> None:
    """W1, U-A2: annotations, bases, defaults and the object itself."""
    value = OBJECTS[name]
    assert ours(value), f"{name} is of {getattr(value, '__module__', None)}"

    for base in getattr(value, "__mro__", ()):
        assert ours(base), f"{name} inherits from {base}"
    hints = [typing.get_type_hints(value)] if inspect.isclass(value) else []
    hints += [typing.get_type_hints(function) for function in functions_of(value)]
    for hint in hints:
        for part in (part for whole in hint.values() for part in parts_of(whole)):
            assert not inspect.isclass(part) or ours(part), f"{name} mentions {part}"


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_nothing_public_passes_keyword_arguments_through(name: str) -> None:
    """U-A6: there is no `**kwargs` into a client; only errors take their parts as keywords."""
    value = OBJECTS[name]
    if inspect.isclass(value) and issubclass(value, Exception):
        return

    for function in functions_of(value):
        kinds = {parameter.kind for parameter in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds, f"{name} takes **kwargs"


def test_every_public_name_of_the_package_can_be_had_and_is_listed() -> None:
    for name in stablehttp.__all__:
        assert getattr(stablehttp, name) is not None

    assert set(stablehttp.__all__) <= set(dir(stablehttp))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = stablehttp.Nothing  # type: ignore[attr-defined]


def run_fresh(code: str) -> str:
    """What `code` prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("door", ["stablehttp", "stablehttp.signers", "stablehttp.framing", "stablehttp.connect"])
def test_importing_a_door_loads_no_client_no_event_loop_and_no_tls(door: str) -> None:
    """U-A1."""
    watched = {*FOREIGN, *PRIVATE, "asyncio", "ssl"}

    loaded = run_fresh(f"import sys, {door}; print(*sorted({watched!r} & set(sys.modules)))")

    assert loaded.split() == []


def test_a_pipeline_loads_no_signer_and_no_format_of_streams_until_it_needs_them() -> None:
    loaded = run_fresh("import sys, stablehttp; stablehttp.AsyncPipeline; print(*sorted(sys.modules))").split()

    assert [name for name in loaded if name.startswith(("stablehttp.framing", "stablehttp.signers._"))] == [
        "stablehttp.signers._protocol"
    ]


def test_every_public_module_can_be_imported_while_every_client_is_blocked() -> None:
    """U-A1: also the makers of adapters, which are asked before their client is known to be there."""
    modules = [
        module.name
        for module in pkgutil.walk_packages(stablehttp.__path__, "stablehttp.")
        if "contract" not in module.name and not module.name.endswith("__main__")
    ]
    code = f"""
import importlib, sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {FOREIGN!r}:
            raise ImportError('blocked: ' + name)
sys.meta_path.insert(0, Blocker())
for name in {modules!r}:
    importlib.import_module(name)
import stablehttp
for name in stablehttp.__all__:
    getattr(stablehttp, name)
from stablehttp import installed_makers
print(*installed_makers())
"""

    assert "h11" in run_fresh(code)
