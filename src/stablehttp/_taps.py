"""Bodies that look at another body's content while it is read, and leave it as it is.

Floor 5: stands on bodies.

A tap has the colour, the length and the replayability of what is below it, and begins anew with every
reading.  Progress and checksums are taps; a tap may also compute trailers.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, cast, final, overload

from stablehttp._body import AsyncBody, BinaryFile, Body, BytesLike, ChainedBody, DualBody, SyncBody, make_body
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
