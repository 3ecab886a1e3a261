"""The types hold for users: in mypy and in pyright, with and without a client."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("typing")  # so that one process does it all, with what mypy remembers

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPT = sorted([*HERE.glob("accept_*.py"), HERE / "sample_sdk.py"])
REFUSE = sorted(HERE.glob("refuse_*.py"))


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mypy remembers what it knows of the standard library."""
    return tmp_path_factory.mktemp("mypy")


def run(*command: str) -> str:
    # pyright looks for the environment on the path
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False, env=environment)
    return done.stdout


def mypy_errors(files: list[Path], cache: Path, *options: str) -> set[tuple[str, int]]:
    """Where mypy finds errors, as file name and line."""
    pytest.importorskip("mypy")
    flags = ("--strict", f"--cache-dir={cache}", "--config-file=", *options)
    out = run(sys.executable, "-m", "mypy", *flags, *map(str, files))
    return {(Path(name).name, int(line)) for name, line in re.findall(r"^([^:\n]+):(\d+): error", out, re.MULTILINE)}


def pyright_report(files: list[Path], tmp_path: Path, python: Path = Path(sys.executable)) -> set[tuple[str, int]]:
    """Where pyright finds errors in strict mode, as file name and line."""
    pytest.importorskip("pyright")
    for path in files:
        shutil.copy(path, tmp_path)
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps({"typeCheckingMode": "strict", "reportUnusedExpression": "none"}))
    out = run(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", str(python), "-p", str(config))
    found = json.loads(out[out.index("{") :])["generalDiagnostics"]
    return {
        (Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in found if item["severity"] == "error"
    }


def refused_lines() -> set[tuple[str, int]]:
    return {
        (path.name, number)
        for path in REFUSE
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.endswith("# refused")
    }


def test_mypy_accepts_what_must_be_accepted_and_refuses_what_must_be_refused(cache: Path) -> None:
    """U-L1, U-H5, D10: a type checker can demand duplex streaming."""
    assert mypy_errors([*ACCEPT, *REFUSE], cache) == refused_lines()


def test_pyright_accepts_what_must_be_accepted_and_refuses_what_must_be_refused(tmp_path: Path) -> None:
    """U-L1, U-H5, D10: a type checker can demand duplex streaming."""
    assert pyright_report([*ACCEPT, *REFUSE], tmp_path) == refused_lines()


# --- with and without clients ---------------------------------------------------------------------

CLIENTS: dict[str, tuple[str, ...]] = {
    "no client": (),
    "httpx only": ("httpx", "httpcore"),
    "httpx2 only": ("httpx2", "httpcore2"),
    "both": ("httpx", "httpcore", "httpx2", "httpcore2"),
}
USER_FILES = [HERE / "sample_sdk.py", HERE / "refuse_clients.py"]
NEEDED_BY_ALL = ("multidict", "yarl", "h11", "propcache", "idna", "typing_extensions.py", "anyio", "certifi")


def environment_with(clients: tuple[str, ...], place: Path) -> Path:
    """The interpreter of a bare environment that holds the library, what it needs, and these clients only."""
    venv.create(place, with_pip=False, symlinks=True)
    [site] = place.glob("lib/python*/site-packages")
    packages = Path(pytest.__file__).parents[1]
    for name in (*NEEDED_BY_ALL, *clients):
        if (packages / name).exists():
            (site / name).symlink_to(packages / name)
    for package in (ROOT / "src" / "stablehttp", *(ROOT / "adapters").glob("stablehttp_*")):
        (site / package.name).symlink_to(package)
    return place / "bin" / "python"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("clients", CLIENTS.values(), ids=CLIENTS)
def test_a_users_file_type_checks_alike_whichever_clients_are_installed(
    clients: tuple[str, ...], tmp_path: Path, cache: Path
) -> None:
    """U-L1, U-L2, U-L3: mypy and pyright, both strict; a missing client turns no public type into `Any`."""
    pytest.importorskip("mypy")
    python = environment_with(clients, tmp_path / "environment")
    probe = tmp_path / "probe.py"
    probe.write_text("import httpx as httpx\nimport httpx2 as httpx2\n")
    refused = {line for line in refused_lines() if line[0] == "refuse_clients.py"}
    refused |= {(probe.name, line) for line, client in enumerate(("httpx", "httpx2"), 1) if client not in clients}
    user = tmp_path / "user"
    user.mkdir()
    files = [Path(shutil.copy(path, user)) for path in (*USER_FILES, probe)]

    assert mypy_errors(files, cache, "--python-executable", str(python)) == refused
    assert pyright_report([], user, python) == refused


def test_the_types_of_all_public_names_are_known() -> None:
    """U-L1: pyright --verifytypes finds every public symbol fully typed."""
    pytest.importorskip("pyright")

    out = run(sys.executable, "-m", "pyright", "--ignoreexternal", "--verifytypes", "stablehttp", "--outputjson")
    report = json.loads(out[out.index("{") :])["typeCompleteness"]

    unknown = [symbol["name"] for symbol in report["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert unknown == []
    assert report["completenessScore"] == 1
