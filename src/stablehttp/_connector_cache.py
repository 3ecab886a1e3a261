"""Connectors made once and shared: the cache between makers and pipelines.

Floor 11: stands on selection.

A connector is made no earlier than it is needed, once for equal settings, protocol versions and needs,
and never twice because two calls came at the same time.  Readers take no lock.  What belongs to an
event loop or a process stays there: a new loop, or a child process, gets connectors of its own.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Iterable
from typing import Final, Self, cast, final

from stablehttp._capability import Capability
from stablehttp._connectors import (
    AnyMaker,
    AsyncTransport,
    MakeConnector,
    MakeFunction,
    MakeSyncConnector,
    SyncTransport,
)
from stablehttp._errors import ClosedError, InvalidMessageError, NoConnectorError
from stablehttp._held_connectors import MOST_CONNECTORS, Held, HeldConnectors, Key
from stablehttp._http_version import HttpVersion
from stablehttp._requirements import ConnectorRequirements
from stablehttp._selection import Answer, Choosing, Question, answering, choosing, groups_of, installed_groups
from stablehttp._settings import HttpSettings


class _Process:
    """Counts how often this process came from another by forking: asking for its number would allocate."""

    forks = 0

    @classmethod
    def forked(cls) -> None:
        """Runs in the child, right after the fork."""
        cls.forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Process.forked)


class _Cache:
    """What caches of both colours know: who makes connectors, and how many are kept."""

    _function: MakeFunction = "make_connector"

    def __init__(self, makers: Iterable[AnyMaker] | None, max_connectors: int) -> None:
        if max_connectors < 1:
            raise InvalidMessageError("max_connectors must be at least 1")
        self._makers = None if makers is None else tuple(makers)
        self._most: Final = max_connectors
        self._closed = False

    def _choosing(self, requirements: ConnectorRequirements) -> Choosing:
        if self._makers is None:
            return choosing(installed_groups(self._function, requirements), requirements)
        return choosing(groups_of(self._makers), requirements)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("the cache of connectors was closed; make a new one")


@final
class _Home:
    """The connectors of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.forks = _Process.forks
        self.lock = asyncio.Lock()
        self.connectors: HeldConnectors[AsyncTransport] = HeldConnectors()
        self.closing: set[asyncio.Task[None]] = set()
        self.guard: AsyncGenerator[None] | None = None

    def let_go(self, held: Held[AsyncTransport]) -> None:
        """Begin to close a connector that nobody uses; callable from other threads, and when the loop has ended."""
        if self.loop.is_closed():
            return
        if _running_loop() is not self.loop:
            self.loop.call_soon_threadsafe(self.let_go, held)
            return
        task = self.loop.create_task(_aclose(held.connector))
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)

    async def close(self) -> None:
        """Close the connectors, the newest first, and wait until all are closed that were let go."""
        for held in self.connectors.take_all():
            held.retired = True
            await _aclose(held.connector)
        while self.closing:
            await asyncio.wait(self.closing)

    async def end_with_loop(self) -> AsyncGenerator[None]:
        """Rests until `loop.shutdown_asyncgens`, the one moment in which a loop tells that it is about to end."""
        try:
            yield
        finally:
            await self.close()


@final
class AsyncConnectorCache(_Cache):
    """Asynchronous connectors, made when they are needed and shared by whoever asks for the same.

    `makers` are asked in order, for the best protocol version first; without them, what is installed is
    chosen from as `make_connector` does.  At most `max_connectors` are kept for each event loop; the one
    that was used least lately goes first, and is closed when the responses it gave have been read.
    A loop that ends as `asyncio.run` ends it closes its connectors.
    """

    def __init__(self, makers: Iterable[MakeConnector] | None = None, *, max_connectors: int = MOST_CONNECTORS) -> None:
        super().__init__(makers, max_connectors)
        self._home: _Home | None = None
        self._homes: tuple[_Home, ...] = ()
        self._moving = threading.Lock()

    async def get(self, requirements: ConnectorRequirements | None = None) -> AsyncTransport:
        """The connector for `requirements`, made if there is none yet; it stays the cache's to close.

        Raises:
            NoConnectorError: none meets them; that is remembered until `invalidate`.
            ClosedError: the cache is closed.
        """
        wanted = requirements or ConnectorRequirements()
        held = self.find(wanted.settings, wanted.versions, wanted.needs)
        if held is None:
            held = await self.make(wanted)
        return held.connector

    def find(
        self, settings: HttpSettings, versions: tuple[HttpVersion, ...], needs: frozenset[Capability]
    ) -> Held[AsyncTransport] | None:
        """What was made for this in the running loop; None if it has to be made first."""
        home = self._home
        if home is None or home.loop is not asyncio.get_running_loop() or home.forks != _Process.forks:
            home = self._move()
        return home.connectors.find(settings, versions, needs)

    async def make(self, requirements: ConnectorRequirements) -> Held[AsyncTransport]:
        """What was made for `requirements` while this call waited its turn, or else is made now.

        Raises:
            NoConnectorError: none meets them.
            ClosedError: the cache is closed.
        """
        self._check_open()
        home = self._move()
        if home.guard is None:
            home.guard = home.end_with_loop()
            await anext(home.guard)
        key: Key = (requirements.settings, requirements.versions, requirements.needs)
        async with home.lock:
            held = home.connectors.find(*key)
            if held is None:
                held = await self._choose(home, key, requirements)
        return held

    def invalidate(self) -> None:
        """Forget who declined, so that makers are asked again; connectors stay."""
        for home in self._homes:
            home.connectors.forget_declines()

    async def aclose(self) -> None:
        """Close all connectors, the newest first; responses that are being read may become unusable."""
        self._closed = True
        homes, self._homes, self._home = self._homes, (), None
        for home in homes:
            if home.forks != _Process.forks or home.loop.is_closed():
                continue
            if home.loop is asyncio.get_running_loop():
                await _end(home)
            elif home.loop.is_running():
                await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_end(home), home.loop))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    async def _choose(self, home: _Home, key: Key, requirements: ConnectorRequirements) -> Held[AsyncTransport]:
        home.connectors.check_declined(key)
        steps = self._choosing(requirements)
        try:
            question = next(steps)
            while True:
                question = steps.send(await self._answer(home, question))
        except StopIteration as end:
            _, made = cast("tuple[object, AsyncTransport]", end.value)
        except NoConnectorError as error:
            home.connectors.decline(key, error)
            raise
        held = home.connectors.route(key, made)
        for surplus in home.connectors.take_surplus(self._most, held):
            surplus.retire()
        return held

    async def _answer(self, home: _Home, question: Question) -> Answer:
        maker = question.candidate.maker
        known = home.connectors.serving(maker, question.requirements)
        if known is not None:
            return Answer(known)
        with answering() as answer:
            made: object = maker(question.requirements)
            if hasattr(made, "__await__"):
                made = await cast("asyncio.Future[AsyncTransport | None]", made)
            if made is not None:
                connector = cast(AsyncTransport, made)
                home.connectors.add(Held(connector, maker, question.requirements, home.let_go))
            answer.made = made
        return answer

    def _move(self) -> _Home:
        """The home in the running loop; a loop that is new here gets one, and those that have ended are left."""
        loop = asyncio.get_running_loop()
        with self._moving:
            here = [home for home in self._homes if home.forks == _Process.forks and not home.loop.is_closed()]
            home = next((home for home in here if home.loop is loop), None)
            if home is None:
                home = _Home(loop)
                here.append(home)
            self._homes, self._home = tuple(here), home
        return home


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


