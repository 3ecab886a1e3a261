"""`Fields` against a naive model: a list of lines, and nothing clever."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from stablehttp import AmbiguousFieldError, Fields, InvalidFieldError
from stablehttp._fields import borrow

NAMES = st.sampled_from(["A", "a", "B", "b", "X-Long-Name", "x-long-name", "Set-Cookie", "Cookie", "Content-Type"])
VALUES = st.one_of(
    st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=8),
    st.just("a b\tc"),
    st.binary(min_size=1, max_size=4).filter(lambda octets: all(octet >= 0x80 for octet in octets)),
)
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=6)
Line = tuple[str, str]


def text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")


class Model:
    """What `Fields` should do, in the plainest way."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = list(lines)

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.lines if found.lower() == name.lower()]

    def set(self, name: str, value: str) -> None:
        self.update([(name, value)])

    def update(self, lines: list[Line]) -> None:
        kept: list[Line] = []
        done: set[str] = set()
        fresh = {name.lower() for name, _ in lines}
        for line in self.lines:
            low = line[0].lower()
            if low not in fresh:
                kept.append(line)
            elif low not in done:
                kept.extend(new for new in lines if new[0].lower() == low)
                done.add(low)
        kept.extend(new for new in lines if new[0].lower() not in done)
        self.lines = kept

    def remove(self, name: str) -> None:
        self.lines = [line for line in self.lines if line[0].lower() != name.lower()]


class FieldsBehaveLikeAList(RuleBasedStateMachine):
    """Any sequence of changes: the section shows what the model shows, owned or borrowed at first (W3)."""

    @initialize(lines=LINES, borrowed=st.booleans())
    def begin(self, lines: list[tuple[str, str | bytes]], borrowed: bool) -> None:
        plain = [(name, text(value)) for name, value in lines]
        self.model = Model(plain)
        self.fields = Fields(lines)
        self.lender = tuple(self.fields.items())
        if borrowed:
            stored = list(self.lender)
            self.fields = borrow(
                stored,
                lambda: list(stored),
                lambda low: [value for name, value in stored if name.lower() == low],
            )

    @rule(name=NAMES, value=VALUES)
    def add(self, name: str, value: str | bytes) -> None:
        self.fields.add(name, value)
        self.model.lines.append((name, text(value)))

    @rule(name=NAMES, value=VALUES)
    def set(self, name: str, value: str | bytes) -> None:
        self.fields[name] = value
        self.model.set(name, text(value))

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        assert list(self.fields.remove(name)) == self.model.values(name)
        self.model.remove(name)

    @rule(lines=LINES)
    def extend(self, lines: list[tuple[str, str | bytes]]) -> None:
        self.fields.extend(lines)
        self.model.lines.extend((name, text(value)) for name, value in lines)

    @rule(lines=LINES)
    def update(self, lines: list[tuple[str, str | bytes]]) -> None:
        self.fields.update(lines)
        self.model.update([(name, text(value)) for name, value in lines])

    @rule(lines=LINES, name=NAMES)
    def edit(self, lines: list[tuple[str, str | bytes]], name: str) -> None:
        with self.fields.edit() as draft:
            draft.remove(name)
            draft.extend(lines)
        self.model.remove(name)
        self.model.lines.extend((found, text(value)) for found, value in lines)

    @rule(name=st.sampled_from(["", "a b", "é", "a:"]), value=st.sampled_from(["a\r\nb", "\0", " a", "é"]))
    def refuse(self, name: str, value: str) -> None:
        refused: list[Callable[[], object]] = [
            lambda: self.fields.add(name, "1"),
            lambda: self.fields.set("A", value),
            lambda: self.fields.extend([("A", "1"), ("B", value)]),
            lambda: self.fields.update([("A", "1"), (name, "1")]),
        ]
        for change in refused:
            with pytest.raises(InvalidFieldError):
                change()

    @rule()
    def copy(self) -> None:
        self.fields = pickle.loads(pickle.dumps(self.fields.copy()))

    @invariant()
    def shows_what_the_model_shows(self) -> None:
        for name in ("A", "b", "X-LONG-name", "set-cookie", "COOKIE", "missing", "content-type"):
            values = self.model.values(name)
            assert list(self.fields.values(name)) == values
            assert (name in self.fields) == bool(values)
            try:
                found = self.fields.get(name)
            except AmbiguousFieldError:
                assert name == "set-cookie" or len(set(values)) > 1
            else:
                assert (found is None) == (not values)
        assert list(self.fields) == self.model.lines
        assert len(self.fields) == len(self.model.lines)


TestFieldsBehaveLikeAList = FieldsBehaveLikeAList.TestCase
TestFieldsBehaveLikeAList.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@given(LINES, LINES)
def test_equality_is_what_the_definition_says(one: list[tuple[str, str]], two: list[tuple[str, str]]) -> None:
    def grouped(lines: list[tuple[str, str]]) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for name, value in lines:
            groups.setdefault(name.lower(), []).append(text(value))
        return groups

    assert (Fields(one) == Fields(two)) == (grouped(one) == grouped(two))
