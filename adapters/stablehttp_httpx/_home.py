"""Where an asynchronous connector lives: in one event loop of one process.

Connections belong to the loop that made them.  When that loop ends as `asyncio.run` ends it, they are closed,
and the connector can settle in another one; while it lives, use from elsewhere is an error before any I/O.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from typing import final

import httpx

from stablehttp import ForeignLoopError, MisuseError
from stablehttp_httpx._exchange import aclose_transport
from stablehttp_httpx._lender import Lender


@final
class Home:
    """The loop and the process of one connector; without a lender, its transport is somebody else's."""

    __slots__ = ("_guard", "_lender", "_loop", "_pid")

    def __init__(self, lender: Lender[httpx.AsyncHTTPTransport] | None) -> None:
        self._lender = lender
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._guard: AsyncGenerator[None] | None = None

    async def enter(self) -> asyncio.AbstractEventLoop:
        """The running loop, which is the home from the first time on.

        Raises:
            ForeignLoopError: the home is another loop or process, and may still be in use.
            MisuseError: there is no event loop of asyncio.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise MisuseError(
                "connector 'httpx' runs on asyncio, and there is no running event loop of it; "
                "call it inside asyncio.run, and not from trio"
            ) from None
        if loop is not self._loop or self._pid != os.getpid():
            await self._settle_in(loop)
        return loop

    async def leave(self) -> None:
        """Close what nobody uses now, and the rest when it is given back.

        Raises:
            ForeignLoopError: the home is another loop, which may still be in use.
        """
        if self._lender is None or self._loop is None:
            return
        if self._is_abandoned():
            self._lender.forget_all()
            return
        if self._loop is not asyncio.get_running_loop():
            raise foreign()
        for lease in self._lender.retire_all():
            await aclose_transport(lease)
        if self._guard is not None and not self._lender.in_use:
            guard, self._guard = self._guard, None
            await guard.aclose()

    async def _settle_in(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is not None and (self._lender is None or not self._is_abandoned()):
            raise foreign()
        self._loop, self._pid = loop, os.getpid()
        if self._lender is not None:
            self._lender.forget_all()
            self._guard = _end_with_loop(self._lender)
            await anext(self._guard)

    def _is_abandoned(self) -> bool:
        """Whether nobody can be using what is here: its process or loop is gone, or rests with nothing in use."""
        if self._loop is None or self._pid != os.getpid() or self._loop.is_closed():
            return True
        return not self._loop.is_running() and (self._lender is None or not self._lender.in_use)


async def _end_with_loop(lender: Lender[httpx.AsyncHTTPTransport]) -> AsyncGenerator[None]:
    """Rests until `loop.shutdown_asyncgens`, the one moment in which a loop tells others that it is about to end."""
    try:
        yield
    finally:
        for lease in lender.forget_all():
            await aclose_transport(lease)


def foreign() -> ForeignLoopError:
    """The error for use where the connections do not belong."""
    return ForeignLoopError(
        "the connections of this connector belong to another event loop or process; make one connector for each"
    )
