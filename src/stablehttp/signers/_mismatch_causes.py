"""Why two canonical forms may differ, told from the difference.

Floor 2: stands on canonical forms.

One table for each part: the first test that holds for our form and theirs gives the sentence, and the
last sentence of a table is for when none does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, TypeAlias, final
from urllib.parse import quote, unquote

from stablehttp.signers._canonical_target import canonical_query, without_dots

Test: TypeAlias = Callable[[str, str], bool]

_EMPTY: Final = sha256(b"").hexdigest()


@final
@dataclass(frozen=True, slots=True)
class Causes:
    """The causes of one part: tests with their sentences, and what to say otherwise."""

    tests: Sequence[tuple[Test, str]]
    otherwise: str

    def find(self, ours: str, theirs: str) -> str:
        """Give the likely cause of this difference."""
        return next((cause for test, cause in self.tests if test(ours, theirs)), self.otherwise)


def _encoded(path: str) -> str:
    return quote(path, safe="/~")


def _decoded(text: str) -> str:
    while text != (text := unquote(text)):
        pass
    return text


def _same_decoded(ours: str, theirs: str) -> bool:
    return _decoded(ours) == _decoded(theirs)


PATH_CAUSES: Final = Causes(
    [
        (
            lambda ours, theirs: _encoded(ours) == theirs,
            "the service encodes the path once more; sign by rules with path_encoding='twice'",
        ),
        (
            lambda ours, theirs: _encoded(theirs) == ours,
            "the service encodes the path only once, as S3 does; sign by S3_RULES",
        ),
        (
            lambda ours, theirs: without_dots(ours) == theirs,
            "dots or doubled slashes were resolved on the way, or by a service that wants path_segments='normalized'",
        ),
        (
            lambda ours, theirs: without_dots(theirs) == ours,
            "the service keeps dots and doubled slashes, as S3 does; sign by rules with path_segments='as-sent'",
        ),
        (_same_decoded, "the same path in another spelling: something encoded the target again after signing"),
    ],
    "another path arrived than was signed: a proxy or an interceptor rewrote it",
)

QUERY_CAUSES: Final = Causes(
    [
        (
            lambda ours, theirs: canonical_query(theirs) == ours,
            "the service does not sort or encode as it should; send the parameters sorted and encoded",
        ),
        (
            lambda ours, theirs: ours.replace("%20", "%2B") == theirs.replace("%20", "%2B"),
            "one side only reads a raw plus as a space; send a space as %20 and a plus as %2B",
        ),
        (_same_decoded, "the same query in another spelling: something encoded it again after signing"),
    ],
    "other parameters arrived than were signed",
)

FIELD_CAUSES: Final = Causes(
    [
        (
            lambda ours, theirs: "".join(ours.split()) == "".join(theirs.split()),
            "only whitespace differs: trim the value, and put single spaces into it",
        ),
        (
            lambda ours, theirs: sorted(ours.split(",")) == sorted(theirs.split(",")),
            "the lines of this name arrived in another order",
        ),
        (
            lambda ours, theirs: set(theirs.split(",")) < set(ours.split(",")),
            "only some of the lines of this name arrived: the client or a proxy keeps one line a name",
        ),
    ],
    "the value changed after signing: look at interceptors, at the defaults of the client, and at proxies",
)

CONTENT_CAUSES: Final = Causes(
    [
        (
            lambda ours, theirs: len(ours) == len(theirs) and theirs == _EMPTY,
            "no content arrived, though some was signed: it had been read before, or the method sends none",
        ),
        (
            lambda ours, theirs: len(ours) == len(theirs) and ours == _EMPTY,
            "no content was signed, though some arrived: give the digest of what is really sent",
        ),
        (
            lambda ours, theirs: len(ours) == len(theirs),
            "other content arrived than the digest was made of: it was encoded or changed after signing",
        ),
    ],
    "the two sides do not agree on how the content is signed: choose the rules that the service wants",
)
