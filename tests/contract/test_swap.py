"""U-C1: what passes with the memory connector passes, unchanged, with a real one.

`Shop` is an SDK in small; the tests below know nothing of connectors.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import pytest
from tests.contract.subjects import missing, subjects

from stablehttp import (
    URI,
    AsyncConnector,
    AsyncPipeline,
    BytesBody,
    DisconnectedError,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    StableHTTPError,
    Timeouts,
)
from stablehttp.testing import Answer, AsyncMemoryConnector, Close, Fault, Origin, Received, Rule


class Shop:
    """An SDK in small, built on the pipeline."""

    def __init__(self, pipeline: AsyncPipeline, endpoint: str) -> None:
        self._pipeline = pipeline
        self._endpoint = endpoint

    async def item(self, key: str) -> dict[str, object]:
        """One item; raises KeyError if there is none."""
        uri = URI.build("http", "shop.test", segments=["items", key]).with_endpoint(self._endpoint)
        response = await self._pipeline.send(Request("GET", uri, headers=[("Accept", "application/json")]))
        if response.status == 404:
            await response.aclose()
            raise KeyError(key)
        return dict(json.loads(await response.aread()))

    async def put(self, key: str, lines: AsyncIterator[bytes]) -> str:
        """Store lines under a key; gives the tag of what was stored."""
        uri = URI.build("http", "shop.test", segments=["items", key]).with_endpoint(self._endpoint)
        async with await self._pipeline.send(Request("PUT", uri, body=lines)) as response:
            return response.headers["ETag"]

    async def export(self) -> AsyncIterator[str]:
        """Names, as they come."""
        async with await self._pipeline.send(Request("GET", self._endpoint + "/export")) as response:
            async for chunk in response.body:
                yield chunk.decode()


# --- the same server twice: as rules, and as a script -------------------------------------------

ITEM = b'{"name": "a/b"}'


def rules() -> list[Rule]:
    def stored(request: Request[BytesBody]) -> Response[BytesBody]:
        return Response(201, headers=[("ETag", f'"{len(request.body.content)}"')])

    return [
        Rule(Response(200, body=ITEM), method="GET", target="/items/a%2Fb", fields=[("Accept", "application/json")]),
        Rule(stored, method="PUT", path="/items/it%27s"),
        Rule(Response(200, body=[b"one", b"two"]), target="/export"),
        Rule(DisconnectedError("the connection was closed"), path="/items/gone"),
        Rule(Response(404), method="GET"),
    ]


def script(received: Received) -> Answer:
    match received.method, received.target:
        case b"GET", b"/items/a%2Fb" if received.values("accept") == (b"application/json",):
            return Answer(200, ITEM)
        case b"PUT", b"/items/it%27s":
            return Answer(201, fields=[("ETag", f'"{len(received.content)}"')])
        case b"GET", b"/export":
            return Answer(200, [b"one", b"two"])
        case b"GET", b"/items/gone":
            return Answer(faults=[Fault(Close(), "response head", 0)])
        case _:
            return Answer(404)


@asynccontextmanager
async def shop_in_memory() -> AsyncIterator[Shop]:
    async with AsyncMemoryConnector(rules()) as connector:
        yield Shop(AsyncPipeline(connector, timeouts=Timeouts(read=5)), "http://shop.test")


@asynccontextmanager
async def shop_for_real(client: str) -> AsyncIterator[Shop]:
    subject = next(each for each in subjects() if each.name == client and each.colour == "async")
    connector = subject.make(HttpSettings(), (HttpVersion.HTTP_1_1,))
    assert isinstance(connector, AsyncConnector)
    async with Origin(script) as origin, connector:
        yield Shop(AsyncPipeline(connector), origin.url)


def ways() -> Iterator[object]:
    yield pytest.param(shop_in_memory, id="memory")
    for client in ("h11", "httpx", "httpx2", "aiohttp", "crt", "pyqwest"):
        reason = missing(client)
        marks = [] if reason is None else [pytest.mark.skip(reason=reason)]
        yield pytest.param(partial(shop_for_real, client), id=client, marks=marks)


# --- the suite ----------------------------------------------------------------------------------


@pytest.mark.parametrize("way", list(ways()))
async def test_the_same_suite_passes_in_memory_and_for_real(
    way: Callable[[], AbstractAsyncContextManager[Shop]],
) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield b"first\n"
        yield b"second\n"

    async with way() as shop:
        assert await shop.item("a/b") == {"name": "a/b"}
        assert await shop.put("it's", lines()) == '"13"'
        assert "".join([name async for name in shop.export()]) == "onetwo"
        with pytest.raises(KeyError):
            await shop.item("nothing")
        with pytest.raises(StableHTTPError) as caught:
            await shop.item("gone")

    assert isinstance(caught.value, DisconnectedError)
    assert (caught.value.method, caught.value.processed) == ("GET", "maybe")
    assert caught.value.sent != "no"
