"""The pools of connectors: places, order, reuse, cancellation, loops, processes."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import random
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from stablehttp import ClosedError, ForeignLoopError, PoolTimeoutError
from stablehttp.adapting import AsyncPool, Lease, SyncPool


class Link:
    """Stands for a connection."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.usable = True
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Maker:
    """Makes links, counts them, and notices when more are open than there may be."""

    def __init__(self) -> None:
        self.made: list[Link] = []

    @property
    def open(self) -> int:
        return sum(not link.closed for link in self.made)

    def now(self, key: object) -> Link:
        link = Link(key)
        self.made.append(link)
        return link

    def sync(self, key: object = "a") -> Callable[[], Link]:
        return lambda: self.now(key)

    def slowly(self, key: object = "a", turns: int = 1) -> Callable[[], Awaitable[Link]]:
        async def make() -> Link:
            for _ in range(turns):
                await asyncio.sleep(0)
            return self.now(key)

        return make


def async_pool(most: int = 2, keepalive: float = 60) -> AsyncPool[Link]:
    return AsyncPool(
        max_connections=most, keepalive=keepalive, is_usable=lambda link: link.usable, close=lambda link: link.close()
    )


def sync_pool(most: int = 2, keepalive: float = 60) -> SyncPool[Link]:
    return SyncPool(
        max_connections=most, keepalive=keepalive, is_usable=lambda link: link.usable, close=lambda link: link.close()
    )


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


# --- asynchronous: reuse -------------------------------------------------------------------------


async def test_a_connection_given_back_serves_the_next_exchange_of_its_key() -> None:
    pool, maker = async_pool(), Maker()

    first = await pool.acquire("a", maker.slowly())
    pool.release(first, reusable=True)
    second = await pool.acquire("a", maker.slowly())

    assert not first.reused
    assert second.reused
    assert second.connection is first.connection


async def test_a_connection_that_is_not_reusable_is_closed_once() -> None:
    pool, maker = async_pool(), Maker()

    lease = await pool.acquire("a", maker.slowly())
    pool.release(lease, reusable=False)
    pool.release(lease, reusable=True)

    assert lease.connection.closed == 1
    assert pool.open_connections == 0


async def test_an_idle_connection_that_the_peer_closed_is_not_used_again() -> None:
    pool, maker = async_pool(), Maker()
    lease = await pool.acquire("a", maker.slowly())
    pool.release(lease, reusable=True)

    lease.connection.usable = False
    second = await pool.acquire("a", maker.slowly())

    assert not second.reused
    assert lease.connection.closed == 1
    assert pool.open_connections == 1


async def test_an_idle_connection_is_closed_when_its_time_is_over() -> None:
    pool, maker = async_pool(keepalive=0.02), Maker()
    pool.release(await pool.acquire("a", maker.slowly()), reusable=True)

    await asyncio.sleep(0.08)

    assert maker.made[0].closed == 1
    assert pool.open_connections == 0


async def test_a_full_pool_closes_the_connection_that_was_idle_longest_for_another_key() -> None:
    pool, maker = async_pool(2), Maker()
    old, new = await pool.acquire("old", maker.slowly("old")), await pool.acquire("new", maker.slowly("new"))
    pool.release(old, reusable=True)
    pool.release(new, reusable=True)

    third = await pool.acquire("third", maker.slowly("third"))

    assert not third.reused
    assert [link.closed for link in maker.made] == [1, 0, 0]
    assert pool.open_connections == 2


# --- asynchronous: waiting ------------------------------------------------------------------------


async def test_callers_are_served_in_the_order_in_which_they_came() -> None:
    pool, maker, order = async_pool(1), Maker(), list[int]()
    lease = await pool.acquire("a", maker.slowly())

    async def use(number: int, key: str) -> None:
        mine = await pool.acquire(key, maker.slowly(key))
        order.append(number)
        await asyncio.sleep(0)
        pool.release(mine, reusable=number % 3 > 0)

    tasks = [asyncio.create_task(use(number, "ab"[number % 2])) for number in range(20)]
    await turns()
    pool.release(lease, reusable=True)
    await asyncio.gather(*tasks)

    assert order == list(range(20))
    assert pool.open_connections <= 1


