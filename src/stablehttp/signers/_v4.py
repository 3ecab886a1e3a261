"""What all signatures of the V4 family share: AWS4, its asymmetric sister, and GOOG4.

Floor 2: stands on canonical forms, rules and errors.

The family has one shape: a request is read into its canonical request, whose hash stands in the
string to sign, which a key made for one day signs.  Members differ in a `Dialect` (what things are
called) and a `SigningDay` (scope and key).  Where the signature goes, into a field or into the
query, is the matter of `_v4_field` and `_v4_query`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, NamedTuple, final

from stablehttp._errors import SigningError
from stablehttp.signers._canonical_fields import UNSIGNED_FIELDS, canonical_fields, merge_fields
from stablehttp.signers._canonical_target import canonical_path, split_target
from stablehttp.signers._clock import timestamp
from stablehttp.signers._signing_rules import SigningRules
from stablehttp.signers._signing_trace import SigningTrace

_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_DIGITS: Final = 64
_PORT = re.compile(r":[0-9]*\Z").sub
_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What one member of the family calls things.

    `date`, `content` and `token` are field names; `prefix` begins the names of query parameters.
    `extra` are more fields or parameters with their values; `host` is how much of `Host` is signed.
    """

    name: str
    algorithm: str
    prefix: str
    date: str
    content: str
    token: str
    extra: tuple[tuple[str, str], ...] = ()
    host: Literal["with-port", "without-port"] = "with-port"


@final
@dataclass(frozen=True, slots=True)
class SigningDay:
    """What holds from midnight to midnight UTC: the scope, the credential in it, and the key."""

    date: str
    scope: str
    credential: str
    sign: Callable[[bytes], str]


class Reading(NamedTuple):
    """What was read from a request; a tuple, because one is made for every signature."""

    canonical_request: str
    string_to_sign: str
    when: str
    day: SigningDay
    names: str
    content: str
    lines: list[tuple[str, str]]

    def sign(self) -> str:
        return self.day.sign(self.string_to_sign.encode())

    def covered(self) -> frozenset[str]:
        return _covered_by(self.names, len(self.content) == _DIGITS)


class V4Form(ABC):
    """The reading of requests by one dialect and one set of rules, for one holder of credentials.

    A base of signers; it holds what does not change between two requests, and the current day.
    """

    __slots__ = (
        *("_dialect", "_rules", "_make_day", "_today", "_stale", "_left_out"),
        *("_announced", "_content_name", "_content_word"),
    )

    def __init__(self, dialect: Dialect, rules: SigningRules, make_day: Callable[[str], SigningDay]) -> None:
        if rules.token_field is not None:
            dialect = replace(dialect, token=rules.token_field)
        self._dialect = dialect
        self._rules = rules
        self._make_day = make_day
        self._today: SigningDay | None = None
        self._announced = rules.content_field == "sent"
        self._content_name = dialect.content.lower()
        self._content_word = _content_word(dialect, rules)
        stale = ["Authorization", dialect.date, dialect.token, *(name for name, _ in dialect.extra)]
        if rules.content != "as-field":
            stale.append(dialect.content)
        self._stale = tuple(name.lower() for name in stale)
        self._left_out = (UNSIGNED_FIELDS - rules.also_sign) | rules.never_sign | frozenset(self._stale)

    @property
    def name(self) -> str:
        """What this signer is called in messages."""
        return self._dialect.name

    @property
    def content_digest(self) -> str | None:
        """The digest of the content that `sign` needs: `sha256`, or None if the rules do without."""
        return "sha256" if self._rules.content == "digest" else None

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
        """Give the canonical request and the string to sign that `sign` uses for the same arguments.

        Raises:
            SigningError: what was given cannot be signed.
        """
        reading = self._read(method, origin, target, fields, content_digest, now)
        return SigningTrace(reading.canonical_request, reading.string_to_sign)

    @abstractmethod
    def _own_lines(self, when: str) -> list[tuple[str, str]]:
        """Give the lines that this signer adds and signs, that of the content apart."""

    @abstractmethod
    def _canonical_query(self, query: str, when: str, credential: str, names: str) -> str:
        """Give the query as it is signed."""

    def _read(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        content_digest: str | None,
        now: datetime,
    ) -> Reading:
        when = timestamp(now)
        day = self._day(when[:8])
        merged = merge_fields(fields, self._left_out)
        content = self._content(merged, content_digest)
        lines = self._own_lines(when)
        if self._announced and self._content_name not in merged:
            lines.append((self._dialect.content, content))
        for name, value in lines:
            merged[name.lower()] = value
        self._set_host(merged, origin)
        block, names = canonical_fields(merged)
        path, query = split_target(target)
        path = canonical_path(path, self._rules.path_encoding, self._rules.path_segments)
        query = self._canonical_query(query, when, day.credential, names)
        canonical_request = f"{method}\n{path}\n{query}\n{block}\n{names}\n{content}"
        to_sign = f"{self._dialect.algorithm}\n{when}\n{day.scope}\n{_digest(canonical_request)}"
        return Reading(canonical_request, to_sign, when, day, names, content, lines)

    def _day(self, date: str) -> SigningDay:
        today = self._today
        if today is None or today.date != date:
            today = self._today = self._make_day(date)
        return today

    def _content(self, merged: dict[str, str], digest: str | None) -> str:
        if self._content_word is not None:
            return self._content_word
        if self._rules.content == "as-field":
            return merged.get(self._content_name, _UNSIGNED).strip()
        if digest is None or not _SHA256(digest):
            raise _digest_error(self.name, digest)
        return digest

    def _set_host(self, merged: dict[str, str], origin: str) -> None:
        if "host" not in merged:
            merged["host"] = host_of(origin)
        if self._dialect.host == "without-port":
            merged["host"] = _PORT("", merged["host"])


