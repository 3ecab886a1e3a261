"""Why a service did not agree with a signature.

Floor 2: stands on canonical forms and redaction.

Both sides make a canonical request, and the service quotes its own.  Where the two differ, something
changed between signing and the service, or both follow different rules; which of the two, and what
to do, can often be told from the difference.  Secrets are masked: a field or parameter known as one
is shown by its length only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, final

from stablehttp.signers._mismatch_request import Difference, compare_requests
from stablehttp.signers._quoted_forms import quoted_forms
from stablehttp.signers._signing_trace import SigningTrace

_NOTHING_QUOTED: Final = (
    "the service quotes neither a canonical request nor a string to sign, so nothing can be compared; "
    "check the secret access key, the region, the service and the clock first"
)
_SAME: Final = (
    "both sides read the same request and string to sign, so the keys differ: "
    "the secret access key is not the one that belongs to this access key id"
)
_SAME_REQUEST: Final = (
    "both sides read the same request, so the string to sign or the key differs: "
    "check the region, the service, the clock and the secret access key"
)
_SCOPE: Final = ("date", "region", "service", "terminator")


@final
@dataclass(frozen=True, slots=True)
class Mismatch:
    """All differences between two canonical forms, and a sentence that sums up; `str` gives a report."""

    summary: str
    differences: tuple[Difference, ...] = ()

    def __str__(self) -> str:
        return "\n\n".join([self.summary, *map(str, self.differences)])


def explain_mismatch(ours: SigningTrace, theirs: str | bytes, *, secret_fields: Iterable[str] = ()) -> Mismatch:
    """Compare our strings with what a service quotes in its error, and say why it may not agree.

    `theirs` is the body of the error, the message in it, or one of the strings alone.  Fields known
    to hold secrets are masked; `secret_fields` names more of them.
    """
    text = theirs.decode("utf-8", "replace") if isinstance(theirs, bytes) else theirs
    forms = quoted_forms(text)
    if forms.canonical_request is None and forms.string_to_sign is None:
        return Mismatch(_NOTHING_QUOTED)
    hidden = frozenset(name.lower() for name in secret_fields)
    differences: list[Difference] = []
    if forms.canonical_request is not None:
        differences += compare_requests(ours.canonical_request, forms.canonical_request, hidden)
    if forms.string_to_sign is not None:
        differences += _compare_strings_to_sign(
            ours.string_to_sign, forms.string_to_sign, forms.canonical_request is not None
        )
    if not differences:
        return Mismatch(_SAME if forms.string_to_sign is not None else _SAME_REQUEST)
    parts = ", ".join(difference.part for difference in differences)
    return Mismatch(f"the service read another request than was signed; it differs in: {parts}", tuple(differences))


def _compare_strings_to_sign(ours: str, theirs: str, request_compared: bool) -> Iterator[Difference]:
    a, b = ours.split("\n"), theirs.split("\n")
    if len(a) != len(b) or len(a) != 4:
        yield Difference("string to sign", f"{len(a)} lines", f"{len(b)} lines", "this is of another kind of signature")
        return
    if a[0] != b[0]:
        yield Difference("algorithm", a[0], b[0], "the service expects another signer")
    if a[1] != b[1]:
        yield Difference("date", a[1], b[1], "the service took the time from another field, or that field changed")
    if a[2] != b[2]:
        yield Difference("scope", a[2], b[2], _scope_cause(a[2].split("/"), b[2].split("/")))
    if a[3] != b[3] and not request_compared:
        yield Difference(
            "canonical request",
            f"hash {a[3][:8]}…",
            f"hash {b[3][:8]}…",
            "the service read another request, and does not quote it; compare what was signed with what was sent",
        )


def _scope_cause(ours: list[str], theirs: list[str]) -> str:
    if len(ours) != len(theirs) or len(ours) != len(_SCOPE):
        return "the service expects a credential of another shape"
    names = [name for name, a, b in zip(_SCOPE, ours, theirs, strict=True) if a != b]
    return f"make the signer for the {' and '.join(names)} that the service names"
