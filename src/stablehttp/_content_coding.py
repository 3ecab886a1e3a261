"""Undoing content codings (RFC 9110 §8.4), when the caller asks for it.

Floor 7: stands on responses.

`decoded` gives a new response whose content is what was coded; the received one is left as the wire had
it.  Every piece that comes out is bounded, and so is their sum, so a small response cannot fill memory.
gzip and deflate are always there; br and zstd need their packages, which are imported when first met.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from types import ModuleType
from typing import Final, Protocol, TypeVar, cast, final

from stablehttp._body import AsyncBody, Body, SyncBody
from stablehttp._errors import ContentDecodingError, ContentTooLargeError, MissingExtraError, StableHTTPError
from stablehttp._fields import Fields
from stablehttp._received import ArrivingBody, Explaining
from stablehttp._response import DEFAULT_READ_LIMIT, AnyResponse, Response
from stablehttp._streams import aend, end

B = TypeVar("B", bound=Body)

PIECE: Final = 256 * 1024
"""How many octets a decoder gives at once, at most."""

_MOST_CODINGS: Final = 4
_ZSTD_STEP: Final = 256
"""How many octets of zstd are decoded at once: its blocks give 128 KiB for 4 octets, so 8 MiB at most."""

_WINDOW: Final = 8 * 1024 * 1024
"""The largest window of zstd that a receiver must support (RFC 9659 §3)."""


def adecoded(response: Response[AsyncBody], *, limit: int | None = DEFAULT_READ_LIMIT) -> Response[AsyncBody]:
    """A response with the content of `response` as it was before it was coded.

    It has no `Content-Encoding` and no `Content-Length`; reading it reads `response`.  At most `limit`
    octets come out of it; None sets no bound, and suits content that is written to a sink.

    Raises:
        ContentDecodingError: a coding is unknown; or later, while reading, the content is not what it says.
        ContentTooLargeError: while reading, there are more than `limit` octets.
        MissingExtraError: the package for br or zstd is not installed.
    """
    with Explaining(response.body):
        chain = _chain_for(response, limit)
    return response if chain is None else _rebuilt(response, _AsyncDecoded(response.body, chain))


def decoded(response: Response[SyncBody], *, limit: int | None = DEFAULT_READ_LIMIT) -> Response[SyncBody]:
    """A response with the content of `response` as it was before it was coded.

    It has no `Content-Encoding` and no `Content-Length`; reading it reads `response`.  At most `limit`
    octets come out of it; None sets no bound, and suits content that is written to a sink.

    Raises:
        ContentDecodingError: a coding is unknown; or later, while reading, the content is not what it says.
        ContentTooLargeError: while reading, there are more than `limit` octets.
        MissingExtraError: the package for br or zstd is not installed.
    """
    with Explaining(response.body):
        chain = _chain_for(response, limit)
    return response if chain is None else _rebuilt(response, _SyncDecoded(response.body, chain))


def _rebuilt(response: AnyResponse, body: B) -> Response[B]:
    lines = [line for line in response.headers.items() if line[0].lower() not in ("content-encoding", "content-length")]
    made = Response(
        response.status,
        headers=lines,
        body=body,
        reason=response.reason,
        http_version=response.http_version,
        extensions=response.extensions,
        connection=response.connection,
    )
    made.request_method, made.request_uri = response.request_method, response.request_uri
    return made


# --- bodies --------------------------------------------------------------------------------------


class _Decoded(ArrivingBody):
    __slots__ = ("_chain", "_inner")

    def __init__(self, inner: Body, chain: _Chain) -> None:
        super().__init__()
        self._inner = inner
        self._chain = chain

    def trailers(self) -> Fields:
        """The trailers that followed the content as it was sent."""
        return self._inner.trailers() if isinstance(self._inner, ArrivingBody) else Fields()

    def explain(self, error: StableHTTPError) -> None:
        """Have `error` say which response this was about: the received one."""
        if isinstance(self._inner, ArrivingBody):
            self._inner.explain(error)

    def __repr__(self) -> str:
        return f"<decoded {self._inner!r}>"


@final
class _AsyncDecoded(_Decoded, AsyncBody):
    __slots__ = ()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content before it was coded."""
        self._claim(reader)
        chunks = cast(AsyncBody, self._inner).achunks(reader=reader)
        with Explaining(self):
            try:
                async for chunk in chunks:
                    for piece in self._chain.feed(chunk):
                        yield piece
                for piece in self._chain.finish():
                    yield piece
            finally:
                await aend(chunks)
                await self.aclose()

    async def aclose(self) -> None:
        """Close the received content."""
        await cast(AsyncBody, self._inner).aclose()


