"""A package below an adapter, and the versions of it that the adapter knows.

Floor 1: stands on errors.

The check looks at what is installed and imports nothing, so it can be made before a client is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from itertools import takewhile
from typing import final

from stablehttp._errors import MissingExtraError


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPackage:
    """A distribution that an adapter needs, from version `lowest` to below `below`; `extra` installs it."""

    name: str
    lowest: tuple[int, ...]
    below: tuple[int, ...]
    extra: str

    def check(self) -> None:
        """Make sure that the package is installed, in a version that is known.

        Raises:
            MissingExtraError: it is not; `problem` says which.
        """
        problem = self.problem()
        if problem is not None:
            raise MissingExtraError(f"{problem}; run: pip install '{self._to_install}'", extra=self.extra)

    def problem(self) -> str | None:
        """What is wrong with what is installed, in words; None if it will do."""
        try:
            installed = metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return f"{self.name} is not installed"
        if self.lowest <= _numbers(installed) < self.below:
            return None
        lowest, below = (".".join(map(str, numbers)) for numbers in (self.lowest, self.below))
        return f"{self.name} {installed} is installed, and this adapter works from {lowest} to below {below}"

    @property
    def _to_install(self) -> str:
        return f"stablehttp[{self.extra}]" if self.extra else "stablehttp"


def _numbers(version: str) -> tuple[int, ...]:
    """The leading numbers of a version; a pre-release counts as the version that it precedes."""
    found: list[int] = []
    for part in version.split(".")[:3]:
        digits = "".join(takewhile(str.isdecimal, part))
        if not digits:
            break
        found.append(int(digits))
    return tuple(found)
