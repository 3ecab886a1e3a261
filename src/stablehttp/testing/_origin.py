"""The recording origin: a loopback server that keeps what it received and answers from a script.

Stands on everything else that is called `_origin_`.

    with Origin(Answer(200, b"hello")) as origin:
        client.get(origin.url + "/a?b=c")
    assert origin.take().target == b"/a?b=c"
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import final

from stablehttp._errors import MissingExtraError
from stablehttp.testing._origin_frames import PREFACE
from stablehttp.testing._origin_http1 import Reader
from stablehttp.testing._origin_http1_exchange import linger_http1, serve_http1
from stablehttp.testing._origin_play import OverError, strike_connection
from stablehttp.testing._origin_script import Answer, Entry, Script
from stablehttp.testing._origin_server import RecordingServer
from stablehttp.testing._origin_tls import TLS
from stablehttp.testing._origin_wire import Wire


@final
class Origin(RecordingServer):
    """A loopback server in a thread of its own that records exactly what it receives.

    `answer` is what a request gets when the script has nothing for it: 200 without content unless given.
    `tls` makes it speak TLS, `http2` HTTP/2 beside HTTP/1.1: chosen by ALPN, or without TLS by the client's
    preface.  `host` is the name in `url`; it must mean the loopback address, and an IPv6 address
    makes the origin listen there.  `port` 0 takes a free one.

    `content_limit` bounds what is kept of each request's content, in octets; what lies beyond is counted
    and hashed.  `history` bounds how many requests are kept.  `receive_buffer` is the size in octets of
    the system's buffer, for tests of clients that are held back.

    Raises:
        MissingExtraError: TLS needs trustme and HTTP/2 needs h2 (the extra "testing").
    """

    def __init__(
        self,
        answer: Entry | None = None,
        *,
        tls: bool | TLS = False,
        http2: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        content_limit: int | None = None,
        history: int | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        if http2:
            _check_http2()
        super().__init__(
            tls=tls,
            protocols=("h2", "http/1.1") if http2 else ("http/1.1",),
            host=host,
            port=port,
            history=history,
            receive_buffer=receive_buffer,
        )
        self._limit = content_limit
        self._http2 = http2
        self._script = Script(Answer() if answer is None else answer)

    # --- what it answers ---

    def answer(self, entry: Entry) -> None:
        """Give every request that the script has nothing for this answer from now on."""
        self._script.default = entry

    def script(self, entries: Iterable[Entry]) -> None:
        """Queue answers, one for each of the next requests.

        A request takes its answer when its first octet arrives.  An answer that fails at "accept" or "open" belongs
        to the next connection instead.
        """
        self._script.append(entries)

    @property
    def unplayed(self) -> int:
        """How many queued answers no request has taken yet."""
        return len(self._script)

    # --- inside ---

    async def _serve(self, wire: Wire) -> None:
        early = self._script.next_of_connection()
        at_accept = None if early is None else early.fault("accept")
        at_open = None if early is None else early.fault("open")
        try:
            if at_accept is not None:
                await strike_connection(wire, at_accept.what)
            if self._credentials is not None:
                await wire.start_tls(self._credentials.context)
            if at_open is not None:
                await strike_connection(wire, at_open.what)
        except OverError:
            await self._linger(wire)
            return
        if await self._speaks_http2(wire):
            from stablehttp.testing._origin_http2 import serve_http2

            await serve_http2(wire, self._script, self._journal, self._limit)
        else:
            await serve_http1(wire, self._script, self._journal, self._limit)

    async def _linger(self, wire: Wire) -> None:
        if await self._speaks_http2(wire):
            from stablehttp.testing._origin_http2 import linger_http2

            await linger_http2(wire)
        elif wire.secured or self._credentials is None:
            await linger_http1(wire, Reader(wire, self._limit), self._journal, 0, self._limit)
        else:
            await wire.discard()

    async def _speaks_http2(self, wire: Wire) -> bool:
        """Whether this connection is one of HTTP/2: by ALPN, or else by what the client begins with."""
        if wire.track.alpn is not None or not self._http2:
            chosen = wire.track.alpn == "h2" and self._http2
        else:
            while len(wire.buffer) < len(PREFACE) and PREFACE.startswith(wire.buffer):
                if not await wire.more():
                    break
            chosen = wire.buffer.startswith(PREFACE)
        if chosen:
            wire.track.http_version = "HTTP/2"
        return chosen


def _check_http2() -> None:
    try:
        import_module("stablehttp.testing._origin_http2")
    except ImportError as error:
        raise MissingExtraError(
            "the recording origin speaks HTTP/2 through h2, which is not installed; "
            "install stablehttp[testing], or use the origin without HTTP/2",
            extra="testing",
        ) from error
