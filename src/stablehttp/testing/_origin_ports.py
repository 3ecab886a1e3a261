"""Addresses where no origin is: one that refuses, one that never answers.

Stands on the standard library.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

_ENOUGH = 8


@contextmanager
def refusing_authority() -> Generator[str, None, None]:
    """An authority ("127.0.0.1:PORT") that refuses every connection; nobody else gets the port meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and never listens
        yield _authority(bound)


@contextmanager
def silent_authority() -> Generator[str, None, None]:
    """An authority ("127.0.0.1:PORT") that leaves every attempt to connect without an answer.

    On Linux, where a full queue of connections drops further ones; elsewhere they may be refused.
    """
    with ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(_ENOUGH):  # the first ones fill the queue, the others wait in vain
            filling = sockets.enter_context(socket.socket())
            filling.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filling.connect(listening.getsockname())
        yield _authority(listening)


def _authority(sock: socket.socket) -> str:
    host, port = sock.getsockname()
    return f"{host}:{port}"
