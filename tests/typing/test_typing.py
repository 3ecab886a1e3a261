"""The types hold for users: in mypy and in pyright, with and without a client."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPT = sorted([*HERE.glob("accept_*.py"), HERE / "sample_sdk.py"])
REFUSE = sorted(HERE.glob("refuse_*.py"))


def run(*command: str) -> str:
    # pyright looks for the environment on the path
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False, env=environment)
    return done.stdout


def mypy_errors(files: list[Path], cache: Path) -> set[tuple[str, int]]:
    """Where mypy finds errors, as file name and line."""
    pytest.importorskip("mypy")
    out = run(sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", "--config-file=", *map(str, files))
    return {(Path(name).name, int(line)) for name, line in re.findall(r"^([^:\n]+):(\d+): error", out, re.MULTILINE)}


def pyright_report(files: list[Path], tmp_path: Path) -> set[tuple[str, int]]:
    """Where pyright finds errors in strict mode, as file name and line."""
    pytest.importorskip("pyright")
    for path in files:
        shutil.copy(path, tmp_path)
    config = tmp_path / "pyrightconfig.json"
    config.write_text(json.dumps({"typeCheckingMode": "strict", "reportUnusedExpression": "none"}))
    out = run(sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "-p", str(config))
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


def test_mypy_accepts_what_must_be_accepted_and_refuses_what_must_be_refused(tmp_path: Path) -> None:
    """U-L1, U-H5, D10: a type checker can demand duplex streaming."""
    assert mypy_errors([*ACCEPT, *REFUSE], tmp_path) == refused_lines()


def test_pyright_accepts_what_must_be_accepted_and_refuses_what_must_be_refused(tmp_path: Path) -> None:
    """U-L1, U-H5, D10: a type checker can demand duplex streaming."""
    assert pyright_report([*ACCEPT, *REFUSE], tmp_path) == refused_lines()


def test_the_types_of_all_public_names_are_known() -> None:
    """U-L1: pyright --verifytypes finds every public symbol fully typed."""
    pytest.importorskip("pyright")

    out = run(sys.executable, "-m", "pyright", "--ignoreexternal", "--verifytypes", "stablehttp", "--outputjson")
    report = json.loads(out[out.index("{") :])["typeCompleteness"]

    unknown = [symbol["name"] for symbol in report["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert unknown == []
    assert report["completenessScore"] == 1