@final
class _SyncDecoded(_Decoded, SyncBody):
    __slots__ = ()

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content before it was coded."""
        self._claim(reader)
        chunks = cast(SyncBody, self._inner).chunks(reader=reader)
        with Explaining(self):
            try:
                for chunk in chunks:
                    yield from self._chain.feed(chunk)
                yield from self._chain.finish()
            finally:
                end(chunks)
                self.close()

    def close(self) -> None:
        """Close the received content."""
        cast(SyncBody, self._inner).close()


# --- decoders ------------------------------------------------------------------------------------


class _Decoder(Protocol):
    """Undoes one coding, in pieces that are not too large."""

    def feed(self, chunk: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


def _chain_for(response: AnyResponse, limit: int | None) -> _Chain | None:
    named = [
        coding.strip(" \t").lower()
        for line in response.headers.values("content-encoding")
        for coding in line.split(",")
    ]
    codings = [coding for coding in named if coding not in ("", "identity")]
    if len(codings) > _MOST_CODINGS:
        raise ContentDecodingError(f"the content was coded {len(codings)} times, and {_MOST_CODINGS} are the most")
    return _Chain([_make(coding) for coding in reversed(codings)], limit) if codings else None


def _make(coding: str) -> _Decoder:
    match coding:
        case "gzip" | "x-gzip":
            return _Gzip()
        case "deflate":
            return _Deflate()
        case "br":
            return _Brotli()
        case "zstd":
            return _Zstd()
        case _:
            raise ContentDecodingError(
                f"content coding {coding!r:.40} is unknown; gzip, deflate, br and zstd are known, so read it raw"
            )


@final
class _Chain:
    """Decoders one after the other, and how much came out of the last."""

    def __init__(self, decoders: list[_Decoder], limit: int | None) -> None:
        self._decoders = decoders
        self._limit = limit
        self._out = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        for piece in self._through(chunk, 0):
            self._out += len(piece)
            if self._limit is not None and self._out > self._limit:
                raise ContentTooLargeError(
                    f"the content has more than {self._limit} octets when it is decoded; give a larger limit, "
                    "or limit=None and a sink",
                    limit=self._limit,
                    sent="yes",
                    processed="yes",
                )
            yield piece

    def _through(self, chunk: bytes, depth: int) -> Iterator[bytes]:
        if depth == len(self._decoders):
            if chunk:
                yield chunk
            return
        for piece in self._decoders[depth].feed(chunk):
            yield from self._through(piece, depth + 1)

    def finish(self) -> Iterator[bytes]:
        for decoder in self._decoders:
            decoder.finish()
        return iter(())


def _corrupt(coding: str, what: str) -> ContentDecodingError:
    return ContentDecodingError(f"the content is not {coding}, as 'Content-Encoding' says: {what}")


def _inflate(engine: zlib._Decompress, chunk: bytes, coding: str) -> Iterator[bytes]:
    rest = chunk
    while True:
        try:
            piece = engine.decompress(rest, PIECE)
        except zlib.error:
            raise _corrupt(coding, "it is corrupt") from None
        if piece:
            yield piece
        rest = engine.unconsumed_tail
        if engine.eof or (not rest and len(piece) < PIECE):
            return


@final
class _Gzip:
    """gzip, of one member or more (RFC 1952 §2.2)."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        while rest:
            if self._engine.eof:
                self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            self._begun = True
            yield from _inflate(self._engine, rest, "gzip")
            rest = self._engine.unused_data if self._engine.eof else b""

    def finish(self) -> None:
        if self._begun and not self._engine.eof:
            raise _corrupt("gzip", "it ends too early")


@final
class _Deflate:
    """deflate: in the zlib format (RFC 9110 §8.4.1.2), or bare, as some servers send it."""

    def __init__(self) -> None:
        self._engine: zlib._Decompress | None = None
        self._head = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        if self._engine is None:
            self._head += chunk
            if len(self._head) < 2:
                return
            first, second = self._head[0], self._head[1]
            wrapped = first & 0x0F == 8 and (first << 8 | second) % 31 == 0
            self._engine = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            rest = self._head
        if self._engine.eof and rest:
            raise _corrupt("deflate", "octets follow its end")
        yield from _inflate(self._engine, rest, "deflate")
        if self._engine.unused_data:
            raise _corrupt("deflate", "octets follow its end")

    def finish(self) -> None:
        if self._head and (self._engine is None or not self._engine.eof):
            raise _corrupt("deflate", "it ends too early")


class _BrotliEngine(Protocol):
    def process(self, octets: bytes, /, output_buffer_limit: int) -> bytes: ...
    def can_accept_more_data(self) -> bool: ...
    def is_finished(self) -> bool: ...


@final
class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        module = _extra("brotli", "br")
        self._error = cast("type[Exception]", module.error)
        self._engine = cast(_BrotliEngine, module.Decompressor())
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        self._begun = self._begun or bool(chunk)
        if self._engine.is_finished() and rest:
            raise _corrupt("br", "octets follow its end")
        while True:
            try:
                piece = self._engine.process(rest, output_buffer_limit=PIECE)
            except self._error:
                raise _corrupt("br", "it is corrupt") from None
            rest = b""
            if piece:
                yield piece
            if self._engine.is_finished() or (self._engine.can_accept_more_data() and not piece):
                return

    def finish(self) -> None:
        if self._begun and not self._engine.is_finished():
            raise _corrupt("br", "it ends too early")


class _ZstdEngine(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, octets: bytes, /) -> bytes: ...


@final
class _Zstd:
    """zstd, of one frame or more (RFC 8878 §3.1), within the window that RFC 9659 allows."""

    def __init__(self) -> None:
        module = _extra("zstandard", "zstd")
        self._error = cast("type[Exception]", module.ZstdError)
        self._fresh = cast("Callable[[], _ZstdEngine]", module.ZstdDecompressor(max_window_size=_WINDOW).decompressobj)
        self._engine = self._fresh()
        self._begun = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        rest = chunk
        while rest:
            part, rest = rest[:_ZSTD_STEP], rest[_ZSTD_STEP:]
            if self._engine.eof:
                self._engine = self._fresh()
            self._begun = True
            try:
                out = self._engine.decompress(part)
            except self._error:
                raise _corrupt("zstd", "it is corrupt, or its window is too large") from None
            for start in range(0, len(out), PIECE):
                yield out[start : start + PIECE]
            if self._engine.eof:
                rest = self._engine.unused_data + rest

    def finish(self) -> None:
        if self._begun and not self._engine.eof:
            raise _corrupt("zstd", "it ends too early")


def _extra(package: str, extra: str) -> ModuleType:
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(
            f"content coding {extra!r} needs the package {package!r}; install stablehttp[{extra}], "
            "or do not ask for it in 'Accept-Encoding'",
            extra=extra,
        ) from error
