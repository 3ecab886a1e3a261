"""Sending one PutObject and reading the answer: through our connectors, and through each client as people use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any, Final, TypeAlias

from tests.benchmarks.workload import CONTENT, LINES, TARGET

from stablehttp import AsyncPipeline, HttpSettings, Request

Send: TypeAlias = Callable[[], Awaitable[object]]
Sender: TypeAlias = Callable[[int, int], Any]
"""Given a port and how many exchanges run at a time, an asynchronous context that gives a `Send`."""


@asynccontextmanager
async def ours(name: str, port: int, concurrency: int) -> AsyncIterator[Send]:
    """Through a pipeline and the connector `name`."""
    adapter = import_module(f"stablehttp_{name}")
    make = getattr(adapter, f"Async{name.capitalize()}Connector")
    url = f"http://127.0.0.1:{port}{TARGET}"
    async with make(settings=HttpSettings(max_connections=concurrency)) as connector:
        pipeline = AsyncPipeline(connector)

        async def send() -> bytes:
            response = await pipeline.send(Request("PUT", url, headers=LINES, body=CONTENT))
            return await response.aread()

        yield send


@asynccontextmanager
async def httpx_client(package: str, port: int, concurrency: int) -> AsyncIterator[Send]:
    """With the client of httpx or httpx2."""
    client = import_module(package)
    url = f"http://127.0.0.1:{port}{TARGET}"
    async with client.AsyncClient(limits=_limits(client, concurrency)) as session:

        async def send() -> bytes:
            response = await session.put(url, headers=LINES, content=CONTENT)
            return bytes(response.content)

        yield send


@asynccontextmanager
async def httpx_transport(package: str, port: int, concurrency: int) -> AsyncIterator[Send]:
    """With the bare transport of httpx or httpx2, which does nothing that was not asked for."""
    client = import_module(package)
    url = f"http://127.0.0.1:{port}{TARGET}"
    lines = [("Host", f"127.0.0.1:{port}"), *LINES]
    async with client.AsyncHTTPTransport(limits=_limits(client, concurrency)) as transport:

        async def send() -> bytes:
            request = client.Request("PUT", url, headers=lines, content=CONTENT)
            response = await transport.handle_async_request(request)
            return bytes(await response.aread())

        yield send


def _limits(client: Any, concurrency: int) -> Any:
    return client.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)


@asynccontextmanager
async def aiohttp_session(port: int, concurrency: int) -> AsyncIterator[Send]:
    """With a session of aiohttp."""
    import aiohttp
    from yarl import URL

    url = URL(f"http://127.0.0.1:{port}{TARGET}", encoded=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

        async def send() -> bytes:
            async with session.put(url, headers=LINES, data=CONTENT) as response:
                return await response.read()

        yield send


@asynccontextmanager
async def crt_connections(port: int, concurrency: int) -> AsyncIterator[Send]:
    """With connections of the CRT, taken from a queue, because it has no pool."""
    import asyncio
    from io import BytesIO

    from awscrt.aio.http import AIOHttpClientConnection
    from awscrt.http import HttpHeaders, HttpRequest
    from awscrt.io import ClientBootstrap, SocketOptions

    lines = [("Host", f"127.0.0.1:{port}"), *LINES, ("Content-Length", str(len(CONTENT)))]
    bootstrap = ClientBootstrap.get_or_create_static_default()
    free: asyncio.Queue[Any] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        for _ in range(concurrency):
            connection = await AIOHttpClientConnection.new(
                host_name="127.0.0.1", port=port, bootstrap=bootstrap, socket_options=SocketOptions()
            )
            stack.push_async_callback(connection.close)
            free.put_nowait(connection)

        async def send() -> bytes:
            connection = await free.get()
            try:
                stream = connection.request(HttpRequest("PUT", TARGET, HttpHeaders(lines), BytesIO(CONTENT)))
                await stream.get_response_status_code()
                content = b""
                while chunk := await stream.get_next_response_chunk():
                    content += chunk
                return content
            finally:
                free.put_nowait(connection)

        yield send


@asynccontextmanager
async def pyqwest_transport(port: int, concurrency: int) -> AsyncIterator[Send]:
    """With a transport of pyqwest, told to leave requests and responses as they are."""
    import pyqwest

    url = f"http://127.0.0.1:{port}{TARGET}"
    lines = [("host", f"127.0.0.1:{port}"), *LINES]
    transport = pyqwest.HTTPTransport(
        http_version=pyqwest.HTTPVersion.HTTP1,
        pool_max_idle_per_host=concurrency,
        max_connections_per_address=concurrency,
        enable_gzip=False,
        enable_brotli=False,
        enable_zstd=False,
        enable_otel=False,
        follow_redirects=False,
    )
    async with transport:

        async def send() -> bytes:
            request = pyqwest.Request("PUT", url, pyqwest.Headers(lines), CONTENT)
            response = await transport.execute(request)
            return b"".join([bytes(chunk) async for chunk in response.content])

        yield send


THEIRS: Final[dict[str, dict[str, Sender]]] = {
    "httpx": {
        "httpx": lambda port, many: httpx_client("httpx", port, many),
        "its bare transport": lambda port, many: httpx_transport("httpx", port, many),
    },
    "httpx2": {
        "httpx2": lambda port, many: httpx_client("httpx2", port, many),
        "its bare transport": lambda port, many: httpx_transport("httpx2", port, many),
    },
    "aiohttp": {"aiohttp": aiohttp_session},
    "crt": {"awscrt": crt_connections},
    "pyqwest": {"pyqwest": pyqwest_transport},
    "h11": {},
}
"""For each of our connectors, what it is measured against."""
