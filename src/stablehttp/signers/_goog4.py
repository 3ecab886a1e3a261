"""Google Cloud Storage V4 signatures, with an HMAC key or with the RSA key of a service account.

Floor 2: stands on the V4 family, keys and credentials.

The same shape as AWS's with other words, one own rule apart: a port is left out of the signed host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Final, TypeAlias, final

from stablehttp._errors import SigningError
from stablehttp.signers._credentials import Credentials
from stablehttp.signers._private_key import Sign, rsa_from_pem
from stablehttp.signers._signing_key import SHARED_KEYS, SigningKeyCache
from stablehttp.signers._signing_rules import S3_QUERY_RULES, S3_RULES, SigningRules
from stablehttp.signers._v4 import Dialect, SigningDay, checked_scope
from stablehttp.signers._v4_field import V4FieldSigner
from stablehttp.signers._v4_query import V4QuerySigner

_TERMINATOR: Final = "goog4_request"
_SERVICE: Final = "storage"


@final
@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A service account by its e-mail address, and its RSA private key as PEM, which `repr` hides."""

    email: str
    private_key: bytes = field(repr=False)


GoogleCredentials: TypeAlias = Credentials | ServiceAccount
"""Who signs: an HMAC key, its access id first, or a service account."""


@final
class GOOG4Signer(V4FieldSigner):
    """Signs requests to Cloud Storage in `Authorization`."""

    __slots__ = ("_who",)

    def __init__(
        self,
        credentials: GoogleCredentials,
        *,
        region: str = "auto",
        rules: SigningRules = S3_RULES,
        keys: SigningKeyCache = SHARED_KEYS,
    ) -> None:
        super().__init__(_dialect(credentials), rules, None, _days(credentials, region, keys))
        self._who = _who(credentials)

    def __repr__(self) -> str:
        return f"<GOOG4Signer for {self._who}>"


@final
class GOOG4QuerySigner(V4QuerySigner):
    """Presigns requests to Cloud Storage; `expires` counts seconds from `now`, a week is the most."""

    __slots__ = ("_who",)

    def __init__(
        self,
        credentials: GoogleCredentials,
        *,
        expires: int,
        region: str = "auto",
        rules: SigningRules = S3_QUERY_RULES,
        keys: SigningKeyCache = SHARED_KEYS,
    ) -> None:
        super().__init__(_dialect(credentials), rules, None, _days(credentials, region, keys), expires)
        self._who = _who(credentials)

    def __repr__(self) -> str:
        return f"<GOOG4QuerySigner for {self._who}>"


def _who(credentials: GoogleCredentials) -> str:
    match credentials:
        case Credentials():
            return credentials.access_key_id
        case ServiceAccount():
            return credentials.email


def _dialect(credentials: GoogleCredentials) -> Dialect:
    if isinstance(credentials, Credentials) and credentials.session_token is not None:
        raise SigningError("GOOG4 has no session tokens; give an HMAC key without one, or a service account")
    return Dialect(
        name="GOOG4",
        algorithm="GOOG4-HMAC-SHA256" if isinstance(credentials, Credentials) else "GOOG4-RSA-SHA256",
        prefix="X-Goog-",
        date="X-Goog-Date",
        content="X-Goog-Content-SHA256",
        token="X-Goog-Security-Token",
        host="without-port",
    )


def _days(credentials: GoogleCredentials, region: str, keys: SigningKeyCache) -> Callable[[str], SigningDay]:
    checked_scope(region=region)
    who = _who(credentials)

    @cache
    def rsa_key(pem: bytes) -> Sign:
        return rsa_from_pem(pem, "v1_5-sha256")

    def make_day(date: str) -> SigningDay:
        scope = f"{date}/{region}/{_SERVICE}/{_TERMINATOR}"
        match credentials:
            case Credentials():
                key = keys.key("GOOG4", credentials.secret_access_key, date, region, _SERVICE, _TERMINATOR)
                return SigningDay(date, scope, f"{who}/{scope}", key.sign)
            case ServiceAccount():
                pem = credentials.private_key
                return SigningDay(date, scope, f"{who}/{scope}", lambda message: rsa_key(pem)(message).hex())

    return make_day
