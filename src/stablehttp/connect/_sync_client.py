"""Calling a service by blocking.

Floor 14: stands on calls and the pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn, TypeVar, final

from stablehttp._body import BytesBody, SyncBody
from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._errors import StableHTTPError, UnsupportedTransportError
from stablehttp._fields import LinesInput
from stablehttp._pipeline import SyncPipeline
from stablehttp._response import Response
from stablehttp._uri import URI
from stablehttp.connect._bodies import sync_messages
from stablehttp.connect._call import Call, make_manner
from stablehttp.connect._compression import GZIP, ConnectCompression
from stablehttp.connect._method import ConnectMethod
from stablehttp.connect._reply import ConnectReply
from stablehttp.connect._streams import SyncConnectStream
from stablehttp.framing import CONNECT_MESSAGE_LIMIT

In = TypeVar("In")
Out = TypeVar("Out")


@final
class SyncConnectClient:
    """The synchronous twin of `AsyncConnectClient`, without calls in which both sides stream.

    Those need something that sends while something else reads, which here is asyncio: a call of that
    kind is refused, and says so.

    `headers` are metadata of every call.  `compression` is applied to what is sent, if the server is
    known to take it; `accept` are those the server may use, best first.  `limit` bounds each message
    that comes, in octets, before and after decompression.

    `deadline` is the time of a whole call, in seconds: the server is told, and here it is kept too.
    The longest silence is another thing: `Timeouts(read=…)` in `options`, or of the pipeline.
    """

    def __init__(
        self,
        pipeline: SyncPipeline,
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

    def unary(
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
        return self._only(call, BytesBody(call.content(message)))

    def client_stream(
        self,
        method: ConnectMethod[In, Out],
        messages: Iterable[In],
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
        return self._only(call, sync_messages(messages, call.envelope))

    def server_stream(
        self,
        method: ConnectMethod[In, Out],
        message: In,
        *,
        headers: LinesInput = (),
        deadline: float | None = None,
        options: CallOptions | None = None,
    ) -> SyncConnectStream[Out]:
        """Send one message, and give the stream of those that answer it, once its head has arrived.

        Read it to its end, or close it.

        Raises:
            ConnectCallError: the head alone tells that the call failed.
            StableHTTPError: it could not be made; `processed` says whether the server can have acted on it.
        """
        call = self._manner.begin(method, "server", headers, deadline, options)
        response = self._send(call, BytesBody(call.content(message)))
        try:
            reader = call.reader(response)
        except StableHTTPError as error:
            response.close()
            raise call.failed(error)  # noqa: B904 (the same error)
        chunks = response.body.chunks(reader="the stream of a Connect call")
        return SyncConnectStream(call, response.headers, reader, chunks, response.close)

    def bidi_stream(self, method: ConnectMethod[In, Out], messages: object = ()) -> NoReturn:
        """Refuse: a call in which both sides stream is asynchronous only.

        Raises:
            UnsupportedTransportError: always, and before anything is sent.
        """
        raise UnsupportedTransportError(
            f"{method.path!r} cannot be called by blocking if both sides stream; use AsyncConnectClient",
            transport="SyncConnectClient",
            capability=Capability.DUPLEX.value,
            operation=method.path,
        )

    def _send(self, call: Call[In, Out], body: SyncBody) -> Response[SyncBody]:
        try:
            return self._pipeline.send(
                call.request(body), operation=call.operation, options=call.options(self._pipeline.timeouts)
            )
        except StableHTTPError as error:
            raise call.failed(error)  # noqa: B904 (the same error, or one with its cause)

    def _only(self, call: Call[In, Out], body: SyncBody) -> ConnectReply[Out]:
        response = self._send(call, body)
        messages: list[bytes] = []
        try:
            with response:
                reader = call.reader(response)
                for chunk in response.body.chunks(reader="a Connect call"):
                    messages += reader.feed(chunk)
                messages += reader.finish()
        except StableHTTPError as error:
            raise call.failed(error)  # noqa: B904 (the same error, or one with its cause)
        return call.reply(response, reader, messages)
