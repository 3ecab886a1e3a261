"""The content of a response, read from httpx2's stream itself, without the layers that decode it.

When content ends, or fails, the connection goes back or away at once.  What nobody wants is read to its
end where that is quick, because httpx2 gives up the whole connection otherwise.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import suppress
from time import monotonic
from typing import Final, cast, final

import httpx2

from stablehttp import Fields, HttpVersion, IncompleteResponseError, InvalidResponseError
from stablehttp.adapting import cause_for
from stablehttp_httpx2._content import AsyncContent as AsyncContent
from stablehttp_httpx2._content import Octets as Octets
from stablehttp_httpx2._content import SyncContent as SyncContent
from stablehttp_httpx2._content import async_content as async_content
from stablehttp_httpx2._content import sync_content as sync_content
from stablehttp_httpx2._convert import Head
from stablehttp_httpx2._errors import Content
from stablehttp_httpx2._exchange import AsyncExchange, SyncExchange
from stablehttp_httpx2._leftover import LeftoverError, aclose_without_leftover, close_without_leftover
from stablehttp_httpx2._limits import DRAIN_SECONDS
from stablehttp_httpx2._loans import aclose_stream

_WORTH_DRAINING: Final = 64 * 1024


class _Source:
    """What has come of the content, against what was declared."""

    def __init__(self, response: httpx2.Response, head: Head, timeouts: dict[str, float | None]) -> None:
        self._response = response
        self._timeouts = timeouts
        self._expected = head.length
        self._http2 = head.version is HttpVersion.HTTP_2
        self._network = response.extensions.get("network_stream")
        self._can_leave_something = head.delimited and self._network is not None and not self._http2
        self._received = 0
        self._done = False

    def trailers(self) -> Fields | None:
        """None: httpx2 does not deliver them."""
        return None

    @property
    def _content(self) -> Content:
        return Content(self._expected, self._received)

    def _count(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._expected is not None and self._received > self._expected:
            raise InvalidResponseError(
                f"the content has more than the {self._expected} octets that 'Content-Length' declares (RFC 9110 §8.6)",
                sent="yes",
                processed="yes",
            )

    def _check_end(self) -> None:
        if self._expected is not None and self._received < self._expected:
            raise IncompleteResponseError(
                f"the content ended after {self._received} of {self._expected} octets",
                expected=self._expected,
                received=self._received,
            )

    def _worth_draining(self) -> bool:
        """Whether the rest can be small; over HTTP/1.1 only a declared length says so."""
        if self._expected is None:
            return self._http2
        return self._expected - self._received <= _WORTH_DRAINING


@final
class AsyncIncoming(_Source):
    """The content of a response that an asynchronous transport received."""

    def __init__(self, response: httpx2.Response, head: Head, exchange: AsyncExchange) -> None:
        super().__init__(response, head, exchange.watch.timeouts)
        self._exchange = exchange
        self._chunks: AsyncIterator[bytes] | None = None

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        if self._done:
            return b""
        try:
            self._exchange.progress.wait_for_octets()
            chunk = await self._next()
            if chunk:
                self._count(chunk)
            else:
                self._check_end()
        except BaseException as error:
            await self._drop(error)
            if isinstance(error, Exception):
                told = self._exchange.explain(error, self._content)
                raise told from cause_for(told, error)
            raise
        if not chunk:
            await self._finish()
        return chunk

    async def aclose(self) -> None:
        """Give the connection back if the content has ended or soon does, else discard it."""
        unwanted: BaseException = GeneratorExit()
        try:
            if not self._done and self._worth_draining():
                await self._drain()
        except BaseException as error:
            unwanted = error
            raise
        finally:
            if not self._done:
                await self._drop(unwanted)

    async def _next(self) -> bytes:
        watch = self._exchange.watch
        if self._chunks is None:
            self._chunks = _chunks_of(self._response)
        chunk = b""
        try:
            while not chunk and watch.held is None:
                chunk = await watch.drive(anext(self._chunks))
        except StopAsyncIteration:
            return b""
        watch.deliver()
        return chunk

    async def _drain(self) -> None:
        self._exchange.watch.arm("drain")
        enough = self._received + _WORTH_DRAINING
        with suppress(Exception):
            while self._received <= enough:
                chunk = await self._next()
                if not chunk:
                    await self._finish()
                    break
                self._received += len(chunk)

    async def _finish(self) -> None:
        """The content has ended: the connection goes back."""
        self._done = True
        watch = self._exchange.watch
        spoilt: BaseException | None = None
        try:
            with suppress(Exception):
                spoilt = await watch.drive(self._close())
        except BaseException as error:
            spoilt = error
            raise
        finally:
            await self._exchange.end(spoilt)
        watch.deliver()

    async def _close(self) -> LeftoverError | None:
        stream = _async_stream(self._response)
        if self._can_leave_something:
            return await aclose_without_leftover(stream, self._network, self._timeouts)
        await stream.aclose()
        return None

    async def _drop(self, error: BaseException) -> None:
        """The content will not be read to its end: the connection goes away."""
        self._done = True
        try:
            await discard(self._response, self._chunks)
        finally:
            await self._exchange.end(error)


@final
class SyncIncoming(_Source):
    """The content of a response that a synchronous transport received."""

    def __init__(self, response: httpx2.Response, head: Head, exchange: SyncExchange) -> None:
        super().__init__(response, head, exchange.ration.timeouts)
        self._exchange = exchange
        self._chunks: Iterator[bytes] | None = None

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end."""
        if self._done:
            return b""
        try:
            self._exchange.progress.wait_for_octets()
            chunk = self._next()
            if chunk:
                self._count(chunk)
            else:
                self._exchange.check_end()
                self._check_end()
        except BaseException as error:
            self._drop(error)
            if isinstance(error, Exception):
                told = self._exchange.explain(error, self._content)
                raise told from cause_for(told, error)
            raise
        if not chunk:
            self._finish()
        return chunk

    def close(self) -> None:
        """Give the connection back if the content has ended or soon does, else discard it."""
        if not self._done and self._worth_draining() and self._can_drain():
            self._drain()
        if not self._done:
            self._drop(GeneratorExit())

    def _next(self) -> bytes:
        if self._chunks is None:
            self._chunks = iter(_sync_stream(self._response))
        for chunk in self._chunks:
            if chunk:
                return chunk
        return b""

    def _can_drain(self) -> bool:
        """Whether the client will heed the limit: over HTTP/1.1 it looks before the first chunk only."""
        return self._http2 or self._chunks is None

    def _drain(self) -> None:
        enough, late = self._received + _WORTH_DRAINING, monotonic() + DRAIN_SECONDS
        with suppress(Exception):
            self._exchange.ration.arm("drain")
            while self._received <= enough and monotonic() < late:
                chunk = self._next()
                if not chunk:
                    self._finish()
                    break
                self._received += len(chunk)

    def _finish(self) -> None:
        """The content has ended: the connection goes back."""
        self._done = True
        spoilt: BaseException | None = None
        try:
            with suppress(Exception):
                spoilt = self._close()
        except BaseException as error:
            spoilt = error
            raise
        finally:
            self._exchange.end(spoilt)

    def _close(self) -> LeftoverError | None:
        stream = _sync_stream(self._response)
        if self._can_leave_something:
            return close_without_leftover(stream, self._network, self._timeouts)
        stream.close()
        return None

    def _drop(self, error: BaseException) -> None:
        """The content will not be read to its end: the connection goes away."""
        self._done = True
        try:
            discard_now(self._response)
        finally:
            self._exchange.end(error)


