"""Things that travel with a message and are not part of it, each under its own type.

Floor 1: stands on nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar, final, overload

T = TypeVar("T")
D = TypeVar("D")


@final
class Extensions:
    """At most one value of each type; the type is the key, so a reader gets what it expects.

    A timeout, an operation or a note between two interceptors travels here.  Values should be
    frozen: a derived request shares them.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Iterable[object] | Extensions = ()) -> None:
        self._values: dict[type, object] = {type(value): value for value in values} if values else {}

    def set(self, value: object) -> None:
        """Put `value` in the place of the value of its type."""
        self._values[type(value)] = value

    def __getitem__(self, kind: type[T]) -> T:
        """The value of type `kind`.

        Raises:
            KeyError: there is none.
        """
        value = self._values[kind]
        assert isinstance(value, kind)
        return value

    @overload
    def get(self, kind: type[T]) -> T | None: ...
    @overload
    def get(self, kind: type[T], default: D) -> T | D: ...
    def get(self, kind: type[T], default: D | None = None) -> T | D | None:
        """The value of type `kind`, or `default`."""
        value = self._values.get(kind)
        return value if isinstance(value, kind) else default

    def remove(self, kind: type) -> None:
        """Take out the value of type `kind`, if there is one."""
        self._values.pop(kind, None)

    def copy(self) -> Extensions:
        """Extensions of their own with the same values."""
        copied = Extensions()
        copied._values = self._values.copy()
        return copied

    def __contains__(self, kind: type) -> bool:
        return kind in self._values

    def __iter__(self) -> Iterator[object]:
        return iter(self._values.values())

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Extensions) else NotImplemented

    def __repr__(self) -> str:
        """The types only: values may hold anything."""
        return f"Extensions({', '.join(kind.__name__ for kind in self._values)})"
