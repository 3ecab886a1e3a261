"""The soak as a command: `python -m tests.soak [--requests N] [--connector NAME] [--colour COLOUR] [--seed N]`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.contract.subjects import missing, subjects
from tests.soak.figures import HEAD
from tests.soak.soak import soak_of


def main() -> int:
    """Print a row for each connector; 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connector", action="append", help="a client; all that are installed, if not given")
    parser.add_argument("--colour", choices=("async", "sync"), help="both, if not given")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = False
    print(HEAD)
    for subject in subjects():
        named = subject.name in (options.connector or [subject.name])
        wanted = named and options.colour in (None, subject.colour)
        if not wanted or missing(subject.name, subject.colour) is not None:
            continue
        figures = asyncio.run(soak_of(subject, options.requests, options.seed).run())
        print(figures.row(), flush=True)
        print(f"    {dict(figures.outcomes.most_common())}", file=sys.stderr, flush=True)
        for words in figures.wrong[:20]:
            failed = True
            print(f"    WRONG {words}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
