"""A section of field lines: the headers or the trailers of a message.

Floor 3: stands on field lines.

A section keeps lines: their order, their spelling, their repetition.  Every path by which a line
can come in checks it, and a refused change changes nothing.

Storage is one dict (see `_field_lines`).  Measured against a `multidict.CIMultiDict` with the same
checks (tests/benchmarks): handing lines to a signer or a client, replacing one and refusing a sealed
one cost less, and a multidict hands out its own `str` subclass, which every reader would have to
strip off again.

A response's section is *borrowed*: its lines stay in the client's own object, are looked up one name
at a time, and are copied when something changes or looks at all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, cast, final, overload

from stablehttp._errors import InvalidFieldError, SectionTooLargeError
from stablehttp._field_lines import (
    Backend,
    Borrowed,
    Guard,
    Owned,
    Place,
    check_lines,
    combine,
    take_lines,
)
from stablehttp._field_value import (
    FieldLine,
    check_name,
    check_value,
    fold,
    is_secret,
    is_text,
)
from stablehttp._redaction import shorten, show_value

_MOST_SHOWN: Final = 32

LinesInput: TypeAlias = Iterable[tuple[str, str | bytes]] | Mapping[str, str | bytes]
"""What a section can be made of: pairs, a mapping, or another section (which iterates as pairs)."""


@final
class Fields:
    """A section of field lines that cannot become invalid.

    `fields["Name"]` and `get` give the one combined value of RFC 9110 §5.2; item assignment and
    `set` replace all lines of a name, `add` appends one, `remove` and `del` take all.  Iterating
    and `items()` give the lines as `(name, value)` tuples, in order; `len` counts lines.

    A value given as `str` is visible ASCII, space and tab without whitespace at its ends; given as
    `bytes` it may also hold 0x80 to 0xFF.
    """

    __slots__ = ("_backend", "_changes", "_guard")

    _backend: Backend
    _changes: int
    _guard: Guard | None

    def __init__(self, lines: LinesInput = ()) -> None:
        """Make a section of its own; `lines` is copied, never shared.

        Raises:
            InvalidFieldError: a line is invalid, or `lines` holds something that is no line.
        """
        self._backend = check_lines(lines) if isinstance(lines, (list, tuple)) else _checked(lines)
        self._changes = 0
        self._guard = None

    # --- reading ---------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> str:
        """The combined value of `name`: its lines joined with a comma, in order (RFC 9110 §5.2).

        Raises:
            KeyError: there is no such line.
            AmbiguousFieldError: `name` is `Set-Cookie`, whose lines cannot be joined, or a field that
                may stand only once and stands with differing values; use `values`.
        """
        folded = fold(name)
        found = self._backend.find(folded)
        if not found:
            raise KeyError(name)
        return found[0] if len(found) == 1 and folded != "set-cookie" else combine(folded, found)

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The combined value of `name`, or `default` if there is no such line.

        Raises:
            AmbiguousFieldError: as for item access.
        """
        folded = fold(name)
        found = self._backend.find(folded)
        return combine(folded, found) if found else default

    def values(self, name: str) -> tuple[str, ...]:
        """The values of all lines called `name`, in order; empty if there is none."""
        return tuple(self._backend.find(fold(name)))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._backend.find(fold(name)))

    def __len__(self) -> int:
        return len(self._own().lines)

    def __iter__(self) -> Iterator[FieldLine]:
        """The lines in order; a change of the section while iterating is an error.

        Raises:
            RuntimeError: the section changed since the iteration began.
        """
        return self._iterate(self._own().lines, self._changes)

    def _iterate(self, lines: Mapping[Place, FieldLine], changes: int) -> Generator[FieldLine]:
        self._check_unchanged(changes)  # also between iter() and the first next()
        for line in lines.values():
            yield line
            self._check_unchanged(changes)

    def _check_unchanged(self, changes: int) -> None:
        if self._changes != changes:
            raise RuntimeError("fields changed while being iterated; iterate over list(fields) instead")

    def items(self) -> list[FieldLine]:
        """The lines as `(name, value)` tuples, in order: a list of the caller's own."""
        return list(self._own().lines.values())

    def keys(self) -> list[str]:
        """Each name once, in the order and spelling of its first line."""
        return [line[0] for place, line in self._own().lines.items() if isinstance(place, str)]

    def as_dict(self) -> dict[str, list[str]]:
        """Each name, as its first line spells it, with the values of all its lines."""
        return {name: list(self.values(name)) for name in self.keys()}

    @property
    def size(self) -> int:
        """The size of the section in octets, as RFC 9113 §6.5.2 counts it: 32 more for each line."""
        return sum([len(name) + len(value) + 32 for name, value in self._own().lines.values()])

    def largest(self, most: int = 3) -> list[str]:
        """The names of the largest fields, all lines of a name together, largest first, `most` of them."""
        sizes: dict[str, int] = {}
        spelled: dict[str, str] = {}
        for folded, (name, value) in self._own().named():
            spelled.setdefault(folded, name)
            sizes[folded] = sizes.get(folded, 0) + len(name) + len(value) + 32
        return [spelled[folded] for folded in sorted(sizes, key=lambda folded: -sizes[folded])[:most]]

    def check_size(self, limit: int) -> None:
        """Make sure that the section has at most `limit` octets, as `size` counts them.

        Raises:
            SectionTooLargeError: it has more; `largest` names the fields that fill it.
        """
        size = self.size
        if size > limit:
            largest = self.largest()
            raise SectionTooLargeError(
                f"the section has {size} octets, counted as RFC 9113 §6.5.2 does, and {limit} are the most; "
                f"the largest fields are {', '.join(shorten(name, 60) for name in largest)}",
                size=size,
                limit=limit,
                largest=tuple(largest),
            )

    # --- changing --------------------------------------------------------------------------------

    def add(self, name: str, value: str | bytes) -> None:
        """Append a line; lines of the same name stay.

        Raises:
            InvalidFieldError: `name` or `value` is invalid; nothing has changed.
            SealedError: the lines of this name may not change any more.
        """
        folded, stored = check_name(name), check_value(name, value)
        if self._guard is not None:
            self._guard.check((folded,))
        backend = self._backend
        owned = backend if type(backend) is Owned else self._own()
        owned.add(folded, (str.__str__(name), stored))
        self._changes += 1

    def set(self, name: str, value: str | bytes) -> None:
        """Replace every line called `name` by one line.

        The new line takes the place of the first old one, or goes last.

        Raises:
            InvalidFieldError: `name` or `value` is invalid; nothing has changed.
            SealedError: the lines of this name may not change any more.
        """
        folded, stored = check_name(name), check_value(name, value)
        if self._guard is not None:
            self._guard.check((folded,))
        backend = self._backend
        owned = backend if type(backend) is Owned else self._own()
        owned.set(folded, (str.__str__(name), stored))
        self._changes += 1

    def __setitem__(self, name: str, value: str | bytes) -> None:
        """Replace every line called `name` by one line; the same as `set`."""
        self.set(name, value)

    def remove(self, name: str) -> tuple[str, ...]:
        """Take out all lines called `name`, if there are any, and give back their values.

        Raises:
            SealedError: the lines of this name may not change any more.
        """
        folded = fold(name)
        owned = self._own()
        values = owned.find(folded)
        if values:
            self._allow((folded,))
            owned.remove(folded)
            self._changes += 1
        return values

    def __delitem__(self, name: str) -> None:
        """Take out all lines called `name`.

        Raises:
            KeyError: there is none.
        """
        if not self.remove(name):
            raise KeyError(name)

    def setdefault(self, name: str, value: str | bytes) -> str:
        """The combined value of `name`; if there is no such line, `value` is appended first.

        Raises:
            InvalidFieldError: `name` or `value` is invalid, even where it would not be needed.
        """
        stored = check_value(name, value)
        check_name(name)
        if name not in self:
            self.add(name, stored)
        return self[name]

    def extend(self, lines: LinesInput) -> None:
        """Append all `lines`, or none of them.

        Raises:
            InvalidFieldError: a line is invalid; nothing has changed.
            SealedError: the lines of one of the names may not change any more.
        """
        more = _checked(lines)
        self._allow(more.lines)
        owned = self._own()
        for folded, line in more.named():
            owned.add(folded, line)
        self._changes += 1

    def update(self, lines: LinesInput) -> None:
        """Replace the lines of every name in `lines`, each in the place of its first old line, or do nothing.

        Several lines of one name replace the old ones together.

        Raises:
            InvalidFieldError: a line is invalid; nothing has changed.
            SealedError: the lines of one of the names may not change any more.
        """
        more = _checked(lines)
        self._allow(more.lines)
        self._own().merge(more)
        self._changes += 1

    def clear(self) -> None:
        """Take out all lines.

        Raises:
            SealedError: some line may not change any more.
        """
        self._allow(self._own().lines)
        self._backend = Owned({}, {})
        self._changes += 1

    @contextmanager
    def edit(self) -> Generator[Fields]:
        """Change a copy inside a `with` block; when the block ends well, all of its changes are made at once.

        If the block raises, the section is left exactly as it was.

        Raises:
            SealedError: a line that may not change any more would have.
            RuntimeError: the section itself changed inside the block.
        """
        changes = self._changes
        draft = self.copy()
        yield draft
        if self._changes != changes:
            raise RuntimeError("fields changed while being edited; change only what edit() gave")
        if self._guard is not None:
            self._guard.compare(self._own(), draft._own())
        self._backend = draft._own()
        self._changes += 1

    def entry(self, name: str) -> FieldEntry:
        """A view of one name, for doing several things to it with one check of the name.

        Raises:
            InvalidFieldError: `name` is not a token.
        """
        check_name(name)
        return FieldEntry(self, name)

    def copy(self) -> Fields:
        """A section of its own with the same lines, free to change."""
        copied = Fields.__new__(Fields)
        copied._backend = self._own().copy()
        copied._changes = 0
        copied._guard = None
        return copied

    # --- the rest --------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        """Equal if each name has the same values in the same sequence; the order of the names does not count."""
        if not isinstance(other, Fields):
            return NotImplemented
        mine, theirs = self._own().lines, other._own().lines
        return mine.keys() == theirs.keys() and all(line[1] == theirs[place][1] for place, line in mine.items())

    def __repr__(self) -> str:
        """The lines, with secrets hidden, long values shortened and at most 32 lines."""
        lines = self.items()
        shown = [
            f"({name!r}, {show_value(name, value, secret=is_secret(value))})" for name, value in lines[:_MOST_SHOWN]
        ]
        if len(lines) > _MOST_SHOWN:
            shown.append(f"… {len(lines) - _MOST_SHOWN} more")
        return f"Fields([{', '.join(shown)}])"

    def __copy__(self) -> Fields:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Fields:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        return Fields, (self.items(),)

    def _own(self) -> Owned:
        backend = self._backend
        if isinstance(backend, Owned):
            return backend
        backend = self._backend = take_lines(backend.read())
        return backend

    def _allow(self, names: Collection[object]) -> None:
        if self._guard is not None:
            self._guard.check(names)


