"""Private keys, and the one place that knows the package `cryptography`.

Floor 2: stands on errors; `cryptography` is imported when a key is first used.

A key becomes a function from octets to signature, so no type of that package goes any further.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

from stablehttp._errors import SigningError
from stablehttp.signers._extra import needs_extra

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

Sign: TypeAlias = Callable[[bytes], bytes]
"""A private key at work: the signature of some octets."""


def ecdsa_from_number(number: int) -> Sign:
    """Give the P-256 key with this private number, signing with SHA-256 and ASN.1."""
    with needs_extra("signing with ECDSA"):
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.hashes import SHA256

    key = ec.derive_private_key(number, ec.SECP256R1())
    return lambda message: key.sign(message, ec.ECDSA(SHA256()))


def ecdsa_from_pem(pem: bytes, curve: Literal["secp256r1", "secp384r1"]) -> Sign:
    """Give an ECDSA key that signs with the hash of its curve's size, the two numbers one after the other.

    Raises:
        SigningError: this is not a private key on that curve.
    """
    with needs_extra("signing with ECDSA"):
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA256, SHA384

    key = _from_pem(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != curve:
        raise SigningError(f"this key is not a private key on the curve {curve}; give the PEM of one that is")
    algorithm = ec.ECDSA(SHA256() if curve == "secp256r1" else SHA384())
    size = key.curve.key_size // 8

    def sign(message: bytes) -> bytes:
        r, s = utils.decode_dss_signature(key.sign(message, algorithm))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    return sign


def ed25519_from_pem_or_seed(key: bytes) -> Sign:
    """Give an Ed25519 key from PEM or from its seed of 32 octets.

    Raises:
        SigningError: this is neither.
    """
    with needs_extra("signing with Ed25519"):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    loaded = Ed25519PrivateKey.from_private_bytes(key) if len(key) == 32 else _from_pem(key)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise SigningError("this key is not an Ed25519 private key; give its PEM, or its seed of 32 octets")
    return loaded.sign


def rsa_from_pem(pem: bytes, scheme: Literal["v1_5-sha256", "pss-sha512"]) -> Sign:
    """Give an RSA key that signs by PKCS #1 v1.5 with SHA-256, or by PSS with SHA-512.

    Raises:
        SigningError: this is not an RSA private key.
    """
    with needs_extra("signing with RSA"):
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256, SHA512

    key = _from_pem(pem)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningError("this key is not an RSA private key; give the PEM of one that is")
    if scheme == "v1_5-sha256":
        return lambda message: key.sign(message, padding.PKCS1v15(), SHA256())
    pss = padding.PSS(mgf=padding.MGF1(SHA512()), salt_length=64)
    return lambda message: key.sign(message, pss, SHA512())


def _from_pem(pem: bytes) -> PrivateKeyTypes:
    with needs_extra("reading a private key"):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SigningError("the private key is no PEM that can be read without a password; decrypt it first") from None
