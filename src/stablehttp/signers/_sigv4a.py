"""The asymmetric sister of Signature Version 4: one signature for several regions.

Floor 2: stands on the V4 family, private keys and credentials.

The key is derived from the access key alone, by counting until the outcome is a private number of
the curve (NIST SP 800-108 in counter mode); it does not depend on the day.  Canonical forms need
nothing; the signature needs the extra `signing`.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Final, Self, final

from stablehttp._errors import SigningError
from stablehttp.signers._credentials import Credentials
from stablehttp.signers._private_key import Sign, ecdsa_from_number
from stablehttp.signers._signing_rules import DEFAULT_RULES, S3_QUERY_RULES, S3_RULES, ContentSigning, SigningRules
from stablehttp.signers._v4 import Dialect, SigningDay, checked_scope
from stablehttp.signers._v4_field import V4FieldSigner
from stablehttp.signers._v4_query import V4QuerySigner

_ALGORITHM: Final = "AWS4-ECDSA-P256-SHA256"
_ORDER_MINUS_TWO: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 - 2
_MOST_ATTEMPTS: Final = 254


@final
class SigV4aSigner(V4FieldSigner):
    """Signs in `Authorization` for the regions of `region_set`: names with `*`, joined by commas."""

    __slots__ = ("_credentials", "_region_set", "_service")

    def __init__(
        self, credentials: Credentials, *, region_set: str, service: str, rules: SigningRules = DEFAULT_RULES
    ) -> None:
        super().__init__(_dialect(region_set), rules, credentials.session_token, _days(credentials, service))
        self._credentials, self._region_set, self._service = credentials, region_set, service

    @classmethod
    def for_s3(cls, credentials: Credentials, *, region_set: str, rules: SigningRules = S3_RULES) -> Self:
        """Make a signer for S3, as its access points in several regions need it."""
        return cls(credentials, region_set=region_set, service="s3", rules=rules)

    def with_content(self, content: ContentSigning) -> SigV4aSigner:
        """Give the same signer for content that is announced in another way.

        Chunks themselves it does not sign: how is not published.
        """
        rules = replace(self._rules, content=content)
        return SigV4aSigner(self._credentials, region_set=self._region_set, service=self._service, rules=rules)

    def __repr__(self) -> str:
        return f"<SigV4aSigner for {self._credentials.access_key_id} in {self._service}>"


@final
class SigV4aQuerySigner(V4QuerySigner):
    """Presigns for the regions of `region_set`; `expires` counts seconds from `now`."""

    __slots__ = ("_credentials", "_service")

    def __init__(
        self,
        credentials: Credentials,
        *,
        region_set: str,
        service: str,
        expires: int,
        rules: SigningRules = DEFAULT_RULES,
    ) -> None:
        days = _days(credentials, service)
        super().__init__(_dialect(region_set), rules, credentials.session_token, days, expires)
        self._credentials, self._service = credentials, service

    @classmethod
    def for_s3(
        cls, credentials: Credentials, *, region_set: str, expires: int, rules: SigningRules = S3_QUERY_RULES
    ) -> Self:
        """Make a presigner for S3."""
        return cls(credentials, region_set=region_set, service="s3", expires=expires, rules=rules)

    def __repr__(self) -> str:
        return f"<SigV4aQuerySigner for {self._credentials.access_key_id} in {self._service}>"


def private_number(credentials: Credentials) -> int:
    """Derive the private number of the P-256 key that belongs to an access key.

    Raises:
        SigningError: none of 254 attempts gave one, which no access key was ever seen to do.
    """
    secret = b"AWS4A" + credentials.secret_access_key.encode()
    for counter in range(1, _MOST_ATTEMPTS + 1):
        context = credentials.access_key_id.encode() + bytes([counter])
        message = b"\x00\x00\x00\x01" + _ALGORITHM.encode() + b"\x00" + context + b"\x00\x00\x01\x00"
        candidate = int.from_bytes(hmac.digest(secret, message, "sha256"), "big")
        if candidate <= _ORDER_MINUS_TWO:
            return candidate + 1
    raise SigningError("no key can be derived from this access key; make a new one")


def _dialect(region_set: str) -> Dialect:
    for region in region_set.split(","):
        checked_scope(region_set=region)
    return Dialect(
        name="SigV4a",
        algorithm=_ALGORITHM,
        prefix="X-Amz-",
        date="X-Amz-Date",
        content="X-Amz-Content-Sha256",
        token="X-Amz-Security-Token",
        extra=(("X-Amz-Region-Set", region_set),),
    )


def _days(credentials: Credentials, service: str) -> Callable[[str], SigningDay]:
    checked_scope(service=service)

    @cache
    def key() -> Sign:
        return ecdsa_from_number(private_number(credentials))

    def make_day(date: str) -> SigningDay:
        scope = f"{date}/{service}/aws4_request"
        return SigningDay(date, scope, f"{credentials.access_key_id}/{scope}", lambda message: key()(message).hex())

    return make_day
