"""Large content in both directions through every connector: the memory of the process stays as it was.

`python -m tests.benchmarks large` compares the same transfers with those of the bare clients.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from tests.benchmarks.large_server import large_server
from tests.benchmarks.large_transfer import command, transfer
from tests.contract.subjects import missing, subjects

from stablehttp import HttpVersion
from stablehttp.testing.contract import Subject

MIB: Final = 1024 * 1024
CEILING: Final = 16 * MIB
"""By how much the memory of the process may grow at its peak, whatever the amount."""
AMOUNTS: Final = {HttpVersion.HTTP_1_1: 1024 * MIB, HttpVersion.HTTP_2: 64 * MIB}
"""How much is sent; less over HTTP/2, where the origin, which is written in Python, takes a few MiB a second."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the figures are read from /proc"),
]


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("subject", list(cases()))
def test_memory_stays_flat(subject: Subject, direction: str) -> None:
    """S1, U-J7."""
    octets = AMOUNTS[subject.version]
    version = "h2" if subject.version is HttpVersion.HTTP_2 else "h1"
    words = [*(["tls"] if subject.tls else []), *(["http2"] if version == "h2" else [])]
    sender = f"ours/{subject.name}/{subject.colour}/{version}"

    with large_server(*words) as (url, ca_file):
        print(shlex.join(command(sender, direction, octets, url, ca_file)))
        done = transfer(sender, direction, octets, url, ca_file)

    print(f"{octets / MIB / done.seconds:.0f} MiB/s, {done.growth / MIB:.1f} MiB more memory at the peak")
    assert done.growth < CEILING


@pytest.mark.parametrize("subject", list(cases()))
def test_content_in_memory_is_sent_without_a_copy(subject: Subject) -> None:
    """U-G3: a copy would be as large as the content."""
    octets = 64 * MIB
    version = "h2" if subject.version is HttpVersion.HTTP_2 else "h1"
    words = [*(["tls"] if subject.tls else []), *(["http2"] if version == "h2" else [])]

    with large_server(*words) as (url, ca_file):
        done = transfer(f"ours/{subject.name}/{subject.colour}/{version}", "bytes", octets, url, ca_file)

    print(f"{done.growth / MIB:.1f} MiB more memory at the peak")
    assert done.growth < CEILING


def test_content_that_is_held_is_seen() -> None:
    """The figure can be too large: the same transfer, read into memory."""
    with large_server() as (url, _):
        done = transfer("ours/h11/async/h1", "held", 64 * MIB, url)

    assert done.growth >= 64 * MIB