async def _end(home: _Home) -> None:
    if home.guard is not None:
        await home.guard.aclose()


async def _aclose(connector: object) -> None:
    close = getattr(connector, "aclose", None)
    if close is not None:
        await close()


@final
class SyncConnectorCache(_Cache):
    """The synchronous twin of `AsyncConnectorCache`; any number of threads may use it."""

    _function: MakeFunction = "make_sync_connector"

    def __init__(
        self, makers: Iterable[MakeSyncConnector] | None = None, *, max_connectors: int = MOST_CONNECTORS
    ) -> None:
        super().__init__(makers, max_connectors)
        self._settle()

    def get(self, requirements: ConnectorRequirements | None = None) -> SyncTransport:
        """The connector for `requirements`, made if there is none yet; it stays the cache's to close.

        Raises:
            NoConnectorError: none meets them; that is remembered until `invalidate`.
            ClosedError: the cache is closed.
        """
        wanted = requirements or ConnectorRequirements()
        held = self.find(wanted.settings, wanted.versions, wanted.needs)
        if held is None:
            held = self.make(wanted)
        return held.connector

    def find(
        self, settings: HttpSettings, versions: tuple[HttpVersion, ...], needs: frozenset[Capability]
    ) -> Held[SyncTransport] | None:
        """What was made for this in this process; None if it has to be made first."""
        if self._forks != _Process.forks:
            self._settle()
        return self._connectors.find(settings, versions, needs)

    def make(self, requirements: ConnectorRequirements) -> Held[SyncTransport]:
        """What was made for `requirements` while this call waited its turn, or else is made now.

        Raises:
            NoConnectorError: none meets them.
            ClosedError: the cache is closed.
        """
        key: Key = (requirements.settings, requirements.versions, requirements.needs)
        with self._lock:
            self._check_open()
            held = self._connectors.find(*key)
            if held is None:
                held = self._choose(key, requirements)
            surplus = list(self._connectors.take_surplus(self._most, held))
        for each in surplus:
            each.retire()
        return held

    def invalidate(self) -> None:
        """Forget who declined, so that makers are asked again; connectors stay."""
        self._connectors.forget_declines()

    def close(self) -> None:
        """Close all connectors, the newest first; responses that are being read may become unusable."""
        with self._lock:
            self._closed = True
            connectors = self._connectors.take_all() if self._forks == _Process.forks else []
        for held in connectors:
            held.retired = True
            _close(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _settle(self) -> None:
        """Begin anew in this process: what was made in the parent is the parent's."""
        self._connectors: HeldConnectors[SyncTransport] = HeldConnectors()
        self._lock = threading.RLock()
        self._forks = _Process.forks

    def _choose(self, key: Key, requirements: ConnectorRequirements) -> Held[SyncTransport]:
        self._connectors.check_declined(key)
        steps = self._choosing(requirements)
        try:
            question = next(steps)
            while True:
                question = steps.send(self._answer(question))
        except StopIteration as end:
            _, made = cast("tuple[object, SyncTransport]", end.value)
        except NoConnectorError as error:
            self._connectors.decline(key, error)
            raise
        return self._connectors.route(key, made)

    def _answer(self, question: Question) -> Answer:
        maker = question.candidate.maker
        known = self._connectors.serving(maker, question.requirements)
        if known is not None:
            return Answer(known)
        with answering() as answer:
            answer.made = maker(question.requirements)
            if answer.made is not None:
                connector = cast(SyncTransport, answer.made)
                self._connectors.add(Held(connector, maker, question.requirements, _close))
        return answer


def _close(held: Held[SyncTransport]) -> None:
    close = getattr(held.connector, "close", None)
    if close is not None:
        close()
