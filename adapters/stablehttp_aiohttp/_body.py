"""Content in aiohttp's types: ours as a payload, the peer's as a source.

aiohttp would start its read timer anew with each octet of a response and let it run while nobody
reads; here a pause counts only while somebody waits for content.
"""

from __future__ import annotations

import asyncio
from math import inf
from typing import TYPE_CHECKING, Final, final

from aiohttp import ClientOSError, ClientResponse, hdrs
from aiohttp.payload import Payload

from stablehttp import AsyncBody, Fields, StableHTTPError, TotalTimeoutError
from stablehttp.adapting import warn_dropped
from stablehttp_aiohttp._errors import Stage, cause_of, incomplete, read_timed_out, translate

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from stablehttp_aiohttp._exchange import Exchange
    from stablehttp_aiohttp._upload import Upload

_LOOK: Final = 0.5
"""How often to look, in seconds, whether the connection is still there while content is awaited.

aiohttp wakes nobody when it finds the chunked coding broken, nor when a connector is closed.
"""


@final
class AiohttpContent(Payload):
    """The content of one request, as a payload that aiohttp writes once; `body` is where it comes from."""

    def __init__(self, body: AsyncBody, upload: Upload) -> None:
        super().__init__(None, content_type="application/octet-stream")
        self.body = body
        self.upload = upload

    @property
    def size(self) -> int | None:
        """The declared length in octets, or None."""
        return self.upload.length

    @property
    def consumed(self) -> bool:
        """True: it is written once, whatever happens."""
        return True

    @property
    def autoclose(self) -> bool:
        """True: the body is closed by whoever sends it."""
        return True

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: this content can be written, and nothing else.

        Raises:
            TypeError: always.
        """
        raise TypeError("content of stablehttp can only be written")

    async def close(self) -> None:
        """Do nothing: aiohttp says this when the head of the response arrives, which may be too early."""

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the content."""
        await self.upload.run(writer)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the content, which was counted already."""
        await self.upload.run(writer)


@final
class AiohttpSource:
    """The content of one response; `stopped` says that some of the request's content was never sent."""

    __slots__ = ("_exchange", "_expected", "_pause", "_received", "_response", "_stopped", "_until_close")

    def __init__(self, response: ClientResponse, exchange: Exchange, expected: int | None, *, stopped: bool) -> None:
        self._response = response
        self._exchange = exchange
        self._expected = expected
        self._received = 0
        self._stopped = stopped
        self._pause = exchange.timeouts.read
        self._until_close = expected is None and hdrs.TRANSFER_ENCODING not in response.headers
        protocol = exchange.protocol
        if self._pause is not None and protocol is not None and not response.closed:
            protocol.read_timeout = None
            protocol.start_timeout()

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end.

        Raises:
            IncompleteResponseError, InvalidResponseError: the content ended too early, or broke its framing.
            ReadTimeoutError, TotalTimeoutError: it took too long.
            ClosedError: the connector was closed.
        """
        content = self._response.content
        try:
            if self._exchange.until is not None:
                self._check_total(self._exchange.until)
            if not content.at_eof():
                chunk = content.read_nowait(-1) or await self._wait()
                if chunk:
                    self._received += len(chunk)
                    return chunk
            if self._until_close:
                self._check_end()
            return b""
        except StableHTTPError:
            raise
        except Exception as error:
            failure = self._exchange.failure
            if failure is not None:
                raise failure from failure.__cause__  # the caller's own, as it was
            told = translate(error, self._stage())
            raise told from cause_of(told, error)

    async def aclose(self) -> None:
        """Discard the connection, unless all of the content has arrived and aiohttp has taken it back."""
        if not self._response.closed:
            self._response.close()
            self._exchange.abort_if_stuck()
        elif self._stopped:
            self._exchange.abort_if_stuck()
        await self._exchange.end_content()

    def trailers(self) -> Fields | None:
        """None: aiohttp drops them."""
        return None

    def __del__(self) -> None:
        response = self._response
        if not response.closed:
            warn_dropped(self._exchange.name, source=self)
            connection = response.connection
            response.close()
            if connection is not None:  # the loop has ended, and aiohttp did nothing; else this does nothing
                connection.close()

    # --- inside ----------------------------------------------------------------------------------

    async def _wait(self) -> bytes:
        total = inf if self._exchange.until is None else self._exchange.until
        now = asyncio.get_running_loop().time
        silent = inf if self._pause is None else now() + self._pause
        while True:
            clock = asyncio.timeout_at(min(now() + _LOOK, silent, total))
            try:
                async with clock:
                    return await self._response.content.readany()
            except TimeoutError:
                if not clock.expired():
                    raise
            self._check_total(total)
            if now() >= silent:
                raise read_timed_out(self._stage())
            self._check_connection()

    def _check_total(self, until: float) -> None:
        if asyncio.get_running_loop().time() >= until:
            seconds = self._exchange.timeouts.total
            raise TotalTimeoutError(
                f"the call took longer than {seconds} seconds", seconds=seconds, sent="yes", processed="yes"
            )

    def _check_connection(self) -> None:
        """Make sure that there is still something to wait for."""
        protocol = self._exchange.protocol
        if protocol is not None and not protocol.connected:
            raise protocol.exception() or ConnectionResetError()

    def _check_end(self) -> None:
        """Content that ends with the connection ends well only if the connection does."""
        protocol = self._exchange.protocol
        if protocol is not None and isinstance(protocol.exception(), ClientOSError):
            raise incomplete(self._stage()) from protocol.exception()

    def _stage(self) -> Stage:
        return self._exchange.stage(status=self._response.status, expected=self._expected, received=self._received)
