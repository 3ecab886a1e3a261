"""Timing several ways to do one thing, interleaved, so that what disturbs one disturbs all.

The clock is the processor time of this thread: waiting for a processor that others use does not count,
though their use of its caches does.  Rows show the ratio of medians, and beside it the ratio of the
least times, which a busy machine disturbs least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from time import monotonic, thread_time
from typing import Final, TypeAlias

Work: TypeAlias = Callable[[], object]

_SAMPLE: Final = 0.003
"""How long one sample takes, in seconds: many calls, so that reading the clock costs nothing."""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where to arrive; `at_least` where more is better."""

    at: float
    proud: float | None = None
    at_least: bool = False

    def verdict(self, ratio: float) -> str:
        """How `ratio` compares, in words."""
        return "proud of" if self._met(ratio, self.proud) else "met" if self._met(ratio, self.at) else "not yet"

    def _met(self, ratio: float, bound: float | None) -> bool:
        return bound is not None and (ratio >= bound if self.at_least else ratio <= bound)

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.at:.3g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison; `theirs` and `ratio` are empty where there is nothing to compare with."""

    what: str
    ours: str
    theirs: str = ""
    ratio: float | None = None
    least: float | None = None
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A comparison that was not made, and why."""

    what: str
    why: str


Rows: TypeAlias = Iterator[Row | LeftOut]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds for one call: the median and the least of all samples."""

    median: float
    least: float

    def __str__(self) -> str:
        return show_seconds(self.median)


def measure(variants: Mapping[str, Work], seconds: float) -> dict[str, Times]:
    """Time all `variants` for about `seconds` together, a sample of each in turn."""
    calls = {name: _calls_per_sample(work) for name, work in variants.items()}
    samples: dict[str, list[float]] = {name: [] for name in variants}
    until = monotonic() + seconds
    while monotonic() < until or len(next(iter(samples.values()))) < 3:
        for name, work in variants.items():
            samples[name].append(_time(work, calls[name]) / calls[name])
    return {name: Times(median(found), min(found)) for name, found in samples.items()}


def compare(what: str, ours: Work, theirs: Work, seconds: float, goal: Goal | None = None) -> Row:
    """Time two ways to do one thing."""
    times = measure({"ours": ours, "theirs": theirs}, seconds)
    return row_of(what, times["ours"], times["theirs"], goal)


def row_of(what: str, ours: Times, theirs: Times, goal: Goal | None = None) -> Row:
    """The row for what was timed already."""
    return Row(what, str(ours), str(theirs), ours.median / theirs.median, ours.least / theirs.least, goal)


def show_seconds(seconds: float) -> str:
    """A time in the unit that suits it."""
    if seconds < 1e-6:
        return f"{seconds * 1e9:.0f} ns"
    return f"{seconds * 1e6:.2f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


def _calls_per_sample(work: Work) -> int:
    calls = 1
    while (spent := _time(work, calls)) < _SAMPLE / 4:
        calls *= 4
    return max(1, round(calls * _SAMPLE / spent))


def _time(work: Work, calls: int) -> float:
    begin = thread_time()
    for _ in range(calls):
        work()
    return thread_time() - begin
