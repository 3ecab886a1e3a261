"""Servers that the recording origin does not play: raw octets, an HTTP/2 server with few streams, a proxy."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from tempfile import NamedTemporaryFile

import trustme
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded
from h2.settings import SettingCodes, Settings

from stablehttp import AsyncBody, HttpSettings, Response, TLSSettings
from stablehttp.testing import Origin

Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """The port of a server that hands each connection to `serve`, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            serve(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threads.append(threading.Thread(target=run, args=(connection,), daemon=True))
                threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in (acceptor, *threads):
            thread.join(5)


def read_head(connection: socket.socket) -> bytes:
    """What arrives up to the end of a request head."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        more = connection.recv(65536)
        if not more:
            break
        octets += more
    return octets


def answering(*answers: bytes, close: bool = True) -> Serve:
    """A server that reads a head and sends the next of these octets, again and again."""
    left = list(answers)

    def serve(connection: socket.socket) -> None:
        while left and read_head(connection):
            connection.sendall(left.pop(0))
        while not close and connection.recv(65536):
            pass

    return serve


class FewStreams:
    """An HTTP/2 server that takes `limit` exchanges at a time, and counts how many it had at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.most = 0
        self.connections = 0
        self.gate = threading.Event()
        authority = trustme.CA()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(self._context)
        self._context.set_alpn_protocols(["h2", "http/1.1"])
        self._ca = authority.cert_pem.bytes()

    @contextmanager
    def running(self) -> Iterator[tuple[str, HttpSettings]]:
        """Its URL, and settings that trust it."""
        with NamedTemporaryFile(suffix=".pem") as file, listening(self._serve) as port:
            file.write(self._ca)
            file.flush()
            yield f"https://127.0.0.1:{port}", HttpSettings(tls=TLSSettings(ca_file=file.name))

    def _serve(self, raw: socket.socket) -> None:
        self.connections += 1
        with self._context.wrap_socket(raw, server_side=True) as connection:
            h2 = H2Connection(H2Configuration(client_side=False))
            h2.local_settings = Settings(client=False, initial_values={SettingCodes.MAX_CONCURRENT_STREAMS: self.limit})
            h2.initiate_connection()
            connection.sendall(h2.data_to_send())
            connection.settimeout(0.02)
            active: set[int] = set()
            while True:
                try:
                    octets = connection.recv(65536)
                except TimeoutError:
                    octets = None
                if octets == b"":
                    return
                for event in h2.receive_data(octets) if octets else ():
                    if isinstance(event, RequestReceived):
                        active.add(event.stream_id)
                    if isinstance(event, StreamEnded):
                        self.most = max(self.most, len(active))
                if octets is None and self.gate.is_set():
                    for stream in active:
                        h2.send_headers(stream, [(":status", "200")])
                        h2.send_data(stream, b"done", end_stream=True)
                    active.clear()
                connection.sendall(h2.data_to_send())


def trusting(origin: Origin) -> HttpSettings:
    """Settings that trust `origin`."""
    secure = origin.url.startswith("https")
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file))) if secure else HttpSettings()


async def read_all(responses: Sequence[Response[AsyncBody]]) -> list[bytes]:
    """The content of all responses."""
    return [await response.aread() for response in responses]
