"""Bodies that are watched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import final

from stablehttp import AsyncBody


@final
class WatchedBody(AsyncBody):
    """Gives `chunks`, then raises `failure` or, if `endless`, waits; counts how often it was begun and closed."""

    def __init__(
        self,
        chunks: Sequence[bytes],
        *,
        length: int | None = None,
        endless: bool = False,
        failure: Exception | None = None,
    ) -> None:
        super().__init__()
        self._chunks = chunks
        self._length = length
        self._endless = endless
        self._failure = failure
        self.begun = 0
        self.closed = 0
        self.waits = asyncio.Event()

    @property
    def length(self) -> int | None:
        return self._length

    async def achunks(self, *, reader: str = "the caller") -> AsyncIterator[bytes]:
        self._claim(reader)
        self.begun += 1
        for chunk in self._chunks:
            yield chunk
        if self._failure is not None:
            raise self._failure
        if self._endless:
            self.waits.set()
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed += 1
