"""The contract at both ends of the supported ranges: `python -m tests.versions [lowest] [newest] [--write]`.

Each set of versions gets a virtual environment of its own, in which the contract suite and the tests of the
adapters run.  With `--write` the outcome goes into docs/stability.md.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from stablehttp import ClientPackage, installed_makers

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "stability.md"
SETS = ("lowest", "newest")
EXTRAS = "aiohttp,httpx,httpx2,crt,pyqwest,br,zstd,signing,testing"
TOOLS = ("pytest", "pytest-asyncio", "pytest-timeout", "pytest-xdist", "pytest-randomly", "hypothesis")
CORE = (ClientPackage(name="yarl", lowest=(1, 18), below=(2,), extra=""),)
BEGIN, END = "<!-- versions -->\n", "<!-- /versions -->"


def packages() -> Iterator[ClientPackage]:
    """What the adapters and the core say they work with, each package once."""
    seen: set[str] = set()
    for module in installed_makers().values():
        for package in (*import_module(module).PACKAGES, *CORE):
            if package.name not in seen:
                seen.add(package.name)
                yield package


def pins(which: str) -> list[str]:
    """Requirements that hold each package at one end of its range."""
    if which == "newest":
        return [f"{each.name}>={_dotted(each.lowest)},<{_dotted(each.below)}" for each in packages()]
    return [f"{each.name}=={_dotted(each.lowest)}" for each in packages()]


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, (*numbers, 0, 0)[: max(3, len(numbers))]))


def run(which: str, folder: Path, tests: list[str]) -> tuple[str, dict[str, str]]:
    """The last line of the tests, and the versions that they ran with; both of the tree as it is now."""
    home, tree = folder / which, folder / f"{which}-tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".*cache", "__pycache__", ".hypothesis"))
    venv.create(home, with_pip=True)
    python = str(home / "bin" / "python")
    constraints = folder / f"{which}.txt"
    constraints.write_text("\n".join(pins(which)) + "\n")
    _call([python, "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *TOOLS, f"{tree}[{EXTRAS}]"])
    listed = _call([python, "-m", "pip", "list", "--format=freeze"])
    found = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *tests],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines() or [done.stderr[-500:]]
    print("\n".join(line for line in lines if line.startswith(("FAILED", "ERROR"))))
    return lines[-1].strip("= "), {each.name: found.get(each.name, "absent") for each in packages()}


def _call(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def table(results: dict[str, tuple[str, dict[str, str]]]) -> str:
    """The outcome as it stands on the page."""
    head = ["package", "supported", *results]
    rows = [
        [
            each.name,
            f"{_dotted(each.lowest)} to below {_dotted(each.below)}",
            *(v[each.name] for _, v in results.values()),
        ]
        for each in packages()
    ]
    passed = ["tests", "", *(re.sub(r" in .*", "", line) for line, _ in results.values())]
    lines = [head, ["---"] * len(head), *rows, passed]
    when = f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {sys.version_info.major}.{sys.version_info.minor}."
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + f"\n\n{when}\n"


def main() -> int:
    """Run what is asked for; the exit status is 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], help="which ends of the ranges; both without a word")
    parser.add_argument("--write", action="store_true", help=f"write the table into {PAGE.name}")
    parser.add_argument("--tests", nargs="+", default=["tests/contract", "tests/adapters"], help="what to run")
    parser.add_argument("--only", default="", metavar="EXPRESSION", help="of these, the ones that pytest -k selects")
    chosen = parser.parse_args()
    results: dict[str, tuple[str, dict[str, str]]] = {}
    with TemporaryDirectory(prefix="stablehttp-versions-") as folder:
        for which in chosen.sets or SETS:
            results[which] = run(which, Path(folder), [*chosen.tests, "-k", chosen.only])
    drawn = table(results)
    print(drawn)
    if chosen.write:
        text = PAGE.read_text()
        before, _, rest = text.partition(BEGIN)
        PAGE.write_text(before + BEGIN + drawn + END + rest.partition(END)[2])
    return int(any("failed" in line or "error" in line for line, _ in results.values()))


if __name__ == "__main__":
    sys.exit(main())
