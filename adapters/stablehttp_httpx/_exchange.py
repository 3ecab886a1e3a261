"""One exchange: what both its halves need until the content of the response has ended.

The connector begins an exchange and sends; the content of the response goes on with it, and ends it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, TypeVar, final

import httpx

from stablehttp import AnyRequest, HttpVersion, StableHTTPError
from stablehttp_httpx._errors import Content, translate
from stablehttp_httpx._lender import Lease, Lender
from stablehttp_httpx._limits import OutOfTimeError, Ration
from stablehttp_httpx._progress import Progress, Stage
from stablehttp_httpx._watch import Watch

Transport = TypeVar("Transport")


class Exchange(Generic[Transport]):
    """What is known of an exchange; where transports are our own it has a lease of one, given back once."""

    __slots__ = ("_lease", "_lender", "method", "origin", "progress")

    def __init__(self, request: AnyRequest, progress: Progress, lender: Lender[Transport] | None) -> None:
        self.method = request.method
        self.origin = request.uri.origin
        self.progress = progress
        self._lender = lender
        self._lease: Lease[Transport] | None = None

    def borrow(self) -> Transport | None:
        """The transport to send through, where transports are our own."""
        if self._lender is None:
            return None
        lease = self._lease = self._lender.lend()
        return lease.transport

    @property
    def alone(self) -> bool:
        """Whether no other exchange can be hurt by what happens to the connection of this one."""
        lease = self._lease
        return self.progress.version is not HttpVersion.HTTP_2 or (lease is not None and lease.users == 1)

    def explain(self, error: Exception, content: Content | None = None) -> StableHTTPError:
        """Our error for what went wrong, with the request that it is about."""
        return translate(error, self.progress, content).about(self.method, self.origin)

    def give_back(self, error: BaseException | None) -> Lease[Transport] | None:
        """Give the lease back; it comes back if its transport is to be closed now."""
        lease, self._lease = self._lease, None
        if lease is None or self._lender is None:
            return None
        if self.progress.stream is not None:
            lease.streams.add(self.progress.stream)
        return self._lender.take_back(lease, retire=error is not None and self._harms(error))

    def _harms(self, error: BaseException) -> bool:
        """Whether ending like this leaves something behind in the transport: see `_lender`."""
        version = self.progress.version
        if version is None:
            interrupted = isinstance(error, OutOfTimeError) or not isinstance(error, Exception)
            return interrupted and HttpVersion.HTTP_2 in self.progress.versions
        return version is HttpVersion.HTTP_2


@final
class AsyncExchange(Exchange[httpx.AsyncHTTPTransport]):
    """An exchange whose client is awaited, under a watch."""

    __slots__ = ("watch",)

    def __init__(
        self, request: AnyRequest, progress: Progress, watch: Watch, lender: Lender[httpx.AsyncHTTPTransport] | None
    ) -> None:
        super().__init__(request, progress, lender)
        self.watch = watch

    async def end(self, error: BaseException | None = None) -> None:
        """Give the transport back; after an error, close a connection that was made and never used."""
        if error is not None and self.progress.stage is Stage.CONNECTED:
            await aclose_stream(self.progress.stream)
        left = self.give_back(error)
        if left is not None:
            await aclose_transport(left)


@final
class SyncExchange(Exchange[httpx.HTTPTransport]):
    """An exchange whose client blocks, on a ration."""

    __slots__ = ("ration",)

    def __init__(
        self, request: AnyRequest, progress: Progress, ration: Ration, lender: Lender[httpx.HTTPTransport] | None
    ) -> None:
        super().__init__(request, progress, lender)
        self.ration = ration

    def end(self, error: BaseException | None = None) -> None:
        """Give the transport back; after an error, close a connection that was made and never used."""
        if error is not None and self.progress.stage is Stage.CONNECTED:
            close_stream(self.progress.stream)
        left = self.give_back(error)
        if left is not None:
            close_transport(left)


async def aclose_transport(lease: Lease[httpx.AsyncHTTPTransport]) -> None:
    """Close a transport, and what it forgot."""
    with suppress(Exception):
        await lease.transport.aclose()
    for stream in list(lease.streams):
        await aclose_stream(stream)


def close_transport(lease: Lease[httpx.HTTPTransport]) -> None:
    """Close a transport, and what it forgot."""
    with suppress(Exception):
        lease.transport.close()
    for stream in list(lease.streams):
        close_stream(stream)


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