async def test_nobody_overtakes_a_caller_who_was_handed_a_connection_but_has_not_run_yet() -> None:
    pool, maker = async_pool(1), Maker()
    lease = await pool.acquire("a", maker.slowly())
    waiting = asyncio.create_task(pool.acquire("a", maker.slowly()))
    await turns()

    pool.release(lease, reusable=True)
    overtaking = asyncio.create_task(pool.acquire("a", maker.slowly()))
    await turns()

    assert waiting.done()
    assert not overtaking.done()
    pool.release(waiting.result(), reusable=True)
    assert (await overtaking).reused


async def test_waiting_too_long_is_an_error_that_says_nothing_was_sent() -> None:
    pool, maker = async_pool(1), Maker()
    lease = await pool.acquire("a", maker.slowly())

    with pytest.raises(PoolTimeoutError, match=r"none of the 1 connections became free within 0\.01 seconds") as caught:
        await pool.acquire("a", maker.slowly(), 0.01)

    assert caught.value.sent == "no"
    assert caught.value.processed == "no"
    assert caught.value.seconds == 0.01
    pool.release(lease, reusable=True)
    assert (await pool.acquire("a", maker.slowly(), 0.01)).reused


async def test_a_place_is_free_again_when_making_a_connection_failed() -> None:
    pool, maker = async_pool(1), Maker()

    async def fail() -> Link:
        await asyncio.sleep(0)
        raise OSError("no")

    failing = asyncio.create_task(pool.acquire("a", fail))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(pool.acquire("a", maker.slowly()))

    with pytest.raises(OSError, match="no"):
        await failing
    assert not (await waiting).reused


@pytest.mark.parametrize("seed", range(30))
async def test_cancelled_callers_lose_no_place_and_no_connection(seed: int) -> None:
    """U-F3: a hundred tasks on five places, each cancelled after a number of turns of its own, some twice."""
    pool, maker, dice = async_pool(5), Maker(), random.Random(seed)
    most = 0

    async def use(number: int) -> None:
        nonlocal most
        seconds = None if number % 4 else 0.001
        lease = await pool.acquire("ab"[number % 2], maker.slowly("ab"[number % 2], number % 3), seconds)
        try:
            most = max(most, maker.open)
            await turns(number % 4)
        finally:
            pool.release(lease, reusable=number % 5 > 0)

    tasks = [asyncio.create_task(use(number)) for number in range(100)]
    for task in dice.sample(tasks, 90):
        await turns(dice.randrange(3))
        task.cancel()
        if dice.random() < 0.3:
            await asyncio.sleep(0)
            task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)

    assert all(isinstance(result, (type(None), asyncio.CancelledError, PoolTimeoutError)) for result in results)
    assert most <= 5
    assert pool.open_connections == pool.idle_connections == maker.open
    leases = [await pool.acquire("c", maker.slowly("c"), 1) for _ in range(5)]
    assert len({lease.connection for lease in leases}) == 5
    assert maker.open == 5


@pytest.mark.parametrize("cancel_after", range(8))
async def test_a_caller_cancelled_after_any_number_of_turns_leaves_the_place_to_the_next(cancel_after: int) -> None:
    """U-F3: every await point, by brute force."""
    pool, maker = async_pool(1), Maker()
    lease = await pool.acquire("a", maker.slowly())
    first = asyncio.create_task(pool.acquire("b", maker.slowly("b", 3)))
    second = asyncio.create_task(pool.acquire("c", maker.slowly("c", 3)))
    await asyncio.sleep(0)
    pool.release(lease, reusable=True)

    await turns(cancel_after)
    first.cancel()
    [given] = await asyncio.gather(first, return_exceptions=True)
    if isinstance(given, Lease):
        pool.release(given, reusable=True)

    assert (await asyncio.wait_for(second, 1)).connection.key == "c"
    assert maker.open == pool.open_connections == 1


# --- asynchronous: the end, loops and processes ---------------------------------------------------


async def test_closing_closes_idle_connections_now_and_used_ones_when_they_come_back() -> None:
    """U-F5."""
    pool, maker = async_pool(3), Maker()
    idle, used = await pool.acquire("a", maker.slowly()), await pool.acquire("a", maker.slowly())
    pool.release(idle, reusable=True)

    await pool.aclose()

    assert idle.connection.closed == 1
    assert used.connection.closed == 0
    pool.release(used, reusable=True)
    assert used.connection.closed == 1
    assert pool.open_connections == 0
    with pytest.raises(ClosedError, match="the connector was closed; make another one"):
        await pool.acquire("a", maker.slowly())


