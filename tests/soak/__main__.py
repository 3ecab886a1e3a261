"""The soak as a command: `python -m tests.soak [--requests N] [--connector NAME] [--seed N]`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.contract.subjects import missing, subjects
from tests.soak.soak import HEAD, Soak


def main() -> int:
    """Print a row for each connector; 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connector", action="append", help="a client; all that are installed, if not given")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = False
    print(HEAD)
    for subject in subjects():
        wanted = subject.colour == "async" and subject.name in (options.connector or [subject.name])
        if not wanted or missing(subject.name) is not None:
            continue
        figures = asyncio.run(Soak(subject, options.requests, options.seed).run())
        print(figures.row(), flush=True)
        print(f"    {dict(figures.outcomes.most_common())}", file=sys.stderr, flush=True)
        for words in figures.wrong[:20]:
            failed = True
            print(f"    WRONG {words}", file=sys.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
