"""Whom a request is signed for.

Floor 2: stands on errors.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from stablehttp._errors import SigningError


@final
@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key, its secret, and the session token that temporary ones come with.

    Only the access key id is shown by `repr`: it stands in every signature and is no secret.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("access_key_id", "secret_access_key"):
            if not getattr(self, name):
                raise SigningError(f"{name} is empty; give both parts of the access key, or send without a signer")
        token = self.session_token
        if not self.access_key_id.isprintable() or not (token is None or token.isprintable()):
            raise SigningError("the access key id or the session token holds a control character; strip it")
        if any("\ud800" <= character <= "\udfff" for character in self.secret_access_key):
            raise SigningError("the secret holds half of a surrogate pair, which has no octets; read it anew")
