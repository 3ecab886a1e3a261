"""A call in which both sides stream, each when it likes.

Floor 14: stands on streams, and on the exchange that a pipeline opens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Generic, Self, TypeVar, final

from stablehttp._errors import StableHTTPError, TrailersUnavailableError
from stablehttp._exchange import Exchange
from stablehttp._fields import Fields
from stablehttp.connect._call import Call
from stablehttp.connect._streams import AsyncConnectStream

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


@final
class AsyncConnectExchange(AsyncIterator[Out_co], Generic[In_contra, Out_co]):
    """A call in which both sides stream: `send` and `send_end` for one side, `async for` for the other.

    One task may send while another receives.  A receiving that ends without an error is a call that
    succeeded.  Leaving the block gives up what has not ended.
    """

    __slots__ = ("_call", "_exchange", "_failure", "_stream")

    def __init__(self, call: Call[In_contra, Out_co], exchange: Exchange) -> None:
        """Nothing happens before the block is entered."""
        self._call = call
        self._exchange = exchange
        self._stream: AsyncConnectStream[Out_co] | None = None
        self._failure: StableHTTPError | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._exchange.__aenter__()
        except StableHTTPError as error:
            raise self._call.failed(error)  # noqa: B904 (the same error, or one with its cause)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.abort()

    # --- sending ---------------------------------------------------------------------------------

    @property
    def can_send(self) -> bool:
        """Whether `send` would take a message, as far as it is known now."""
        return self._exchange.can_send

    async def send(self, message: In_contra) -> None:
        """Send a message at once, and wait while the server does not take what was sent before.

        Raises:
            ClosedError: `send_end` was called, or the call was aborted.
            PeerEndedError: the server takes no more; receive, to learn why.
            StableHTTPError: the call has failed.
        """
        envelope = self._call.envelope(message)
        try:
            await self._exchange.send(envelope)
        except StableHTTPError as error:
            raise self._call.failed(error)  # noqa: B904 (the same error, or one with its cause)

    async def send_end(self) -> None:
        """Say that no message follows; those of the server can still be received.

        Raises:
            ClosedError: that was said before, or the call was aborted.
            PeerEndedError: the server takes no more; receive, to learn why.
            StableHTTPError: the call has failed.
        """
        try:
            await self._exchange.send_end()
        except StableHTTPError as error:
            raise self._call.failed(error)  # noqa: B904 (the same error, or one with its cause)

    # --- receiving -------------------------------------------------------------------------------

    async def headers(self) -> Fields:
        """The metadata that came before the messages, as soon as they are there.

        Some servers send them with their first message only.

        Raises:
            ConnectCallError: the head alone tells that the call failed.
            StableHTTPError: the call has failed.
        """
        return (await self._opened()).headers

    @property
    def trailers(self) -> Fields:
        """The metadata that came after the messages; of a call that failed, they are in its error.

        Raises:
            TrailersUnavailableError: the messages were not received to their end.
        """
        if self._stream is None:
            raise TrailersUnavailableError("trailers of a Connect stream come with its end; read all messages first")
        return self._stream.trailers

    async def __anext__(self) -> Out_co:
        """The next message.  Whoever is cancelled while waiting here ends the call.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            TransportError, HTTPTimeoutError: the response ended too early, or too late.
            ClosedError: the call was aborted.
        """
        return await anext(await self._opened())

    # --- the end ---------------------------------------------------------------------------------

    async def wait_closed(self) -> None:
        """Send the end unless that was done, and wait for that of the server; what it still says is discarded.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            StableHTTPError: the call has failed.
        """
        if self.can_send:
            await self.send_end()
        async for _ in self:
            pass

    async def abort(self) -> None:
        """Give up at once what has not ended; a second call does nothing."""
        await self._exchange.abort()

    async def _opened(self) -> AsyncConnectStream[Out_co]:
        if self._failure is not None:
            raise self._failure
        try:
            response = await self._exchange.response()
            if self._stream is None:
                reader = self._call.reader(response)
                self._stream = AsyncConnectStream(
                    self._call, response.headers, reader, self._exchange, self._exchange.abort
                )
        except StableHTTPError as error:
            self._failure = self._call.failed(error)
            await self._exchange.abort()
            raise self._failure  # noqa: B904 (the same error, or one with its cause)
        return self._stream

    def __repr__(self) -> str:
        return f"<AsyncConnectExchange of {self._call.method.path}>"
