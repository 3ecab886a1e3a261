"""The command `python -m tests.benchmarks`: runs what is named, or everything, and prints one table for each."""

from __future__ import annotations

import argparse
import gc
import platform
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final, cast

from tests.benchmarks.harness import LeftOut, Row, Rows

BENCHMARKS: Final = (
    "whole",
    "signing",
    "fields",
    "storage",
    "responses",
    "growth",
    "selection",
    "footprint",
    "throughput",
    "large",
)
_HEADINGS: Final = ("what", "ours", "theirs", "ratio", "of least", "goal", "proud of", "")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmarks that `arguments` name."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}; all without any")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each comparison takes (2)")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}\n")
    for name in given.names or BENCHMARKS:
        module = import_module(f"tests.benchmarks.{name}")
        rows = cast("Callable[[float], Rows]", module.rows)
        gc.collect()
        gc.freeze()  # what is there already is no work for a collection that happens while something is timed
        _print_table(name, (module.__doc__ or "").partition("\n")[0], rows(given.seconds), given.markdown)


def _print_table(name: str, summary: str, rows: Rows, markdown: bool) -> None:
    print(f"### {name}\n\n{summary}\n" if markdown else f"{name}: {summary}")
    lines: list[tuple[str, ...]] = [_HEADINGS]
    left_out: list[LeftOut] = []
    for row in rows:
        if isinstance(row, LeftOut):
            left_out.append(row)
        else:
            lines.append(_cells(row))
        _show_progress(f"… {row.what[:70]}")
    _show_progress("")
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    if markdown:
        lines.insert(1, tuple("-" * width for width in widths))
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print("| " + " | ".join(cells) + " |" if markdown else ("  " + "  ".join(cells)).rstrip())
    for row in left_out:
        print(f"{'' if markdown else '  '}left out: {row.what}: {row.why}")
    print()


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{text:72}\r", end="", file=sys.stderr, flush=True)


def _cells(row: Row) -> tuple[str, ...]:
    goal = row.goal
    return (
        row.what,
        row.ours,
        row.theirs,
        "" if row.ratio is None else f"{row.ratio:.3g}",
        "" if row.least is None else f"{row.least:.3g}",
        "" if goal is None else str(goal),
        "" if goal is None or goal.proud is None else f"{goal.proud:.3g}",
        "" if goal is None or row.ratio is None else goal.verdict(row.ratio),
    )


if __name__ == "__main__":
    main()
