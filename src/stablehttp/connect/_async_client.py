"""Calling a service by awaiting.

Floor 14: stands on calls and the pipeline.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, final

from stablehttp._body import AsyncBody, BytesBody
from stablehttp._call_options import CallOptions
from stablehttp._errors import StableHTTPError
from stablehttp._fields import LinesInput
from stablehttp._pipeline import AsyncPipeline
from stablehttp._response import Response
from stablehttp._uri import URI
from stablehttp.connect._bodies import Messages, async_messages
from stablehttp.connect._call import Call, make_manner
from stablehttp.connect._compression import GZIP, ConnectCompression
from stablehttp.connect._exchange import AsyncConnectExchange
from stablehttp.connect._method import ConnectMethod
from stablehttp.connect._reply import ConnectReply
from stablehttp.connect._streams import AsyncConnectStream
from stablehttp.framing import CONNECT_MESSAGE_LIMIT

In = TypeVar("In")
Out = TypeVar("Out")


@final
class AsyncConnectClient:
    """Calls the methods of the services under one URI, through a pipeline that is left open.

    `headers` are metadata of every call.  `compression` is applied to what is sent, if the server is
    known to take it; `accept` are those the server may use, best first.  `limit` bounds each message
    that comes, in octets, before and after decompression.

    `deadline` is the time of a whole call, in seconds: the server is told, and here it is kept too.
    The longest silence is another thing: `Timeouts(read=…)` in `options`, or of the pipeline.
    """

    def __init__(
        self,
        pipeline: AsyncPipeline,
        uri: str | URI,
        *,
        headers: LinesInput = (),
        compression: ConnectCompression | None = None,
        accept: Sequence[ConnectCompression] = (GZIP,),
        limit: int = CONNECT_MESSAGE_LIMIT,
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> None:
        """Remember how to call; nothing is sent.

        Raises:
            InvalidMessageError: some part of it is invalid.
        """
        self._pipeline = pipeline
        self._manner = make_manner(uri, headers, compression, accept, limit, deadline, options)

    async def unary(
        self,
        method: ConnectMethod[In, Out],
        message: In,
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> ConnectReply[Out]:
        """Send one message, and give the one that answers it.

        `headers` are added to those of the client; `deadline` and `options` replace its own, and a deadline
        of `inf` is none.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            StableHTTPError: it could not be made; `processed` says whether the server can have acted on it.
        """
        call = self._manner.begin(method, "unary", headers, deadline, options)
        return await self._only(call, BytesBody(call.content(message)))

    async def client_stream(
        self,
        method: ConnectMethod[In, Out],
        messages: Messages[In],
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> ConnectReply[Out]:
        """Send messages as they come, and give the one that answers all of them.

        An error of the iterator ends the call and is raised as it is.

        Raises:
            ConnectCallError: the call failed, or what came breaks the protocol.
            StableHTTPError: it could not be made; `processed` says whether the server can have acted on it.
        """
        call = self._manner.begin(method, "client", headers, deadline, options)
        return await self._only(call, async_messages(messages, call.envelope))

    async def server_stream(
        self,
        method: ConnectMethod[In, Out],
        message: In,
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> AsyncConnectStream[Out]:
        """Send one message, and give the stream of those that answer it, once its head has arrived.

        Read it to its end, or close it.

        Raises:
            ConnectCallError: the head alone tells that the call failed.
            StableHTTPError: it could not be made; `processed` says whether the server can have acted on it.
        """
        call = self._manner.begin(method, "server", headers, deadline, options)
        return await self._stream(call, BytesBody(call.content(message)))

    async def bidi_stream(
        self,
        method: ConnectMethod[In, Out],
        messages: Messages[In],
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> AsyncConnectStream[Out]:
        """Send messages as they come, and give the stream of those that come back, once its head has arrived.

        Read it to its end, or close it, which ends the iterator of `messages` too.  Some servers send no head
        before their first message: where `messages` waits for answers, use `open`.

        Raises:
            UnsupportedTransportError: the connector does not send and receive at the same time; nothing ran.
            ConnectCallError: the head alone tells that the call failed.
            StableHTTPError: it could not be made; `processed` says whether the server can have acted on it.
        """
        call = self._manner.begin(method, "bidi", headers, deadline, options)
        return await self._stream(call, async_messages(messages, call.envelope))

    def open(
        self,
        method: ConnectMethod[In, Out],
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> AsyncConnectExchange[In, Out]:
        """Open a call in which both sides send when they like: `async with client.open(method) as exchange`.

        Raises:
            UnsupportedTransportError: the connector does not send and receive at the same time; nothing ran.
        """
        call = self._manner.begin(method, "bidi", headers, deadline, options)
        request = call.request(BytesBody())
        return AsyncConnectExchange(
            call, self._pipeline.open(request, operation=call.operation, options=call.options(self._pipeline.timeouts))
        )

    async def _stream(self, call: Call[In, Out], body: AsyncBody) -> AsyncConnectStream[Out]:
        response = await self._send(call, body)
        try:
            reader = call.reader(response)
        except StableHTTPError as error:
            await response.aclose()
            raise call.failed(error)  # noqa: B904 (the same error)
        chunks = response.body.achunks(reader="the stream of a Connect call")
        return AsyncConnectStream(call, response.headers, reader, chunks, response.aclose)

    async def _send(self, call: Call[In, Out], body: AsyncBody) -> Response[AsyncBody]:
        try:
            return await self._pipeline.send(
                call.request(body), operation=call.operation, options=call.options(self._pipeline.timeouts)
            )
        except StableHTTPError as error:
            raise call.failed(error)  # noqa: B904 (the same error, or one with its cause)

    async def _only(self, call: Call[In, Out], body: AsyncBody) -> ConnectReply[Out]:
        response = await self._send(call, body)
        messages: list[bytes] = []
        try:
            async with response:
                reader = call.reader(response)
                async for chunk in response.body.achunks(reader="a Connect call"):
                    messages += reader.feed(chunk)
                messages += reader.finish()
        except StableHTTPError as error:
            raise call.failed(error)  # noqa: B904 (the same error, or one with its cause)
        return call.reply(response, reader, messages)
