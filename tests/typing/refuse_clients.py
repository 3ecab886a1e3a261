"""A user's file about connectors of several clients, which type-checks alike whichever of them is installed.

Each line that ends in `# refused` is an error, and no other is: a type that became `Any` would let them pass.
"""

from __future__ import annotations

from typing import assert_type

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    SyncBody,
    SyncPipeline,
)
from stablehttp_aiohttp import AsyncAiohttpConnector
from stablehttp_crt import AsyncCrtConnector
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector
from stablehttp_httpx import AsyncHttpxConnector, SyncHttpxConnector
from stablehttp_httpx import make_connector as make_httpx
from stablehttp_httpx2 import AsyncHttpx2Connector, SyncHttpx2Connector
from stablehttp_httpx2 import make_connector as make_httpx2


def chosen(name: str, settings: HttpSettings) -> AsyncConnector:
    match name:
        case "httpx":
            return AsyncHttpxConnector(settings=settings, versions=[HttpVersion.HTTP_2])
        case "httpx2":
            return AsyncHttpx2Connector(settings=settings)
        case "aiohttp":
            return AsyncAiohttpConnector(settings=settings)
        case "crt":
            return AsyncCrtConnector(settings=settings)
        case _:
            return AsyncH11Connector(settings=settings)


async def what_comes_back_is_ours(request: Request[AsyncBody], twin: Request[SyncBody]) -> None:
    assert_type(await AsyncPipeline(AsyncHttpxConnector()).send(request), Response[AsyncBody])
    assert_type(await AsyncHttpx2Connector().send(request), Response[AsyncBody])
    assert_type(await AsyncAiohttpConnector().send(request), Response[AsyncBody])
    assert_type(SyncHttpxConnector().send(twin), Response[SyncBody])
    assert_type(SyncPipeline(SyncHttpx2Connector()).send(twin), Response[SyncBody])
    assert_type(SyncHttpxConnector().versions, tuple[HttpVersion, ...])


def the_makers_are_typed(requirements: ConnectorRequirements) -> None:
    made: list[AsyncConnector | None] = [make_httpx(requirements), make_httpx2(requirements)]
    assert len(made) == 2
    make_httpx("httpx")  # refused
    wrong: int = make_httpx2(requirements)  # refused
    assert wrong


def the_wrong_colour_or_thing(request: Request[AsyncBody]) -> None:
    AsyncPipeline(SyncHttpxConnector())  # refused
    AsyncPipeline(SyncH11Connector())  # refused
    SyncPipeline(AsyncHttpx2Connector())  # refused
    SyncPipeline(AsyncAiohttpConnector())  # refused
    AsyncHttpxConnector(settings={"proxy": None})  # refused
    AsyncHttpx2Connector(versions=["HTTP/2"])  # refused
    AsyncCrtConnector(settings="x")  # refused
    SyncHttpxConnector().send(request)  # refused
    AsyncHttpxConnector().no_such_method()  # refused
