"""A recording loopback server: its life, its address, and what it saw.

Stands on the journal, the thread and TLS.  The origin and the proxy are such servers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from stablehttp._errors import MisuseError
from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_log import Connection, Received
from stablehttp.testing._origin_thread import ServerThread
from stablehttp.testing._origin_tls import TLS, Credentials
from stablehttp.testing._origin_wire import Wire


class RecordingServer(ABC):
    """What the recording servers share: they listen in a thread of their own and keep what they saw.

    One listens from `with` (or `async with`, or `start`) until its end (or `close`); what it recorded can be
    read after that too.  It serves clients of any kind, and never waits for the thread or the event
    loop of one.
    """

    def __init__(
        self,
        *,
        tls: bool | TLS,
        protocols: Sequence[str],
        host: str,
        port: int,
        history: int | None,
        receive_buffer: int | None,
    ) -> None:
        self._host = host
        self._port = port
        self._protocols = protocols
        self._receive_buffer = receive_buffer
        self._journal = Journal(history)
        self._tls = (TLS() if tls else None) if isinstance(tls, bool) else tls
        self._credentials: Credentials | None = None
        self._thread: ServerThread | None = None

    @abstractmethod
    async def _serve(self, wire: Wire) -> None:
        """Serve one connection until it ends."""

    # --- its life ---

    def start(self) -> None:
        """Listen, from the moment this returns.

        Raises:
            MisuseError: it was started before.
            OSError: the port is taken.
        """
        if self._thread is not None:
            raise MisuseError("this server was started before; make another one")
        if self._tls is not None:
            self._credentials = Credentials(self._tls, self._protocols)
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
        """A file with the certificate of the authority to trust, until the server is closed."""
        return self._with_tls().ca_file

    @property
    def client_certificate_file(self) -> Path:
        """A file with a private key and certificate that the server accepts from a client, until it is closed."""
        return self._with_tls().client_file

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
        """Block until `holds()`, which is asked again whenever the server sees something.

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
            raise MisuseError("this server has no certificates; make it with tls=True and start it")
        return self._credentials
