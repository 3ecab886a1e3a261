"""What belongs to one event loop: a session, the places of its pool, and the connections seen so far.

aiohttp binds sessions and pools to the loop they are made in, so they are made at the first send.  A
home of ours is left when its loop has ended, and another one is made in the next; it closes itself
when the loop ends as `asyncio.run` ends it.
"""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop, Task
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from http.cookies import BaseCookie, SimpleCookie
from inspect import signature
from math import inf
from typing import Final, final
from weakref import WeakKeyDictionary

from aiohttp import BaseConnector, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from stablehttp import (
    ClosedError,
    ConnectionInfo,
    ForeignLoopError,
    HttpSettings,
    MisuseError,
    UnsupportedTransportError,
)
from stablehttp_aiohttp._exchange import WatchedRequest
from stablehttp_aiohttp._places import Places

_LONGEST_LINE: Final = 128 * 1024
_MOST_LINES: Final = 1024
_MOST_TIMEOUTS: Final = 64


@final
class _NoCookies(DummyCookieJar):
    """Knows no cookies, and does not even read them."""

    _none: Final[SimpleCookie] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        """None."""
        return self._none

    def update_cookies_from_headers(self, headers: Sequence[str], response_url: URL) -> None:
        """Do nothing."""


@final
class Home:
    """A session in one event loop.  `places` is None where the pool was lent, and counts by itself."""

    __slots__ = ("_closing", "_keeper", "_timeouts", "connect_seconds", "known", "loop", "places", "process", "session")

    def __init__(self, loop: AbstractEventLoop, settings: HttpSettings, lent: BaseConnector | None) -> None:
        """Make a session in `loop`, which is the running one.

        Raises:
            ForeignLoopError: `lent` belongs to another loop.
            ClosedError: `lent` was closed.
        """
        self.loop = loop
        self.process = os.getpid()
        self.connect_seconds = settings.connect_timeout
        self.known: WeakKeyDictionary[ResponseHandler, ConnectionInfo] = WeakKeyDictionary()
        self.places = Places(settings.max_connections) if lent is None else None
        if lent is None:
            pool: BaseConnector = TCPConnector(limit=0, keepalive_timeout=settings.keepalive)
        else:
            pool = lent
        self.session = _session(loop, pool, owned=lent is None)
        self._timeouts: dict[float | None, ClientTimeout] = {}
        self._keeper = _keep(self.session)
        self._closing: Task[None] | None = None

    async def settle(self) -> None:
        """Have the session closed when the loop ends."""
        await anext(self._keeper)

    async def aclose(self) -> None:
        """Close the session, and the pool if it is ours: now, or when the last response from it has ended."""
        if self.places is None or not self.places.shut(self._close_soon):
            await self._keeper.aclose()

    def _close_soon(self) -> None:
        """The last connection is just being given back, from wherever that is."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._start_closing)

    def _start_closing(self) -> None:
        self._closing = self.loop.create_task(_aclose(self._keeper))

    @property
    def abandoned(self) -> bool:
        """Whether the loop has ended, so that nothing here can be in use any more."""
        return self.loop.is_closed()

    def is_here(self, loop: AbstractEventLoop) -> bool:
        """Whether it belongs to `loop` and to this process."""
        return self.loop is loop and self.process == os.getpid()

    def timeout(self, read: float | None) -> ClientTimeout:
        """What aiohttp is told of timeouts: how long to connect, and how long the head may be silent.

        A lent pool is told how long TCP and TLS may take: in the other figure it counts the wait for a place.
        """
        made = self._timeouts.get(read)
        if made is None:
            connect = self.connect_seconds
            made = ClientTimeout(
                total=None,
                connect=None if self.places is None else connect,
                sock_connect=connect if self.places is None else None,
                sock_read=read,
                ceil_threshold=inf,
            )
            if len(self._timeouts) >= _MOST_TIMEOUTS:
                self._timeouts.clear()
            self._timeouts[read] = made
        return made


def lent_pool(client: object) -> BaseConnector | None:
    """The pool that a caller lends: a connector of aiohttp, or that of a session; None if nothing was given.

    Raises:
        MisuseError: `client` is neither.
        ClosedError: it was closed.
        UnsupportedTransportError: it would add a field to each request.
    """
    if client is None:
        return None
    pool: object = client.connector if isinstance(client, ClientSession) else client
    if pool is None:
        raise ClosedError("the aiohttp.ClientSession that was lent is closed; lend an open one")
    if not isinstance(pool, BaseConnector):
        kind = type(client)
        raise MisuseError(
            f"client is a {kind.__module__}.{kind.__qualname__}, and this connector needs an aiohttp.BaseConnector, "
            "an aiohttp.ClientSession (for its connector only), or None"
        )
    if pool.closed:
        raise ClosedError(f"the aiohttp.{type(pool).__name__} that was lent is closed; lend an open one")
    if pool.force_close:
        raise UnsupportedTransportError(
            f"the aiohttp.{type(pool).__name__} that was lent has force_close=True, so aiohttp would add "
            "'Connection: close' to each request; lend one without it, and give the request that field",
            transport="aiohttp",
            capability="sending the field lines as they are",
        )
    return pool


def _session(loop: AbstractEventLoop, pool: BaseConnector, *, owned: bool) -> ClientSession:
    make: Callable[..., ClientSession] = ClientSession
    if "max_headers" in signature(ClientSession).parameters:
        make = partial(ClientSession, max_headers=_MOST_LINES)
    if pool.closed:
        raise ClosedError("the aiohttp connector that was lent is closed")
    try:
        return make(
            connector=pool,
            connector_owner=owned,
            loop=loop,
            request_class=WatchedRequest,
            cookie_jar=_NoCookies(),
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
    except RuntimeError as error:
        raise ForeignLoopError(
            "the aiohttp connector that was lent belongs to another event loop; lend one that was made in this loop"
        ) from error


async def _aclose(keeper: AsyncGenerator[None]) -> None:
    await keeper.aclose()


async def _keep(session: ClientSession) -> AsyncGenerator[None]:
    """A loop that ends closes the generators that were started in it."""
    try:
        yield
    finally:
        await session.close()
