"""Transports and clients that a caller lends: what may be lent, and how a client is sent through.

A transport is used and left alone.  A client is sent through with `send`, which adds nothing to a request
that is built already: neither its parameters, headers, cookies and base URL, nor its credentials and
redirects, since both are switched off for the call.  It still runs its event hooks and reaches proxies that
it took from the environment: a client that has such is refused.  And it stores cookies: those that a
response to us sets are taken out again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from http.cookiejar import Cookie, CookieJar
from importlib.util import find_spec
from typing import Final, TypeAlias, final
from urllib.request import getproxies

import httpx2

from stablehttp import ClosedError, HttpVersion, MisuseError, UnsupportedTransportError
from stablehttp_httpx2._loans import AsyncSend, SyncSend, aclose_stream, close_stream
from stablehttp_httpx2._progress import Progress, Stage
from stablehttp_httpx2._shared import foreign

_PACKAGE: Final = "httpx2"
_OF_ANY_COLOUR: Final = (httpx2.BaseTransport, httpx2.AsyncBaseTransport, httpx2.Client, httpx2.AsyncClient)


# --- what may be lent ----------------------------------------------------------------------------


def lent_async(lent: object) -> AsyncLent:
    """What was lent to an asynchronous connector, to be sent through.

    Raises:
        MisuseError: it is of another package or colour, or would change what is sent.
    """
    if isinstance(lent, httpx2.AsyncBaseTransport):
        return AsyncLent(lent.handle_async_request)
    if isinstance(lent, httpx2.AsyncClient):
        return AsyncLent(_AsyncClientSender(lent).send)
    raise _wrong(lent, "AsyncHttpx2Connector", "AsyncBaseTransport or AsyncClient", "SyncHttpx2Connector")


def lent_sync(lent: object, versions: Sequence[HttpVersion]) -> SyncLent:
    """What was lent to a synchronous connector, to be sent through.

    Raises:
        MisuseError: it is of another package or colour, or would change what is sent.
        UnsupportedTransportError: it is to speak HTTP/2.
    """
    if HttpVersion.HTTP_2 in versions and isinstance(lent, httpx2.BaseTransport | httpx2.Client):
        raise UnsupportedTransportError(
            "connector 'httpx2' does not speak HTTP/2 through a synchronous client that is lent, because httpx2 shares "
            "one connection among threads and does not keep their frames apart; leave client out, or ask for HTTP/1.1",
            transport="httpx2",
            capability="HTTP/2 through a synchronous client that is lent",
        )
    if isinstance(lent, httpx2.BaseTransport):
        return SyncLent(lent.handle_request)
    if isinstance(lent, httpx2.Client):
        return SyncLent(_SyncClientSender(lent).send)
    raise _wrong(lent, "SyncHttpx2Connector", "BaseTransport or Client", "AsyncHttpx2Connector")


@final
class AsyncLent:
    """What was lent, in the event loop of its first exchange: lender and loan in one, and never closed."""

    queues = True

    def __init__(self, send: AsyncSend) -> None:
        self.send: AsyncSend = send
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = os.getpid()

    async def borrow(self, origin: str, seconds: float | None) -> AsyncLent:
        """The same.

        Raises:
            ForeignLoopError: this is another event loop or process than that of the first exchange.
        """
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if loop is not self._loop or self._pid != os.getpid():
            raise foreign()
        return self

    async def end(self, progress: Progress, error: BaseException | None) -> None:
        """Nothing is given back; after an error, close a connection that was made and never used."""
        if error is not None and progress.stage is Stage.CONNECTED:
            await aclose_stream(progress.stream)

    async def aclose(self) -> None:
        """Leave what was lent as it is."""


@final
class SyncLent:
    """What was lent, in the process that lent it: lender and loan in one, and never closed."""

    stream = None

    def __init__(self, send: SyncSend) -> None:
        self.send: SyncSend = send
        self._pid = os.getpid()

    def borrow(self, origin: str, seconds: float | None) -> SyncLent:
        """The same.

        Raises:
            ForeignLoopError: this is another process.
        """
        if self._pid != os.getpid():
            raise foreign()
        return self

    def end(self, progress: Progress, error: BaseException | None) -> None:
        """Nothing is given back; after an error, close a connection that was made and never used."""
        if error is not None and progress.stage is Stage.CONNECTED:
            close_stream(progress.stream)

    def close(self) -> None:
        """Leave what was lent as it is."""


def keeps_time(lent: object) -> bool:
    """Whether what was lent heeds the limits of time in a request: it has a network below it, or can have."""
    return isinstance(lent, httpx2.AsyncHTTPTransport | httpx2.HTTPTransport | httpx2.AsyncClient | httpx2.Client)


def _wrong(lent: object, connector: str, takes: str, other: str) -> MisuseError:
    kind = lent if isinstance(lent, type) else type(lent)
    package = kind.__module__.split(".")[0]
    if isinstance(lent, type):
        hint = "give an instance, and not the class"
    elif isinstance(lent, _OF_ANY_COLOUR):
        hint = f"it is of the other colour, so give it to {other}"
    elif find_spec(f"stablehttp_{package}") is not None:
        hint = f"use the connector of stablehttp_{package} for it"
    else:
        hint = "make one, or leave it out"
    return MisuseError(
        f"client is {package}.{kind.__qualname__}, of package {package!r}, and {connector} takes "
        f"an {takes} of package {_PACKAGE!r}; {hint}"
    )


def _check_client(client: httpx2.Client | httpx2.AsyncClient) -> None:
    if client.is_closed:
        raise ClosedError("the client that was lent is closed; lend an open one")
    if any(client.event_hooks.values()):
        raise MisuseError(
            "the client that was lent has event_hooks, which could change what is sent and received; "
            "lend one without, or a transport, and use interceptors instead"
        )
    if client.trust_env and {"http", "https", "all"}.intersection(getproxies()):
        raise MisuseError(
            "the client that was lent has trust_env, and the environment names proxies, so requests would go where "
            "nobody here can see; lend one made with trust_env=False, or a transport"
        )


# --- sending through a client --------------------------------------------------------------------


@final
class _AsyncClientSender:
    def __init__(self, client: httpx2.AsyncClient) -> None:
        _check_client(client)
        self._client = client

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        _check_client(self._client)
        jar = self._client.cookies.jar
        before = _snapshot(jar)
        try:
            response = await self._client.send(request, auth=None, follow_redirects=False, stream=True)
        except BaseException:
            _put_back(jar, before, None)
            raise
        _put_back(jar, before, response)
        return response


@final
class _SyncClientSender:
    def __init__(self, client: httpx2.Client) -> None:
        _check_client(client)
        self._client = client

    def send(self, request: httpx2.Request) -> httpx2.Response:
        _check_client(self._client)
        jar = self._client.cookies.jar
        before = _snapshot(jar)
        try:
            response = self._client.send(request, auth=None, follow_redirects=False, stream=True)
        except BaseException:
            _put_back(jar, before, None)
            raise
        _put_back(jar, before, response)
        return response


_Jar: TypeAlias = dict[tuple[str, str, str], Cookie]


def _snapshot(jar: CookieJar) -> _Jar:
    return {(cookie.domain, cookie.path, cookie.name): cookie for cookie in jar}


def _put_back(jar: CookieJar, before: _Jar, response: httpx2.Response | None) -> None:
    """Undo what the response did to the cookies; those of other names may be somebody else's doing meanwhile."""
    names: set[str] | None = None
    if response is not None:
        lines = [value for name, value in response.headers.raw if name.lower() == b"set-cookie"]
        if not lines:
            return
        names = {line.partition(b"=")[0].strip().decode("latin-1") for line in lines}
    after = _snapshot(jar)
    for key in before.keys() | after.keys():
        if before.get(key) is after.get(key) or (names is not None and key[2] not in names):
            continue
        if key in before:
            jar.set_cookie(before[key])
        else:
            jar.clear(*key)
