"""A section of 15 field lines, every character checked, against `multidict.CIMultiDict`, which checks nothing."""

from __future__ import annotations

from tests.benchmarks.harness import Goal, LeftOut, Rows, compare
from tests.benchmarks.workload import LINES

from stablehttp import Fields


def rows(seconds: float) -> Rows:
    """Building, and what interceptors do most."""
    try:
        from multidict import CIMultiDict
    except ImportError as error:
        yield LeftOut("everything", str(error))
        return
    ours, theirs = Fields(LINES), CIMultiDict(LINES)

    def set_ours() -> None:
        ours["X-Amz-Meta-Camera"] = "Pentax K-1"

    def set_theirs() -> None:
        theirs["X-Amz-Meta-Camera"] = "Pentax K-1"

    yield compare("building from pairs", lambda: Fields(LINES), lambda: CIMultiDict(LINES), seconds, Goal(5))
    yield compare("copying", ours.copy, theirs.copy, seconds)
    yield compare("setting one", set_ours, set_theirs, seconds)
    yield compare("reading one", lambda: ours["User-Agent"], lambda: theirs["User-Agent"], seconds)
    yield compare("all lines as pairs", ours.items, lambda: list(theirs.items()), seconds)
