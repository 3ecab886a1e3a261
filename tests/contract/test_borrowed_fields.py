"""A section that is still in the client's own object does what a section of its own does (W3).

The object is the one that the client made of a real response; the operations are the same on both.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import Fields, FieldValue, Request, Response
from stablehttp._field_lines import Borrowed
from stablehttp._fields import around
from stablehttp.testing import Answer
from stablehttp.testing.contract import Bench, Subject

LINES: Final[list[tuple[str | bytes, str | bytes]]] = [
    ("Date", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ("X-A", "1"),
    ("Set-Cookie", "a=1"),
    ("x-a", "2"),
    ("X-B", ""),
    ("X-b", "a, b"),
    ("X-Octets", "caf\xe9".encode()),
    ("Set-Cookie", "b=2"),
    ("Vary", "Origin"),
    ("X-A", "1"),
    ("ETag", '"x"'),
    ("ETag", '"x"'),
    ("X-Single", "v" * 300),
]
NAMES: Final = ["X-A", "x-a", "X-B", "Set-Cookie", "set-cookie", "ETag", "X-Octets", "X-New", "Vary", "missing", "a b"]
VALUES: Final = ["", "1", "a, b", b"\xff", "bad\n", FieldValue("s", secret=True)]
Operation = Callable[[Fields], object]


def operations(random: Random) -> Operation:
    name, value, other = random.choice(NAMES), random.choice(VALUES), random.choice(NAMES)
    lines = [(name, value), (other, random.choice(VALUES))]
    made: Sequence[Operation] = [
        lambda fields: fields[name],
        lambda fields: fields.get(name),
        lambda fields: fields.get(name, "none"),
        lambda fields: fields.values(name),
        lambda fields: name in fields,
        len,
        list,
        lambda fields: fields.items(),
        lambda fields: fields.keys(),
        lambda fields: fields.as_dict(),
        lambda fields: (fields.size, fields.largest()),
        repr,
        lambda fields: fields == Fields(lines[:0]),
        lambda fields: fields.add(name, value),
        lambda fields: fields.set(name, value),
        lambda fields: fields.remove(name),
        lambda fields: fields.__delitem__(name),
        lambda fields: fields.setdefault(name, value),
        lambda fields: fields.extend(lines),
        lambda fields: fields.update(lines),
        lambda fields: fields.entry(name).set(value),
        lambda fields: fields.copy().items(),
        lambda fields: copy.deepcopy(fields).items(),
        lambda fields: pickle.loads(pickle.dumps(fields)).items(),
        lambda fields: [fields.copy().clear(), fields.items()],
    ]
    return random.choice(made)


def told(operation: Operation, fields: Fields) -> object:
    try:
        return operation(fields)
    except Exception as error:  # of whatever kind: it has to be the same one
        return type(error), str(error)


def cases() -> Iterator[object]:
    for subject in subjects():
        reason = missing(subject.name, subject.colour)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(subject, id=str(subject), marks=marks)


def untouched(*_: object) -> None:
    raise AssertionError("all lines were copied, where one name was asked for")


@pytest.mark.parametrize("subject", list(cases()))
async def test_borrowed_and_owned_sections_cannot_be_told_apart_and_the_lender_is_never_changed(
    subject: Subject,
) -> None:
    """W3, U-F1, U-K2, U-K3: on the real response object of each client."""
    async with Bench(subject) as bench:
        bench.origin.answer(Answer(200, b"", fields=LINES))
        reply = await bench.driver.send(Request("GET", bench.url()))
        backend = reply.response.headers._backend
        await reply.read()
    assert isinstance(backend, Borrowed), f"the section of {subject} is borrowed from its client"
    before = list(backend.read())

    for seed in range(150):
        random = Random(seed)
        borrowed, owned = around(Borrowed(backend.lender, backend.read, backend.find)), Fields(before)
        for _ in range(random.randint(1, 6)):
            operation = operations(random)
            assert told(operation, borrowed) == told(operation, owned), f"seed {seed}"
        assert list(borrowed) == list(owned), f"seed {seed}"
        assert [type(value) for _, value in borrowed] == [type(value) for _, value in owned]

    assert list(backend.read()) == before


@pytest.mark.parametrize("subject", list(cases()))
async def test_looking_at_one_name_looks_at_one_name(subject: Subject) -> None:
    """W3, W5: reading three fields must not copy twenty."""
    async with Bench(subject) as bench:
        bench.origin.answer(Answer(200, b"", fields=LINES))
        reply = await bench.driver.send(Request("GET", bench.url()))
        backend = reply.response.headers._backend
        await reply.read()
    assert isinstance(backend, Borrowed), "neither sending nor reading the content copied the lines"
    asked: list[str] = []

    def find(name: str) -> Sequence[str]:
        asked.append(name)
        return backend.find(name)

    fields = around(Borrowed(backend.lender, untouched, find))  # type: ignore[arg-type]

    assert fields["X-Single"] == "v" * 300
    assert fields.get("vary") == "Origin"
    assert fields.values("X-A") == ("1", "2", "1")
    assert ("missing" in fields, "X-B" in fields) == (False, True)
    assert asked == ["x-single", "vary", "x-a", "missing", "x-b"]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
@pytest.mark.parametrize("subject", list(cases()))
async def test_a_response_that_was_read_is_copied_and_pickled_without_its_client(
    subject: Subject, again: Callable[[object], object]
) -> None:
    """U-F1, U-K3: no socket, loop or object of the client goes with it."""
    async with Bench(subject) as bench:
        bench.origin.answer(Answer(206, b"0123", fields=LINES))
        reply = await bench.driver.send(Request("GET", bench.url()))
        content = await reply.read()
        lines = list(around(reply.response.headers._backend))
        copied = again(reply.response)

    assert isinstance(copied, Response)
    assert (copied.status, copied.http_version) == (206, subject.version)
    assert list(copied.headers) == lines
    assert (copied.read(), content) == (b"0123", b"0123")
    assert (copied.request_method, copied.request_uri) == ("GET", bench.url())
