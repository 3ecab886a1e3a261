"""Keys that sign for one day: derived step by step, kept ready to use, remembered.

Floor 2: stands on errors.

A key is kept as the two hash states that HMAC begins with, so signing copies two states instead of
setting up a MAC each time: 0.7 instead of 1.7 µs (measured), and the key itself is not kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from threading import Lock
from typing import Final, final

from stablehttp._errors import SigningError

_BLOCK: Final = 64
_INNER_PAD: Final = bytes(octet ^ 0x36 for octet in range(256))
_OUTER_PAD: Final = bytes(octet ^ 0x5C for octet in range(256))


@final
class SigningKey:
    """A key for HMAC-SHA256, of at most 64 octets."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER_PAD))
        self._outer = hashlib.sha256(padded.translate(_OUTER_PAD))

    def sign(self, message: bytes) -> str:
        """Give the HMAC-SHA256 of `message` in lower-case hexadecimal (RFC 2104)."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest()


def _octets(secret: str) -> bytes:
    try:
        return secret.encode()
    except UnicodeEncodeError:  # it would carry the secret
        raise SigningError("the secret holds half of a surrogate pair, which has no octets; read it anew") from None


def derive_key(prefix: str, secret: str, *steps: str) -> SigningKey:
    """Derive a key from a secret, one HMAC for each step: date, region, service and a constant."""
    key = _octets(prefix + secret)
    for step in steps:
        key = hmac.digest(key, step.encode(), "sha256")
    return SigningKey(key)


@final
class SigningKeyCache:
    """The derived keys used last, shared by signers and threads.

    A key is found by the digest of its secret, so neither this object nor an error that shows its
    contents holds one.
    """

    __slots__ = ("_keys", "_limit", "_lock")

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._keys: OrderedDict[tuple[bytes, tuple[str, ...]], SigningKey] = OrderedDict()
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"<SigningKeyCache of {len(self._keys)} keys, at most {self._limit}>"

    def __len__(self) -> int:
        return len(self._keys)

    def key(self, prefix: str, secret: str, *steps: str) -> SigningKey:
        """Give the key for these steps, deriving it unless it is remembered; the oldest one used makes room."""
        place = hashlib.sha256(_octets(prefix + secret)).digest(), steps
        with self._lock:
            if place in self._keys:
                self._keys.move_to_end(place)
                return self._keys[place]
        key = derive_key(prefix, secret, *steps)
        with self._lock:
            self._keys[place] = key
            while len(self._keys) > self._limit:
                self._keys.popitem(last=False)
        return key


SHARED_KEYS: Final = SigningKeyCache()
"""The cache of signers that were given none."""
