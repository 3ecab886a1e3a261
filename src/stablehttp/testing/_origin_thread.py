"""A loopback server in a thread of its own.

Stands on the wire and the journal.

The thread is one event loop: it serves clients of any kind, synchronous, asynchronous or in C, and is never
blocked by theirs.  `stop` ends everything that was started, in this order: listening socket,
connections, their tasks, loop, thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, final

from stablehttp._errors import MisuseError
from stablehttp.testing._origin_journal import Journal
from stablehttp.testing._origin_wire import GoneError, Wire

_PATIENCE = 10.0
_AT_ONCE = 100


@final
class ServerThread:
    """Accepts connections on a loopback address and hands each to `serve`."""

    def __init__(
        self,
        serve: Callable[[Wire], Awaitable[None]],
        journal: Journal,
        *,
        host: str,
        port: int,
        receive_buffer: int | None,
        tls: bool,
    ) -> None:
        self._serve = serve
        self._journal = journal
        self._tls = tls
        self._wires: set[Wire] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping: asyncio.Event | None = None
        self._socket = _listen(host, port, receive_buffer)
        self.port: int = self._socket.getsockname()[1]
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"recording-origin-{self.port}", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """End everything.

        Raises:
            MisuseError: the thread did not end, because something of the script blocks it.
        """
        loop, stopping = self._loop, self._stopping
        assert stopping is not None
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(stopping.set)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            raise MisuseError(
                "the origin did not end: a callable or a content of its script blocks; use Pause and Gate instead"
            )

    def _run(self) -> None:
        # Whatever loop the application prefers: faults need the sockets and transports of this one.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._failed)
        self._stopping = asyncio.Event()
        self._loop.add_reader(self._socket, self._accept)
        self._started.set()
        try:
            await self._stopping.wait()
        finally:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            await self._end_all()

    def _accept(self) -> None:
        """Take in all that wait; asyncio's own server can lose one that comes while it closes."""
        with contextlib.suppress(BlockingIOError, ConnectionError):
            for _ in range(_AT_ONCE):
                accepted, _ = self._socket.accept()
                accepted.setblocking(False)
                self._spawn(self._connect(accepted))

    async def _connect(self, accepted: socket.socket) -> None:
        wire = Wire(self._journal, tls=self._tls)
        self._wires.add(wire)
        wire.lost.add_done_callback(lambda _: self._wires.discard(wire))
        try:
            await self._loop.connect_accepted_socket(lambda: wire, accepted)
        except BaseException:
            self._wires.discard(wire)
            accepted.close()
            raise
        await self._attend(wire)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, wire: Wire) -> None:
        try:
            await self._serve(wire)
        except GoneError:
            pass
        except Exception as error:  # of the script, or of ours: raised where the origin is closed
            self._journal.fail(error)
            wire.abort()
        finally:
            wire.close()

    async def _end_all(self) -> None:
        for _ in range(5):  # rounds of the loop, in which what was just accepted gets its transport
            await asyncio.sleep(0)
        wires, tasks = tuple(self._wires), tuple(self._tasks)
        for wire in wires:
            wire.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *(wire.lost for wire in wires), return_exceptions=True)

    def _failed(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._journal.fail(error if isinstance(error, BaseException) else RuntimeError(str(context.get("message"))))


def _listen(host: str, port: int, receive_buffer: int | None) -> socket.socket:
    version6 = ":" in host
    # with the protocol named, asyncio switches Nagle's algorithm off; else small pieces wait 40 ms to be acknowledged
    family = socket.AF_INET6 if version6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer is not None:  # inherited by what is accepted
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        listening.bind(("::1" if version6 else "127.0.0.1", port))
        listening.listen(4096)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
