"""Forms as content: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578).

Floor 5: stands on bodies.

A form knows its `content_type`, and nothing adds it to a request unasked.  What a name or a filename
may not hold is refused, never escaped: readers of multipart disagree on every escape.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from os import urandom
from typing import Final, TypeAlias, cast, final
from urllib.parse import quote_plus

from stablehttp._body import AsyncBody, Body, BytesBody, DualBody, SyncBody, describe_length, make_body
from stablehttp._errors import BodyColourError, InvalidBodyError
from stablehttp._field_syntax import MediaType
from stablehttp._fields import Fields, LinesInput
from stablehttp._streams import aend, end

FormInput: TypeAlias = Mapping[str, str] | Iterable[tuple[str, str]]

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]").fullmatch
_TOKEN = re.compile(r"[0-9A-Za-z'+_\-.]+").fullmatch
_BAD_IN_NAME = re.compile('[\x00-\x1f\x7f"\\\\\ud800-\udfff]').search
_OWN_LINES: Final = ("content-disposition", "content-transfer-encoding", "content-length")


@final
class FormBody(DualBody):
    """Content of a form, as `application/x-www-form-urlencoded` in UTF-8, as browsers write it."""

    __slots__ = ("content",)

    content_type: Final = "application/x-www-form-urlencoded"

    def __init__(self, fields: FormInput) -> None:
        """Encode `fields`, in their order; a name may repeat.

        Raises:
            InvalidBodyError: a name or a value is not a str, or holds half a surrogate pair.
        """
        super().__init__()
        pairs = cast("Mapping[str, str]", fields).items() if isinstance(fields, Mapping) else fields
        self.content: bytes = "&".join([f"{_encode(name)}={_encode(value)}" for name, value in pairs]).encode()

    @property
    def length(self) -> int:
        """The length of the content in octets."""
        return len(self.content)

    @property
    def replayable(self) -> bool:
        """True."""
        return True

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The whole content as one chunk; none if it is empty."""
        return BytesBody(self.content).chunks(reader=reader)

    def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The whole content as one chunk; none if it is empty."""
        return BytesBody(self.content).achunks(reader=reader)

    def __repr__(self) -> str:
        return f"<FormBody of {len(self.content)} octets>"


def _encode(text: object) -> str:
    if not isinstance(text, str):
        raise InvalidBodyError(
            f"a field of a form is a str, not {type(text).__name__}; format it first", where="fields"
        )
    try:
        return quote_plus(text, safe="*").replace("~", "%7E")
    except UnicodeEncodeError:
        raise InvalidBodyError(
            "a field of a form holds half a surrogate pair, which UTF-8 cannot encode", where="fields"
        ) from None


# --- multipart -----------------------------------------------------------------------------------


@final
@dataclass(frozen=True, slots=True, init=False)
class Part:
    """One part of `multipart/form-data`: its content is a body, so it may be bytes, a file or a stream."""

    name: str
    body: Body
    filename: str | None
    headers: Fields

    def __init__(
        self,
        name: str,
        content: object,
        *,
        filename: str | None = None,
        content_type: str | None = None,
        headers: LinesInput = (),
    ) -> None:
        """Make a part of whatever can be a body.

        Raises:
            InvalidBodyError: `content` cannot be a body, or `name` or `filename` holds a control
                character, a quote or a backslash.
            InvalidFieldError: the content type or a line of `headers` is no field line.
        """
        lines = Fields(headers)
        for own in _OWN_LINES:
            if own in lines:
                raise InvalidBodyError(f"a part may not set field {own!r} itself; leave it out", where="headers")
        if content_type is not None:
            lines.set("Content-Type", str(MediaType.parse(content_type)))
        object.__setattr__(self, "name", _checked_name(name, "name"))
        object.__setattr__(self, "filename", None if filename is None else _checked_name(filename, "filename"))
        object.__setattr__(self, "body", make_body(content, where=f"content of part {name!r:.60}"))
        object.__setattr__(self, "headers", lines)

    def _head(self) -> bytes:
        filename = "" if self.filename is None else f'; filename="{self.filename}"'
        lines = "".join([f"{name}: {value}\r\n" for name, value in self.headers.items()])
        disposition = f'Content-Disposition: form-data; name="{self.name}"{filename}\r\n'
        return disposition.encode() + lines.encode("latin-1") + b"\r\n"


class _Multipart(Body):
    """What multipart bodies of all colours have in common."""

    __slots__ = ("_boundary", "_last", "_length", "_parts")

    def __init__(self, parts: Iterable[Part], *, boundary: str | None = None) -> None:
        """Put `parts` together; without `boundary` a random one is used.

        Raises:
            InvalidBodyError: there is no part, or `boundary` is not one, or stands in a part.
            BodyColourError: a part has another colour.
        """
        super().__init__()
        kept = tuple(parts)
        if not kept:
            raise InvalidBodyError("multipart content has at least one part (RFC 2046 §5.1.1); give one", where="parts")
        for part in kept:
            self._check_colour(part)
        self._boundary = _checked_boundary(boundary, kept) if boundary is not None else urandom(16).hex()
        before = f"--{self._boundary}\r\n".encode()
        self._parts = tuple((before + part._head(), part.body) for part in kept)  # noqa: SLF001 (of this module)
        self._last = f"--{self._boundary}--\r\n".encode()
        lengths = [body.length for _, body in self._parts]
        known = [length for length in lengths if length is not None]
        framing = sum([len(head) + 2 for head, _ in self._parts]) + len(self._last)
        self._length = sum(known) + framing if len(known) == len(lengths) else None

    @property
    def boundary(self) -> str:
        """What stands between the parts."""
        return self._boundary

    @property
    def content_type(self) -> str:
        """The value for `Content-Type`, which nobody adds unasked."""
        quoted = self._boundary if _TOKEN(self._boundary) else f'"{self._boundary}"'
        return f"multipart/form-data; boundary={quoted}"

    @property
    def length(self) -> int | None:
        """The length in octets, if every part knows its own."""
        return self._length

    @property
    def replayable(self) -> bool:
        """Whether every part is."""
        return all(body.replayable for _, body in self._parts)

    def check_available(self) -> None:
        """Make sure that every part can be read from its beginning.

        Raises:
            BodyTakenError: one was read already, and cannot be read again.
        """
        for _, body in self._parts:
            body.check_available()

    def _check_colour(self, part: Part) -> None:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._parts)} parts, {describe_length(self._length)}>"


class _SyncMultipart(_Multipart, SyncBody):
    __slots__ = ()

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The heads and contents of the parts, one after the other."""
        self._claim(reader)
        for head, body in self._parts:
            yield head
            chunks = cast(SyncBody, body).chunks(reader=reader)
            counter = PartCounter(body.length)
            try:
                for chunk in chunks:
                    counter.count(chunk)
                    yield chunk
            finally:
                end(chunks)
            counter.finish()
            yield b"\r\n"
        yield self._last

    def close(self) -> None:
        """Close all parts."""
        for _, body in self._parts:
            cast(SyncBody, body).close()


