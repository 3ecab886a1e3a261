"""Servers that are no HTTP servers: they send the octets they were told to, whatever came in."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from stablehttp import (
    AsyncBody,
    AsyncPipeline,
    Extensions,
    HttpSettings,
    Request,
    Response,
    SyncPipeline,
    Timeouts,
)
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector

Colour = Literal["async", "sync"]
COLOURS: Sequence[Colour] = ("async", "sync")


class RawPeer:
    """Listens on the loopback address and hands each connection to `serve`, in a thread of its own."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.errors: list[BaseException] = []

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)
        if error is None and self.errors:
            raise self.errors[0]

    @property
    def count(self) -> int:
        """How many connections were accepted."""
        return len(self._connections)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, connection: socket.socket) -> None:
        try:
            self._serve(connection)
        except OSError:
            pass
        except BaseException as error:
            self.errors.append(error)
        finally:
            connection.close()


def read_head(connection: socket.socket) -> bytes:
    """Read up to the end of a head, and perhaps more."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        arrived = connection.recv(65536)
        if not arrived:
            raise ConnectionResetError
        octets += arrived
    return octets


def answering(*answers: bytes, hold: bool = False) -> Callable[[socket.socket], None]:
    """Answer each request with the next octets, then close; with `hold` wait for the client to close."""

    def serve(connection: socket.socket) -> None:
        for answer in answers:
            read_head(connection)
            connection.sendall(answer)
        if hold:
            while connection.recv(65536):
                pass
        else:
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    return serve


@dataclass
class Outcome:
    """What came of a request."""

    status: int = 0
    reason: str = ""
    version: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    content: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)
    reused: bool | None = None


def fetch(
    colour: Colour,
    *requests: Request[AsyncBody],
    settings: HttpSettings | None = None,
    timeouts: Timeouts | None = None,
) -> list[Outcome]:
    """Send the requests one after the other through one connector, and read each response to its end."""
    if colour == "sync":
        with SyncH11Connector(settings=settings or HttpSettings()) as connector:
            pipeline = SyncPipeline(connector, timeouts=timeouts)
            outcomes: list[Outcome] = []
            for request in requests:
                response = pipeline.send(request)  # type: ignore[arg-type]
                outcomes.append(_outcome(response, response.read()))
            return outcomes
    return asyncio.run(_fetch(requests, settings or HttpSettings(), timeouts))


async def _fetch(
    requests: Sequence[Request[AsyncBody]], settings: HttpSettings, timeouts: Timeouts | None
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    async with AsyncH11Connector(settings=settings) as connector:
        pipeline = AsyncPipeline(connector, timeouts=timeouts)
        for request in requests:
            response = await pipeline.send(request)
            outcomes.append(_outcome(response, await response.aread()))
    return outcomes


def _outcome(response: Response[AsyncBody], content: bytes) -> Outcome:
    return Outcome(
        status=response.status,
        reason=response.reason,
        version=str(response.http_version),
        lines=response.headers.items(),
        content=content,
        trailers=response.trailers.items(),
        reused=response.connection.reused,
    )


def extended(*values: object) -> Extensions:
    """Extensions that hold these values."""
    return Extensions(values)
