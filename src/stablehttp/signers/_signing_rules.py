"""How a request is read into its canonical form, whoever signs it.

Floor 2: stands on errors and canonical forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from stablehttp._errors import SigningError
from stablehttp.signers._canonical_target import PathEncoding, PathSegments

ContentSigning: TypeAlias = Literal[
    "digest",
    "unsigned",
    "as-field",
    "signed-chunks",
    "signed-chunks-and-trailer",
    "unsigned-chunks-and-trailer",
    "events",
]
"""What the signature says about the content.

- `digest`: its SHA-256, which the caller of `sign` gives.
- `unsigned`: nothing; only a secure connection protects it.
- `as-field`: whatever the content field of the request says, and nothing where there is none.
- `signed-chunks`, with or without a signed trailer: it is sent as `aws-chunked`, each chunk signed.
- `unsigned-chunks-and-trailer`: `aws-chunked` with a trailer, neither signed.
- `events`: it is a stream of events, each signed.
"""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRules:
    """What a service expects of a canonical form; the defaults fit AWS services other than S3.

    `content_field` says whether the field that announces the content (`X-Amz-Content-Sha256`) is
    sent where it is not needed; `session_token` whether the token is signed or added afterwards, and
    `token_field` how it is called where that is not `X-Amz-Security-Token`, as with S3 Express.
    `also_sign` takes names of `UNSIGNED_FIELDS` after all, `never_sign` leaves out more.
    """

    path_encoding: PathEncoding = "twice"
    path_segments: PathSegments = "normalized"
    content: ContentSigning = "digest"
    content_field: Literal["sent", "omitted"] = "omitted"
    session_token: Literal["signed", "unsigned"] = "signed"
    token_field: str | None = None
    also_sign: frozenset[str] = frozenset()
    never_sign: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for name in ("also_sign", "never_sign"):
            object.__setattr__(self, name, frozenset(field.lower() for field in getattr(self, name)))
        if "authorization" in self.also_sign:
            raise SigningError("also_sign names 'authorization', which holds the signature itself; leave it out")
        if "host" in self.never_sign:
            raise SigningError("never_sign names 'host', which every service wants signed; leave it out")


DEFAULT_RULES: Final = SigningRules()
"""The rules of AWS services other than S3."""

S3_RULES: Final = SigningRules(path_encoding="once", path_segments="as-sent", content_field="sent")
"""The rules of S3 and its look-alikes for the Authorization field."""

S3_QUERY_RULES: Final = SigningRules(path_encoding="once", path_segments="as-sent", content="as-field")
"""The rules of S3 and its look-alikes for presigned requests."""
