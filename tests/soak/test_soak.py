"""A short soak of every connector; `python -m tests.soak` runs a long one."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.contract.subjects import missing, subjects
from tests.soak.soak import soak_of

from stablehttp.testing.contract import Subject


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="the figures are read from /proc")
@pytest.mark.parametrize("subject", list(cases()))
async def test_none_is_lost_or_sent_twice_and_nothing_is_left(subject: Subject) -> None:
    """U-E2, U-E4, U-F3, U-F4."""
    figures = await soak_of(subject, 1000, seed=1).run()

    print(figures.row())
    assert figures.wrong == []
