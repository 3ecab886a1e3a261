"""Resolving URI references on raw text (RFC 3986 §5.2), and the parts of a reference.

Floor 1: stands on nothing.

No library does this without re-encoding what it is given, so it stands here: nothing is decoded,
encoded or folded, only cut and joined.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SPLIT = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL
).fullmatch


class Reference(NamedTuple):
    """The five parts of RFC 3986 appendix B; None where a part is absent, which differs from empty."""

    scheme: str | None
    authority: str | None
    path: str
    query: str | None
    fragment: str | None

    def __str__(self) -> str:
        """The parts put together again (RFC 3986 §5.3)."""
        scheme = "" if self.scheme is None else f"{self.scheme}:"
        authority = "" if self.authority is None else f"//{self.authority}"
        query = "" if self.query is None else f"?{self.query}"
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{scheme}{authority}{self.path}{query}{fragment}"


def split_reference(text: str) -> Reference:
    """Cut `text` into its parts; every text can be cut, whether it is a valid reference or not."""
    found = _SPLIT(text)
    assert found is not None
    scheme, authority, path, query, fragment = found.groups()
    return Reference(scheme, authority, path or "", query, fragment)


def resolve(base: Reference, reference: Reference) -> Reference:
    """The target of `reference` as seen from `base` (RFC 3986 §5.2.2, strictly)."""
    if reference.scheme is not None:
        return reference._replace(path=remove_dot_segments(reference.path))
    if reference.authority is not None:
        return reference._replace(scheme=base.scheme, path=remove_dot_segments(reference.path))
    if not reference.path:
        query = base.query if reference.query is None else reference.query
        return base._replace(query=query, fragment=reference.fragment)
    path = reference.path if reference.path.startswith("/") else _merge(base, reference.path)
    return base._replace(path=remove_dot_segments(path), query=reference.query, fragment=reference.fragment)


def _merge(base: Reference, path: str) -> str:
    if base.authority is not None and not base.path:
        return f"/{path}"
    return base.path[: base.path.rfind("/") + 1] + path


def remove_dot_segments(path: str) -> str:
    """`path` without its `.` and `..` segments (RFC 3986 §5.2.4); encoded dots are left alone."""
    if "." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1 or (kept and kept[0]):
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    text = "/".join(kept)
    return f"/{text}" if path.startswith("/") and not text.startswith("/") else text
