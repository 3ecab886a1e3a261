"""A server that answers anything at once, in a process of its own: `python -m tests.benchmarks.responder`.

It prints its port, looks for nothing but the end of each message, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys

from tests.benchmarks.responses import RECEIVED

_CONTENT = b"x" * 1024
_ANSWER = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%s: %s\r\n" % line for line in RECEIVED) + b"\r\n" + _CONTENT


class Responder(asyncio.Protocol):
    """One connection; requests have a length, or none and no content."""

    def __init__(self) -> None:
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        assert self._transport is not None
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            place = head.find(b"\r\ncontent-length:")
            length = int(head[place + 17 :].partition(b"\r\n")[0]) if place >= 0 else 0
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._transport.write(_ANSWER)


async def main() -> None:
    """Serve on any free port until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Responder, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