@final
class FieldEntry:
    """One name of a section: look, set, add and remove, without naming it again."""

    __slots__ = ("_fields", "name")

    def __init__(self, fields: Fields, name: str) -> None:
        self._fields = fields
        self.name: str = name

    @property
    def exists(self) -> bool:
        """Whether there is a line of this name."""
        return self.name in self._fields

    @property
    def values(self) -> tuple[str, ...]:
        """The values of all lines of this name, in order."""
        return self._fields.values(self.name)

    def set(self, value: str | bytes) -> tuple[str, ...]:
        """Replace all lines by one, and give back the values that stood there."""
        before = self.values
        self._fields.set(self.name, value)
        return before

    def add(self, value: str | bytes) -> bool:
        """Append a line, and tell whether there was one before."""
        before = self.exists
        self._fields.add(self.name, value)
        return before

    def or_set(self, value: str | bytes) -> str:
        """The combined value; if there is none, `value` is set first."""
        return self._fields.setdefault(self.name, value)

    def or_set_with(self, make: Callable[[], str | bytes]) -> str:
        """The combined value; if there is none, what `make` gives is set first."""
        return self._fields[self.name] if self.exists else self._fields.setdefault(self.name, make())

    def remove(self) -> tuple[str, ...]:
        """Take out all lines of this name, and give back their values."""
        return self._fields.remove(self.name)


