"""An origin that takes or gives any amount of content: `python -m tests.benchmarks.large_server [tls] [http2]`.

It has a process of its own, prints its URL and the file of its authority, and ends with its standard input.  `GET /N`
gives N octets, anything else is taken and forgotten.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen

from stablehttp.testing import Answer, Origin, Received


def answer(received: Received) -> Answer:
    """As many octets as the target says, if they are asked for."""
    return Answer(200, int(received.target[1:])) if received.method == b"GET" else Answer(200)


@contextmanager
def large_server(*words: str) -> Iterator[tuple[str, str]]:
    """Run one; its URL, and the file of its authority or nothing."""
    command = [sys.executable, "-m", "tests.benchmarks.large_server", *words]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip(), process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(20)


def main() -> None:
    """Serve until standard input ends."""
    tls, http2 = "tls" in sys.argv, "http2" in sys.argv
    with Origin(answer, tls=tls, http2=http2, content_limit=0, history=1) as origin:
        print(origin.url, flush=True)
        print(str(origin.ca_file) if tls else "", flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
