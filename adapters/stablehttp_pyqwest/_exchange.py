"""One request on its way through pyqwest, and then the content of its response."""

from __future__ import annotations

import asyncio
from typing import Final, final

import pyqwest

from stablehttp import (
    AnyRequest,
    BytesBody,
    ConnectionInfo,
    Fields,
    HttpVersion,
    InvalidResponseError,
    NegotiationError,
    PoolTimeoutError,
    StableHTTPError,
    Timeouts,
    TransportError,
)
from stablehttp_pyqwest._convert import convert, response_length, trailer_fields
from stablehttp_pyqwest._errors import Stage, incomplete, not_spoken, retold, translate
from stablehttp_pyqwest._home import Home, running_loop
from stablehttp_pyqwest._upload import Chunks, Upload, Whole
from stablehttp_pyqwest._watch import Watch

_LITTLE: Final = 32 * 1024
"""Content up to this size, in octets, goes out at once, so that there is nothing to stop and nothing to wait for."""
_NO_TIMEOUTS: Final = Timeouts()
_CONNECTIONS: Final = {
    (version, secure): ConnectionInfo(alpn=version.alpn if secure and version is HttpVersion.HTTP_2 else None)
    for version in (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
    for secure in (False, True)
}


def takes_whole(request: AnyRequest) -> bool:
    """Whether the content of `request` goes out at once: it is in memory and little, or there is none."""
    body = request.body
    return isinstance(body, BytesBody) and len(body.content) <= _LITTLE


@final
class Exchange:
    """One request and its response; whoever holds one that has not ended holds a connection."""

    __slots__ = (
        "_home",
        "_loop",
        "_outgoing",
        "_over",
        "_pending",
        "_placed",
        "_request",
        "_response",
        "_watch",
        "expected",
        "received",
        "version",
    )

    def __init__(self, home: Home, request: AnyRequest, outgoing: Chunks | None) -> None:
        """`outgoing` is the content, unless it goes out whole."""
        self._home = home
        self._request = request
        self._outgoing = outgoing
        self._watch = Watch(request.extensions.get(Timeouts, _NO_TIMEOUTS), home.settings.connect_timeout)
        self._loop = running_loop()
        self._pending: asyncio.Future[pyqwest.Response] | None = None
        self._response: pyqwest.Response | None = None
        self._placed = False
        self._over = False
        self.expected: int | None = None
        self.received = 0
        self.version = home.versions[0]

    @property
    def name(self) -> str:
        """Method and origin, for warnings."""
        return f"{self._request.method} {self._request.uri.origin}"

    @property
    def connection(self) -> ConnectionInfo:
        """What is known of the connection; ALPN is not told, but HTTP/2 over TLS can be had in no other way."""
        return _CONNECTIONS[self.version, self._request.uri.scheme == "https"]

    @property
    def over(self) -> bool:
        """Whether nothing is held any more."""
        return self._over

    # --- the head --------------------------------------------------------------------------------

    async def head(self, *, duplex: bool) -> pyqwest.Response:
        """Send the request, and wait for the head of its response; `duplex` lets a success leave the content going.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        try:
            response = await self._perform()
            self._response = response
            self._watch.has_head()
            self.expected = response_length(response, self._request.method, self.version)
            upload = self._watch.upload
            if upload is not None and not upload.closed and (response.status >= 300 or not duplex):
                await upload.stop()
            if self.expected == 0 and self.version is HttpVersion.HTTP_1_1 and (upload is None or upload.complete):
                await self.end()
            return response
        except BaseException as error:
            await self.end()
            if isinstance(error, InvalidResponseError) and self._response is not None:
                error.sent = error.processed = "yes"
                error.status = self._response.status
            raise

    async def _perform(self) -> pyqwest.Response:
        home, request = self._home, self._request
        home.transport(home.versions[0])  # the connector is open, and belongs to this process
        self.version = version = await home.version_for(request.uri)
        made = self._convert(version)
        await self._take_place(version)
        try:
            self._pending = asyncio.ensure_future(home.transport(version).execute(made))
            return await self._watch.wait(self._pending, self._loop)
        except StableHTTPError:
            raise
        except Exception as error:
            await self._explain(error)
            raise

    def _convert(self, version: HttpVersion) -> pyqwest.Request:
        body, outgoing = self._request.body, self._outgoing
        if outgoing is not None:
            self._watch.upload = upload = Upload(outgoing)
            return convert(self._request, version, upload)
        assert isinstance(body, BytesBody)
        if version is HttpVersion.HTTP_2:
            return convert(self._request, version, Whole(body.content))
        return convert(self._request, version, body.content or None)

    async def _take_place(self, version: HttpVersion) -> None:
        if version is HttpVersion.HTTP_2:
            return  # all exchanges with a server share one connection
        watch = self._watch
        try:
            await self._home.places.take(watch.pool_seconds)
        except PoolTimeoutError:
            watch.check_total("no")
            raise
        self._placed = True

    async def _explain(self, error: Exception) -> None:
        """Say what `error` of pyqwest's means.

        Raises:
            StableHTTPError: always, unless the caller's own body is to blame.
        """
        upload = self._watch.upload
        if upload is not None:
            failure = upload.failure
            await upload.abandon()
            if failure is not None:
                raise failure from failure.__cause__  # the caller's own, as it was
        home, uri = self._home, self._request.uri
        home.forget(uri)
        made = translate(error, self._stage())
        secure = uri.scheme == "https" and self.version is HttpVersion.HTTP_2
        if secure and isinstance(made, TransportError) and made.sent != "no" and made.processed != "no":
            await self._check_negotiation(made, error)
        raise made from retold(error)

    async def _check_negotiation(self, made: StableHTTPError, error: Exception) -> None:
        """If the server speaks no HTTP/2, that is why; it cannot have acted on what it does not understand.

        Raises:
            NegotiationError: it speaks none.
        """
        if "channel closed" not in str(error) and "frame with invalid size" not in str(error):
            return
        try:
            found = await self._home.ask(self._request.uri)
        except StableHTTPError:
            return
        if found is HttpVersion.HTTP_1_1:
            other: NegotiationError = not_spoken(HttpVersion.HTTP_2.value)
            other.sent = made.sent
            raise other from retold(error)

    def _stage(self) -> Stage:
        response = self._response
        return Stage(
            secure=self._request.uri.scheme == "https",
            wanted=self.version.value,
            connect_seconds=self._home.settings.connect_timeout,
            status=None if response is None else response.status,
            expected=self.expected,
            received=self.received,
        )

    # --- the content -----------------------------------------------------------------------------

    async def read(self) -> bytes:
        """The next chunk of the content, or `b""` at the end.

        Raises:
            StableHTTPError: and nothing else, unless the request's own body raised it.
        """
        response = self._response
        if self._over or response is None:
            return b""
        self._loop = loop = asyncio.get_running_loop()
        watch = self._watch
        chunks = aiter(response.content)
        try:
            watch.check_total("yes")
            while True:
                chunk = bytes(await watch.wait(anext(chunks), loop))
                if chunk:
                    self.received += len(chunk)
                    if self.received == self.expected and self.version is HttpVersion.HTTP_1_1:
                        await self.end()  # no trailers can follow, so there is no end to wait for
                    return chunk
        except StopAsyncIteration:
            await self._finish()
            return b""
        except StableHTTPError as error:
            error.status = response.status
            raise
        except Exception as error:
            upload = watch.upload
            if upload is not None and upload.failure is not None:
                raise upload.failure from upload.failure.__cause__
            raise translate(error, self._stage()) from retold(error)

    async def _finish(self) -> None:
        """The content has ended.

        Raises:
            IncompleteResponseError: too early.
        """
        if self.expected is not None and self.received < self.expected and self._request.method != "HEAD":
            raise incomplete(self._stage())
        await self.end()

    def trailers(self) -> Fields:
        """The trailers, once the content has ended."""
        assert self._response is not None
        return trailer_fields(self._response.trailers)

    # --- the end ---------------------------------------------------------------------------------

    async def end(self) -> None:
        """Hold nothing any more: the body is closed, and the connection given back, or ended if it is of no use."""
        if self._over:
            return
        self.let_go()
        upload = self._watch.upload
        if upload is not None:
            await upload.abandon()

    def drop(self) -> None:
        """Nobody will read the content any more: end all without waiting, from whatever thread this is."""
        self.let_go()
        upload = self._watch.upload
        if upload is not None:
            upload.drop()

    def let_go(self) -> None:
        """Hold no connection any more."""
        self._over = True
        pending, self._pending = self._pending, None
        response = self._response
        if response is None and pending is not None and not pending.cancel():
            response = _unclaimed(pending)
        if response is not None:
            response.aclose()
        if self._placed:
            self._placed = False
            self._home.places.give()


def _unclaimed(done: asyncio.Future[pyqwest.Response]) -> pyqwest.Response | None:
    """A response that came in the moment in which whoever waited for it was cancelled."""
    return None if done.cancelled() or done.exception() is not None else done.result()
