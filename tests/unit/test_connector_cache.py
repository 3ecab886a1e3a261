"""The cache of connectors: made once, when they are needed, and closed by whoever made them."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import pytest

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncConnectorCache,
    Capability,
    ClosedError,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    InvalidMessageError,
    Maker,
    NoConnectorError,
    Request,
    Response,
    SyncBody,
    SyncConnector,
    SyncConnectorCache,
    TLSSettings,
)
from stablehttp.testing import AsyncMemoryConnector

H1, H2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2
NOTHING: frozenset[Capability] = frozenset()
TRAILERS = frozenset({Capability.REQUEST_TRAILERS})


class Made(AsyncConnector):
    """A connector that notes when it was closed, in a list that all of one maker share."""

    def __init__(self, number: int, closed: list[int], requirements: ConnectorRequirements) -> None:
        self.number = number
        self.capabilities = MappingProxyType(dict.fromkeys(requirements.versions, requirements.needs | TRAILERS))
        self.closed = closed

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return Response(200)

    async def aclose(self) -> None:
        self.closed.append(self.number)


class SyncMade(SyncConnector):
    """The synchronous twin of `Made`."""

    def __init__(self, number: int, closed: list[int]) -> None:
        self.number = number
        self.closed = closed

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        return Response(200)

    def close(self) -> None:
        self.closed.append(self.number)


class Factory:
    """A maker that notes what it was asked for."""

    def __init__(self, *versions: HttpVersion) -> None:
        self.versions = versions or (H1, H2)
        self.asked: list[ConnectorRequirements] = []
        self.closed: list[int] = []

    def __call__(self, requirements: ConnectorRequirements) -> Made | None:
        self.asked.append(requirements)
        if requirements.versions[0] not in self.versions:
            return None
        return Made(len(self.asked), self.closed, requirements)


class SyncFactory:
    """The synchronous twin of `Factory`; `pause` runs while it makes."""

    def __init__(self, pause: Callable[[], object] = lambda: None) -> None:
        self.asked: list[ConnectorRequirements] = []
        self.closed: list[int] = []
        self.pause = pause

    def __call__(self, requirements: ConnectorRequirements) -> SyncMade:
        self.asked.append(requirements)
        self.pause()
        return SyncMade(len(self.asked), self.closed)


def wanted(timeout: float = 10.0, *versions: HttpVersion) -> ConnectorRequirements:
    return ConnectorRequirements(settings=HttpSettings(connect_timeout=timeout), versions=versions)


async def test_equal_settings_and_versions_get_one_connector_and_others_get_others() -> None:
    """C2, C6, C10."""
    factory = Factory()

    async with AsyncConnectorCache([factory]) as cache:
        one, same = await cache.get(wanted(1)), await cache.get(wanted(1))
        other, newer = await cache.get(wanted(2)), await cache.get(wanted(1, H2))

        assert one is same
        assert len({id(one), id(other), id(newer)}) == 3
        assert [(asked.settings.connect_timeout, asked.versions) for asked in factory.asked] == [
            (1, (H1,)), (2, (H1,)), (1, (H2,)),
        ]  # fmt: skip


async def test_nothing_is_made_before_it_is_needed() -> None:
    """C11: a client without streams of messages makes no HTTP/2 connector."""
    factory = Factory()

    async with AsyncConnectorCache([factory]) as cache:
        assert factory.asked == []
        await cache.get()

    assert [asked.versions for asked in factory.asked] == [(H1,)]


async def test_where_the_best_version_is_not_offered_the_next_is_used() -> None:
    """C8."""
    old, new = Factory(H1), Factory(H2)

    async with AsyncConnectorCache([old]) as cache:
        assert (await cache.get(wanted(1, H2, H1))).capabilities.keys() == {H1}  # type: ignore[attr-defined]
    async with AsyncConnectorCache([old, new]) as cache:
        assert H2 in (await cache.get(wanted(1, H2, H1))).capabilities  # type: ignore[attr-defined]
        assert (await cache.get(wanted(1, H1, H2))).capabilities.keys() == {H1}  # type: ignore[attr-defined]


async def test_operations_with_different_needs_share_a_connector_that_has_all_of_them() -> None:
    """C10."""
    factory = Factory()

    async with AsyncConnectorCache([factory]) as cache:
        plain = await cache.get(wanted(1))
        with_trailers = await cache.get(replace(wanted(1), needs=TRAILERS))
        with_more = await cache.get(replace(wanted(1), needs=frozenset({Capability.EXPECT_CONTINUE})))

    assert plain is with_trailers
    assert with_more is not plain


async def test_tasks_that_come_at_the_same_time_share_one_connector_though_the_maker_awaits() -> None:
    """C12."""
    factory = Factory()

    async def make(requirements: ConnectorRequirements) -> Made | None:
        for _ in range(5):
            await asyncio.sleep(0)
        return factory(requirements)

    async with AsyncConnectorCache([make]) as cache:
        found = await asyncio.gather(*(cache.get() for _ in range(20)))

    assert len({id(connector) for connector in found}) == 1
    assert len(factory.asked) == 1


async def test_a_task_that_is_cancelled_while_it_makes_leaves_the_others_to_make_their_own() -> None:
    """C12."""
    factory, started = Factory(), asyncio.Event()

    async def make(requirements: ConnectorRequirements) -> Made | None:
        if not started.is_set():
            started.set()
            await asyncio.sleep(3600)
        return factory(requirements)

    async with AsyncConnectorCache([make]) as cache:
        first = asyncio.create_task(cache.get())
        await started.wait()
        others = [asyncio.create_task(cache.get()) for _ in range(3)]
        first.cancel()
        found = await asyncio.gather(*others)

    assert len({id(connector) for connector in found}) == 1


def test_threads_that_come_at_the_same_time_share_one_connector() -> None:
    """C12."""
    together = threading.Barrier(8)
    making = threading.Event()
    factory = SyncFactory(lambda: making.wait(0.05))
    found: list[object] = []

    def ask() -> None:
        together.wait(5)
        found.append(cache.get())

    with SyncConnectorCache([factory]) as cache:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)

    assert len(found) == 8
    assert len({id(connector) for connector in found}) == 1
    assert len(factory.asked) == 1


def test_readers_wait_for_nobody_who_makes() -> None:
    """C12: while one connector is being made, another thread finds what is there."""
    begun, over = threading.Event(), threading.Event()
    factory = SyncFactory()

    with SyncConnectorCache([factory]) as cache:
        first = cache.get(wanted(1))
        factory.pause = lambda: (begun.set(), over.wait(5))
        maker = threading.Thread(target=cache.get, args=[wanted(2)])
        maker.start()
        assert begun.wait(5)
        assert cache.get(wanted(1)) is first
        assert maker.is_alive()
        over.set()
        maker.join(5)

    assert len(factory.asked) == 2


async def test_a_maker_that_raises_leaves_nothing_behind_and_is_asked_again() -> None:
    failures = [ValueError("not today")]
    factory = Factory()

    def make(requirements: ConnectorRequirements) -> Made | None:
        if failures:
            raise failures.pop()
        return factory(requirements)

    async with AsyncConnectorCache([make]) as cache:
        with pytest.raises(ValueError, match="not today"):
            await cache.get()
        assert await cache.get() is await cache.get()


async def test_a_decline_is_remembered_until_it_is_invalidated() -> None:
    """C5, C9, C15."""
    factory = Factory(H1)

    async with AsyncConnectorCache([factory]) as cache:
        for _ in range(3):
            with pytest.raises(NoConnectorError, match="no connector speaks HTTP/2") as caught:
                await cache.get(wanted(1, H2))
            assert caught.value.wanted == ["HTTP/2"]
            assert list(caught.value.reasons.values()) == ["declined"]
        assert len(factory.asked) == 1
        kept = await cache.get()
        factory.versions = (H1, H2)
        cache.invalidate()
        assert H2 in (await cache.get(wanted(1, H2))).capabilities  # type: ignore[attr-defined]
        assert await cache.get() is kept


def test_the_synchronous_twin_remembers_declines_alike() -> None:
    """C15."""
    asked: list[object] = []

    def make(requirements: ConnectorRequirements) -> None:
        asked.append(requirements)

    with SyncConnectorCache([make]) as cache:
        for _ in range(2):
            with pytest.raises(NoConnectorError):
                cache.get()
        cache.invalidate()
        with pytest.raises(NoConnectorError):
            cache.get()

    assert len(asked) == 2


async def test_connectors_are_closed_in_reverse_order_and_each_once() -> None:
    factory = Factory()
    shared = Made(99, factory.closed, wanted())
    cache = AsyncConnectorCache([factory])
    for timeout in (1, 2, 3):
        await cache.get(wanted(timeout))
    again = AsyncConnectorCache([lambda _: shared])
    await again.get(wanted(1))
    await again.get(wanted(2))

    await cache.aclose()
    await cache.aclose()
    await again.aclose()

    assert factory.closed == [3, 2, 1, 99]
    with pytest.raises(ClosedError):
        await cache.get()


async def test_no_more_are_kept_than_stated_and_the_one_used_least_lately_is_closed() -> None:
    factory = Factory()

    async with AsyncConnectorCache([factory], max_connectors=2) as cache:
        await cache.get(wanted(1))
        await cache.get(wanted(2))
        await cache.get(wanted(3))
        await cache.get(wanted(2))
        await cache.get(wanted(4))
        await asyncio.sleep(0)
        assert sorted(factory.closed) == [1, 3]
        assert await cache.get(wanted(2)) is await cache.get(wanted(2))
        assert len(factory.asked) == 4

    with pytest.raises(InvalidMessageError):
        AsyncConnectorCache(max_connectors=0)


async def test_what_is_in_use_is_closed_when_it_is_used_no_more() -> None:
    factory = Factory()

    async with AsyncConnectorCache([factory], max_connectors=1) as cache:
        await cache.get(wanted(1))
        held = cache.find(wanted(1).settings, (H1,), NOTHING)
        assert held is not None
        assert held.hold("a call")
        await cache.get(wanted(2))
        await asyncio.sleep(0)
        assert factory.closed == []
        assert not held.hold("a later call")
        held.release("a call")
        held.release("a call")
        await asyncio.sleep(0)
        assert factory.closed == [1]


def test_three_event_loops_one_after_the_other_get_connectors_of_their_own() -> None:
    """U-F2."""
    factory = Factory()
    cache = AsyncConnectorCache([factory])

    async def use() -> None:
        assert await cache.get() is await cache.get()

    for _ in range(3):
        asyncio.run(use())

    assert len(factory.asked) == 3
    assert factory.closed == [1, 2, 3], "a loop that ends closes its connectors"


def test_event_loops_at_the_same_time_have_connectors_of_their_own() -> None:
    """U-F2."""
    factory = Factory()
    cache = AsyncConnectorCache([factory])
    found: list[object] = []
    together = threading.Barrier(2)

    async def use() -> None:
        connector = await cache.get()
        together.wait(5)
        assert await cache.get() is connector
        found.append(connector)

    threads = [threading.Thread(target=asyncio.run, args=[use()]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert len({id(connector) for connector in found}) == 2
    assert sorted(factory.closed) == [1, 2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_after_a_fork_the_child_makes_its_own() -> None:
    """U-F2."""
    factory = SyncFactory()
    with SyncConnectorCache([factory]) as cache:
        before = cache.get()
        child = os.fork()
        if child == 0:
            good = cache.get() is not before and len(factory.asked) == 2 and factory.closed == []
            os._exit(0 if good else 1)
        _, status = os.waitpid(child, 0)

        assert os.waitstatus_to_exitcode(status) == 0
        assert cache.get() is before


def peak_of(call: Callable[[], object]) -> int:
    """How many octets are allocated at most while `call` runs."""
    for _ in range(3):
        call()
    gc.collect()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "changed",
    [
        {"connect_timeout": 1.0},
        {"max_connections": 1},
        {"keepalive": 1.0},
        {"proxy": "http://proxy.test"},
        {"tls": TLSSettings(verify=False)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_setting_counts_when_settings_are_compared(changed: dict[str, Any]) -> None:
    """C2."""
    other = HttpSettings(**changed)

    assert other != HttpSettings()
    assert other == HttpSettings(**changed)
    assert {each.name for each in fields(HttpSettings) if each.compare} == {
        "connect_timeout",
        "max_connections",
        "keepalive",
        "proxy",
        "tls",
    }


async def test_a_look_up_allocates_no_more_than_one_tuple() -> None:
    """C13."""
    settings, versions = wanted(1).settings, (H1,)

    async with AsyncConnectorCache([Factory()]) as cache:
        await cache.get(wanted(1))
        looked_up = peak_of(lambda: cache.find(settings, versions, NOTHING))

    assert cache.find(settings, versions, NOTHING) is None
    assert looked_up <= peak_of(lambda: (settings, versions, NOTHING))


def test_a_look_up_in_the_synchronous_twin_allocates_no_more_either() -> None:
    """C13."""
    settings, versions = wanted(1).settings, (H1,)

    with SyncConnectorCache([SyncFactory()]) as cache:
        cache.get(wanted(1))
        looked_up = peak_of(lambda: cache.find(settings, versions, NOTHING))

    assert looked_up <= peak_of(lambda: (settings, versions, NOTHING))


async def test_a_fake_comes_through_the_same_door() -> None:
    """C14, C21: whatever has `send` will do."""

    class Duck:
        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            return Response(204)

    memory, duck = AsyncMemoryConnector(), Duck()

    async with AsyncConnectorCache([lambda _: memory]) as cache:
        assert await cache.get() is memory
    async with AsyncConnectorCache([lambda _: duck]) as cache:
        assert await cache.get() is duck
        with pytest.raises(NoConnectorError, match="does not offer duplex"):
            await cache.get(ConnectorRequirements(duplex=True))


async def test_without_makers_it_is_what_is_installed() -> None:
    """C7: the default picks from what is installed."""
    async with AsyncConnectorCache() as cache:
        assert (await cache.get()).name == "h11"  # type: ignore[attr-defined]
    with SyncConnectorCache() as twin:
        assert twin.get().name == "h11"  # type: ignore[attr-defined]


async def test_a_maker_that_explains_itself_is_not_called_in_vain() -> None:
    calls: list[ConnectorRequirements] = []

    def make(requirements: ConnectorRequirements) -> Made:
        calls.append(requirements)
        return Made(1, [], requirements)

    async with AsyncConnectorCache([Maker("old", make, capabilities={H1: NOTHING})]) as cache:
        await cache.get(wanted(1, H2, H1))

    assert [asked.versions for asked in calls] == [(H1,)]


def test_settings_are_looked_up_by_value_also_after_a_journey() -> None:
    """C2: the remembered hash does not travel to another process, where it would be another one."""
    settings = HttpSettings(connect_timeout=3, tls=TLSSettings(ca_file="x"))

    arrived = pickle.loads(pickle.dumps(settings))

    assert (arrived, hash(arrived)) == (settings, hash(settings))
    assert replace(settings, connect_timeout=4) != settings
    assert hash(replace(settings, connect_timeout=4)) != hash(settings)
    assert b"_hash" not in pickle.dumps(settings)
