"""Driving connectors of both colours in one way, so that a rule is written once.

Stands on pipelines.

A synchronous connector is called in threads that nobody waits for at the end: one that hangs makes its
rule fail, and not the interpreter hang.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import TypeVar, cast, final

from stablehttp._body import AsyncBody, Body, SyncBody
from stablehttp._call_options import CallOptions
from stablehttp._completion import complete
from stablehttp._connectors import AsyncConnector, Connector, SyncConnector
from stablehttp._interception import Interceptor
from stablehttp._message import AnyRequest, Request, derive, seal_whole
from stablehttp._pipeline import AsyncPipeline, SyncPipeline
from stablehttp._response import DEFAULT_READ_LIMIT, Response
from stablehttp._settings import Timeouts
from stablehttp.signers import Signer
from stablehttp.testing.contract._source import AsyncSource, Source, Step, SyncSource

T = TypeVar("T")


@final
class _Capture(Interceptor):
    """Keeps the requests as they went to the connector."""

    def __init__(self) -> None:
        self.requests: list[AnyRequest] = []

    def read_before_transmit(self, request: AnyRequest) -> None:
        self.requests.append(request)


class Reply(ABC):
    """A response, read with `await` whatever its colour."""

    def __init__(self, response: Response[Body]) -> None:
        self.response = response

    @abstractmethod
    def chunks(self) -> AsyncIterator[bytes]:
        """The content as it arrives."""

    @abstractmethod
    async def read(self, *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        """All of the content, if it has at most `limit` octets."""

    @abstractmethod
    async def text(self) -> str:
        """All of the content as text."""

    @abstractmethod
    async def close(self) -> None:
        """Give the connection back, or discard it."""


class Driver(ABC):
    """One connector, with a pipeline before it."""

    def __init__(self) -> None:
        self._capture = _Capture()

    @property
    def last(self) -> AnyRequest:
        """The newest request that went to the connector, as it went there."""
        return self._capture.requests[-1]

    @property
    def requests(self) -> list[AnyRequest]:
        """All requests that went to the connector."""
        return self._capture.requests

    @abstractmethod
    async def send(
        self,
        request: AnyRequest,
        timeouts: Timeouts | None = None,
        *,
        signer: Signer | None = None,
        options: CallOptions | None = None,
    ) -> Reply:
        """Send a request through a pipeline, signed if a signer is given."""

    @abstractmethod
    async def send_bare(self, request: AnyRequest) -> Reply:
        """Hand a completed request to the connector itself."""

    @abstractmethod
    def source(self, *steps: Step, length: int | None = None, replayable: bool = False) -> Source:
        """A body of the connector's colour."""

    @abstractmethod
    def foreign_source(self, *steps: Step) -> Source:
        """A body of the other colour."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connector."""


def drive(connector: Connector) -> Driver:
    """The driver for a connector of any colour."""
    if isinstance(connector, AsyncConnector):
        return _AsyncDriver(connector)
    assert isinstance(connector, SyncConnector)
    return _SyncDriver(connector)


def ready(request: AnyRequest, connector: Connector | None = None) -> AnyRequest:
    """A completed and sealed copy, as a pipeline hands it to a connector; to this one if it adds lines."""
    made = derive(request)
    complete(made, () if connector is None else connector.unavoidable_lines)
    seal_whole(made, "the contract")
    return made


# --- asynchronous -------------------------------------------------------------------------------


@final
class _AsyncReply(Reply):
    def __init__(self, response: Response[AsyncBody]) -> None:
        super().__init__(response)
        self._response = response

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.body.achunks()

    async def read(self, *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        return await self._response.aread(limit=limit)

    async def text(self) -> str:
        return await self._response.atext()

    async def close(self) -> None:
        await self._response.aclose()


@final
class _AsyncDriver(Driver):
    def __init__(self, connector: AsyncConnector) -> None:
        super().__init__()
        self._connector = connector

    async def send(
        self,
        request: AnyRequest,
        timeouts: Timeouts | None = None,
        *,
        signer: Signer | None = None,
        options: CallOptions | None = None,
    ) -> Reply:
        pipeline = AsyncPipeline(self._connector, interceptors=[self._capture], timeouts=timeouts, signer=signer)
        return _AsyncReply(await pipeline.send(cast("Request[AsyncBody]", request), options=options))

    async def send_bare(self, request: AnyRequest) -> Reply:
        return _AsyncReply(await self._connector.send(cast("Request[AsyncBody]", request)))

    def source(self, *steps: Step, length: int | None = None, replayable: bool = False) -> Source:
        return AsyncSource(steps, length=length, replayable=replayable)

    def foreign_source(self, *steps: Step) -> Source:
        return SyncSource(steps)

    async def close(self) -> None:
        await self._connector.aclose()


# --- synchronous --------------------------------------------------------------------------------


@final
class _SyncReply(Reply):
    def __init__(self, response: Response[SyncBody]) -> None:
        super().__init__(response)
        self._response = response

    async def chunks(self) -> AsyncIterator[bytes]:
        chunks = self._response.body.chunks()
        while chunk := await in_thread(lambda: next(chunks, b"")):
            yield chunk

    async def read(self, *, limit: int = DEFAULT_READ_LIMIT) -> bytes:
        return await in_thread(lambda: self._response.read(limit=limit))

    async def text(self) -> str:
        return await in_thread(self._response.text)

    async def close(self) -> None:
        await in_thread(self._response.close)


@final
class _SyncDriver(Driver):
    def __init__(self, connector: SyncConnector) -> None:
        super().__init__()
        self._connector = connector

    async def send(
        self,
        request: AnyRequest,
        timeouts: Timeouts | None = None,
        *,
        signer: Signer | None = None,
        options: CallOptions | None = None,
    ) -> Reply:
        pipeline = SyncPipeline(self._connector, interceptors=[self._capture], timeouts=timeouts, signer=signer)
        given = cast("Request[SyncBody]", request)
        return _SyncReply(await in_thread(lambda: pipeline.send(given, options=options)))

    async def send_bare(self, request: AnyRequest) -> Reply:
        completed = cast("Request[SyncBody]", request)
        return _SyncReply(await in_thread(lambda: self._connector.send(completed)))

    def source(self, *steps: Step, length: int | None = None, replayable: bool = False) -> Source:
        return SyncSource(steps, length=length, replayable=replayable)

    def foreign_source(self, *steps: Step) -> Source:
        return AsyncSource(steps)

    async def close(self) -> None:
        await in_thread(self._connector.close)


async def in_thread(call: Callable[[], T]) -> T:
    """What `call` gives, called in a thread of its own."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(call())
        except BaseException as error:
            errors.append(error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, daemon=True, name="contract").start()
    await done.wait()
    for error in errors:
        raise error
    return outcome[0]
