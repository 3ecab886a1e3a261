"""Content of aiohttp's own payloads, as a body of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, final

from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from stablehttp import AsyncBody

if TYPE_CHECKING:
    from multidict import CIMultiDict


@final
class PayloadBody(AsyncBody):
    """The content of an aiohttp payload that is not ours."""

    __slots__ = ("_payload",)

    def __init__(self, payload: Payload) -> None:
        super().__init__()
        self._payload = payload

    @property
    def length(self) -> int | None:
        """The length in octets, if the payload knows it."""
        return self._payload.size

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        """The content in the chunks in which aiohttp would write it.

        Raises:
            BodyTakenError: it was read already.
        """
        self._claim(reader)
        gathering = _Gathering()
        await self._payload.write(gathering)
        for chunk in gathering.chunks:
            yield chunk


@final
class _Gathering(AbstractStreamWriter):
    """A writer that keeps what a payload writes."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []

    async def write(self, chunk: bytes | bytearray | memoryview) -> None:
        if len(chunk):
            self.chunks.append(bytes(chunk))

    async def write_eof(self, chunk: bytes = b"") -> None:
        await self.write(chunk)

    async def drain(self) -> None:
        """Nothing has to wait."""

    def enable_compression(self, encoding: str = "deflate", strategy: int | None = None) -> None:
        """Do nothing: content is kept as it is."""

    def enable_chunking(self) -> None:
        """Do nothing: content is kept without framing."""

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        """Do nothing: a payload has none."""
