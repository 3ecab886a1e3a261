"""The differences between two canonical requests, part by part, each with its likely cause.

Floor 2: stands on canonical forms, causes and redaction.

Secrets are masked: a field or parameter known as one is shown by its length only, or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, final
from urllib.parse import unquote

from stablehttp._redaction import is_secret_field, redact_query, shorten
from stablehttp.signers._canonical_fields import UNSIGNED_FIELDS
from stablehttp.signers._mismatch_causes import CONTENT_CAUSES, FIELD_CAUSES, PATH_CAUSES, QUERY_CAUSES


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """One part in which the two sides differ, as each has it (secrets masked), and the likely cause."""

    part: str
    ours: str
    theirs: str
    cause: str

    def __str__(self) -> str:
        return f"{self.part}\n  ours:   {self.ours}\n  theirs: {self.theirs}\n  {self.cause}"


class CanonicalRequest(NamedTuple):
    """A canonical request taken apart."""

    method: str
    path: str
    query: str
    fields: dict[str, str]
    names: str
    content: str


def take_apart(text: str) -> CanonicalRequest | None:
    """Take a canonical request apart, or give None if it has not that shape."""
    lines = text.split("\n")
    if len(lines) < 6 or lines[-3] or not all(":" in line for line in lines[3:-3]):
        return None
    fields = {name: value for name, _, value in (line.partition(":") for line in lines[3:-3])}
    return CanonicalRequest(lines[0], lines[1], lines[2], fields, lines[-2], lines[-1])


def compare_requests(ours: str, theirs: str, hidden: frozenset[str]) -> Iterator[Difference]:
    """Give every difference between two canonical requests; `hidden` are names of more secret fields."""
    a, b = take_apart(ours), take_apart(theirs)
    if a is None or b is None:
        if ours != theirs:
            yield Difference("the whole", _count(ours), _count(theirs), "one of the two is no canonical request")
        return
    if a.method != b.method:
        yield Difference("method", a.method, b.method, "the method changed after signing, as a redirect may do")
    if a.path != b.path:
        yield Difference("path", shorten(a.path), shorten(b.path), PATH_CAUSES.find(a.path, b.path))
    if a.query != b.query:
        yield _query_difference(a.query, b.query)
    yield from _field_differences(a.fields, b.fields, hidden)
    if a.fields.keys() == b.fields.keys() and a.names != b.names:
        yield Difference("signed names", shorten(a.names), shorten(b.names), "Authorization changed after signing")
    if a.content != b.content:
        yield Difference("content", a.content, b.content, CONTENT_CAUSES.find(a.content, b.content))


def _query_difference(ours: str, theirs: str) -> Difference:
    cause = QUERY_CAUSES.find(ours, theirs)
    if cause == QUERY_CAUSES.otherwise:
        a, b = Counter(ours.split("&")), Counter(theirs.split("&"))
        cause += f"; only ours: {_parameter_names(a - b)}; only theirs: {_parameter_names(b - a)}"
    return Difference("query", shorten(redact_query(ours)), shorten(redact_query(theirs)), cause)


def _parameter_names(pairs: Counter[str]) -> str:
    return ", ".join([unquote(pair.partition("=")[0]) for pair in pairs.elements()]) or "none"


def _field_differences(ours: dict[str, str], theirs: dict[str, str], hidden: frozenset[str]) -> Iterator[Difference]:
    for name in sorted(ours.keys() | theirs.keys()):
        a, b = ours.get(name), theirs.get(name)
        if a == b or (a is not None and b is not None and _same_octets(a, b)):
            continue
        cause = _field_cause(name, a, b)
        yield Difference(f"field {name!r}", _show(name, a, hidden), _show(name, b, hidden), cause)


def _field_cause(name: str, ours: str | None, theirs: str | None) -> str:
    if not theirs:
        return "it was signed and did not arrive: the client, an interceptor or a proxy dropped it"
    if ours is None:
        return "the service counts it as signed and we did not sign it: Authorization changed after signing"
    if name == "host":
        return "another host or port arrived: set the Host field to what the service is addressed by, before signing"
    if name in UNSIGNED_FIELDS:
        return "this field may change on its way; take it out of also_sign"
    return FIELD_CAUSES.find(ours, theirs)


def _same_octets(ours: str, theirs: str) -> bool:
    try:
        return ours.encode("latin-1").decode("utf-8") == theirs
    except UnicodeError:
        return False


def _show(name: str, value: str | None, hidden: frozenset[str]) -> str:
    if value is None:
        return "absent"
    if name in hidden or is_secret_field(name):
        return f"hidden, {len(value)} characters"
    return repr(shorten(value))


def _count(text: str) -> str:
    return f"{text.count(chr(10)) + 1} lines"
