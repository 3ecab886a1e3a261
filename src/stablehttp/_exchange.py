"""One request and its response, both still moving.

Floor 7: stands on responses, and on the content of exchanges.

An exchange knows no connector.  It is given two steps, which a pipeline has: one that prepares the
request, and gives the other, which sends it and gives the response when its head is there.  The
second runs in a task of its own from the first moment, so that head and content may come in any order.

Nothing here has a timer or looks again: whoever waits is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, final

from stablehttp._body import AsyncBody, BytesLike
from stablehttp._errors import ClosedError, MisuseError, PeerEndedError, StableHTTPError
from stablehttp._exchange_content import ExchangeContent
from stablehttp._fields import Fields, LinesInput
from stablehttp._message import AnyRequest
from stablehttp._received import ReceivedBody
from stablehttp._response import Response

Dispatch: TypeAlias = Callable[[], Coroutine[None, None, Response[AsyncBody]]]
"""Sends the request, and gives the response when its head is there."""

Prepare: TypeAlias = Callable[[ExchangeContent], Awaitable[tuple[AnyRequest, Dispatch]]]
"""Makes the request ready for sending, with this content."""


_GRACE: Final = 0.5
"""How long, in seconds, somebody who cannot send any more waits to learn why."""


@final
@dataclass(frozen=True, slots=True)
class Duplex:
    """In the extensions of a request: its content goes on being sent while the content of the response arrives.

    `AsyncPipeline.open` puts it there.  With it, a body that is iterated can be sent by `send` in the same way.  It
    needs an asynchronous connector that declares `Capability.DUPLEX`.
    """


@final
class Exchange:
    """One request and its response, both still moving: `async with pipeline.open(request) as exchange`.

    `send` and `send_end` are for the content of the request, `response` gives the head of the response as soon as it
    is there, `receive` and `async for` give its content.  One task may send while another receives.

    The two directions end on their own: the request by `send_end`, the response when the peer ends it.  Then the
    connection is given back.  When the peer ends its response first, or refuses with a status of 300 and more, it
    takes no more content.  Leaving the block gives up at once what has not ended; `wait_closed` waits for it.
    """

    __slots__ = (
        "_aborted",
        "_chunks",
        "_content",
        "_ended",
        "_failure",
        "_over",
        "_prepare",
        "_read",
        "_receiving",
        "_request",
        "_task",
    )

    def __init__(self, prepare: Prepare, trailer_names: Iterable[str] = ()) -> None:
        """Nothing happens before the block is entered; `trailer_names` are those that `send_end` will give."""
        self._prepare = prepare
        self._content = ExchangeContent(trailer_names)
        self._request: AnyRequest | None = None
        self._task: asyncio.Task[Response[AsyncBody]] | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._failure: BaseException | None = None
        self._over = asyncio.Event()
        self._aborted = False
        self._ended = False
        self._read: asyncio.Task[bytes] | None = None
        self._receiving = False

    async def __aenter__(self) -> Self:
        if self._task is not None or self._aborted:
            raise MisuseError("an exchange is entered once; open another one")
        self._request, dispatch = await self._prepare(self._content)
        self._task = asyncio.get_running_loop().create_task(dispatch(), name="stablehttp exchange")
        self._task.add_done_callback(self._on_head)
        try:
            await asyncio.sleep(0)  # it has begun, so that it lets go of what it holds, whenever it is cancelled
        except BaseException:
            await self.abort()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.abort()

    @property
    def request(self) -> AnyRequest:
        """The request as it is sent: completed, signed and sealed.

        Raises:
            MisuseError: the block was not entered.
        """
        self._running()
        assert self._request is not None
        return self._request

    # --- sending ---------------------------------------------------------------------------------

    @property
    def can_send(self) -> bool:
        """Whether `send` would take content, as far as it is known now."""
        task = self._task
        if task is None or self._ended or self._content.pushed.abandoned:
            return False
        return not task.done() or not (task.cancelled() or task.exception() is not None)

    async def send(self, data: BytesLike) -> None:
        """Send `data` at once, and wait while the peer does not take what was sent before.

        Raises:
            ClosedError: the content was ended by `send_end`, or the exchange was aborted.
            PeerEndedError: the peer takes no more; its response says why.
            StableHTTPError: the exchange has failed.
            InvalidBodyError: `data` is not bytes.
        """
        await self._check_sending()
        try:
            await self._content.pushed.write(data)
        except ClosedError:
            raise await self._why_not() from None

    async def send_end(self, trailers: LinesInput = ()) -> None:
        """End the content of the request; nothing waits for the peer, and what it sends can still be received.

        Raises:
            InvalidFieldError: `trailers` are not those that the field `Trailer` announced; nothing was changed.
            ClosedError: it was ended before, or the exchange was aborted.
            PeerEndedError: the peer takes no more; its response says why.
            StableHTTPError: the exchange has failed.
        """
        await self._check_sending()
        self._content.end(Fields(trailers))
        self._ended = True
        await asyncio.sleep(0)  # what the connector can take it takes now, before a response that ends makes it stop

    # --- receiving -------------------------------------------------------------------------------

    async def response(self) -> Response[AsyncBody]:
        """The response, as soon as its head is there; any number of tasks may wait for it, and stop waiting.

        Its content is either read from it or received from the exchange.

        Raises:
            ClosedError: the exchange was aborted.
            StableHTTPError: it has failed; `sent` and `processed` say whether the server can have acted on it.
        """
        task = self._running()
        if not task.done():
            await asyncio.wait([task])
        if self._aborted and (task.cancelled() or task.exception() is not None):
            raise _aborted()
        return task.result()

    async def receive(self) -> bytes:
        """The next chunk of the response's content as it arrives, or `b""` at its end.

        Nothing is lost when the wait is cancelled, by `asyncio.timeout` say: the next call takes it up.

        Raises:
            ClosedError: the exchange was aborted.
            StableHTTPError: the response failed, or was cut short.
            MisuseError: another task is receiving.
        """
        self._running()
        if self._receiving:
            raise MisuseError("two tasks receive from one exchange; let one of them hand the content on")
        read = self._read
        if read is None and self._failure is not None:
            raise self._failure
        if read is None:
            read = self._read = asyncio.get_running_loop().create_task(self._next(), name="stablehttp receive")
            read.add_done_callback(_look_at)
        self._receiving = True
        try:
            await asyncio.wait([read])
        finally:
            self._receiving = False
        self._read = None
        if self._aborted:
            raise _aborted()
        return read.result()

    async def _next(self) -> bytes:
        """The next chunk, in a task of its own."""
        try:
            if self._chunks is None:
                self._chunks = (await self.response()).body.achunks(reader="Exchange.receive")
            chunk = await anext(self._chunks, b"")
        except BaseException as error:
            self._finish(error)
            raise
        if not chunk:
            self._finish(None)
        return chunk

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The chunks from here on; a loop that was left can be taken up by another."""
        return self

    async def __anext__(self) -> bytes:
        chunk = await self.receive()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    # --- the end ---------------------------------------------------------------------------------

    async def wait_closed(self) -> None:
        """End the content of the request unless that was done, and wait until the peer has ended its response.

        What another task does not receive is discarded.

        Raises:
            InvalidFieldError: trailers were announced, so `send_end` has to give them.
            ClosedError: the exchange was aborted.
            StableHTTPError: it has failed.
        """
        self._running()
        if self.can_send:
            await self.send_end()
        if self._receiving:
            await self._over.wait()
        elif not self._over.is_set() and self._chunks is None:
            await self._check_unread()
        while not self._over.is_set():
            await self.receive()
        if self._failure is not None:
            raise self._failure

    async def abort(self) -> None:
        """Give up at once what has not ended: the request's body is closed, the stream or the connection too.

        Who sends or receives gets a `ClosedError`.  An exchange that has ended is left alone; a second call does
        nothing.
        """
        if self._aborted or (self._over.is_set() and self._failure is None and self._ended):
            return
        self._aborted = True
        self._finish(_aborted())
        self._content.pushed.abandon()
        task = self._task
        running = [each for each in (self._read, task) if each is not None and not each.done()]
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)
        if task is not None and not task.cancelled() and task.exception() is None:
            await task.result().aclose()

    # --- inside ----------------------------------------------------------------------------------

    def _running(self) -> asyncio.Task[Response[AsyncBody]]:
        if self._task is None:
            raise MisuseError("the exchange was not entered; write `async with pipeline.open(request) as exchange`")
        return self._task

    def _on_head(self, task: asyncio.Task[Response[AsyncBody]]) -> None:
        """Tell who sends, who might wait for ever otherwise, that there is nobody to send to."""
        if task.cancelled():
            self._finish(_aborted())
        elif (error := task.exception()) is not None:
            self._finish(error)
        elif task.result().status >= 300:  # a refusal, whether or not the connector has noticed that by now
            self._content.pushed.abandon()

    def _finish(self, failure: BaseException | None) -> None:
        if not self._over.is_set():
            self._failure = failure
            self._over.set()
            self._content.pushed.abandon()

    async def _check_unread(self) -> None:
        """Content that is read from the response itself has to have been read to its end."""
        body = (await self.response()).body
        if isinstance(body, ReceivedBody) and body.ended:
            self._finish(None)
        elif body.taken_by is not None:
            raise MisuseError("the content is being read from the response; read it to its end there first")

    async def _check_sending(self) -> None:
        self._running()
        if not self.can_send:
            raise await self._why_not()

    async def _why_not(self) -> BaseException:
        if self._ended and not self._aborted:
            return ClosedError("the content of the request was ended by send_end; send before that")
        task = self._running()
        if not (self._aborted or task.done()):  # a connector lets go of the content just before it says why
            await asyncio.wait([task], timeout=_GRACE)
        if self._aborted:
            return _aborted()
        if isinstance(self._failure, StableHTTPError):
            return self._failure
        if task.done() and not task.cancelled() and isinstance(error := task.exception(), StableHTTPError):
            return error
        return self._peer_ended()

    def _peer_ended(self) -> PeerEndedError:
        task = self._task
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return PeerEndedError("the peer takes no more content; it has gone, or is about to answer")
        status = task.result().status
        return PeerEndedError(
            f"the peer takes no more content; it has answered with the status {status}, so look at the response",
            processed="yes",
            status=status,
        )


def _look_at(task: asyncio.Task[bytes]) -> None:
    """Somebody has seen how it ended, even if nobody asks any more."""
    if not task.cancelled():
        task.exception()


def _aborted() -> ClosedError:
    return ClosedError("the exchange was aborted")
