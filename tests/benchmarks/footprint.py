"""Time to import, in a fresh interpreter, and memory of a request with 15 field lines."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from tests.benchmarks.harness import Goal, LeftOut, Row, Rows, Times, row_of
from tests.benchmarks.peers import smithy_request
from tests.benchmarks.workload import LINES, build

_IMPORTS: Final = {
    "nothing": "pass",
    "stablehttp": "import stablehttp",
    "stablehttp and its types": "from stablehttp import AsyncPipeline, Fields, Request, URI",
    "httpx": "import httpx",
}
_REPEAT: Final = 9
_REQUESTS: Final = 2000


def rows(seconds: float) -> Rows:
    """Both, against httpx and smithy-http."""
    del seconds
    yield from _import_rows()
    yield from _memory_rows()


def _import_rows() -> Rows:
    samples: dict[str, list[float]] = {name: [] for name in _IMPORTS}
    for _ in range(_REPEAT):
        for name, statement in _IMPORTS.items():
            code = f"from time import process_time as t; b = t(); {statement}; print(t() - b)"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                samples[name].append(float(done.stdout))
    times = {name: Times(median(found), min(found)) for name, found in samples.items() if found}
    if "httpx" not in times:
        yield LeftOut("importing stablehttp / importing httpx", "httpx is not installed")
        return
    for name, goal in (("stablehttp", Goal(0.4, 0.25)), ("stablehttp and its types", None)):
        yield row_of(f"importing {name} / importing httpx", times[name], times["httpx"], goal)


def _memory_rows() -> Rows:
    ours = _octets_for_one(build)
    yield Row(
        "memory of the request / of its 15 lines as a list", f"{ours:.0f} B", *_against(lambda: list(LINES), ours)
    )
    try:
        make = smithy_request()
    except ImportError as error:
        yield LeftOut("memory of the request / smithy-http's", str(error))
        return
    theirs = _octets_for_one(make)
    goal = Goal(0.3, 0.15)
    yield Row("memory of the request / smithy-http's", f"{ours:.0f} B", f"{theirs:.0f} B", ours / theirs, None, goal)


def _against(make: Callable[[], Any], ours: float) -> tuple[str, float]:
    theirs = _octets_for_one(make)
    return f"{theirs:.0f} B", ours / theirs


def _octets_for_one(make: Callable[[], Any]) -> float:
    make()
    tracemalloc.start()
    try:
        kept = [None] * _REQUESTS
        before, _ = tracemalloc.get_traced_memory()
        for number in range(_REQUESTS):
            kept[number] = make()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / _REQUESTS
