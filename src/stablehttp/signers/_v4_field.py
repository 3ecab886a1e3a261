"""Signing with the `Authorization` field, for the whole V4 family.

Floor 2: stands on `_v4` and canonical forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from stablehttp.signers._canonical_fields import canonical_fields, merge_fields
from stablehttp.signers._canonical_target import canonical_path, canonical_query, split_target
from stablehttp.signers._clock import timestamp
from stablehttp.signers._protocol import SigningChanges
from stablehttp.signers._signing_rules import SigningRules
from stablehttp.signers._v4 import Dialect, Reading, SigningDay, SigningTrace, V4Form


class V4FieldSigner(V4Form):
    """Sets `Authorization`, and the date, token and content fields that belong to it."""

    __slots__ = ("_announced", "_late_lines", "_lines")

    def __init__(
        self, dialect: Dialect, rules: SigningRules, token: str | None, make_day: Callable[[str], SigningDay]
    ) -> None:
        super().__init__(dialect, rules, make_day)
        token_lines = ((self._dialect.token, token),) if token else ()
        signed_token = rules.session_token == "signed"
        self._lines = dialect.extra + (token_lines if signed_token else ())
        self._late_lines = () if signed_token else token_lines
        self._announced = rules.content_field == "sent" or rules.content not in ("digest", "as-field")

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

    def trace(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningTrace:
        """Give the canonical request and the string to sign that `sign` uses for the same arguments."""
        return self._read(method, origin, target, fields, content_digest, now).trace()

    def _read(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        content_digest: str | None,
        now: datetime,
    ) -> Reading:
        rules, dialect = self._rules, self._dialect
        when = timestamp(now)
        day = self._day(when[:8])
        merged = merge_fields(fields, self._left_out)
        content = self._content(merged, content_digest)
        lines = [(dialect.date, when), *self._lines]
        if self._announced:
            lines.append((dialect.content, content))
        for name, value in lines:
            merged[name.lower()] = value
        self._set_host(merged, origin)
        path, query = split_target(target)
        block, names = canonical_fields(merged)
        canonical_request = (
            f"{method}\n{canonical_path(path, rules.path_encoding, rules.path_segments)}\n{canonical_query(query)}\n"
            f"{block}\n{names}\n{content}"
        )
        to_sign = self._string_to_sign(when, day.scope, canonical_request)
        return Reading(canonical_request, to_sign, day, names, content, lines)