def checked_scope(**parts: str) -> None:
    """Refuse a region or a service that would not stay one part of the scope."""
    for name, value in parts.items():
        if not value or not value.isascii() or not value.isprintable() or set(value) & set("/ ,"):
            raise SigningError(f"{name} {value!r} cannot stand in a credential scope; give a plain name, as us-east-1")


def host_of(origin: str) -> str:
    """Give what `Host` holds for an origin: neither userinfo nor a default port."""
    scheme, _, rest = origin.partition("://")
    authority = rest.partition("/")[0].rpartition("@")[2]
    return authority.removesuffix({"http": ":80", "https": ":443"}.get(scheme.lower(), "\n"))


def _digest(canonical_request: str) -> str:
    try:
        return sha256(canonical_request.encode("latin-1")).hexdigest()
    except UnicodeEncodeError:
        raise SigningError(
            "a field to sign holds a character that is no octet; give octets beyond ASCII as Latin-1 text"
        ) from None


@lru_cache(maxsize=256)
def _covered_by(names: str, content: bool) -> frozenset[str]:
    derived = ["@method", "@authority", "@request-target", *(["@content"] if content else [])]
    return frozenset([*names.split(";"), *derived])


def _content_word(dialect: Dialect, rules: SigningRules) -> str | None:
    match rules.content:
        case "digest" | "as-field":
            return None
        case "unsigned":
            return _UNSIGNED
        case "signed-chunks":
            return f"STREAMING-{dialect.algorithm}-PAYLOAD"
        case "signed-chunks-and-trailer":
            return f"STREAMING-{dialect.algorithm}-PAYLOAD-TRAILER"
        case "unsigned-chunks-and-trailer":
            return "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        case "events":
            return f"STREAMING-{dialect.algorithm}-EVENTS"


def _digest_error(name: str, digest: str | None) -> SigningError:
    if digest is None:
        return SigningError(
            f"{name} signs the digest of the content, and this content has none beforehand; give content_digest, "
            "send content that can be read twice, or choose rules with content='unsigned'"
        )
    return SigningError(f"content_digest is no SHA-256; {name} needs it as 64 lower-case hexadecimal digits")
