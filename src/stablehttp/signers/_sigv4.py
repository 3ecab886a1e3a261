"""AWS Signature Version 4, in the `Authorization` field or in the query.

Floor 2: stands on the V4 family, keys and credentials.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final, Self, final

from stablehttp.signers._chunk_signing import ChunkSigner
from stablehttp.signers._clock import timestamp
from stablehttp.signers._credentials import Credentials
from stablehttp.signers._event_signing import EventSigner
from stablehttp.signers._signing_key import SHARED_KEYS, SigningKeyCache
from stablehttp.signers._signing_rules import DEFAULT_RULES, S3_QUERY_RULES, S3_RULES, ContentSigning, SigningRules
from stablehttp.signers._v4 import Dialect, SigningDay, checked_scope
from stablehttp.signers._v4_field import V4FieldSigner
from stablehttp.signers._v4_query import V4QuerySigner

_DIALECT: Final = Dialect(
    name="SigV4",
    algorithm="AWS4-HMAC-SHA256",
    prefix="X-Amz-",
    date="X-Amz-Date",
    content="X-Amz-Content-Sha256",
    token="X-Amz-Security-Token",
)


@final
class SigV4Signer(V4FieldSigner):
    """Signs for one region and service of AWS, or of what speaks its protocol, in `Authorization`.

    The default rules fit every service but S3; use `for_s3` there.  A signer never changes, so
    threads and tasks may share it; derived keys are remembered in `keys`.
    """

    __slots__ = ("_credentials", "_keys", "_region", "_service")

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        service: str,
        rules: SigningRules = DEFAULT_RULES,
        keys: SigningKeyCache = SHARED_KEYS,
    ) -> None:
        super().__init__(_DIALECT, rules, credentials.session_token, _days(credentials, region, service, keys))
        self._credentials, self._region, self._service, self._keys = credentials, region, service, keys

    @classmethod
    def for_s3(cls, credentials: Credentials, *, region: str, rules: SigningRules = S3_RULES) -> Self:
        """Make a signer for S3: the path is encoded once and kept as it is, the content always announced."""
        return cls(credentials, region=region, service="s3", rules=rules)

    def with_credentials(self, credentials: Credentials) -> SigV4Signer:
        """Give the same signer for other credentials, as after a refresh."""
        return SigV4Signer(credentials, region=self._region, service=self._service, rules=self._rules, keys=self._keys)

    def with_content(self, content: ContentSigning) -> SigV4Signer:
        """Give the same signer for content that is signed in another way, as in chunks."""
        rules = replace(self._rules, content=content)
        return SigV4Signer(self._credentials, region=self._region, service=self._service, rules=rules, keys=self._keys)

    def chunk_signer(self, now: datetime) -> ChunkSigner:
        """Give what signs the chunks of content that belongs to a request signed at `now`."""
        when = timestamp(now)
        day = self._day(when[:8])
        return ChunkSigner(self._dialect.algorithm, when, day.scope, day.sign)

    def event_signer(self) -> EventSigner:
        """Give what signs the events of a stream, each at a time of its own."""
        return EventSigner(self._dialect.algorithm, self._day)

    def __repr__(self) -> str:
        return f"<SigV4Signer for {self._credentials.access_key_id} in {self._region}/{self._service}>"


@final
class SigV4QuerySigner(V4QuerySigner):
    """Presigns for one region and service: the signature goes into the query and expires.

    `expires` counts seconds from `now`; a week is the most.  For S3 use `for_s3`.
    """

    __slots__ = ("_credentials", "_keys", "_region", "_service")

    def __init__(
        self,
        credentials: Credentials,
        *,
        region: str,
        service: str,
        expires: int,
        rules: SigningRules = DEFAULT_RULES,
        keys: SigningKeyCache = SHARED_KEYS,
    ) -> None:
        days = _days(credentials, region, service, keys)
        super().__init__(_DIALECT, rules, credentials.session_token, days, expires)
        self._credentials, self._region, self._service, self._keys = credentials, region, service, keys

    @classmethod
    def for_s3(
        cls, credentials: Credentials, *, region: str, expires: int, rules: SigningRules = S3_QUERY_RULES
    ) -> Self:
        """Make a presigner for S3: the content is left unsigned unless the request announces its digest."""
        return cls(credentials, region=region, service="s3", expires=expires, rules=rules)

    def with_credentials(self, credentials: Credentials) -> SigV4QuerySigner:
        """Give the same presigner for other credentials, as after a refresh."""
        return SigV4QuerySigner(
            credentials,
            region=self._region,
            service=self._service,
            expires=self._expires,
            rules=self._rules,
            keys=self._keys,
        )

    def __repr__(self) -> str:
        return f"<SigV4QuerySigner for {self._credentials.access_key_id} in {self._region}/{self._service}>"


def _days(credentials: Credentials, region: str, service: str, keys: SigningKeyCache) -> Callable[[str], SigningDay]:
    checked_scope(region=region, service=service)

    def make_day(date: str) -> SigningDay:
        scope = f"{date}/{region}/{service}/aws4_request"
        key = keys.key("AWS4", credentials.secret_access_key, date, region, service, "aws4_request")
        return SigningDay(date, scope, f"{credentials.access_key_id}/{scope}", key.sign)

    return make_day
