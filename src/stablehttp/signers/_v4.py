"""What all signatures of the V4 family share: AWS4, its asymmetric sister, and GOOG4.

Floor 2: stands on canonical forms, rules and errors.

The family has one shape: a request is read into its canonical request, whose hash stands in the
string to sign, which a key made for one day signs.  Members differ in a `Dialect` (what things are
called) and a `SigningDay` (scope and key).  Where the signature goes, into a field or into the
query, is the matter of `_v4_field` and `_v4_query`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal, NamedTuple, final

from stablehttp._errors import SigningError
from stablehttp.signers._canonical_fields import UNSIGNED_FIELDS
from stablehttp.signers._signing_rules import SigningRules

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


class Reading(NamedTuple):
    """What was read from a request; a tuple, because one is made for every signature."""

    canonical_request: str
    string_to_sign: str
    day: SigningDay
    names: str
    content: str
    lines: Sequence[tuple[str, str]]

    def trace(self) -> SigningTrace:
        return SigningTrace(self.canonical_request, self.string_to_sign)

    def sign(self) -> str:
        return self.day.sign(self.string_to_sign.encode())

    def covered(self) -> frozenset[str]:
        return _covered_by(self.names, len(self.content) == _DIGITS)


class V4Form:
    """The reading of requests by one dialect and one set of rules, for one holder of credentials.

    A base of signers; it holds what does not change between two requests, and the current day.
    """

    __slots__ = ("_content_word", "_dialect", "_left_out", "_make_day", "_rules", "_stale", "_today")

    def __init__(self, dialect: Dialect, rules: SigningRules, make_day: Callable[[str], SigningDay]) -> None:
        if rules.token_field is not None:
            dialect = replace(dialect, token=rules.token_field)
        self._dialect = dialect
        self._rules = rules
        self._make_day = make_day
        self._today: SigningDay | None = None
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

    def _day(self, date: str) -> SigningDay:
        today = self._today
        if today is None or today.date != date:
            today = self._today = self._make_day(date)
        return today

    def _content(self, merged: dict[str, str], digest: str | None) -> str:
        if self._content_word is not None:
            return self._content_word
        if self._rules.content == "as-field":
            return merged.get(self._dialect.content.lower(), _UNSIGNED).strip()
        if digest is None or not _SHA256(digest):
            raise _digest_error(self.name, digest)
        return digest

    def _set_host(self, merged: dict[str, str], origin: str) -> None:
        if "host" not in merged:
            merged["host"] = host_of(origin)
        if self._dialect.host == "without-port":
            merged["host"] = _PORT("", merged["host"])

    def _string_to_sign(self, when: str, scope: str, canonical_request: str) -> str:
        try:
            digest = sha256(canonical_request.encode("latin-1")).hexdigest()
        except UnicodeEncodeError:
            raise SigningError(
                "a field to sign holds a character that is no octet; give octets beyond ASCII as Latin-1 text"
            ) from None
        return f"{self._dialect.algorithm}\n{when}\n{scope}\n{digest}"


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
