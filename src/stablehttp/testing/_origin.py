"""The recording origin: a loopback server that keeps what it received and answers from a script.

Stands on everything else that is called `_origin_`.

    with Origin(Answer(200, b"hello")) as origin:
        client.get(origin.url + "/a?b=c")
    assert origin.take().target == b"/a?b=c"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self, final

from stablehttp._errors import MissingExtraError, MisuseError
from stablehttp.testing._origin_frames import PREFACE
from stablehttp.testing._origin_http1 import Reader
from stablehttp.testing._origin_http1_exchange import linger_http1, serve_http1
from stablehttp.testing._origin_log import Connection, Journal, Received
from stablehttp.testing._origin_play import OverError, strike_connection
from stablehttp.testing._origin_script import Answer, Entry, Script
from stablehttp.testing._origin_thread import ServerThread
from stablehttp.testing._origin_tls import TLS, Credentials
from stablehttp.testing._origin_wire import Wire


@final
class Origin:
    """A loopback server in a thread of its own that records exactly what it receives.

    `answer` is what a request gets when the script has nothing for it: 200 without content unless given.
    The origin listens from `with` (or `async with`, or `start`) until its end (or `close`); what it
    recorded can be read after that too.  It serves clients of any kind, and never waits for the
    thread or the event loop of one.

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
        self._host = host
        self._port = port
        self._receive_buffer = receive_buffer
        self._limit = content_limit
        self._http2 = http2
        self._journal = Journal(history)
        self._script = Script(Answer() if answer is None else answer)
        self._tls = (TLS() if tls else None) if isinstance(tls, bool) else tls
        self._credentials: Credentials | None = None
        self._thread: ServerThread | None = None

    # --- its life ---

    def start(self) -> None:
        """Listen, from the moment this returns.

        Raises:
            MisuseError: it was started before.
            OSError: the port is taken.
        """
        if self._thread is not None:
            raise MisuseError("this origin was started before; make another one")
        if self._tls is not None:
            protocols = ("h2", "http/1.1") if self._http2 else ("http/1.1",)
            self._credentials = Credentials(self._tls, protocols)
        self._thread = ServerThread(
            self._serve,
            self._journal,
            host=self._host,
            port=self._port,
            receive_buffer=self._receive_buffer,
            tls=self._tls is not None,
        )
        self._port = self._thread.port
        self._thread.start()

    def close(self) -> None:
        """End all connections and the thread, and remove the files; harmless if it was done before.

        Raises:
            MisuseError: something in the script blocks the thread.
        """
        if self._thread is not None:
            self._thread.stop()
        if self._credentials is not None:
            self._credentials.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it, and raise the first error of the script's callables unless another error is on its way."""
        self.close()
        if error is None and self._journal.errors:
            raise self._journal.errors[0]

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    # --- where it is ---

    @property
    def port(self) -> int:
        """Where it listens; 0 before it does."""
        return self._port

    @property
    def authority(self) -> str:
        """Host and port, as they stand in a URI: "127.0.0.1:PORT"."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Scheme and authority, without a slash at the end: "http://127.0.0.1:PORT"."""
        return f"{'http' if self._tls is None else 'https'}://{self.authority}"

    @property
    def ca_pem(self) -> bytes:
        """The certificate of the authority to trust, as PEM."""
        return self._with_tls().ca_pem

    @property
    def ca_file(self) -> Path:
        """A file with the certificate of the authority to trust, until the origin is closed."""
        return self._with_tls().ca_file

    @property
    def client_certificate_file(self) -> Path:
        """A file with a private key and certificate that the origin accepts from a client, until it is closed."""
        return self._with_tls().client_file

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

    # --- what it saw ---

    @property
    def requests(self) -> tuple[Received, ...]:
        """All requests recorded so far, or the newest `history` of them, in the order in which they ended."""
        return self._journal.requests

    @property
    def count(self) -> int:
        """How many requests were recorded so far."""
        return self._journal.count

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All connections so far, in the order in which they were accepted."""
        return tuple(track.snapshot() for track in tuple(self._journal.tracks))

    @property
    def open_connections(self) -> int:
        """How many connections have not ended yet."""
        return self._journal.open_connections

    @property
    def errors(self) -> tuple[BaseException, ...]:
        """What the script's callables raised, and what else went wrong in the thread."""
        return tuple(self._journal.errors)

    def forget(self) -> None:
        """Forget the requests recorded so far, taken or not; counts and connections stay."""
        self._journal.forget()

    def take(self, timeout: float = 5.0) -> Received:
        """Give the oldest request that was not taken yet, and wait for it at most `timeout` seconds.

        In an event loop use `atake`: this blocks the loop, and with it the client that should send.

        Raises:
            HTTPTimeoutError: none was recorded in time.
        """
        return self._journal.take(timeout)

    async def atake(self, timeout: float = 5.0) -> Received:  # noqa: ASYNC109 - as in `take`
        """Do what `take` does without blocking the event loop."""
        return await self._journal.atake(timeout)

    def watch(self, holds: Callable[[], bool], timeout: float = 5.0) -> None:
        """Block until `holds()`, which is asked again whenever the origin sees something.

        A LookupError in it, as from `origin.connections[0]` before there is one, means that it does not hold yet.

        Raises:
            HTTPTimeoutError: it did not come to hold within `timeout` seconds.
        """
        self._journal.watch(holds, timeout)

    async def awatch(self, holds: Callable[[], bool], timeout: float = 5.0) -> None:  # noqa: ASYNC109 - as in `watch`
        """Do what `watch` does without blocking the event loop."""
        await self._journal.awatch(holds, timeout)

    # --- inside ---

    def _with_tls(self) -> Credentials:
        if self._credentials is None:
            raise MisuseError("this origin has no certificates; make it with tls=True and start it")
        return self._credentials

    async def _serve(self, wire: Wire) -> None:
        early = self._script.next_if("accept", "open")
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
