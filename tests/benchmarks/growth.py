"""The whole way with more and more field lines: what one line costs must not grow with their number."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from tests.benchmarks.harness import Goal, Row, Rows, measure, show_seconds
from tests.benchmarks.workload import LINES, whole

_SIZES: Final = (15, 30, 60, 120, 240)


def rows(seconds: float) -> Rows:
    """The cost of a line beyond the first fifteen, in each range, against that in the first range."""
    sections = {size: _lines(size) for size in _SIZES}
    times = measure({str(size): lambda lines=lines: whole(lines) for size, lines in sections.items()}, seconds * 2)
    costs = [(times[str(more)].least - times[str(fewer)].least) / (more - fewer) for fewer, more in pairwise(_SIZES)]
    for (fewer, more), cost in zip(pairwise(_SIZES), costs, strict=True):
        yield Row(
            f"one line more, from {fewer} to {more} / from {_SIZES[0]} to {_SIZES[1]}",
            show_seconds(cost),
            show_seconds(costs[0]),
            cost / costs[0],
            None,
            Goal(1.25),
        )


def _lines(size: int) -> tuple[tuple[str, str], ...]:
    more = [(f"X-Amz-Meta-Number-{number}", f"value {number} of some length") for number in range(size - len(LINES))]
    return (*LINES, *more)
