"""Event loops, threads and processes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading

import pytest

from stablehttp import AsyncPipeline, ForeignLoopError, MisuseError, Request
from stablehttp.testing import Answer, Hang, Origin
from stablehttp_aiohttp import AsyncAiohttpConnector


async def fetch(connector: AsyncAiohttpConnector, url: str) -> bytes:
    response = await AsyncPipeline(connector).send(Request("GET", url))
    return await response.aread()


def test_a_connector_can_be_made_without_a_loop_and_used_in_three_one_after_the_other(origin: Origin) -> None:
    """U-F2: and each loop that ends takes its connections with it."""
    origin.answer(Answer(200, b"content"))
    connector = AsyncAiohttpConnector()

    for count in (1, 2, 3):
        assert asyncio.run(fetch(connector, origin.url)) == b"content"
        origin.watch(lambda: origin.open_connections == 0)
        assert len(origin.connections) == count
    asyncio.run(connector.aclose())
    gc.collect()


def test_a_response_left_open_when_its_loop_ends_is_not_in_the_way(origin: Origin) -> None:
    origin.answer(Answer.failing(Hang(), "response content", content=b"0123456789"))
    connector = AsyncAiohttpConnector()

    async def leave() -> object:
        return await AsyncPipeline(connector).send(Request("GET", origin.url))

    left = [asyncio.run(leave())]
    origin.answer(Answer(200, b"content"))
    assert asyncio.run(fetch(connector, origin.url)) == b"content"
    with pytest.warns(ResourceWarning, match="a response to GET .* was dropped"):
        left.clear()


async def test_another_loop_is_refused_while_the_first_one_lives(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-F2."""
    await fetch(connector, origin.url)
    caught: list[BaseException] = []

    def elsewhere() -> None:
        for call in (fetch(connector, origin.url), connector.aclose()):
            try:
                asyncio.run(call)
            except ForeignLoopError as error:
                caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    await asyncio.to_thread(thread.join, 10)

    assert len(caught) == 2
    assert all(error.sent == "no" for error in caught if isinstance(error, ForeignLoopError))
    assert (origin.count, len(origin.connections)) == (1, 1)
    await fetch(connector, origin.url)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_that_goes_on_in_the_same_loop_is_refused(origin: Origin) -> None:
    """U-F2."""
    connector = AsyncAiohttpConnector()
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(fetch(connector, origin.url))
        child = os.fork()
        if child == 0:
            try:
                loop.run_until_complete(fetch(connector, origin.url))
            except ForeignLoopError:
                os._exit(7)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        loop.run_until_complete(connector.aclose())
    finally:
        loop.close()

    assert os.waitstatus_to_exitcode(status) == 7
    assert origin.count == 1


async def test_many_first_sends_at_once_make_one_session(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    await asyncio.gather(*(fetch(connector, origin.url) for _ in range(20)))
    before = len(origin.connections)
    await asyncio.gather(*(fetch(connector, origin.url) for _ in range(20)))

    assert len(origin.connections) == before


def test_without_a_loop_of_asyncio_it_is_refused_by_name() -> None:
    request = Request("GET", "http://a.test", headers=[("Host", "a.test")])
    sending = AsyncAiohttpConnector().send(request)

    with pytest.raises(MisuseError, match="runs on asyncio"):
        sending.send(None)