async def discard(response: httpx2.Response, chunks: AsyncIterator[bytes] | None) -> None:
    """Close the connection of a response whose content is not wanted, or over HTTP/2 its stream.

    A generator that is left in the middle would be ended by a task of its own when it is collected.  So over
    HTTP/1.1 the connection is closed first, and what reads from it runs into that and ends by itself.
    """
    network = response.extensions.get("network_stream")
    with suppress(Exception):
        if network is not None and response.extensions.get("http_version") != b"HTTP/2":
            await aclose_stream(network)
            if chunks is not None:
                async for _ in chunks:
                    pass
        elif isinstance(chunks, AsyncGenerator):
            await cast("AsyncGenerator[bytes]", chunks).aclose()
    with suppress(Exception):
        await _async_stream(response).aclose()


def discard_now(response: httpx2.Response) -> None:
    """Close the connection of a response whose content is not wanted, or over HTTP/2 its stream."""
    with suppress(Exception):
        _sync_stream(response).close()


def _chunks_of(response: httpx2.Response) -> AsyncIterator[bytes]:
    return aiter(_async_stream(response))


def _async_stream(response: httpx2.Response) -> httpx2.AsyncByteStream:
    stream = response.stream
    if not isinstance(stream, httpx2.AsyncByteStream):
        raise InvalidResponseError("the transport gave a response that can only be read by blocking")
    return stream


def _sync_stream(response: httpx2.Response) -> httpx2.SyncByteStream:
    stream = response.stream
    if not isinstance(stream, httpx2.SyncByteStream):
        raise InvalidResponseError("the transport gave a response that can only be read by awaiting")
    return stream