async def test_closing_refuses_those_who_wait() -> None:
    pool, maker = async_pool(1), Maker()
    lease = await pool.acquire("a", maker.slowly())
    waiting = asyncio.create_task(pool.acquire("a", maker.slowly()))
    await turns()

    await pool.aclose()
    await pool.aclose()

    with pytest.raises(ClosedError):
        await waiting
    pool.release(lease, reusable=True)
    assert maker.open == 0


def test_three_runs_of_a_loop_in_a_row_share_one_pool_and_each_closes_what_it_left() -> None:
    """U-F2."""
    pool, maker = async_pool(), Maker()

    async def use() -> bool:
        lease = await pool.acquire("a", maker.slowly())
        pool.release(lease, reusable=True)
        return lease.reused

    assert [asyncio.run(use()) for _ in range(3)] == [False] * 3
    assert [link.closed for link in maker.made] == [1] * 3


def test_a_connection_that_nobody_gave_back_is_closed_with_its_loop() -> None:
    pool, maker = async_pool(1), Maker()

    async def lose() -> None:
        await pool.acquire("a", maker.slowly())

    asyncio.run(lose())
    asyncio.run(lose())

    assert [link.closed for link in maker.made] == [1, 1]


def test_a_loop_that_ended_without_a_word_leaves_nothing_that_is_touched_again() -> None:
    pool, maker = async_pool(1), Maker()

    async def use() -> Lease[Link]:
        return await pool.acquire("a", maker.slowly())

    for _ in range(2):
        loop = asyncio.new_event_loop()
        lease = loop.run_until_complete(use())
        loop.close()
        pool.release(lease, reusable=True)

    assert asyncio.run(use()).connection is maker.made[2]


async def test_another_loop_may_not_use_the_connections_of_a_running_one() -> None:
    """U-F2: refused before any I/O."""
    pool, maker = async_pool(), Maker()
    pool.release(await pool.acquire("a", maker.slowly()), reusable=True)

    def elsewhere() -> None:
        asyncio.run(_use(pool, maker))

    with pytest.raises(ForeignLoopError, match="make one connector for each loop"):
        await asyncio.to_thread(elsewhere)
    assert len(maker.made) == 1
    assert (await pool.acquire("a", maker.slowly())).reused


async def test_another_loop_may_not_close_the_pool_of_a_running_one() -> None:
    pool, maker = async_pool(), Maker()
    pool.release(await pool.acquire("a", maker.slowly()), reusable=True)

    with pytest.raises(ForeignLoopError):
        await asyncio.to_thread(lambda: asyncio.run(pool.aclose()))
    assert maker.open == 1


async def test_an_empty_pool_moves_to_another_loop() -> None:
    pool, maker = async_pool(), Maker()
    pool.release(await pool.acquire("a", maker.slowly()), reusable=False)

    await asyncio.to_thread(lambda: asyncio.run(_use(pool, maker)))

    assert maker.open == 0


async def _use(pool: AsyncPool[Link], maker: Maker) -> None:
    lease = await pool.acquire("a", maker.slowly())
    pool.release(lease, reusable=True)


async def test_a_pool_that_nobody_holds_any_more_still_closes_its_idle_connections_in_time() -> None:
    pool, maker = async_pool(keepalive=0.02), Maker()
    await _use(pool, maker)

    del pool
    gc.collect()
    await asyncio.sleep(0.08)

    assert maker.open == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_begins_anew_and_leaves_the_connections_of_its_parent_alone() -> None:
    """U-F2, for both colours."""
    fork = multiprocessing.get_context("fork")
    pool, maker = async_pool(1), Maker()
    twin = sync_pool(1)
    loop = asyncio.new_event_loop()
    lease = loop.run_until_complete(pool.acquire("a", maker.slowly()))
    pool.release(lease, reusable=True)
    twin.release(twin.acquire("a", maker.sync()), reusable=True)

    def child() -> None:
        fresh = Maker()
        asyncio.run(_use(pool, fresh))
        assert [link.closed for link in fresh.made] == [1]
        assert not twin.acquire("a", fresh.sync()).reused
        assert maker.open == 2

    process = fork.Process(target=child)
    process.start()
    process.join(20)
    loop.run_until_complete(pool.aclose())
    loop.close()

    assert process.exitcode == 0
    assert twin.acquire("a", maker.sync()).reused