def borrow(lender: object, read: Callable[[], Iterable[FieldLine]], find: Callable[[str], Sequence[str]]) -> Fields:
    """A section whose lines stay in `lender` until something changes them or looks at all of them.

    `read` gives all lines; `find` gives the values of one folded name.  Both must give what
    `receive_line` gives.  Nobody else may hold `lender`.
    """
    return around(Borrowed(lender, read, find))


def adopt(lines: Iterable[FieldLine]) -> Fields:
    """A section around lines that are already checked."""
    return around(take_lines(lines))


def around(backend: Backend) -> Fields:
    """A section around this very storage."""
    fields = Fields.__new__(Fields)
    fields._backend = backend
    fields._changes = 0
    fields._guard = None
    return fields


def view_fields(fields: Fields, guard: Guard) -> Fields:
    """A section that shows the same lines under a guard of its own."""
    view = around(fields._own())
    view._guard = guard
    return view


def guard_fields(fields: Fields, guard: Guard) -> None:
    """From now on what `guard` says may not change in the section."""
    fields._guard = guard


def _checked(lines: LinesInput) -> Owned:
    if isinstance(lines, Fields):
        return lines._own().copy()
    if isinstance(lines, Mapping):
        return check_lines(list(cast("Mapping[str, object]", lines).items()))
    if isinstance(lines, Iterable) and not is_text(lines):
        return check_lines(list(lines))
    raise InvalidFieldError(f"field lines must be (name, value) pairs, a mapping or Fields, not {type(lines).__name__}")


def holds_opaque_values(fields: Fields) -> bool:
    """Whether some value holds octets above 0x7F."""
    owned = owned_lines(fields)
    return owned.marked and not "".join([value for _, value in owned.lines.values()]).isascii()


def owned_lines(fields: Fields) -> Owned:
    """The storage of a section, for completing a message: nothing is checked there, and no iterator is told."""
    backend = fields._backend
    return backend if type(backend) is Owned else fields._own()


def replace_lines(fields: Fields, remove: Iterable[str], lines: Iterable[tuple[str, str]]) -> None:
    """Take out all lines whose folded name is in `remove`, then update with `lines`; or do nothing.

    Raises:
        InvalidFieldError: a line is invalid; nothing has changed.
        SealedError: the lines of one of the names may not change any more.
    """
    more = check_lines(list(lines))
    owned = fields._own()
    gone = [name for name in remove if name in owned.lines]
    fields._allow(gone)
    fields._allow(more.lines)
    for name in gone:
        owned.remove(name)
    owned.merge(more)
    fields._changes += 1
