"""The strings that a signature stands on, as a value.

Floor 2: stands on nothing but the standard library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class SigningTrace:
    """The two strings that a signature stands on, and that a service quotes when it disagrees.

    They hold whatever was signed, a session token included, so `repr` shows neither.
    """

    canonical_request: str
    string_to_sign: str

    def __repr__(self) -> str:
        return f"<SigningTrace of {len(self.canonical_request.splitlines())} lines>"
