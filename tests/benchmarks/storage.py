"""Two ways to keep field lines: the dict of `stablehttp.Fields`, and a prototype on `multidict.CIMultiDict`.

The prototype checks every character, keeps secrets and refuses sealed names in the same way, with the
same functions, and hands out plain `str`; only the container differs.  Ratios are ours to the prototype's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from tests.benchmarks.harness import LeftOut, Rows, compare
from tests.benchmarks.workload import LINES

from stablehttp import Fields, SealedError, secret
from stablehttp._field_lines import Guard, combine
from stablehttp._field_value import FOLDED_NAMES, FieldLine, check_name, check_value, fold
from stablehttp._fields import guard_fields, owned_lines, replace_lines
from stablehttp._grammar import are_plain_values

if TYPE_CHECKING:
    from multidict import CIMultiDict

_STALE = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
_SIGNED = (("X-Amz-Date", "20260102T030405Z"), ("X-Amz-Content-Sha256", "0" * 64), ("Authorization", "A" * 400))
_COVERED = frozenset(name.lower() for name, _ in LINES)


class MultiDictFields:
    """The operations of `Fields` that matter here, on a multidict."""

    __slots__ = ("_changes", "_guard", "_lines")

    def __init__(self, lines: Iterable[FieldLine] | MultiDictFields = ()) -> None:
        self._lines: CIMultiDict[str] = (
            lines._lines.copy() if isinstance(lines, MultiDictFields) else _checked(list(lines))
        )
        self._changes = 0
        self._guard: Guard | None = None

    def copy(self) -> MultiDictFields:
        """A section of its own."""
        return MultiDictFields(self)

    def __getitem__(self, name: str) -> str:
        """The combined value."""
        found = self._lines.getall(name, None)
        if found is None:
            raise KeyError(name)
        return combine(fold(name), found)

    def values(self, name: str) -> tuple[str, ...]:
        """All values of a name."""
        return tuple(self._lines.getall(name, ()))

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def __len__(self) -> int:
        return len(self._lines)

    def items(self) -> list[FieldLine]:
        """All lines, as plain `str`."""
        return [(str.__str__(name), value) for name, value in self._lines.items()]

    def add(self, name: str, value: str) -> None:
        """Append a line."""
        folded, stored = check_name(name), check_value(name, value)
        if self._guard is not None:
            self._guard.check(folded)
        self._lines.add(name, stored)
        self._changes += 1

    def set(self, name: str, value: str) -> None:
        """Replace the lines of a name."""
        folded, stored = check_name(name), check_value(name, value)
        if self._guard is not None:
            self._guard.check(folded)
        self._lines[name] = stored
        self._changes += 1

    def put_first(self, name: str, value: str) -> None:
        """Put a line before all others."""
        first = (name, self._lines.pop(name, value))
        self._lines = _new([first, *self._lines.items()])

    def replace(self, remove: Iterable[str], lines: list[FieldLine]) -> None:
        """What a signer asks for."""
        checked = _checked(lines)
        for name in remove:
            if name in self._lines:
                self._allow(name)
                del self._lines[name]
        for name, value in checked.items():
            self._allow(fold(name))
            self._lines[name] = value
        self._changes += 1

    def seal(self, names: frozenset[str], author: str) -> None:
        """Refuse changes from now on."""
        if self._guard is None:
            self._guard = Guard([])
        self._guard.seals.append((names, author))

    def _allow(self, folded: str) -> None:
        if self._guard is not None:
            self._guard.check(folded)


def rows(seconds: float) -> Rows:
    """Single operations, and what a section goes through on its way."""
    try:
        import multidict  # noqa: F401 (the prototype needs it)
    except ImportError as error:
        yield LeftOut("everything", str(error))
        return
    ours, theirs = Fields(LINES), MultiDictFields(LINES)
    check_prototype()
    operations: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "build from 15 pairs, checked": (lambda: Fields(LINES), lambda: MultiDictFields(LINES)),
        "copy": (ours.copy, theirs.copy),
        "all lines as plain pairs": (ours.items, theirs.items),
        "look up one": (lambda: ours["User-Agent"], lambda: theirs["User-Agent"]),
        "look up one in vain": (lambda: "Expect" in ours, lambda: "Expect" in theirs),
        "set one": (
            lambda: ours.set("X-Amz-Meta-Camera", "Pentax K-1"),
            lambda: theirs.set("X-Amz-Meta-Camera", "Pentax K-1"),
        ),
        "on its way: build, copy, change 3, complete, sign, seal, list twice": (_our_way, _their_way),
    }
    for what, (our, their) in operations.items():
        yield compare(what, our, their, seconds)


def _our_way() -> list[FieldLine]:
    fields = Fields(LINES).copy()
    fields.set("User-Agent", "agent/2")
    fields.set("X-Amz-Meta-Origin", "gallery")
    fields.add("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    owned = owned_lines(fields)
    owned.put_first("host", ("Host", "a.test"))
    owned.add("content-length", ("Content-Length", "1024"))
    fields.items()
    replace_lines(fields, _STALE, _SIGNED)
    guard_fields(fields, Guard([(_COVERED, "the signature")]))
    return fields.items()


def _their_way() -> list[FieldLine]:
    fields = MultiDictFields(LINES).copy()
    fields.set("User-Agent", "agent/2")
    fields.set("X-Amz-Meta-Origin", "gallery")
    fields.add("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    fields.put_first("Host", "a.test")
    fields._lines.add("Content-Length", "1024")
    fields.items()
    fields.replace(_STALE, list(_SIGNED))
    fields.seal(_COVERED, "the signature")
    return fields.items()


def _checked(lines: list[FieldLine]) -> CIMultiDict[str]:
    plain = [
        line
        for line in lines
        if type(line) is tuple
        for name, value in [line]
        if type(name) is str and type(value) is str and name in FOLDED_NAMES
    ]
    if len(plain) == len(lines) and are_plain_values([value for _, value in lines]):
        return _new(lines)
    return _new([(name, check_value(name, value)) for name, value in lines if check_name(name)])


def _new(lines: list[FieldLine]) -> CIMultiDict[str]:
    from multidict import CIMultiDict

    return CIMultiDict(lines)


def check_prototype() -> None:
    """Make sure that the prototype keeps lines, secrets and seals as `Fields` does."""
    assert _our_way() == _their_way()
    fields = MultiDictFields([("A", secret("x"))])
    assert "secret" in repr(fields["A"])
    fields.seal(frozenset({"a"}), "the signature")
    try:
        fields.set("A", "y")
    except SealedError:
        return
    raise AssertionError("the prototype does not seal")