class _AsyncMultipart(_Multipart, AsyncBody):
    __slots__ = ()

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The heads and contents of the parts, one after the other."""
        self._claim(reader)
        for head, body in self._parts:
            yield head
            chunks = cast(AsyncBody, body).achunks(reader=reader)
            counter = PartCounter(body.length)
            try:
                async for chunk in chunks:
                    counter.count(chunk)
                    yield chunk
            finally:
                await aend(chunks)
            counter.finish()
            yield b"\r\n"
        yield self._last

    async def aclose(self) -> None:
        """Close all parts."""
        for _, body in self._parts:
            await cast(AsyncBody, body).aclose()


@final
class MultipartBody(_SyncMultipart, _AsyncMultipart, DualBody):
    """`multipart/form-data` whose parts are of both colours: bytes, files, other forms."""

    __slots__ = ()

    def _check_colour(self, part: Part) -> None:
        if not (isinstance(part.body, SyncBody) and isinstance(part.body, AsyncBody)):
            one = "SyncMultipartBody" if isinstance(part.body, SyncBody) else "AsyncMultipartBody"
            raise BodyColourError(
                f"part {part.name!r:.60} has content of one colour, {part.body!r}; use {one}", where="parts"
            )


@final
class SyncMultipartBody(_SyncMultipart):
    """`multipart/form-data` some of whose parts are read by blocking."""

    __slots__ = ()

    def _check_colour(self, part: Part) -> None:
        if not isinstance(part.body, SyncBody):
            raise BodyColourError(
                f"part {part.name!r:.60} is read by awaiting, {part.body!r}; use AsyncMultipartBody", where="parts"
            )


@final
class AsyncMultipartBody(_AsyncMultipart):
    """`multipart/form-data` some of whose parts are read by awaiting."""

    __slots__ = ()

    def _check_colour(self, part: Part) -> None:
        if not isinstance(part.body, AsyncBody):
            raise BodyColourError(
                f"part {part.name!r:.60} is read by blocking, {part.body!r}; use SyncMultipartBody", where="parts"
            )


@final
class PartCounter:
    """Holds a part to its length: one octet more would be read as part of the next head."""

    __slots__ = ("_found", "_length")

    def __init__(self, length: int | None) -> None:
        self._length = length
        self._found = 0

    def count(self, chunk: bytes) -> None:
        """Take note of a chunk that is about to be given out.

        Raises:
            InvalidBodyError: with it there would be more than the part declared.
        """
        self._found += len(chunk)
        if self._length is not None and self._found > self._length:
            raise _wrong(self._length, "more")

    def finish(self) -> None:
        """Take note that the part has ended.

        Raises:
            InvalidBodyError: there was less than the part declared.
        """
        if self._length is not None and self._found < self._length:
            raise _wrong(self._length, "fewer")


def _wrong(length: int, how: str) -> InvalidBodyError:
    return InvalidBodyError(f"a part gave {how} octets than the {length} that it declared", where="parts")


def _checked_name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise InvalidBodyError(f"{where} of a part must be a str, not {type(name).__name__}", where=where)
    bad = _BAD_IN_NAME(name)
    if bad is not None:
        raise InvalidBodyError(
            f"{where} of a part holds {bad[0]!r} at index {bad.start()}, which readers of multipart take in "
            "different ways; write a quote as %22, and leave the others out",
            where=where,
        )
    return name


def _checked_boundary(boundary: str, parts: tuple[Part, ...]) -> str:
    if not _BOUNDARY(boundary):
        raise InvalidBodyError(
            "boundary must be 1 to 70 of the characters of RFC 2046 §5.1.1, and may not end in a space",
            where="boundary",
        )
    for part in parts:
        body: object = part.body
        if isinstance(body, (BytesBody, FormBody)) and f"--{boundary}".encode() in body.content:
            raise InvalidBodyError(f"boundary stands in part {part.name!r:.60}; leave it out", where="boundary")
    return boundary
