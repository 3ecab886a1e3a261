"""The head of a response to a Connect call: what it alone decides, and the failures it is part of.

Floor 2: stands on errors and compression of the Connect protocol.

Status, content type and compression are looked at in this order.  A unary call fails with a status other
than 200 and says more in JSON; a stream always has status 200 and tells at its end whether it failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, final

from stablehttp.framing._connect_codes import ConnectCode, code_of_status
from stablehttp.framing._connect_compression import Decompressor, decompress_gzip
from stablehttp.framing._connect_errors import ConnectCallError, WireError
from stablehttp.framing._connect_metadata import (
    FieldPair,
    FieldPairs,
    StreamKind,
    connect_content_type,
    encoding_field,
    matches_content_type,
    media_type,
    split_trailers,
    values_of,
)
from stablehttp.framing._errors import FrameTooLargeError, StreamFormatError

GZIP_ONLY: Final[Mapping[str, Decompressor]] = MappingProxyType({"gzip": decompress_gzip})


@final
@dataclass(frozen=True, slots=True)
class ResponseHead:
    """The head of a response whose content is worth reading, and how to decompress it."""

    status: int
    headers: FieldPairs = field(repr=False)
    trailers: FieldPairs = field(repr=False)
    kind: StreamKind
    decompress: Decompressor | None = None

    def failure(
        self, code: ConnectCode, text: str, *, wire: WireError | None = None, trailers: FieldPairs | None = None
    ) -> ConnectCallError:
        wire = wire or WireError(None)
        return ConnectCallError(
            text,
            code=code,
            message=wire.message,
            details=wire.details,
            said_by_peer=wire.code is not None,
            headers=self.headers,
            trailers=self.trailers if trailers is None else trailers,
            status=self.status,
        )

    def broken(self, cause: StreamFormatError) -> ConnectCallError:
        """The failure that a broken rule of the protocol is."""
        code = ConnectCode.RESOURCE_EXHAUSTED if isinstance(cause, FrameTooLargeError) else ConnectCode.INTERNAL
        return self.failure(code, f"the call failed with {code.value!r}: {cause}")

    def inferred(self) -> ConnectCallError:
        """The failure that the status alone tells."""
        code = code_of_status(self.status)
        return self.failure(
            code,
            f"the call failed with HTTP status {self.status} and no Connect error, which stands for {code.value!r}",
        )

    def reported(self, wire: WireError, otherwise: ConnectCode, trailers: FieldPairs | None = None) -> ConnectCallError:
        """The failure that the peer reported."""
        code = wire.code or otherwise
        text = f"the server ended the call with {code.value!r}; its message and details are attributes of this error"
        return self.failure(code, text, wire=wire, trailers=trailers)


def read_head(
    status: int,
    headers: Iterable[FieldPair],
    *,
    codec: str,
    kind: StreamKind,
    decompressors: Mapping[str, Decompressor],
) -> ResponseHead:
    """The head of a response, if it allows to read on.

    Raises:
        ConnectCallError: it alone tells that the call failed.
    """
    pairs = tuple(headers)
    leading, trailing = split_trailers(pairs) if kind == "unary" else (pairs, ())
    head = ResponseHead(status, leading, trailing, kind)
    content_type = ", ".join(values_of(leading, "content-type"))
    if status == 200:
        _check_content_type(head, content_type, codec)
    elif kind != "unary" or media_type(content_type) != "application/json":
        raise head.inferred()
    return replace(head, decompress=_choose_decompressor(head, decompressors))


def _check_content_type(head: ResponseHead, content_type: str, codec: str) -> None:
    if matches_content_type(content_type, codec, head.kind):
        return
    related = media_type(content_type).startswith(connect_content_type("", head.kind))
    code = ConnectCode.INTERNAL if related else ConnectCode.UNKNOWN
    wanted = connect_content_type(codec, head.kind)
    raise head.failure(code, f"the call failed with {code.value!r}: its response is not of content type {wanted!r}")


def _choose_decompressor(head: ResponseHead, decompressors: Mapping[str, Decompressor]) -> Decompressor | None:
    field = encoding_field(head.kind)
    name = ", ".join(values_of(head.headers, field)).strip(" \t").lower()
    if name in {"", "identity"}:
        return None
    if name not in decompressors:
        accepted = ", ".join(decompressors) or "none"
        text = f"its response is compressed in a way that was not offered in {field!r} (offered: {accepted})"
        raise head.failure(ConnectCode.INTERNAL, f"the call failed with {ConnectCode.INTERNAL.value!r}: {text}")
    return decompressors[name]
