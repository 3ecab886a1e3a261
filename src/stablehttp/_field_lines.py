"""How the lines of a section are kept: by ourselves, or by the client that received them.

Floor 2: stands on field values, grammar and errors.

Our own lines are in a dict that is storage and index in one: a dict keeps the order of its keys, so
copying, looking up, replacing in place and handing out lines are one call into C each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias, cast, final

from stablehttp._errors import AmbiguousFieldError, InvalidFieldError, InvalidFieldsError, SealedError
from stablehttp._field_value import FOLDED_NAMES, FieldLine, FieldValue, check_name, check_value, fold, is_secret
from stablehttp._grammar import SINGLE_FIELDS, are_plain_values
from stablehttp._redaction import shorten

Place: TypeAlias = str | tuple[str, int]
"""Where a line is kept: the first of its name under the folded name, the next under `(folded, 1)` and so on."""


@final
@dataclass(slots=True, eq=False)
class Owned:
    """The lines are ours; `repeats` says how many a name has beyond its first, and is mostly empty.

    Unless `marked` is set, every value is a plain `str`: none is secret or holds octets above 0x7F.
    """

    lines: dict[Place, FieldLine]
    repeats: dict[str, int]
    marked: bool = False

    def copy(self) -> Owned:
        """Dicts of their own; both hold immutable things only."""
        return Owned(self.lines.copy(), self.repeats.copy(), self.marked)

    def find(self, folded: str) -> tuple[str, ...]:
        """The values of the lines called `folded`, in order."""
        line = self.lines.get(folded)
        if line is None:
            return ()
        if folded not in self.repeats:
            return (line[1],)
        return (line[1], *[self.lines[place][1] for place in self.repeated(folded)])

    def named(self) -> Iterator[tuple[str, FieldLine]]:
        """All lines in order, each with its folded name."""
        for place, line in self.lines.items():
            yield place if isinstance(place, str) else place[0], line

    def add(self, folded: str, line: FieldLine) -> None:
        """Append a line."""
        if type(line[1]) is not str:
            self.marked = True
        if folded not in self.lines:
            self.lines[folded] = line
        else:
            count = self.repeats.get(folded, 0) + 1
            self.lines[folded, count] = line
            self.repeats[folded] = count

    def set(self, folded: str, line: FieldLine) -> None:
        """Put `line` in the place of the first one called `folded` and take out the others, or append it."""
        if type(line[1]) is not str:
            self.marked = True
        if folded in self.repeats:
            self._drop_repeats(folded)
        self.lines[folded] = line

    def remove(self, folded: str) -> None:
        """Take out all lines called `folded`; there is at least one."""
        if folded in self.repeats:
            self._drop_repeats(folded)
        del self.lines[folded]

    def merge(self, more: Owned) -> None:
        """Put the lines of each name in `more` in the place of the first one of that name, or append them."""
        if not self.repeats and not more.repeats:
            self.lines.update(more.lines)
            self.marked |= more.marked
            return
        merged = Owned({}, {})
        for folded, line in self.named():
            if folded not in more.lines:
                merged.add(folded, line)
            elif folded not in merged.lines:
                for place in (folded, *more.repeated(folded)):
                    merged.add(folded, more.lines[place])
        for folded, line in more.named():
            if folded not in self.lines:
                merged.add(folded, line)
        self.lines, self.repeats, self.marked = merged.lines, merged.repeats, merged.marked

    def put_first(self, folded: str, line: FieldLine) -> None:
        """Put the first line called `folded` before all others, or `line` if there is none."""
        if next(iter(self.lines), None) != folded:
            first = self.lines.pop(folded, line)
            self.lines = {folded: first, **self.lines}

    def repeated(self, folded: str) -> list[Place]:
        """Where the lines called `folded` are kept, but for the first."""
        return [(folded, number) for number in range(1, self.repeats.get(folded, 0) + 1)]

    def _drop_repeats(self, folded: str) -> None:
        for place in self.repeated(folded):
            del self.lines[place]
        del self.repeats[folded]


@final
@dataclass(slots=True, eq=False)
class Borrowed:
    """A response that only we hold has the lines; we look them up there and never change it."""

    lender: object
    read: Callable[[], Iterable[FieldLine]]
    find: Callable[[str], Sequence[str]]


Backend: TypeAlias = Owned | Borrowed


@final
@dataclass(slots=True, eq=False)
class Guard:
    """What of a message may not change any more, and who relies on that; who said so first is named.

    `seals` holds folded field names, and components as signers name them (`@method`); None stands for all.
    """

    seals: list[tuple[frozenset[str] | None, str]]

    def author(self, parts: Iterable[object]) -> str | None:
        """Who relies on one of `parts`, or None if they may change."""
        for sealed, author in self.seals:
            if sealed is None or not sealed.isdisjoint(parts):
                return author
        return None

    def check(self, folded: Collection[object]) -> None:
        """Make sure that the lines called so may change; there may be none.

        Raises:
            SealedError: somebody relies on some of them.
        """
        if folded and self.author(folded) is not None:
            name, author = next((name, author) for name in folded if (author := self.author((name,))) is not None)
            raise SealedError(
                f"field {shorten(str(name), 60)!r} may not change any more: {author} relies on it; "
                "change it in an earlier hook, or work on request.copy()",
                part=str(name),
                sealed_by=author,
            )

    def compare(self, before: Owned, after: Owned) -> None:
        """Make sure that the lines which may not change are the same, in the same order.

        Raises:
            SealedError: they are not.
        """
        for old, new in zip_longest(self._sealed(before), self._sealed(after)):
            if old != new:
                self.check((old or new)[:1])

    def _sealed(self, owned: Owned) -> list[tuple[str, FieldLine]]:
        return [(folded, line) for folded, line in owned.named() if self.author((folded,)) is not None]


def check_lines(lines: Sequence[tuple[object, object]]) -> Owned:
    """The lines as they are stored; the fast way first.

    Raises:
        InvalidFieldError: one line is bad.
        InvalidFieldsError: several lines are bad; `errors` tells of each.
    """
    if not lines:
        return Owned({}, {})
    given = cast("Sequence[FieldLine]", lines)
    try:
        # the types are exact, so that what is stored can neither change nor lie about itself later
        places: dict[Place, FieldLine] = {
            FOLDED_NAMES[name]: line
            for line in given
            if type(line) is tuple
            for name, value in [line]
            if type(name) is str and type(value) is str
        }
    except (KeyError, ValueError):  # a name not seen before, or a line that is no pair
        return _check_each(given)
    if len(places) == len(given) and are_plain_values([value for _, value in places.values()]):
        return Owned(places, {})
    return _check_each(given)


def _check_each(lines: Iterable[object]) -> Owned:
    owned = Owned({}, {})
    errors: list[InvalidFieldError] = []
    for number, line in enumerate(lines):
        try:
            name, value = _pair(number, line)
            owned.add(check_name(name), (str.__str__(name), check_value(name, value)))
        except InvalidFieldError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InvalidFieldsError(
            f"{len(errors)} field lines are invalid: " + "; ".join(map(str, errors)), errors=tuple(errors)
        )
    return owned


def _pair(number: int, line: object) -> tuple[str, object]:
    if not isinstance(line, (tuple, list)):
        raise InvalidFieldError(f"field line {number} must be a (name, value) pair, not {type(line).__name__}")
    parts = cast("Sequence[object]", line)
    if len(parts) != 2:
        raise InvalidFieldError(f"field line {number} must be a (name, value) pair, and has {len(parts)} parts")
    name, value = parts
    if not isinstance(name, str):
        raise InvalidFieldError(f"name of field line {number} must be a str, not {type(name).__name__}")
    return name, value


def take_lines(lines: Iterable[FieldLine]) -> Owned:
    """Lines that were checked already, as they are stored."""
    owned = Owned({}, {})
    for line in lines:
        owned.add(fold(line[0]), line)
    return owned


def combine(folded: str, values: Sequence[str]) -> str:
    """The one value that these lines mean together (RFC 9110 §5.2); cookies join as RFC 9113 §8.2.3 says.

    Raises:
        AmbiguousFieldError: they mean no one value.
    """
    if folded == "set-cookie":
        raise AmbiguousFieldError(
            "'Set-Cookie' lines cannot be joined (RFC 9110 §5.3); use values('Set-Cookie')", field="set-cookie"
        )
    first = values[0]
    if len(values) == 1:
        return first
    if folded in SINGLE_FIELDS:
        if any(value != first for value in values):
            raise AmbiguousFieldError(
                f"field {folded!r} may stand only once and stands {len(values)} times with differing values; "
                f"use values({folded!r}), and remove those that are wrong",
                field=folded,
            )
        return first
    joined = ("; " if folded == "cookie" else ", ").join(values)
    if any(isinstance(value, FieldValue) for value in values):
        # a FieldValue can be put back anywhere, so the blank in front of an empty last line has to go
        return FieldValue(joined.rstrip(" ").encode("latin-1"), secret=any(map(is_secret, values)))
    return joined
