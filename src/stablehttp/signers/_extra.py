"""Packages that only some signatures need.

Floor 2: stands on errors.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from stablehttp._errors import MissingExtraError


@contextmanager
def needs_extra(what: str) -> Generator[None]:
    """Say which extra to install if a package imported inside is not there."""
    try:
        yield
    except ImportError as error:
        package = (error.name or "a package").partition(".")[0]
        raise MissingExtraError(
            f"{what} needs {package}, which is not installed; install stablehttp[signing]", extra="signing"
        ) from error
