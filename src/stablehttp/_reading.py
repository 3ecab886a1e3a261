"""Reading content as something: in chunks of one size, as text, as lines, as JSON.

Floor 4: stands on field syntax and errors.

All of it is strict and asked for.  Content that is still coded is refused, since its octets mean
something else.  The readers are fed octets and await nothing, so both colours share them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final, NoReturn, final

from stablehttp._errors import (
    AmbiguousFieldError,
    ContentDecodingError,
    ContentTooLargeError,
    InvalidFieldError,
    InvalidMessageError,
)
from stablehttp._field_syntax import MediaType
from stablehttp._fields import Fields
from stablehttp._redaction import described

DEFAULT_LINE_LIMIT: Final = 1024 * 1024
"""How many characters a line may have unless told otherwise."""


def charset_of(headers: Fields, given: str | None) -> str:
    """The charset to read content with: the one given, else that of `Content-Type`, else UTF-8.

    Raises:
        ContentDecodingError: the content is coded, `Content-Type` is no media type, or there is no such charset.
    """
    check_not_coded(headers)
    try:
        named = given or (MediaType.parse(headers["content-type"]).charset if "content-type" in headers else None)
    except (InvalidFieldError, AmbiguousFieldError) as error:
        raise ContentDecodingError(
            "'Content-Type' does not tell the charset, because it is no one media type; give charset="
        ) from error
    charset = named or "utf-8"
    if not charset.isascii():
        raise ContentDecodingError("there is no charset whose name is not ASCII; give charset=")
    try:
        b"aaaa".decode(charset)  # an empty text would be decoded in any charset
    except UnicodeError:
        return charset
    except (LookupError, ValueError):
        raise ContentDecodingError(f"there is no charset {charset!r:.40}; give charset=") from None
    return charset


def check_not_coded(headers: Fields) -> None:
    """Make sure that the octets of the content are its own.

    Raises:
        ContentDecodingError: they are coded, by `Content-Encoding`.
    """
    codings = [value.strip().lower() for line in headers.values("content-encoding") for value in line.split(",")]
    if any(coding not in ("", "identity") for coding in codings):
        raise ContentDecodingError(
            "the content is coded, as 'Content-Encoding' says; read it from decoded(response) or adecoded(response)"
        )


def as_text(content: bytes, charset: str) -> str:
    """The text that `content` holds.

    Raises:
        ContentDecodingError: it holds octets that are no text in `charset`.
    """
    try:
        return content.decode(charset)
    except UnicodeError as error:
        raise _no_text(charset, getattr(error, "start", None)) from None


def as_json(content: bytes, headers: Fields) -> object:
    """The value of a JSON text in UTF-8 (RFC 8259 §8.1), whatever the charset says.

    Raises:
        ContentDecodingError: it is none, or is coded.
    """
    import json

    check_not_coded(headers)
    try:
        value: object = json.loads(content.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ContentDecodingError(f"the content is not JSON in UTF-8, in {len(content)} octets") from None
    return value


def _refuse(_: str) -> NoReturn:
    raise ValueError("not a number of JSON")


@final
class Gatherer:
    """Gathers content, up to a limit."""

    __slots__ = ("_chunks", "_limit", "_octets")

    def __init__(self, limit: int) -> None:
        if limit < 0:
            raise InvalidMessageError("limit must be a number of octets that is not negative")
        self._limit = limit
        self._octets = 0
        self._chunks: list[bytes] = []

    def expect(self, length: int | None) -> None:
        """Look at a declared length before anything is read.

        Raises:
            ContentTooLargeError: it is above the limit.
        """
        if length is not None:
            self._check(length)

    def add(self, chunk: bytes) -> None:
        """Take the next chunk.

        Raises:
            ContentTooLargeError: with it there is more than the limit.
        """
        self._octets += len(chunk)
        self._check(self._octets)
        self._chunks.append(chunk)

    def content(self) -> bytes:
        """All of it; it is joined once."""
        return b"".join(self._chunks)

    def _check(self, octets: int) -> None:
        if octets > self._limit:
            raise ContentTooLargeError(
                f"the content has more than the {self._limit} octets that were to be held in memory; "
                "give a larger limit, or read it in chunks",
                limit=self._limit,
                sent="yes",
                processed="yes",
            )


@final
class Rechunker:
    """Cuts content into chunks of one size; only the last may be shorter."""

    __slots__ = ("_rest", "_size")

    def __init__(self, size: int) -> None:
        if type(size) is not int or size < 1:
            raise ValueError(f"size must be a positive number of octets, not {described(size)}")
        self._size = size
        self._rest = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The chunks that are complete now."""
        if not self._rest and len(chunk) == self._size:
            yield chunk
            return
        self._rest += chunk
        whole = len(self._rest) - len(self._rest) % self._size
        for start in range(0, whole, self._size):
            yield bytes(self._rest[start : start + self._size])
        del self._rest[:whole]

    def finish(self) -> Iterator[bytes]:
        """What is left."""
        if self._rest:
            yield bytes(self._rest)


@final
class LineReader:
    """Cuts content into lines, each without its LF or CR LF; nothing else ends a line."""

    __slots__ = ("_charset", "_decoder", "_limit", "_parts", "_pending")

    def __init__(self, charset: str, limit: int) -> None:
        self._charset = charset
        self._decoder = codecs.getincrementaldecoder(charset)()
        self._limit = limit
        self._parts: list[str] = []
        self._pending = 0

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[str]:
        """The lines that are complete now.

        Raises:
            ContentDecodingError: the content is no text in its charset.
            ContentTooLargeError: a line is longer than the limit.
        """
        try:
            text = self._decoder.decode(chunk, last)
        except UnicodeError:
            raise _no_text(self._charset, None) from None
        *lines, rest = text.split("\n")
        for line in lines:
            self._keep(line)
            yield self._take().removesuffix("\r")
        self._keep(rest)

    def finish(self) -> Iterator[str]:
        """The last line, if it has no end."""
        yield from self.feed(b"", last=True)
        if self._pending:
            yield self._take()

    def _keep(self, part: str) -> None:
        self._pending += len(part)
        if self._pending > self._limit:
            raise ContentTooLargeError(
                f"a line has more than {self._limit} characters; give a larger limit, or read chunks",
                limit=self._limit,
                sent="yes",
                processed="yes",
            )
        if part:
            self._parts.append(part)

    def _take(self) -> str:
        line = "".join(self._parts)
        self._parts, self._pending = [], 0
        return line


def _no_text(charset: str, index: int | None) -> ContentDecodingError:
    where = "" if index is None else f" at index {index}"
    return ContentDecodingError(f"the content is no text in {charset!r:.40}{where}; give the right charset=")