# --- synchronous ----------------------------------------------------------------------------------


def test_a_synchronous_pool_reuses_and_closes_as_the_other_one_does() -> None:
    pool, maker = sync_pool(2), Maker()

    old, new = pool.acquire("old", maker.sync("old")), pool.acquire("new", maker.sync("new"))
    pool.release(old, reusable=True)
    pool.release(new, reusable=True)
    again = pool.acquire("new", maker.sync("new"))
    third = pool.acquire("third", maker.sync("third"))
    pool.release(again, reusable=False)
    pool.release(again, reusable=True)

    assert again.reused
    assert not third.reused
    assert [link.closed for link in maker.made] == [1, 1, 0]
    assert pool.open_connections == 1


def test_a_synchronous_pool_drops_what_expired_or_was_closed_by_the_peer() -> None:
    pool, maker = sync_pool(3, keepalive=0.01), Maker()
    leases = [pool.acquire("a", maker.sync()) for _ in range(2)]
    pool.release(leases[0], reusable=True)
    leases[1].connection.usable = False
    pool.release(leases[1], reusable=True)
    time.sleep(0.02)

    assert not pool.acquire("a", maker.sync()).reused
    assert [link.closed for link in maker.made] == [1, 1, 0]


def test_a_synchronous_caller_waits_its_turn_or_runs_out_of_time() -> None:
    pool, maker = sync_pool(1), Maker()
    lease = pool.acquire("a", maker.sync())

    with pytest.raises(PoolTimeoutError):
        pool.acquire("a", maker.sync(), 0.01)
    pool.release(lease, reusable=True)

    assert pool.acquire("a", maker.sync(), 0.01).reused


def test_a_place_is_free_again_when_making_a_connection_failed_synchronously() -> None:
    pool, maker = sync_pool(1), Maker()

    def fail() -> Link:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        pool.acquire("a", fail)

    assert not pool.acquire("a", maker.sync(), 0.01).reused


def test_many_threads_share_few_connections_and_lose_none() -> None:
    pool, maker = sync_pool(3), Maker()
    most, failures = 0, list[BaseException]()

    def use(number: int) -> None:
        nonlocal most
        try:
            for turn in range(40):
                lease = pool.acquire("abcd"[(number + turn) % 4], maker.sync())
                most = max(most, maker.open)
                time.sleep(0)
                pool.release(lease, reusable=turn % 3 > 0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert not failures
    assert most <= 3
    assert maker.open == pool.open_connections == pool.idle_connections


def test_closing_a_synchronous_pool_refuses_those_who_wait_and_those_who_come() -> None:
    pool, maker = sync_pool(1), Maker()
    lease = pool.acquire("a", maker.sync())
    caught = list[BaseException]()

    def wait() -> None:
        try:
            pool.acquire("a", maker.sync())
        except ClosedError as error:
            caught.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    pool.close()
    thread.join(5)

    assert len(caught) == 1
    with pytest.raises(ClosedError):
        pool.acquire("a", maker.sync())
    pool.release(lease, reusable=True)
    assert maker.open == pool.open_connections == 0


def test_a_finalizer_gives_back_its_connection_even_where_the_pool_is_busy_with_something_else() -> None:
    pool, maker = sync_pool(1), Maker()
    lease = pool.acquire("a", maker.sync())
    found = list[Lease[Link]]()
    thread = threading.Thread(target=lambda: found.append(pool.acquire("b", maker.sync("b"))))
    thread.start()
    time.sleep(0.02)

    busy = sync_pool(1)
    link = busy.acquire("a", maker.sync())
    link.connection.close = lambda: busy.abandon(orphan)  # type: ignore[method-assign]
    busy.release(link, reusable=True)
    orphan = busy.acquire("a", maker.sync())
    busy.release(orphan, reusable=False)
    pool.abandon(lease)
    thread.join(5)

    assert busy.open_connections == 0
    assert lease.connection.closed == 1
    assert found[0].connection.key == "b"
