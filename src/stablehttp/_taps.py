"""Bodies that look at another body's content while it is read, and leave it as it is.

Floor 5: stands on bodies.

A tap has the colour, the length and the replayability of what is below it, and begins anew with every
reading.  Progress and checksums are taps; a tap may also compute trailers.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import new as new_hash
from typing import Final, Literal, Protocol, TypeAlias, cast, final, overload

from stablehttp._body import AsyncBody, BinaryFile, Body, BytesLike, ChainedBody, DualBody, SyncBody, make_body
from stablehttp._errors import InvalidBodyError, InvalidFieldError
from stablehttp._grammar import FORBIDDEN_IN_TRAILERS, is_token
from stablehttp._streams import aend, end


@final
@dataclass(frozen=True, slots=True)
class Progress:
    """How far content has come: `octets` so far, and `total` if it is known."""

    direction: Literal["sent", "received"]
    octets: int
    total: int | None


ProgressHook: TypeAlias = Callable[[Progress], object]
"""Is called with each chunk; what it raises ends the transfer."""


class TrailerComputation(Protocol):
    """Computes trailers from content that passes by; a fresh one is made for each reading."""

    def update(self, octets: bytes, /) -> object:
        """Take note of the next octets."""
        ...

    def lines(self) -> Iterable[tuple[str, str]]:
        """The trailer lines, after the last octet."""
        ...


class _Tap(Protocol):
    """What looks at the content of one reading."""

    def update(self, octets: bytes, /) -> object: ...


class TappedBody(Body):
    """A body whose content is looked at while it is read."""

    __slots__ = ("_compute", "_inner", "_lengths", "_names", "_start")

    def __init__(
        self,
        inner: Body,
        start: Callable[[], _Tap],
        names: tuple[str, ...] = (),
        lengths: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self._inner = inner
        self._start = start
        self._names = names
        self._lengths = lengths if names else ()
        self._compute: _Tap | None = None

    @property
    def length(self) -> int | None:
        """The length of the body below, in octets."""
        return self._inner.length

    @property
    def replayable(self) -> bool:
        """Whether the body below is."""
        return self._inner.replayable

    @property
    def taken_by(self) -> str | None:
        """Who asked for the first octet, or None while nobody has."""
        return self._inner.taken_by

    @property
    def trailer_names(self) -> tuple[str, ...]:
        """The names of the trailers that are computed here and below."""
        return (*self._inner.trailer_names, *self._names)

    @property
    def trailer_lengths(self) -> tuple[int, ...] | None:
        """The lengths of their values, if all are known."""
        below = self._inner.trailer_lengths
        return None if below is None or self._lengths is None else (*below, *self._lengths)

    def computed_trailers(self) -> list[tuple[str, str]]:
        """The lines of those trailers, once the content was read to its end."""
        own = cast(TrailerComputation, self._compute).lines() if self._names and self._compute is not None else ()
        return [*self._inner.computed_trailers(), *own]

    @property
    def bare(self) -> Body:
        """The body below, which nobody looks at."""
        return self._inner.bare

    @property
    def chained(self) -> ChainedBody | None:
        """What continues the signature of the request, if that is below."""
        return self._inner.chained

    def renewed(self) -> Body:
        """The same, looking at what one attempt reads."""
        return self if self.chained is None else tap(self._inner.renewed(), self._start, self._names, self._lengths)

    def check_available(self) -> None:
        """Make sure that the content can be read from its beginning.

        Raises:
            BodyTakenError: it was read, and cannot be read again.
        """
        self._inner.check_available()

    def _begin(self) -> _Tap:
        tap = self._compute = self._start()
        return tap

    def __repr__(self) -> str:
        return f"{self._inner!r}"


class _SyncTapped(TappedBody, SyncBody):
    __slots__ = ()

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content of the body below."""
        chunks, tap = cast(SyncBody, self._inner).chunks(reader=reader), self._begin()
        try:
            for chunk in chunks:
                tap.update(chunk)
                yield chunk
        finally:
            end(chunks)

    def close(self) -> None:
        """Close the body below."""
        cast(SyncBody, self._inner).close()


class _AsyncTapped(TappedBody, AsyncBody):
    __slots__ = ()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content of the body below."""
        chunks, tap = cast(AsyncBody, self._inner).achunks(reader=reader), self._begin()
        try:
            async for chunk in chunks:
                tap.update(chunk)
                yield chunk
        finally:
            await aend(chunks)

    async def aclose(self) -> None:
        """Close the body below."""
        await cast(AsyncBody, self._inner).aclose()


@final
class _DualTapped(_SyncTapped, _AsyncTapped, DualBody):
    __slots__ = ()


def tap(
    body: Body, start: Callable[[], _Tap], names: tuple[str, ...] = (), lengths: tuple[int, ...] | None = None
) -> Body:
    """A body of the same colour whose content is shown to what `start` gives, anew for each reading.

    `names` are the trailers that it computes, and `lengths` those of their values, if they are known.
    """
    if not isinstance(body, SyncBody):
        return _AsyncTapped(body, start, names, lengths)
    make = _DualTapped if isinstance(body, AsyncBody) else _SyncTapped
    return make(body, start, names, lengths)


# --- progress ------------------------------------------------------------------------------------


@final
class Meter:
    """Counts octets and tells a hook."""

    def __init__(self, hook: ProgressHook, direction: Literal["sent", "received"], total: int | None) -> None:
        self._hook = hook
        self._direction: Literal["sent", "received"] = direction
        self._total = total
        self._octets = 0

    def update(self, octets: bytes, /) -> None:
        """Count the next octets."""
        self._octets += len(octets)
        self._hook(Progress(self._direction, self._octets, self._total))


@overload
def with_progress(body: DualBody | BytesLike | BinaryFile | None, hook: ProgressHook) -> DualBody: ...
@overload
def with_progress(body: AsyncBody | AsyncIterable[bytes], hook: ProgressHook) -> AsyncBody: ...
@overload
def with_progress(body: SyncBody | Iterable[bytes], hook: ProgressHook) -> SyncBody: ...
def with_progress(body: object, hook: ProgressHook) -> Body:
    """A body with the same content that tells `hook` how much of it was given out, from zero for each reading.

    Raises:
        InvalidBodyError: `body` cannot be one.
    """
    made = make_body(body)
    return watched(made, hook, "sent")


def watched(body: Body, hook: ProgressHook, direction: Literal["sent", "received"]) -> Body:
    """`body`, with `hook` told how far it has come."""
    return tap(body, lambda: Meter(hook, direction, body.length))


# --- trailers ------------------------------------------------------------------------------------

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
    for name in names:
        if not is_token(name):
            raise InvalidFieldError(f"field name {name!r:.40} is not a token (RFC 9110 §5.1)", field=name)
        if name.lower() in FORBIDDEN_IN_TRAILERS:
            raise InvalidFieldError(
                f"field {name!r} may not stand in trailers, where it comes too late (RFC 9110 §6.5.1)", field=name
            )
    return tap(body, start, names, lengths)
