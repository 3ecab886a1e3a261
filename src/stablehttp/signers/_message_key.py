"""Keys for HTTP message signatures, one for each algorithm of RFC 9421 §3.3.

Floor 2: stands on private keys.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import final

from stablehttp._errors import SigningError
from stablehttp.signers._private_key import Sign, ecdsa_from_pem, ed25519_from_pem_or_seed, rsa_from_pem


@final
@dataclass(frozen=True, slots=True)
class MessageKey:
    """A key, and the registered name of the algorithm that it signs with.

    Make one with the class method named after the algorithm, or, for a key that never leaves its
    keeper, from a function that has it sign.
    """

    algorithm: str
    sign: Sign = field(repr=False)

    @classmethod
    def hmac_sha256(cls, secret: bytes) -> MessageKey:
        """A secret shared with the verifier."""
        if not secret:
            raise SigningError("the shared secret is empty; give the octets that the verifier knows")
        return cls("hmac-sha256", lambda message: hmac.digest(secret, message, "sha256"))

    @classmethod
    def ed25519(cls, key: bytes) -> MessageKey:
        """An Ed25519 private key as PEM, or its seed of 32 octets."""
        return cls("ed25519", ed25519_from_pem_or_seed(key))

    @classmethod
    def ecdsa_p256_sha256(cls, pem: bytes) -> MessageKey:
        """A private key on the curve P-256."""
        return cls("ecdsa-p256-sha256", ecdsa_from_pem(pem, "secp256r1"))

    @classmethod
    def ecdsa_p384_sha384(cls, pem: bytes) -> MessageKey:
        """A private key on the curve P-384."""
        return cls("ecdsa-p384-sha384", ecdsa_from_pem(pem, "secp384r1"))

    @classmethod
    def rsa_pss_sha512(cls, pem: bytes) -> MessageKey:
        """An RSA private key that signs by PSS."""
        return cls("rsa-pss-sha512", rsa_from_pem(pem, "pss-sha512"))

    @classmethod
    def rsa_v1_5_sha256(cls, pem: bytes) -> MessageKey:
        """An RSA private key that signs by PKCS #1 v1.5."""
        return cls("rsa-v1_5-sha256", rsa_from_pem(pem, "v1_5-sha256"))
