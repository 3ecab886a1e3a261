"""Reading the content of a response out of octets, without I/O and without colour.

Content of a known length, and content that ends with the connection, are only counted, so their chunks are handed on
as they arrived, uncopied; h11 reads chunked content.

Each reader is fed when it has nothing left to give: `feed`, then `next` until it gives None, and so on.
"""

from __future__ import annotations

from typing import TypeAlias, final

import h11

from stablehttp import Fields, IncompleteResponseError
from stablehttp.adapting import FieldLine, adopt, receive_line


@final
class Counted:
    """Content of a known length, or none at all."""

    __slots__ = ("_octets", "_remaining", "length")

    keeps_connection = True

    def __init__(self, length: int, octets: bytes) -> None:
        self.length = length
        self._remaining = length
        self._octets = octets

    @property
    def whole(self) -> bool:
        """Whether all of it has arrived."""
        return len(self._octets) >= self._remaining

    @property
    def ended(self) -> bool:
        """Whether all of it was given out."""
        return self._remaining == 0

    @property
    def extra(self) -> bool:
        """Whether more arrived than belongs to the content."""
        return len(self._octets) > self._remaining

    def feed(self, octets: bytes) -> None:
        """Take what arrived, once all that came before was given out."""
        self._octets = octets

    def next(self) -> bytes | None:
        """The next chunk, `b""` at the end, or None if more octets are needed."""
        octets = self._octets
        if self._remaining == 0:
            return b""
        if not octets:
            return None
        if len(octets) <= self._remaining:
            self._octets = b""
        else:
            self._octets = octets[self._remaining :]
            octets = octets[: self._remaining]
        self._remaining -= len(octets)
        return octets

    def close(self, clean: bool) -> None:
        """Take note that the connection ended.

        Raises:
            IncompleteResponseError: some of the content had not arrived.
        """
        received = self.length - self._remaining
        raise IncompleteResponseError(
            f"the connection ended after {received} of {self.length} octets of content",
            expected=self.length,
            received=received,
        )

    def trailers(self) -> Fields:
        """None: only chunked content has trailers."""
        return adopt([])


@final
class UntilClose:
    """Content that ends with the connection."""

    __slots__ = ("_octets", "_received", "ended")

    keeps_connection = False
    length = None
    whole = False
    extra = False

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._received = 0
        self.ended = False

    def feed(self, octets: bytes) -> None:
        """Take what arrived, once all that came before was given out."""
        self._octets = octets

    def next(self) -> bytes | None:
        """The next chunk, `b""` at the end, or None if more octets are needed."""
        octets, self._octets = self._octets, b""
        self._received += len(octets)
        return octets or (b"" if self.ended else None)

    def close(self, clean: bool) -> None:
        """Take note that the connection ended.

        Raises:
            IncompleteResponseError: it was not ended by the peer, so somebody may have cut it (RFC 9112 §9.8).
        """
        if not clean:
            raise IncompleteResponseError(
                f"the connection was cut after {self._received} octets of content that ends with the connection "
                "(RFC 9112 §9.8)",
                received=self._received,
            )
        self.ended = True

    def trailers(self) -> Fields:
        """None: only chunked content has trailers."""
        return adopt([])


@final
class Chunked:
    """Content in chunks, with trailers."""

    __slots__ = ("_connection", "_error", "_received", "_trailers", "ended")

    keeps_connection = True
    length = None
    whole = False

    def __init__(self, connection: h11.Connection) -> None:
        self._connection = connection
        self._received = 0
        self._trailers: list[FieldLine] = []
        self._error: h11.RemoteProtocolError | None = None
        self.ended = False

    @property
    def extra(self) -> bool:
        """Whether more arrived than belongs to the content, which has ended."""
        return bool(self._connection.trailing_data[0])

    def feed(self, octets: bytes) -> None:
        """Take what arrived, once all that came before was given out."""
        self._connection.receive_data(octets)

    def next(self) -> bytes | None:
        """What has arrived of any number of chunks, `b""` at the end, or None if more octets are needed.

        Raises:
            h11.RemoteProtocolError: this is no chunk.
            InvalidResponseError: this is no trailer.
        """
        parts: list[bytes] = []
        while not self.ended and self._error is None:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as error:
                self._error = error
                break
            if isinstance(event, h11.Data):
                parts.append(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._trailers = [receive_line(name, value) for name, value in event.headers.raw_items()]
                self.ended = True
            else:
                break
        if parts:
            content = b"".join(parts)
            self._received += len(content)
            return content
        if self._error is not None:
            raise self._error
        return b"" if self.ended else None

    def close(self, clean: bool) -> None:
        """Take note that the connection ended.

        Raises:
            IncompleteResponseError: the last chunk, or the end of the trailers, had not arrived.
        """
        raise IncompleteResponseError(
            f"the connection ended after {self._received} octets of chunked content, before the last chunk",
            received=self._received,
        )

    def trailers(self) -> Fields:
        """The trailer section, once the content has ended."""
        return adopt(self._trailers)


Content: TypeAlias = Counted | UntilClose | Chunked
"""The three ways in which content can end (RFC 9112 §6.3)."""
