"""One large transfer, measured: `python -m tests.benchmarks.large_transfer SENDER DIRECTION OCTETS URL [CA_FILE]`.

SENDER is `ours` or `bare`, the client, the colour and the protocol version, with slashes between:
`ours/httpx/async/h2`, or `h1`.  DIRECTION is `up`, `down`, `held`, which reads all of it into memory, or
`bytes`, which sends what is in memory already.  It prints seconds, and by how many octets the memory of this process
grew at its peak, as JSON.  It has a process of its own, because memory once taken is not given back.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import import_module
from io import RawIOBase
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from stablehttp import (
    AsyncIterableBody,
    AsyncPipeline,
    HttpSettings,
    HttpVersion,
    IterableBody,
    Request,
    SyncPipeline,
    Timeouts,
    TLSSettings,
)

_BLOCK: Final = bytes(64 * 1024)
_WARM: Final = 16 * 1024 * 1024
_STATUS: Final = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one transfer took."""

    seconds: float
    growth: int
    """By how many octets the memory of the process grew at its peak, above what 16 MiB of content had taken before."""


def transfer(sender: str, direction: str, octets: int, url: str, ca_file: str = "") -> Transfer:
    """Measure one in a process of its own.

    Raises:
        ImportError: the client is not installed.
    """
    done = subprocess.run(command(sender, direction, octets, url, ca_file), capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in done.stderr:
        raise ImportError(done.stderr.splitlines()[-1])
    if not done.stdout:  # pyqwest sometimes aborts the interpreter when that is about to end: after the figures
        raise RuntimeError(f"{done.returncode}: {done.stderr[-2000:]}")
    return Transfer(**json.loads(done.stdout))


def command(sender: str, direction: str, octets: int, url: str, ca_file: str = "") -> list[str]:
    """The command that measures it."""
    module = [sys.executable, "-m", "tests.benchmarks.large_transfer"]
    return [*module, sender, direction, str(octets), url, *([ca_file] if ca_file else [])]


def pieces(octets: int) -> Iterator[bytes]:
    """So many octets."""
    for _ in range(octets // len(_BLOCK)):
        yield _BLOCK


async def apieces(octets: int) -> AsyncIterator[bytes]:
    """So many octets."""
    for piece in pieces(octets):
        yield piece


async def _total(chunks: AsyncIterator[bytes]) -> int:
    total = 0
    async for chunk in chunks:
        total += len(chunk)
    return total


# --- ours ----------------------------------------------------------------------------------------


def _connector(client: str, colour: str, version: str, ca_file: str) -> Any:
    name = f"{colour.capitalize()}{client.capitalize()}Connector"
    make = getattr(import_module(f"stablehttp_{client}"), name)
    settings = HttpSettings(tls=TLSSettings(ca_file=ca_file)) if ca_file else HttpSettings()
    return make(versions=(HttpVersion.HTTP_2 if version == "h2" else HttpVersion.HTTP_1_1,), settings=settings)


async def _ours_async(client: str, version: str, direction: str, url: str, ca_file: str) -> None:
    async with _connector(client, "async", version, ca_file) as connector:
        pipeline = AsyncPipeline(connector, timeouts=Timeouts(read=60))
        whole = b"x" * _octets() if direction == "bytes" else b""

        async def go(octets: int) -> int:
            if direction == "up":
                body = AsyncIterableBody(apieces(octets), length=octets)
                await (await pipeline.send(Request("PUT", url, body=body))).aread()
                return octets
            if direction == "bytes":
                await (await pipeline.send(Request("PUT", url, body=whole[:octets]))).aread()
                return octets
            response = await pipeline.send(Request("GET", f"{url}/{octets}"))
            if direction == "held":
                return len(await response.aread(limit=octets))
            return await _total(response.body)

        await _measure_async(go)


def _ours_sync(client: str, version: str, direction: str, url: str, ca_file: str) -> None:
    with _connector(client, "sync", version, ca_file) as connector:
        pipeline = SyncPipeline(connector, timeouts=Timeouts(read=60))
        whole = b"x" * _octets() if direction == "bytes" else b""

        def go(octets: int) -> int:
            if direction == "up":
                pipeline.send(Request("PUT", url, body=IterableBody(pieces(octets), length=octets))).read()
                return octets
            if direction == "bytes":
                pipeline.send(Request("PUT", url, body=whole[:octets])).read()
                return octets
            return sum(len(chunk) for chunk in pipeline.send(Request("GET", f"{url}/{octets}")).body)

        _measure(go)


# --- bare clients, as people use them -------------------------------------------------------------


async def _bare_httpx(package: str, version: str, direction: str, url: str, ca_file: str) -> None:
    client: Any = import_module(package)
    http2 = version == "h2"
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    async with client.AsyncClient(http1=not http2, http2=http2, verify=verify, timeout=60) as session:

        async def go(octets: int) -> int:
            if direction == "up":
                await session.put(url, content=apieces(octets), headers={"Content-Length": str(octets)})
                return octets
            async with session.stream("GET", f"{url}/{octets}") as response:
                return await _total(response.aiter_raw())

        await _measure_async(go)


def _bare_httpx_sync(package: str, version: str, direction: str, url: str, ca_file: str) -> None:
    client: Any = import_module(package)
    http2 = version == "h2"
    verify = ssl.create_default_context(cafile=ca_file) if ca_file else True
    with client.Client(http1=not http2, http2=http2, verify=verify, timeout=60) as session:

        def go(octets: int) -> int:
            if direction == "up":
                session.put(url, content=pieces(octets), headers={"Content-Length": str(octets)})
                return octets
            with session.stream("GET", f"{url}/{octets}") as response:
                return sum(len(chunk) for chunk in response.iter_raw())

        _measure(go)


async def _bare_crt(version: str, direction: str, url: str, ca_file: str) -> None:
    io, http, aio = (import_module(f"awscrt.{name}") for name in ("io", "http", "aio.http"))
    scheme, _, place = url.partition("://")
    host, _, port = place.partition(":")
    options: Any = None
    if scheme == "https":
        tls = io.TlsContextOptions()
        tls.override_default_trust_store_from_path(None, ca_file)
        options = io.ClientTlsContext(tls).new_connection_options()
        options.set_alpn_list([version])
        options.set_server_name(host)
    make = aio.AIOHttp2ClientConnection if version == "h2" else aio.AIOHttpClientConnection
    connection = await make.new(host, int(port), tls_connection_options=options)

    async def go(octets: int) -> int:
        lines = http.HttpHeaders([("Host", place), *([("Content-Length", str(octets))] if direction == "up" else [])])
        method, target = ("PUT", "/") if direction == "up" else ("GET", f"/{octets}")
        if direction == "up" and version == "h2":
            stream = connection.request(http.HttpRequest(method, target, lines), request_body_generator=apieces(octets))
        else:
            content = _Content(octets) if direction == "up" else None
            stream = connection.request(http.HttpRequest(method, target, lines, content))
        await stream.get_response_status_code()
        total = 0
        while chunk := await stream.get_next_response_chunk():
            total += len(chunk)
        await stream.wait_for_completion()
        return octets if direction == "up" else total

    await _measure_async(go)
    await connection.close()


class _Content(RawIOBase):
    """So many octets, to be read from."""

    def __init__(self, octets: int) -> None:
        self._left = octets

    def readinto(self, into: Any, /) -> int:
        most = min(len(into), self._left)
        into[:most] = bytes(most)
        self._left -= most
        return most


async def _bare_aiohttp(direction: str, url: str) -> None:
    client: Any = import_module("aiohttp")
    async with client.ClientSession() as session:

        async def go(octets: int) -> int:
            if direction == "up":
                async with session.put(url, data=apieces(octets), headers={"Content-Length": str(octets)}) as response:
                    await response.read()
                return octets
            async with session.get(f"{url}/{octets}") as response:
                return await _total(response.content.iter_any())

        await _measure_async(go)


# --- measuring ------------------------------------------------------------------------------------


async def _measure_async(go: Any) -> None:
    await go(_WARM)
    before, since = _forget_peak(), perf_counter()
    _check(await go(_octets()))
    _print(before, since)


def _measure(go: Any) -> None:
    go(_WARM)
    before, since = _forget_peak(), perf_counter()
    _check(go(_octets()))
    _print(before, since)


def _octets() -> int:
    return int(sys.argv[3])


def _check(octets: int) -> None:
    assert octets == _octets(), f"{octets} octets"


def _forget_peak() -> int:
    """Have the peak counted from now; the memory in use."""
    Path("/proc/self/clear_refs").write_text("5")
    return _memory("VmRSS")


def _memory(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _print(before: int, since: float) -> None:
    seconds = perf_counter() - since
    print(json.dumps({"seconds": seconds, "growth": max(0, _memory("VmHWM") - before)}))


def main() -> None:
    """Do one transfer."""
    _, sender, direction, _, url, *rest = sys.argv
    ca_file = rest[0] if rest else ""
    whose, client, colour, version = sender.split("/")
    match whose, client, colour:
        case "ours", _, "async":
            asyncio.run(_ours_async(client, version, direction, url, ca_file))
        case "ours", _, _:
            _ours_sync(client, version, direction, url, ca_file)
        case _, "crt", _:
            asyncio.run(_bare_crt(version, direction, url, ca_file))
        case _, "aiohttp", _:
            asyncio.run(_bare_aiohttp(direction, url))
        case _, _, "async":
            asyncio.run(_bare_httpx(client, version, direction, url, ca_file))
        case _:
            _bare_httpx_sync(client, version, direction, url, ca_file)


if __name__ == "__main__":
    main()
