"""Versions of the HTTP protocol.

Floor 1: stands on errors.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, final

from stablehttp._errors import InvalidMessageError


@final
class HttpVersion(Enum):
    """A protocol version, ordered by age; never a string, so that no text can smuggle itself into a request line.

    HTTP/1.0 can only be met in a response: no request is sent with it, and `parse` refuses it.
    """

    HTTP_1_0 = "HTTP/1.0"
    HTTP_1_1 = "HTTP/1.1"
    HTTP_2 = "HTTP/2"

    if not TYPE_CHECKING:
        __hash__ = object.__hash__  # each member is one object, and the hash of Enum is a call into Python

    @classmethod
    def parse(cls, text: str) -> HttpVersion:
        """Read one of the usual spellings: `HTTP/1.1`, `http/1.1`, `HTTP/2`, `HTTP/2.0`, `h2`, `h2c`.

        Raises:
            InvalidMessageError: no version that a request can be sent with is spelled like this.
        """
        version = _SPELLINGS.get(text.lower()) if isinstance(text, str) else None
        if version is None:
            raise InvalidMessageError(
                f"{text!r:.40} is not a protocol version that requests are sent with; "
                "use 'HTTP/1.1', 'http/1.1', 'HTTP/2', 'h2' or 'h2c'"
            )
        return version

    @property
    def alpn(self) -> str:
        """The protocol id that TLS negotiates (RFC 7301 §6, RFC 9113 §3.2)."""
        return "h2" if self is HttpVersion.HTTP_2 else self.value.lower()

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"HttpVersion.{self.name}"

    def __lt__(self, other: object) -> bool:
        return _ORDER[self] < _ORDER[other] if isinstance(other, HttpVersion) else NotImplemented

    def __le__(self, other: object) -> bool:
        return _ORDER[self] <= _ORDER[other] if isinstance(other, HttpVersion) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return _ORDER[self] > _ORDER[other] if isinstance(other, HttpVersion) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return _ORDER[self] >= _ORDER[other] if isinstance(other, HttpVersion) else NotImplemented


_ORDER = {version: place for place, version in enumerate(HttpVersion)}

_SPELLINGS = {
    "http/1.1": HttpVersion.HTTP_1_1,
    "http/2": HttpVersion.HTTP_2,
    "http/2.0": HttpVersion.HTTP_2,
    "h2": HttpVersion.HTTP_2,
    "h2c": HttpVersion.HTTP_2,
}


def _shown(version: object) -> str:
    return repr(version) if isinstance(version, HttpVersion) else type(version).__name__


def checked_versions(versions: Iterable[HttpVersion] | HttpVersion, where: str) -> tuple[HttpVersion, ...]:
    """`versions` as a tuple, each once; `where` names what they belong to.

    Raises:
        InvalidMessageError: one is not a version that requests are sent with.
    """
    given = (versions,) if isinstance(versions, HttpVersion) else tuple(versions)
    for version in given:
        if not isinstance(version, HttpVersion) or version is HttpVersion.HTTP_1_0:
            raise InvalidMessageError(
                f"versions of {where} must be protocol versions that requests are sent with, not {_shown(version)}; "
                "use HttpVersion.HTTP_1_1 or HttpVersion.HTTP_2, or HttpVersion.parse"
            )
    return tuple(dict.fromkeys(given))
