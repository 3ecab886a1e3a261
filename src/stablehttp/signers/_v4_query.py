"""Presigning, for the whole V4 family: the signature goes into the query, and expires.

Floor 2: stands on `_v4` and canonical forms.

Whatever else the query holds keeps its spelling and order; the parameters of the signature follow
it, and those of an earlier signature go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from stablehttp._errors import SigningError
from stablehttp.signers._canonical_target import encoded, join_query, parse_query
from stablehttp.signers._protocol import SigningChanges
from stablehttp.signers._signing_rules import SigningRules
from stablehttp.signers._v4 import Dialect, SigningDay, V4Form

WEEK: Final = 604_800
"""The longest time in seconds for which a service accepts a presigned request."""

_PARAMETERS: Final = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class V4QuerySigner(V4Form):
    """Puts the signature into the query of the target, valid for `expires` seconds from `now` on."""

    __slots__ = ("_expires", "_late_parameters", "_parameters", "_stale_parameters")

    def __init__(
        self,
        dialect: Dialect,
        rules: SigningRules,
        token: str | None,
        make_day: Callable[[str], SigningDay],
        expires: int,
    ) -> None:
        if not 1 <= expires <= WEEK:
            raise SigningError(f"a request cannot be presigned for {expires} seconds; choose 1 to {WEEK} (a week)")
        super().__init__(dialect, rules, make_day)
        self._expires = expires
        dialect = self._dialect
        tokens = ((dialect.token, encoded(token)),) if token else ()
        signed_token = rules.session_token == "signed"
        extra = tuple((name, encoded(value)) for name, value in dialect.extra)
        self._parameters = ((f"{dialect.prefix}Expires", str(expires)), *(tokens if signed_token else ()), *extra)
        self._late_parameters = () if signed_token else tokens
        stale = [f"{dialect.prefix}{name}" for name in _PARAMETERS] + [dialect.token, *(name for name, _ in extra)]
        self._stale_parameters = frozenset(name.lower() for name in stale)

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
        """Sign these strings; what an earlier signing left in fields or query is ignored, and replaced.

        Raises:
            SigningError: what was given cannot be signed.
        """
        reading = self._read(method, origin, target, fields, content_digest, now)
        signature = reading.sign()
        before, _, query = target.partition("?")
        added = [
            *self._signature_parameters(reading.when, reading.day.credential, reading.names),
            (f"{self._dialect.prefix}Signature", signature),
            *self._late_parameters,
        ]
        kept = self._without_signature(query)
        parts = [*([kept] if kept else []), *[f"{name}={value}" for name, value in added]]
        return SigningChanges(
            target=f"{before or '/'}?{'&'.join(parts)}",
            remove=self._stale,
            set=tuple(reading.lines),
            covered=reading.covered(),
            signature=signature,
        )

    def presign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]] = (),
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> str:
        """Give a URL that anyone may use until it expires, with the same method and these fields.

        Raises:
            SigningError: what was given cannot be signed, or the rules set a field, which no URL can carry.
        """
        changes = self.sign(method, origin, target, fields, content_digest=content_digest, now=now)
        if changes.set:
            raise SigningError("these rules send the content field, which no URL can carry; choose others, or use sign")
        return f"{origin}{changes.target}" if target[:1] in "/?" else str(changes.target)

    def _own_lines(self, when: str) -> list[tuple[str, str]]:
        return []

    def _canonical_query(self, query: str, when: str, credential: str, names: str) -> str:
        kept = parse_query(self._without_signature(query))
        return join_query(kept + self._signature_parameters(when, credential, names))

    def _signature_parameters(self, when: str, credential: str, names: str) -> list[tuple[str, str]]:
        prefix = self._dialect.prefix
        return [
            (f"{prefix}Algorithm", self._dialect.algorithm),
            (f"{prefix}Credential", encoded(credential)),
            (f"{prefix}Date", when),
            (f"{prefix}SignedHeaders", encoded(names)),
            *self._parameters,
        ]

    def _without_signature(self, query: str) -> str:
        parts = query.split("&")
        stale = self._stale_parameters
        return "&".join([part for part in parts if unquote(part.partition("=")[0]).lower() not in stale])
