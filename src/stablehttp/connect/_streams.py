"""The messages of a response, as they arrive.

Floor 14: stands on calls.

A stream has status 200 even when it fails, so only a reading that came to its end proves that the call
succeeded.  Its octets are no document of its codec, so there is no way here to read them as one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, Self, TypeVar, final

from stablehttp._errors import ClosedError, StableHTTPError
from stablehttp._fields import Fields
from stablehttp._streams import aend, end
from stablehttp.connect._call import Call, fields_of
from stablehttp.framing import ConnectReader

Out_co = TypeVar("Out_co", covariant=True)


class _Stream(Generic[Out_co]):
    """What streams of both colours have in common."""

    __slots__ = ("_call", "_failure", "_headers", "_over", "_reader", "_waiting")

    def __init__(self, call: Call[Any, Out_co], headers: Fields, reader: ConnectReader) -> None:
        self._call = call
        self._headers = headers
        self._reader = reader
        self._waiting: Iterator[bytes] = iter(())
        self._failure: StableHTTPError | None = None
        self._over = False

    @property
    def headers(self) -> Fields:
        """The metadata that came before the messages, and all other fields of the response."""
        return self._headers

    @property
    def trailers(self) -> Fields:
        """The metadata that came after the messages; of a call that failed, they are in its error.

        Raises:
            TrailersUnavailableError: the stream was not read to its end.
        """
        return fields_of(self._reader.trailers)

    def _next_waiting(self) -> bytes | None:
        if self._failure is not None:
            raise self._failure
        return next(self._waiting, None)

    def _take(self, chunk: bytes) -> None:
        """Take note of a chunk; an empty one is the end."""
        if chunk:
            self._waiting = self._reader.feed(chunk)
        else:
            self._reader.finish()
            self._over = True

    def _failed(self, error: BaseException) -> BaseException:
        """Remember that reading failed, and give what to raise."""
        if isinstance(error, StableHTTPError):
            error = self._call.failed(error)
            self._failure = self._failure or error
        self._close()
        return error

    def _close(self) -> None:
        if not self._over and self._failure is None:
            self._failure = ClosedError("the stream was closed before its end, so how the call ended is not known")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._call.method.path}>"


@final
class AsyncConnectStream(_Stream[Out_co], AsyncIterator[Out_co]):
    """The messages of a response, read with `async for`; to stop early use `async with` or `aclose`.

    A reading that ends without an error is a call that succeeded.
    """

    __slots__ = ("_aclose", "_chunks")

    def __init__(
        self,
        call: Call[Any, Out_co],
        headers: Fields,
        reader: ConnectReader,
        chunks: AsyncIterator[bytes],
        aclose: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(call, headers, reader)
        self._chunks = chunks
        self._aclose = aclose

    async def __anext__(self) -> Out_co:
        """The next message.  Whoever is cancelled while waiting here ends the stream.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            TransportError, HTTPTimeoutError: the response ended too early, or too late.
            ClosedError: the stream was closed.
        """
        try:
            while (message := self._next_waiting()) is None and not self._over:
                self._take(await anext(self._chunks, b""))
            if message is not None:
                return self._call.method.decode(message)
        except BaseException as error:
            failure = self._failed(error)
            await self.aclose()
            raise failure  # noqa: B904 (the same error, or one with its cause)
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Read no more; the server is told where the protocol allows it.  A second call does nothing."""
        self._close()
        await aend(self._chunks)
        await self._aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


@final
class SyncConnectStream(_Stream[Out_co], Iterator[Out_co]):
    """The messages of a response, read with `for`; to stop early use `with` or `close`.

    A reading that ends without an error is a call that succeeded.
    """

    __slots__ = ("_chunks", "_end")

    def __init__(
        self,
        call: Call[Any, Out_co],
        headers: Fields,
        reader: ConnectReader,
        chunks: Iterator[bytes],
        close: Callable[[], None],
    ) -> None:
        super().__init__(call, headers, reader)
        self._chunks = chunks
        self._end = close

    def __next__(self) -> Out_co:
        """The next message.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            TransportError, HTTPTimeoutError: the response ended too early, or too late.
            ClosedError: the stream was closed.
        """
        try:
            while (message := self._next_waiting()) is None and not self._over:
                self._take(next(self._chunks, b""))
            if message is not None:
                return self._call.method.decode(message)
        except BaseException as error:
            failure = self._failed(error)
            self.close()
            raise failure  # noqa: B904 (the same error, or one with its cause)
        raise StopIteration

    def close(self) -> None:
        """Read no more; the server is told where the protocol allows it.  A second call does nothing."""
        self._close()
        end(self._chunks)
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
