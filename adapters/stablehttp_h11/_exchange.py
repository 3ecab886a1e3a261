"""One asynchronous exchange on one connection: send, read the head, then be the source of the content.

Content in memory is written at once, and what the system does not take goes on by itself, so the usual
exchange needs no task.  A stream is sent by a task of its own, so that the response can be read while it is
sent: `send` returns with the head, and sending goes on until it ends or the response is closed.  A final
status of 300 and above that comes earlier ends sending.

Whoever holds an exchange that has not ended holds a connection; every way out leads through `_leave`.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import final

from stablehttp import (
    Fields,
    ForeignLoopError,
    InformationalHook,
    ReadTimeoutError,
    Request,
    Response,
    WriteTimeoutError,
)
from stablehttp.adapting import AsyncBody, AsyncPool, AsyncReceivedBody, Lease
from stablehttp_h11._body import AsyncContent, AsyncStream, Whole, frame
from stablehttp_h11._bounds import Bounds
from stablehttp_h11._convert import from_head, from_informational, render_head
from stablehttp_h11._errors import Stage, no_answer, translate
from stablehttp_h11._reader import Content, Head, HeadReader, says_close
from stablehttp_h11._route import Route
from stablehttp_h11._wire import Wire


@final
class AsyncExchange:
    """A request on its way, then the source of the content of its response."""

    __slots__ = (
        "_bounds",
        "_content",
        "_failure",
        "_keeps",
        "_lease",
        "_left",
        "_loop",
        "_method",
        "_origin",
        "_pool",
        "_sender",
        "_sent",
        "_stage",
        "_status",
        "_wire",
    )

    def __init__(
        self, pool: AsyncPool[Wire], lease: Lease[Wire], request: Request[AsyncBody], bounds: Bounds
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._wire = lease.connection
        self._loop = asyncio.get_running_loop()
        self._bounds = bounds
        self._method = request.method
        self._origin = request.uri.origin
        self._stage = Stage.CONNECTING
        self._status: int | None = None
        self._content: Content | None = None
        self._sender: asyncio.Task[None] | None = None
        self._failure: BaseException | None = None
        self._keeps = not says_close(request.headers.values("connection"))
        self._sent = False
        self._left = False

    # --- sending and the head --------------------------------------------------------------------

    async def respond(
        self, request: Request[AsyncBody], content: AsyncContent, route: Route, patience: float
    ) -> Response[AsyncBody]:
        """Send the request and give the response as soon as its head is there.

        `patience` is how many seconds the content is held while the request says `Expect: 100-continue`.
        """
        octets = render_head(request, route)
        hook = request.extensions.get(InformationalHook)
        reader = HeadReader()
        self._stage = Stage.SENT
        head = None
        if _expects(request, content):
            self._wire.write([octets])
            head = await self._final_head(reader, hook, patience)
            octets = b""
        if head is None:
            self._send(octets, content)
            head = await self._final_head(reader, hook, None)
        return await self._begin_content(reader, head)

    def _send(self, head: bytes, content: AsyncContent) -> None:
        if isinstance(content, Whole):
            self._sent = True
            self._wire.write(content.behind(head))
        else:
            if head:
                self._wire.write([head])
            self._sender = self._loop.create_task(self._send_stream(content))

    async def _final_head(self, reader: HeadReader, hook: InformationalHook | None, patience: float | None) -> Head:
        while True:
            head = reader.next()
            if head is None:
                octets = await self._receive()
                if not octets:
                    raise no_answer(self._stage)
                self._stage = Stage.ANSWERING
                reader.feed(octets)
            elif head.status >= 200:
                return head
            elif hook is not None:
                hook.read(from_informational(head))
