"""What is timed side by side does the same work; nothing is timed here."""

from __future__ import annotations

import pytest
from tests.benchmarks import storage
from tests.benchmarks.forms import Form, forms
from tests.benchmarks.harness import LeftOut
from tests.benchmarks.responses import READ, RECEIVED
from tests.benchmarks.selection import lines_of
from tests.benchmarks.workload import build, lines_by_hand, prepare, whole

from stablehttp import Fields


def test_the_way_through_the_pipeline_ends_in_the_lines_written_by_hand() -> None:
    assert sorted(whole().headers) == sorted(lines_by_hand())


@pytest.mark.parametrize("form", list(forms()), ids=lambda form: getattr(form, "name", "left out"))
def test_an_adapter_makes_of_them_what_one_would_make_by_hand(form: Form | LeftOut) -> None:
    if isinstance(form, LeftOut):
        pytest.skip(form.why)

    assert sorted(form.lines(form.convert(whole()))) == sorted(form.lines(form.by_hand()))


@pytest.mark.parametrize("form", list(forms()), ids=lambda form: getattr(form, "name", "left out"))
@pytest.mark.parametrize("size", [10, 30, 100])
def test_every_line_is_converted_however_many_there_are(form: Form | LeftOut, size: int) -> None:
    """W5."""
    if isinstance(form, LeftOut):
        pytest.skip(form.why)
    ready = prepare(build(lines_of(size)))

    converted = form.lines(form.convert(ready))

    assert len(converted) == len(ready.headers) > size


def test_the_prototype_on_a_multidict_gives_what_fields_give() -> None:
    pytest.importorskip("multidict")

    storage.check_prototype()


def test_the_received_lines_are_what_a_section_of_text_would_hold() -> None:
    fields = Fields([(name.decode(), value.decode()) for name, value in RECEIVED])

    assert len(fields) == 20
    assert all(name in fields for name in READ)
