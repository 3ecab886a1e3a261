"""An exchange on a connection, from its first octet to the last of its response, in both colours.

The connection goes back as soon as the CRT has finished with the exchange, even if nobody has read the
response yet: what arrived is in memory.  An exchange that is given up earlier takes its connection with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from time import monotonic
from typing import final

from stablehttp import Fields, ForeignLoopError
from stablehttp_crt._bell import AsyncBell, SyncBell
from stablehttp_crt._body import Meter
from stablehttp_crt._clock import Clock
from stablehttp_crt._convert import Head
from stablehttp_crt._desk import Line
from stablehttp_crt._exchange import Exchange
from stablehttp_crt._lines import AsyncLines, SyncLines
from stablehttp_crt._terms import REASON, Terms
from stablehttp_crt._upload import AsyncUpload, SyncUpload

# --- asynchronous -------------------------------------------------------------------------------


@final
class AsyncTalk:
    """One exchange of an asynchronous connector."""

    __slots__ = ("_lines", "bell", "loop", "terms", "upload")

    def __init__(self, line: Line, lines: AsyncLines, clock: Clock, method: str, origin: str, *, reused: bool) -> None:
        self.loop = asyncio.get_running_loop()
        self.bell = AsyncBell(self.loop, self._struck)
        exchange = Exchange(line.channel, method, Meter(), self.bell.ring)
        self.terms = Terms(exchange, line, clock, f"{method} {origin}", reused=reused)
        self._lines = lines
        self.upload: AsyncUpload | None = None

    async def head(self) -> Head:
        """Wait for the head of the final response.

        Raises:
            StableHTTPError: there will be none; or what the caller's body raised.
        """
        exchange = self.terms.exchange
        await self.until_head()
        head = exchange.head
        if head is None or exchange.failure is not None:
            raise await self.why()
        if self.upload is not None and self.terms.is_premature(head):
            await self.upload.finish()
        return head

    async def until_head(self) -> None:
        """Wait for a head, or until there is none to wait for."""
        since = monotonic()
        while not self.terms.exchange.has_head():
            await self.bell.pause(self.terms.look_again(since))

    async def until_content(self) -> None:
        """Wait for content, or until there is none to wait for."""
        since = monotonic()
        while not self.terms.exchange.has_content():
            await self.bell.pause(self.terms.look_again(since))

    async def why(self) -> BaseException:
        """Why it ended."""
        exchange = self.terms.exchange
        if exchange.failure is None and exchange.awaits_reason():
            exchange.channel.when_shut(self.bell.ring)
            await self.bell.wait(lambda: exchange.channel.is_shut, monotonic() + REASON)
        return exchange.why()

    def release(self) -> None:
        """Give the connection back, as far as it can be used again; a second call does nothing."""
        line = self.terms.let_go()
        if line is not None:
            self._lines.release(line, reusable=self.terms.exchange.reusable)

    async def give_up(self) -> None:
        """Give the connection back, and stop sending."""
        self.release()
        if self.upload is not None:
            await self.upload.finish()

    def _struck(self) -> None:
        if self.terms.exchange.done:
            self.terms.exchange.has_head()
            self.release()
            self.bell.unhook()


@final
class AsyncContent:
    """The content of one response."""

    __slots__ = ("_talk",)

    def __init__(self, talk: AsyncTalk) -> None:
        self._talk = talk

    async def read(self) -> bytes:
        """The next chunk, or `b""` at the end.

        Raises:
            IncompleteResponseError, InvalidResponseError: the content ended too early, or is malformed.
            ReadTimeoutError, WriteTimeoutError, TotalTimeoutError: it took too long.
            ForeignLoopError: the response belongs to another event loop.
        """
        talk = self._talk
        exchange = talk.terms.exchange
        if asyncio.get_running_loop() is not talk.loop:
            raise ForeignLoopError("the response belongs to another event loop; read it where it was received")
        talk.terms.clock.check_total("yes")
        if not exchange.chunks:
            await talk.until_content()
        if exchange.chunks:
            return exchange.take()
        if exchange.failure is None and exchange.ended:
            return talk.terms.end()
        raise await talk.why()

    async def aclose(self) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        await self._talk.give_up()

    def trailers(self) -> Fields | None:
        """None: the CRT drops them."""
        return None

    def __del__(self) -> None:
        talk = self._talk
        if not talk.terms.released and not talk.loop.is_closed():
            talk.terms.warn(self)
            talk.loop.call_soon_threadsafe(talk.release)


# --- synchronous --------------------------------------------------------------------------------


@final
class SyncTalk:
    """One exchange of a synchronous connector."""

    __slots__ = ("_lines", "_releasing", "bell", "terms", "upload")

    def __init__(self, line: Line, lines: SyncLines, clock: Clock, method: str, origin: str, *, reused: bool) -> None:
        self.bell = SyncBell()
        exchange = Exchange(line.channel, method, Meter(), self._ring)
        self.terms = Terms(exchange, line, clock, f"{method} {origin}", reused=reused)
        self._lines = lines
        self._releasing = threading.Lock()
        self.upload: SyncUpload | None = None

    def head(self) -> Head:
        """Wait for the head of the final response.

        Raises:
            StableHTTPError: there will be none; or what the caller's body raised.
        """
        exchange = self.terms.exchange
        self.until_head()
        head = exchange.head
        if head is None or exchange.failure is not None:
            raise self.why()
        if self.upload is not None and self.terms.is_premature(head):
            self.upload.finish()
        return head

    def until_head(self) -> None:
        """Wait for a head, or until there is none to wait for."""
        since = monotonic()
        while True:
            strokes = self.bell.strokes
            if self.terms.exchange.has_head():
                return
            self.bell.pause(strokes, self.terms.look_again(since))

    def until_content(self) -> None:
        """Wait for content, or until there is none to wait for."""
        since = monotonic()
        while True:
            strokes = self.bell.strokes
            if self.terms.exchange.has_content():
                return
            self.bell.pause(strokes, self.terms.look_again(since))

    def why(self) -> BaseException:
        """Why it ended."""
        exchange = self.terms.exchange
        if exchange.failure is None and exchange.awaits_reason():
            exchange.channel.when_shut(self.bell.ring)
            self.bell.wait(lambda: exchange.channel.is_shut, monotonic() + REASON)
        return exchange.why()

    def release(self) -> None:
        """Give the connection back, as far as it can be used again; a second call does nothing."""
        with self._releasing:  # whoever comes second finds the connection in its place
            line = self.terms.let_go()
            if line is not None:
                self._lines.release(line, reusable=self.terms.exchange.reusable)

    def give_up(self) -> None:
        """Give the connection back, and stop sending."""
        self.release()
        if self.upload is not None:
            self.upload.finish()

    def _ring(self) -> None:
        exchange = self.terms.exchange
        if exchange.done:
            exchange.has_head()
            exchange.ring = self.bell.ring  # lets go of this talk
            self.release()
        self.bell.ring()


@final
class SyncContent:
    """The content of one response."""

    __slots__ = ("_talk",)

    def __init__(self, talk: SyncTalk) -> None:
        self._talk = talk

    def read(self) -> bytes:
        """The next chunk, or `b""` at the end.

        Raises:
            IncompleteResponseError, InvalidResponseError: the content ended too early, or is malformed.
            ReadTimeoutError, WriteTimeoutError, TotalTimeoutError: it took too long.
        """
        talk = self._talk
        exchange = talk.terms.exchange
        talk.terms.clock.check_total("yes")
        if not exchange.chunks:
            talk.until_content()
        if exchange.chunks:
            return exchange.take()
        if exchange.failure is None and exchange.ended:
            return talk.terms.end()
        raise talk.why()

    def close(self) -> None:
        """Give the connection back if the content has ended, else discard it; a second call does nothing."""
        self._talk.give_up()

    def trailers(self) -> Fields | None:
        """None: the CRT drops them."""
        return None

    def __del__(self) -> None:
        talk = self._talk
        if not talk.terms.released:
            talk.terms.warn(self)
            with contextlib.suppress(RuntimeError):  # at the end of the interpreter no thread can be started
                threading.Thread(target=talk.release, daemon=True).start()  # here, a lock of ours may be held
