"""What a rule works with: a connector under test, fresh origins, and what they saw.

Stands on drivers, arrivals and the recording origin.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias, TypeVar, final

from stablehttp._body import BytesBody
from stablehttp._capability import Capability
from stablehttp._connectors import AsyncConnector, Connector, SyncConnector
from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest
from stablehttp._settings import HttpSettings, TLSSettings
from stablehttp.testing._origin import Origin
from stablehttp.testing._origin_log import Received
from stablehttp.testing._origin_script import Entry
from stablehttp.testing._origin_tls import TLS
from stablehttp.testing.contract._arrival import Expected
from stablehttp.testing.contract._driver import Driver, Reply, drive
from stablehttp.testing.contract._rule import BrokenRuleError, require, same
from stablehttp.testing.contract._source import Source, Step

T = TypeVar("T")

Make: TypeAlias = Callable[[HttpSettings, Sequence[HttpVersion]], AsyncConnector | SyncConnector]


@final
@dataclass(frozen=True, slots=True)
class Loan:
    """A connector that was made upon a client, and that client itself: `get` asks it for a URL and gives the status.

    The client adds a field `X-Lent` to its own requests, so that it can be seen whether it still does, and
    does so nowhere else.
    """

    connector: AsyncConnector | SyncConnector
    get: Callable[[str], Awaitable[int]]


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A connector under test, over one protocol version, with or without TLS.

    `make` gives a new connector with these settings that speaks these versions and no other.  `lend`
    gives one upon a client of the caller's own, where that is possible.
    """

    name: str
    make: Make
    _: KW_ONLY
    colour: Literal["async", "sync"] = "async"
    version: HttpVersion = HttpVersion.HTTP_1_1
    tls: bool = False
    lend: Callable[[], AbstractAsyncContextManager[Loan]] | None = None

    def __str__(self) -> str:
        usual = self.tls == (self.version is HttpVersion.HTTP_2)
        how = "" if usual else " over TLS" if self.tls else " cleartext"
        return f"{self.name}-{self.colour}-{self.version}{how}"


@final
class Bench:
    """Everything for one check of one rule; what it opened is closed at its end.

    `origin` answers 200 without content until told otherwise; `driver` leads to the connector.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.version: HttpVersion = subject.version
        self.settings: HttpSettings
        self.origin: Origin
        self.connector: AsyncConnector | SyncConnector
        self.driver: Driver
        self.origins: list[Origin] = []
        self.sources: list[Source] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Bench:
        self.origin = await self.open_origin()
        self.settings = self.settings_for(self.origin)
        self.connector = self.subject.make(self.settings, (self.version,))
        self.driver = self._driven(self.connector)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    # --- making ---

    async def open_origin(
        self,
        answer: Entry | None = None,
        *,
        tls: TLS | None = None,
        http2: bool | None = None,
        plain: bool = False,
        host: str = "127.0.0.1",
    ) -> Origin:
        """An origin that speaks the version under test, until the end of the check; `plain` never speaks TLS."""
        origin = Origin(
            answer,
            tls=False if plain else tls or self.subject.tls,
            http2=self.version is HttpVersion.HTTP_2 if http2 is None else http2,
            host=host,
        )
        origin.start()
        self._stack.callback(origin.close)
        self.origins.append(origin)
        return origin

    def settings_for(self, origin: Origin) -> HttpSettings:
        """Settings that trust `origin`."""
        if not origin.url.startswith("https"):
            return HttpSettings()
        return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file)))

    async def borrow(self) -> tuple[Loan, Driver]:
        """A connector upon a client that is lent, until the end of the check."""
        assert self.subject.lend is not None
        loan = await self._stack.enter_async_context(self.subject.lend())
        return loan, self._driven(loan.connector)

    def connect(self, settings: HttpSettings, versions: Sequence[HttpVersion] = ()) -> Driver:
        """A further connector, until the end of the check."""
        return self._driven(self.subject.make(settings, tuple(versions) or (self.version,)))

    def source(self, *steps: Step, length: int | None = None, replayable: bool = False) -> Source:
        """A watched body in the colour of the connector."""
        source = self.driver.source(*steps, length=length, replayable=replayable)
        self.sources.append(source)
        return source

    def start(self, doing: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """Begin to do something beside; what is not awaited is cancelled at the end of the check."""
        task = asyncio.ensure_future(doing)
        self._stack.push_async_callback(_end, task)
        return task

    def _driven(self, connector: Connector) -> Driver:
        driver = drive(connector)
        self._stack.push_async_callback(driver.close)
        return driver

    # --- asking ---

    def can(self, capability: Capability) -> bool:
        """Whether the connector declares `capability` for the version under test."""
        return capability in self.connector.capabilities.get(self.version, ())

    def expected(self, request: AnyRequest, content: bytes) -> Expected:
        """What has to arrive of the completed `request` with this content."""
        return Expected.of(request, self.version, content, spelled=self.can(Capability.FIELD_NAME_CASE))

    def url(self, target: str = "/") -> str:
        """A URL of the origin."""
        return self.origin.url + target

    @property
    def scheme(self) -> str:
        """The scheme of the origin."""
        return self.origin.url.partition(":")[0]

    @contextmanager
    def dead_end(self) -> Generator[str, None, None]:
        """A URL that ends in a slash, at a port where nobody listens."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            yield f"{self.scheme}://127.0.0.1:{unused.getsockname()[1]}/"

    @property
    def octets(self) -> int:
        """How many octets of requests all origins have seen."""
        return sum(track.request_octets for origin in self.origins for track in origin.connections)

    @property
    def used_connections(self) -> int:
        """How many connections to the origin carried a request; a client may open one too many, and not use it."""
        return sum(1 for track in self.origin.connections if track.requests)

    # --- doing ---

    async def rest(self) -> None:
        """Wait a moment: some clients take a connection back in a thread of their own, after the content has ended."""
        await asyncio.sleep(0.02)

    async def exchange(self, request: AnyRequest) -> tuple[Reply, bytes]:
        """Send, and read the response to its end."""
        reply = await self.driver.send(request)
        return reply, await reply.read()

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something holds, for at most five seconds.

        Raises:
            BrokenRuleError: it does not.
        """
        end = time.monotonic() + 5
        while not holds():
            require(time.monotonic() < end, what)
            await asyncio.sleep(0.005)

    async def deliver(
        self, request: AnyRequest, driver: Driver | None = None, *, content: bytes | None = None
    ) -> Received:
        """Send, read the response, and make sure that the request arrived exactly as it went to the connector.

        `content` is what its body gives, where that cannot be seen without reading it.

        Raises:
            BrokenRuleError: it arrived otherwise.
        """
        before = self.origin.count
        driver = driver or self.driver
        await (await driver.send(request)).read()
        same(self.origin.count, before + 1, "requests that arrived")
        received = self.origin.requests[-1]
        given = content_of(request) if content is None else content
        found = self.expected(driver.last, given).differences(received)
        if found:
            raise BrokenRuleError("; ".join(found))
        return received


async def _end(task: asyncio.Task[T]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=5)


def content_of(request: AnyRequest) -> bytes:
    """All octets that the body of a request gives, without reading it."""
    body = request.body
    assert isinstance(body, BytesBody | Source), "rules use bytes and watched bodies"
    return body.content
