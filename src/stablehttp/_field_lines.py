"""How the lines of a section are kept: by ourselves, or by the client that received them.

Floor 2: stands on field values, grammar and errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from stablehttp._errors import AmbiguousFieldError, SealedError
from stablehttp._field_value import FieldLine, FieldValue, check_name, is_secret
from stablehttp._grammar import SINGLE_FIELDS
from stablehttp._redaction import shorten


@final
@dataclass(slots=True)
class Owned:
    """The lines are ours; `places` is the index, made at the first lookup."""

    lines: list[FieldLine]
    places: dict[str, tuple[int, ...]] | None = None

    def copy(self) -> Owned:
        """Lines and index of their own; both hold immutable things only."""
        return Owned(self.lines.copy(), None if self.places is None else self.places.copy())

    def find(self, folded: str) -> tuple[int, ...]:
        """Where the lines called `folded` stand, in order."""
        places = self.places
        if places is None:
            places = self.index()
        return places.get(folded, ())

    def drop(self, places: Iterable[int]) -> None:
        """Take out the lines at these places."""
        for place in sorted(places, reverse=True):
            del self.lines[place]
        self.places = None

    def index(self) -> dict[str, tuple[int, ...]]:
        """Make the index; with few repetitions, as usual, this is one dict comprehension."""
        names = [check_name(name) for name, _ in self.lines]
        places: dict[str, tuple[int, ...]] = {name: (place,) for place, name in enumerate(names)}
        if len(places) != len(names):
            places = {}
            for place, name in enumerate(names):
                places[name] = (*places.get(name, ()), place)
        self.places = places
        return places


@final
@dataclass(frozen=True, slots=True)
class Borrowed:
    """A response that only we hold has the lines; we look them up there and never change it."""

    lender: object
    read: Callable[[], Iterable[FieldLine]]
    find: Callable[[str], Sequence[str]]


Backend: TypeAlias = Owned | Borrowed


@final
@dataclass(slots=True)
class Guard:
    """Which names of a section may not change any more, and who relies on that."""

    names: dict[str, str]
    whole: str | None = None

    def check(self, folded: str) -> None:
        """Make sure that the lines called `folded` may change.

        Raises:
            SealedError: somebody relies on them.
        """
        sealed_by = self.names.get(folded) or self.whole
        if sealed_by:
            raise SealedError(
                f"field {shorten(folded, 60)!r} may not change any more: {sealed_by} relies on it; "
                "change it in an earlier hook, or work on request.copy()",
                part=folded,
                sealed_by=sealed_by,
            )


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
        return FieldValue(joined.encode("latin-1"), secret=any(map(is_secret, values)))
    return joined
