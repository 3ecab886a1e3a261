"""Driving the client's coroutines: limits of time, and cancellation that is held where it would do harm."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import anyio
import pytest

from stablehttp import Timeouts
from stablehttp_httpx2._limits import NO_TIMEOUTS, OutOfTimeError, limits_of
from stablehttp_httpx2._watch import Watch


def watch(timeouts: Timeouts = NO_TIMEOUTS) -> Watch:
    return Watch(asyncio.get_running_loop(), limits_of(timeouts, None))


async def test_what_the_work_gives_and_raises_comes_out() -> None:
    async def gives() -> int:
        await asyncio.sleep(0)
        return 3

    async def raises() -> None:
        await asyncio.sleep(0)
        raise KeyError("theirs")

    assert await watch().drive(gives()) == 3
    with pytest.raises(KeyError):
        await watch().drive(raises())


async def test_a_limit_that_is_reached_is_told_to_the_work_as_a_cancellation() -> None:
    told: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    timed = watch(Timeouts(read=0.01, total=9.0))
    timed.arm("read")
    with pytest.raises(OutOfTimeError) as caught:
        await timed.drive(waits())

    assert (caught.value.kind, caught.value.seconds, told) == ("read", 0.01, ["cancelled"])
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_the_total_counts_whatever_stage_is_armed() -> None:
    timed = watch(Timeouts(read=9.0, total=0.02))
    for _ in range(3):
        timed.arm("read")
    with pytest.raises(OutOfTimeError) as caught:
        await timed.drive(asyncio.Event().wait())

    assert caught.value.kind == "total"


async def test_a_limit_moves_on_with_the_stages() -> None:
    timed = watch(Timeouts(write=0.02, read=5.0))

    async def goes_on() -> str:
        timed.arm("write")
        await asyncio.sleep(0.01)
        timed.arm("read")
        await asyncio.sleep(0.03)
        return "done"

    assert await timed.drive(goes_on()) == "done"


async def cancelled_after(turns: int, work: object, timed: Watch) -> asyncio.Task[object]:
    """A task that drives `work` and is cancelled after some turns of the loop."""

    async def drive() -> object:
        return await timed.drive(work)  # type: ignore[arg-type]

    task = asyncio.create_task(drive())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return task


async def test_a_cancellation_at_a_bare_turn_of_the_loop_is_held_until_the_work_waits() -> None:
    """There the client could lose octets that it is about to write."""
    seen: list[str] = []

    async def writes() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        seen.append("written")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    timed = watch()
    timed.careful = True
    task = await cancelled_after(1, writes(), timed)

    assert (seen, task.cancelled()) == (["written", "cancelled"], True)


async def test_without_care_it_is_delivered_at_once() -> None:
    seen: list[str] = []

    async def connects() -> None:
        await asyncio.sleep(0)
        seen.append("never")

    task = await cancelled_after(1, connects(), watch())

    assert (seen, task.cancelled()) == ([], True)


async def test_one_that_came_too_late_is_left_to_whoever_drives() -> None:
    async def ends() -> str:
        await asyncio.sleep(0)
        return "value"

    timed = watch()
    timed.careful = True
    task = await cancelled_after(1, ends(), timed)

    assert task.result() == "value"
    with pytest.raises(asyncio.CancelledError):
        timed.deliver()


@pytest.mark.parametrize("make", [anyio.Lock, asyncio.Lock], ids=["of anyio", "of asyncio"])
async def test_a_lock_that_was_waited_for_when_a_held_one_came_is_still_released(
    make: Callable[[], anyio.Lock | asyncio.Lock],
) -> None:
    """U-F3: a lock tells by the cancelled future that whoever waited for it has not got it."""
    lock = make()
    await lock.acquire()

    async def writes() -> None:
        await asyncio.sleep(0)
        async with lock:
            raise AssertionError("it was cancelled before")

    timed = watch()
    timed.careful = True
    task = await cancelled_after(1, writes(), timed)
    lock.release()

    assert task.cancelled()
    async with asyncio.timeout(1), lock:
        pass


async def test_the_reason_of_a_cancellation_that_was_held_is_kept() -> None:
    async def writes() -> None:
        await asyncio.sleep(0)
        await asyncio.Event().wait()

    async def drive() -> None:
        timed = watch()
        timed.careful = True
        await timed.drive(writes())

    task = asyncio.create_task(drive())
    await asyncio.sleep(0)
    task.cancel("the reason")

    with pytest.raises(asyncio.CancelledError, match="the reason"):
        await task


async def test_reading_counts_where_the_client_reads_while_it_sends() -> None:
    """Over HTTP/2 it waits for leave to send, for ever on a stream that the peer has reset."""
    timed = watch(Timeouts(read=0.05))

    async def starves() -> None:
        timed.arm("write")
        while True:
            timed.timeouts.get("read")
            await asyncio.sleep(0.01)
            timed.timeouts.get("write")

    with pytest.raises(OutOfTimeError) as caught:
        await timed.drive(starves())

    assert (caught.value.kind, caught.value.seconds) == ("read", 0.05)


async def test_reading_begins_anew_when_content_was_sent() -> None:
    timed = watch(Timeouts(read=0.05))

    async def sends() -> str:
        timed.arm("write")
        for _ in range(6):
            timed.timeouts.get("read")
            await asyncio.sleep(0.02)
            timed.timeouts.get("write")
            timed.timeouts.get("write")
        return "sent"

    assert await timed.drive(sends()) == "sent"


async def test_reading_does_not_count_while_the_client_only_writes_or_the_caller_is_waited_for() -> None:
    timed = watch(Timeouts(read=0.02))

    async def sends() -> str:
        timed.arm("write")
        timed.timeouts.get("write")
        await asyncio.sleep(0.04)
        timed.rest()
        timed.timeouts.get("read")
        await asyncio.sleep(0.04)
        return "sent"

    assert await timed.drive(sends()) == "sent"


async def test_a_second_cancellation_does_not_break_what_puts_things_away() -> None:
    """U-F3: twice, with one turn of the loop between."""
    seen: list[str] = []

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append("put away")

    async def drive() -> None:
        await watch().drive(works())

    task = asyncio.create_task(drive())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert (seen, task.cancelled()) == (["put away"], True)


async def test_a_scope_of_the_clients_own_is_not_taken_for_a_cancellation() -> None:
    async def connects() -> str:
        with anyio.move_on_after(0.01):
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)
        return "connected"

    timed = watch()
    timed.careful = True

    assert await timed.drive(connects()) == "connected"
    timed.deliver()


async def test_a_cancellation_that_a_scope_swallowed_is_raised_at_the_next_stage() -> None:
    """anyio takes one for its own that comes in the turn in which its scope is cancelled."""
    timed = watch()

    async def swallows() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        timed.go_on()
        raise AssertionError("the client went on")

    task = await cancelled_after(1, swallows(), timed)

    assert task.cancelled()


async def test_a_coroutine_that_is_closed_ends_its_work() -> None:
    seen: list[str] = []

    async def works() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            seen.append("ended")

    async def drive() -> None:
        await watch().drive(works())

    coroutine = drive()
    coroutine.send(None)
    coroutine.close()

    assert seen == ["ended"]
