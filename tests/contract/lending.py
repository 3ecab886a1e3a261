"""Clients of a caller's own, with defaults that must not reach the wire, and connectors upon them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Final

from stablehttp.testing.contract import Loan
from stablehttp.testing.contract._driver import in_thread

_LENT: Final = {"X-Lent": "1"}


@asynccontextmanager
async def _aiohttp() -> AsyncIterator[Loan]:
    import aiohttp

    from stablehttp_aiohttp import AsyncAiohttpConnector

    async with aiohttp.ClientSession(headers=_LENT) as session:

        async def get(url: str) -> int:
            async with session.get(url) as response:
                return response.status

        yield Loan(AsyncAiohttpConnector(session), get)


def _defaults() -> dict[str, object]:
    return {"headers": _LENT, "params": {"lent": "1"}, "auth": ("lent", "lent"), "trust_env": False}


@asynccontextmanager
async def _httpx_async(package: str) -> AsyncIterator[Loan]:
    client_package: ModuleType = import_module(package)
    adapter = import_module(f"stablehttp_{package}")

    async with client_package.AsyncClient(**_defaults()) as client:

        async def get(url: str) -> int:
            client.params = {}
            response = await client.get(url)
            return int(response.status_code)

        yield Loan(getattr(adapter, f"Async{package.capitalize()}Connector")(client), get)


@asynccontextmanager
async def _httpx_sync(package: str) -> AsyncIterator[Loan]:
    client_package: ModuleType = import_module(package)
    adapter = import_module(f"stablehttp_{package}")

    with client_package.Client(**_defaults()) as client:

        async def get(url: str) -> int:
            client.params = {}
            response = await in_thread(lambda: client.get(url))
            return int(response.status_code)

        yield Loan(getattr(adapter, f"Sync{package.capitalize()}Connector")(client), get)


LENDERS: Final[Mapping[tuple[str, str], Callable[[], AbstractAsyncContextManager[Loan]]]] = {
    ("aiohttp", "async"): _aiohttp,
    ("httpx", "async"): partial(_httpx_async, "httpx"),
    ("httpx", "sync"): partial(_httpx_sync, "httpx"),
    ("httpx2", "async"): partial(_httpx_async, "httpx2"),
    ("httpx2", "sync"): partial(_httpx_sync, "httpx2"),
}
