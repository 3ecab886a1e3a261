"""Who gives transports to exchanges, and what is given: the shape that own and lent transports share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, TypeAlias

import httpx2

from stablehttp_httpx2._progress import Progress

AsyncSend: TypeAlias = Callable[[httpx2.Request], Awaitable[httpx2.Response]]
SyncSend: TypeAlias = Callable[[httpx2.Request], httpx2.Response]


class AsyncLoan(Protocol):
    """A transport in the hands of one exchange; `send` sends through it.  One that is dropped gives itself back."""

    @property
    def send(self) -> AsyncSend:
        """Send one request."""
        ...

    async def end(self, progress: Progress, error: BaseException | None) -> None:
        """Give the transport back; with an error, the exchange ended early or its connection is not to be used again.

        What is given back is given back before anything is awaited, and nothing is raised but a cancellation.
        """
        ...


class AsyncLender(Protocol):
    """Gives a transport to each exchange.  `queues` says that exchanges wait for their turn in the transport."""

    @property
    def queues(self) -> bool:
        """Whether exchanges wait for their turn in the transport, and not here."""
        ...

    async def borrow(self, origin: str, seconds: float | None) -> AsyncLoan:
        """A transport for an exchange with `origin`, after at most so many seconds.

        Raises:
            PoolTimeoutError: there was none in time.
            ForeignLoopError: the transports belong to another event loop or process.
        """
        ...

    async def aclose(self) -> None:
        """Close transports that nobody uses now, and the others when they are given back."""
        ...


class SyncLoan(Protocol):
    """A transport in the hands of one exchange; `send` sends through it.  One that is dropped gives itself back.

    `stream` is the network stream that it has from earlier exchanges, if that is known.
    """

    @property
    def stream(self) -> object:
        """The network stream of earlier exchanges, or None."""
        ...

    @property
    def send(self) -> SyncSend:
        """Send one request."""
        ...

    def end(self, progress: Progress, error: BaseException | None) -> None:
        """Give the transport back; with an error, its connection is not to be used again."""
        ...


class SyncLender(Protocol):
    """Gives a transport to each exchange."""

    def borrow(self, origin: str, seconds: float | None) -> SyncLoan:
        """A transport for an exchange with `origin`, after at most so many seconds.

        Raises:
            PoolTimeoutError: there was none in time.
            ForeignLoopError: the transport belongs to another process.
        """
        ...

    def close(self) -> None:
        """Close transports that nobody uses now, and the others when they are given back."""
        ...


async def aclose_stream(stream: object) -> None:
    """Close a network stream of the client; a second time does nothing."""
    close: Callable[[], Awaitable[None]] | None = getattr(stream, "aclose", None)
    if close is not None:
        with suppress(Exception):
            await close()


def close_stream(stream: object) -> None:
    """Close a network stream of the client; a second time does nothing."""
    close: Callable[[], None] | None = getattr(stream, "close", None)
    if close is not None:
        with suppress(Exception):
            close()
