"""Bodies: the one place that turns what a caller gave into content.

Floor 4: stands on the kinds of bodies, which it gathers for the floors above.

What a value is, is asked from the most to the least certain: bytes, then readers, because files can be
iterated too and would give lines, then iterables.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterable, Iterable
from typing import cast

from stablehttp._content import AsyncBody as AsyncBody
from stablehttp._content import B_co as B_co
from stablehttp._content import Body as Body
from stablehttp._content import BytesBody as BytesBody
from stablehttp._content import BytesLike as BytesLike
from stablehttp._content import ChainedBody as ChainedBody
from stablehttp._content import ChunkChain as ChunkChain
from stablehttp._content import ChunkSigning as ChunkSigning
from stablehttp._content import DualBody as DualBody
from stablehttp._content import SyncBody as SyncBody
from stablehttp._content import checked_chunk as checked_chunk
from stablehttp._content import describe_length as describe_length
from stablehttp._errors import InvalidBodyError, UnknownLengthError
from stablehttp._files import BinaryFile as BinaryFile
from stablehttp._files import FileBody as FileBody
from stablehttp._files import check_binary
from stablehttp._pushed import PushedBody as PushedBody
from stablehttp._readers import AsyncReader as AsyncReader
from stablehttp._readers import AsyncReaderBody as AsyncReaderBody
from stablehttp._readers import Reader as Reader
from stablehttp._readers import ReaderBody as ReaderBody
from stablehttp._streams import AsyncIterableBody as AsyncIterableBody
from stablehttp._streams import IterableBody as IterableBody


def make_body(value: object, *, where: str = "body") -> Body:
    """The body for what a caller gave; `where` is the name of the parameter, for the error.

    Raises:
        InvalidBodyError: `value` cannot be a body.
    """
    if value is None:
        return BytesBody()
    if isinstance(value, Body):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return BytesBody(cast(BytesLike, value))
    if isinstance(value, str):
        raise InvalidBodyError(f"{where} is a str, and content is bytes; give value.encode()", where=where)
    made = _made_of_reader(value, where)
    if made is not None:
        return made
    if isinstance(value, AsyncIterable):
        return AsyncIterableBody(cast("AsyncIterable[bytes]", value))
    if isinstance(value, dict):
        raise InvalidBodyError(f"{where} is a dict, and content is bytes; encode it first", where=where)
    if isinstance(value, Iterable):
        return IterableBody(cast("Iterable[bytes]", value))
    raise InvalidBodyError(
        f"{where} must be bytes, a file or reader of bytes, an iterable or asynchronous iterable of bytes, or None, "
        f"not {type(value).__name__}{_hint(value)}",
        where=where,
    )


def normalize_body(value: object, *, requires_length: bool = False, where: str = "body") -> Body:
    """The body for `value`, whose length must be known if `requires_length` is set; nothing is read.

    Raises:
        InvalidBodyError: `value` cannot be a body; `where` names the parameter.
        UnknownLengthError: its length is required, and cannot be known.
    """
    body = make_body(value, where=where)
    if requires_length:
        check_length_known(body, where)
    return body


def check_length_known(body: Body, where: str = "body") -> None:
    """Make sure that `body` knows its length.

    Raises:
        UnknownLengthError: it does not; `where` names the parameter.
    """
    if body.length is None:
        raise UnknownLengthError(
            f"{where} must have a known length, and {body!r} has none; give bytes or a file, or say the length: "
            "IterableBody(..., length=n) or the field 'Content-Length'",
            where=where,
        )


def _made_of_reader(value: object, where: str) -> Body | None:
    read: object = getattr(value, "read", None)
    if not callable(read):
        return None
    check_binary(value, where)
    if not _takes_a_size(read):
        return None
    if inspect.iscoroutinefunction(read):
        return AsyncReaderBody(cast(AsyncReader, value))
    if isinstance(value, AsyncIterable):
        return None
    if hasattr(value, "seek") and hasattr(value, "tell"):
        return FileBody(cast(BinaryFile, value))
    return ReaderBody(cast(Reader, value))


def _takes_a_size(read: object) -> bool:
    try:
        inspect.signature(read).bind(1)  # type: ignore[arg-type]
    except TypeError:
        return False
    except ValueError:  # written in C, without a signature
        return True
    return True


def _hint(value: object) -> str:
    if isinstance(value, os.PathLike):
        return "; to send a file give FileBody.from_path(path)"
    if inspect.isasyncgenfunction(value):
        return "; call it, or give AsyncIterableBody.from_factory(it) to have it called for each reading"
    if callable(value):
        return "; call it, or give IterableBody.from_factory(it) to have it called for each reading"
    return ""
