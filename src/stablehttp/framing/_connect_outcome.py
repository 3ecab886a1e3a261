"""The outcome of a Connect call whose response is there as a whole, or in pieces that are there.

Floor 2: stands on the readers of responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import final

from stablehttp.framing._connect_compression import Decompressor
from stablehttp.framing._connect_errors import ConnectCallError
from stablehttp.framing._connect_head import GZIP_ONLY
from stablehttp.framing._connect_metadata import FieldPair, FieldPairs, StreamKind
from stablehttp.framing._connect_readers import make_reader
from stablehttp.framing._limits import CONNECT_MESSAGE_LIMIT


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOutcome:
    """What came of a call.  Messages that arrived before an error are here too; `error` is None if there was none."""

    messages: tuple[bytes, ...] = field(repr=False)
    headers: FieldPairs = field(repr=False)
    trailers: FieldPairs = field(repr=False)
    error: ConnectCallError | None


def read_response(
    status: int,
    headers: Iterable[FieldPair],
    content: bytes | Iterable[bytes],
    *,
    codec: str,
    kind: StreamKind,
    decompressors: Mapping[str, Decompressor] = GZIP_ONLY,
    limit: int = CONNECT_MESSAGE_LIMIT,
) -> ConnectOutcome:
    """Read a response to its end.  A failed call is an outcome, not an exception.

    `content` is all of it, or its pieces, of which no more are taken than it needs.
    """
    messages: list[bytes] = []
    try:
        reader = make_reader(status, headers, codec=codec, kind=kind, decompressors=decompressors, limit=limit)
        pieces = (content,) if isinstance(content, bytes) else content
        for piece in pieces:
            for message in reader.feed(piece):
                messages += [message]
        messages += reader.finish()
    except ConnectCallError as error:
        return ConnectOutcome(messages=tuple(messages), headers=error.headers, trailers=error.trailers, error=error)
    return ConnectOutcome(messages=tuple(messages), headers=reader.headers, trailers=reader.trailers, error=None)
