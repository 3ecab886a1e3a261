"""Signing with the `Authorization` field, for the whole V4 family.

Floor 2: stands on `_v4` and canonical forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from stablehttp.signers._canonical_target import canonical_query
from stablehttp.signers._protocol import SigningChanges
from stablehttp.signers._signing_rules import SigningRules
from stablehttp.signers._v4 import Dialect, SigningDay, V4Form


class V4FieldSigner(V4Form):
    """Sets `Authorization`, and the date, token and content fields that belong to it."""

    __slots__ = ("_late_lines", "_lines")

    def __init__(
        self, dialect: Dialect, rules: SigningRules, token: str | None, make_day: Callable[[str], SigningDay]
    ) -> None:
        super().__init__(dialect, rules, make_day)
        self._announced |= rules.content not in ("digest", "as-field")
        token_lines = ((self._dialect.token, token),) if token else ()
        signed_token = rules.session_token == "signed"
        self._lines = dialect.extra + (token_lines if signed_token else ())
        self._late_lines = () if signed_token else token_lines

    def sign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningChanges:
        """Sign these strings; what an earlier signing left among the fields is ignored, and replaced.

        Raises:
            SigningError: what was given cannot be signed.
        """
        reading = self._read(method, origin, target, fields, content_digest, now)
        signature = reading.sign()
        authorization = (
            f"{self._dialect.algorithm} Credential={reading.day.credential}, "
            f"SignedHeaders={reading.names}, Signature={signature}"
        )
        return SigningChanges(
            remove=self._stale,
            set=(*reading.lines, *self._late_lines, ("Authorization", authorization)),
            covered=reading.covered(),
            signature=signature,
        )

    def _own_lines(self, when: str) -> list[tuple[str, str]]:
        return [(self._dialect.date, when), *self._lines]

    def _canonical_query(self, query: str, when: str, credential: str, names: str) -> str:
        return canonical_query(query)
