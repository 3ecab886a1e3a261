"""What a body is: content with a colour, a length if it is known, and a word on whether it can be read again.

Floor 1: stands on errors.

The colour of a body is its type: a `SyncBody` is iterated, an `AsyncBody` is iterated with `async
for`, and a `DualBody` is both.  A body is claimed when its first octet is asked for, not before: a
request that is refused earlier leaves its body as it was.

Who reads a body closes it; closing ends what the library itself opened or started, exactly once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Literal, Protocol, TypeAlias, TypeVar, cast, final

from stablehttp._errors import BodyTakenError, InvalidBodyError
from stablehttp._redaction import described

BytesLike: TypeAlias = bytes | bytearray | memoryview


class Body:
    """What all bodies have in common; use `SyncBody` or `AsyncBody` where it is read."""

    __slots__ = ("_taken_by",)

    def __init__(self) -> None:
        self._taken_by: str | None = None

    @property
    def length(self) -> int | None:
        """The length of the content in octets, or None if it cannot be known beforehand."""
        return None

    @property
    def replayable(self) -> bool:
        """Whether reading it a second time gives the same octets."""
        return False

    @property
    def taken_by(self) -> str | None:
        """Who asked for the first octet, or None while nobody has."""
        return self._taken_by

    @property
    def trailer_names(self) -> tuple[str, ...]:
        """The names of the trailers that the body computes while it is read; they are announced before it."""
        return ()

    @property
    def trailer_lengths(self) -> tuple[int, ...] | None:
        """How long the values of those trailers will be, or None if that is not known beforehand."""
        return () if not self.trailer_names else None

    def computed_trailers(self) -> Iterable[tuple[str, str]]:
        """The lines of those trailers, once the content was read to its end."""
        return ()

    @property
    def chained(self) -> ChainedBody | None:
        """What continues the signature of the request while it is read: this body, or one below it."""
        return None

    def renewed(self) -> Body:
        """The body that one attempt reads: a chain of signatures begins anew with each attempt."""
        return self

    @property
    def bare(self) -> Body:
        """The same content without those who look at it while it is read: for a digest, which is no progress."""
        return self

    def check_available(self) -> None:
        """Make sure that the content can be read from its beginning.

        Raises:
            BodyTakenError: it was read, and cannot be read again.
        """
        if self._taken_by is not None and not self.replayable:
            raise BodyTakenError(
                f"the body was read already, by {self._taken_by}, and can be read only once; "
                "give bytes, or an iterable that is not its own iterator, to send it again",
                taken_by=self._taken_by,
            )

    def _claim(self, reader: str) -> None:
        self.check_available()
        self._taken_by = reader


ChunkSigning: TypeAlias = Literal["signed-chunks", "signed-chunks-and-trailer", "unsigned-chunks-and-trailer"]
"""How content in chunks is signed; signers use the same words for their rules."""


class ChunkChain(Protocol):
    """Signs chunks and trailers, each with what went before it."""

    def sign_chunk(self, previous: str, chunk: bytes, /) -> str:
        """Sign a chunk that follows what `previous` is the signature of; the last chunk is empty."""
        ...

    def sign_trailers(self, previous: str, trailers: Iterable[tuple[str, str]], /) -> str:
        """Sign the trailers that follow the last chunk."""
        ...


class ChainedBody(Body):
    """Content whose encoding continues the signature of its request."""

    __slots__ = ()

    @property
    def signing(self) -> ChunkSigning:
        """How it is signed."""
        raise NotImplementedError

    @property
    def announcement(self) -> tuple[tuple[str, str], ...]:
        """The field lines that tell the server of it; they stand in the request before it is signed."""
        raise NotImplementedError

    def begin(self, chain: ChunkChain, seed: str) -> None:
        """Have the content signed by `chain`, beginning from `seed`, the signature of the request."""
        raise NotImplementedError


class SyncBody(Body):
    """A body that is read without awaiting."""

    __slots__ = ()

    def chunks(self, *, reader: str = "the caller") -> Iterator[bytes]:
        """The content, in chunks that are not empty; `reader` is named if somebody wants it again.

        Raises:
            BodyTakenError: it was read already, and cannot be read again.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End what the body opened or started; a second call does nothing."""

    def __iter__(self) -> Iterator[bytes]:
        return self.chunks()


class AsyncBody(Body):
    """A body that is read with `async for`."""

    __slots__ = ()

    def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content, in chunks that are not empty; `reader` is named if somebody wants it again.

        Raises:
            BodyTakenError: it was read already, and cannot be read again.
        """
        raise NotImplementedError

    async def aclose(self) -> None:
        """End what the body opened or started; a second call does nothing."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.achunks()


class DualBody(SyncBody, AsyncBody):
    """A body of both colours: it can be sent by every pipeline."""

    __slots__ = ()


B_co = TypeVar("B_co", bound=Body, covariant=True)


@final
class BytesBody(DualBody):
    """Content that is in memory already: of both colours, and readable again and again."""

    __slots__ = ("content",)

    def __init__(self, content: BytesLike = b"") -> None:
        """Hold `content`; a read-only buffer is not copied, a writable one is, once."""
        super().__init__()
        self.content: bytes = content if type(content) is bytes else bytes(content)

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
        if self.content:
            yield self.content

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The whole content as one chunk; none if it is empty."""
        if self.content:
            yield self.content

    def __eq__(self, other: object) -> bool:
        return self.content == other.content if isinstance(other, BytesBody) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.content)

    def __repr__(self) -> str:
        return f"<BytesBody of {len(self.content)} octets>"

    def __reduce__(self) -> tuple[type[BytesBody], tuple[bytes]]:
        return BytesBody, (self.content,)


def checked_chunk(chunk: object) -> bool:
    """Whether `chunk` holds octets; False if it is empty.

    Raises:
        InvalidBodyError: it is not bytes.
    """
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        hint = "; encode it first" if isinstance(chunk, str) else ""
        raise InvalidBodyError(f"the body gave a {type(chunk).__name__}, and content is bytes{hint}")
    return len(cast(BytesLike, chunk)) > 0


def checked_length(length: int | None, where: str = "length") -> int | None:
    """`length`, which is a number of octets or None.

    Raises:
        InvalidBodyError: it is something else; `where` names the parameter.
    """
    if length is not None and (type(length) is not int or length < 0):
        raise InvalidBodyError(f"{where} must be a number of octets or None, not {described(length)}", where=where)
    return length


def describe_length(length: int | None) -> str:
    """A length in words, for `repr`."""
    return "unknown length" if length is None else f"{length} octets"
