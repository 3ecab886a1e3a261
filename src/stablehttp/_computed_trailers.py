"""Trailers that are computed while content is sent: checksums, and what callers compute themselves.

Floor 6: stands on taps.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import AsyncIterable, Callable, Iterable
from hashlib import new as new_hash
from typing import Final, Literal, final, overload

from stablehttp._body import AsyncBody, BinaryFile, Body, BytesLike, DualBody, SyncBody, make_body
from stablehttp._errors import InvalidBodyError, InvalidFieldError
from stablehttp._grammar import FORBIDDEN_IN_TRAILERS, is_token
from stablehttp._taps import TrailerComputation, tap

_ALGORITHMS: Final = frozenset({"crc32", "md5", "sha1", "sha256", "sha384", "sha512"})


@final
class _Checksum:
    def __init__(self, name: str, algorithm: str, encoding: Literal["base64", "hex"]) -> None:
        self._name, self._encoding = name, encoding
        self._crc: int | None = 0 if algorithm == "crc32" else None
        self._hash = None if algorithm == "crc32" else new_hash(algorithm, usedforsecurity=False)

    def update(self, octets: bytes, /) -> None:
        if self._hash is not None:
            self._hash.update(octets)
        else:
            self._crc = zlib.crc32(octets, self._crc or 0)

    def lines(self) -> list[tuple[str, str]]:
        digest = self._hash.digest() if self._hash is not None else (self._crc or 0).to_bytes(4, "big")
        return [(self._name, digest.hex() if self._encoding == "hex" else b64encode(digest).decode())]


@overload
def with_checksum(
    body: DualBody | BytesLike | BinaryFile | None,
    name: str,
    algorithm: str = ...,
    *,
    encoding: Literal["base64", "hex"] = ...,
) -> DualBody: ...
@overload
def with_checksum(
    body: AsyncBody | AsyncIterable[bytes],
    name: str,
    algorithm: str = ...,
    *,
    encoding: Literal["base64", "hex"] = ...,
) -> AsyncBody: ...
@overload
def with_checksum(
    body: SyncBody | Iterable[bytes],
    name: str,
    algorithm: str = ...,
    *,
    encoding: Literal["base64", "hex"] = ...,
) -> SyncBody: ...
def with_checksum(
    body: object, name: str, algorithm: str = "sha256", *, encoding: Literal["base64", "hex"] = "base64"
) -> Body:
    """A body with the same content, followed by the trailer `name` with its checksum, computed while it is sent.

    `algorithm` is crc32, md5, sha1, sha256, sha384 or sha512.

    Raises:
        InvalidBodyError: `body` cannot be one, or the algorithm is unknown.
        InvalidFieldError: `name` is no field name, or may not stand in trailers.
    """
    if algorithm not in _ALGORITHMS:
        raise InvalidBodyError(
            f"algorithm must be one of {', '.join(sorted(_ALGORITHMS))}, not {algorithm!r:.40}", where="algorithm"
        )
    lengths = tuple(len(value) for _, value in _Checksum(name, algorithm, encoding).lines())
    return _with_trailers(make_body(body), (name,), lambda: _Checksum(name, algorithm, encoding), lengths)


@overload
def with_trailers(
    body: DualBody | BytesLike | BinaryFile | None, names: Iterable[str], start: Callable[[], TrailerComputation]
) -> DualBody: ...
@overload
def with_trailers(
    body: AsyncBody | AsyncIterable[bytes], names: Iterable[str], start: Callable[[], TrailerComputation]
) -> AsyncBody: ...
@overload
def with_trailers(
    body: SyncBody | Iterable[bytes], names: Iterable[str], start: Callable[[], TrailerComputation]
) -> SyncBody: ...
def with_trailers(body: object, names: Iterable[str], start: Callable[[], TrailerComputation]) -> Body:
    """A body with the same content, followed by trailers that are computed while it is sent.

    `names` are announced in `Trailer` before the content; `start` is called for each reading.

    Raises:
        InvalidBodyError: `body` cannot be one.
        InvalidFieldError: a name is no field name, or may not stand in trailers.
    """
    return _with_trailers(make_body(body), tuple(names), start)


def _with_trailers(
    body: Body,
    names: tuple[str, ...],
    start: Callable[[], TrailerComputation],
    lengths: tuple[int, ...] | None = None,
) -> Body:
    return tap(body, start, check_trailer_names(names), lengths)


def check_trailer_names(names: Iterable[str]) -> tuple[str, ...]:
    """`names`, which may stand in trailers.

    Raises:
        InvalidFieldError: one is no field name, or may not.
    """
    checked = tuple(names)
    for name in checked:
        if not is_token(name):
            raise InvalidFieldError(f"field name {name!r:.40} is not a token (RFC 9110 §5.1)", field=name)
        if name.lower() in FORBIDDEN_IN_TRAILERS:
            raise InvalidFieldError(
                f"field {name!r} may not stand in trailers, where it comes too late (RFC 9110 §6.5.1)", field=name
            )
    return checked
