"""The field `Content-Digest` (RFC 9530), which a message signature can cover in place of the content.

Floor 2: stands on errors.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Final, Literal, TypeAlias

from stablehttp._errors import SigningError

DigestAlgorithm: TypeAlias = Literal["sha-256", "sha-512"]
"""The algorithms that RFC 9530 calls active."""

HASHLIB_NAMES: Final[dict[DigestAlgorithm, str]] = {"sha-256": "sha256", "sha-512": "sha512"}


def content_digest(content: bytes, algorithm: DigestAlgorithm = "sha-256") -> str:
    """Give the value of `Content-Digest` for this content, encoded as it will be sent."""
    return content_digest_of(hashlib.new(HASHLIB_NAMES[algorithm], content).hexdigest(), algorithm)


def content_digest_of(digest: str, algorithm: DigestAlgorithm = "sha-256") -> str:
    """Give the value of `Content-Digest` for a digest in hexadecimal that was computed before.

    Raises:
        SigningError: this is no digest of that algorithm.
    """
    size = hashlib.new(HASHLIB_NAMES[algorithm]).digest_size
    try:
        octets = bytes.fromhex(digest)
    except ValueError:
        octets = b""
    if len(octets) != size:
        raise SigningError(f"this is no {algorithm} digest; give {2 * size} hexadecimal digits")
    return f"{algorithm}=:{b64encode(octets).decode()}:"
