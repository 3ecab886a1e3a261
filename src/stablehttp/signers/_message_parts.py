"""A message as the strings that a signature may cover (RFC 9421 §2).

Floor 2: stands on redaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

from stablehttp._redaction import show_uri

FieldLines: TypeAlias = Sequence[tuple[str, str]]
"""Field lines in order, values as octets read as Latin-1."""


@final
@dataclass(frozen=True, slots=True)
class RequestParts:
    """A request: `origin` is scheme and authority, `target` what stands on the request line."""

    method: str
    origin: str
    target: str
    fields: FieldLines = ()
    trailers: FieldLines = ()

    def __repr__(self) -> str:
        return f"<RequestParts {self.method} {show_uri(self.origin)}, {len(self.fields)} fields>"


@final
@dataclass(frozen=True, slots=True)
class ResponseParts:
    """A response, and the request that it answers where components of that are covered too."""

    status: int
    fields: FieldLines = ()
    trailers: FieldLines = ()
    request: RequestParts | None = None

    def __repr__(self) -> str:
        return f"<ResponseParts {self.status}, {len(self.fields)} fields>"


MessageParts: TypeAlias = RequestParts | ResponseParts
"""What a signature base is made from."""
