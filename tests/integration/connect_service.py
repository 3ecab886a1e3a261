"""A service for tests, written with the package connectrpc and served by hypercorn, in a process of its own.

    python connect_service.py PLAIN TLS CERTIFICATE KEY

`PLAIN` and `TLS` are file descriptors of listening sockets; both speak HTTP/1.1 and HTTP/2.  Messages are JSON
as octets; what a call should do stands in its first message.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from hypercorn.asyncio import serve
from hypercorn.config import Config
from protobuf.wkt import Duration

NAME = "test.v1.Talk"
LIMIT = 1024 * 1024


class Octets:
    """The codec of all messages here: octets, called JSON."""

    def name(self) -> str:
        return "json"

    def encode(self, message: bytes) -> bytes:
        return message

    def decode(self, data: bytes | bytearray, message_class: type[bytes]) -> bytes:
        return bytes(data)


class Talk:
    """What the methods do."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    async def say(self, message: bytes, context: RequestContext) -> bytes:
        return await self._answer(message, context)

    async def collect(self, messages: AsyncIterator[bytes], context: RequestContext) -> bytes:
        wishes: dict[str, Any] = {}
        count = size = 0
        try:
            async for message in messages:
                count, size = count + 1, size + len(message)
                if count == 1:
                    wishes = json.loads(message)
                    if wishes.get("early"):
                        break
        except BaseException as error:
            self.seen[f"collect {type(error).__name__}"] += 1
            raise
        reply = await self._answer(json.dumps(wishes).encode(), context)
        return json.dumps({**json.loads(reply), "count": count, "size": size}).encode()

    async def count(self, message: bytes, context: RequestContext) -> AsyncIterator[bytes]:
        wishes = json.loads(message)
        echo(context)
        try:
            for number in range(wishes.get("count", 0)):
                yield json.dumps({"number": number, "pad": "x" * wishes.get("size", 0)}).encode()
                await asyncio.sleep(wishes.get("pause", 0))
        except BaseException as error:
            self.seen[f"count {type(error).__name__}"] += 1
            raise
        await fail(wishes)

    async def talk(self, messages: AsyncIterator[bytes], context: RequestContext) -> AsyncIterator[bytes]:
        echo(context)
        try:
            async for message in messages:
                wishes = json.loads(message)
                await fail(wishes)
                yield message
                if wishes.get("stop"):
                    return
        except BaseException as error:
            self.seen[f"talk {type(error).__name__}"] += 1
            raise

    async def counters(self, message: bytes, context: RequestContext) -> bytes:
        return json.dumps(self.seen).encode()

    async def _answer(self, message: bytes, context: RequestContext) -> bytes:
        wishes = json.loads(message)
        echo(context)
        try:
            await fail(wishes)
        except asyncio.CancelledError:
            self.seen["say CancelledError"] += 1
            raise
        reply = {
            "text": wishes.get("text", ""),
            "pad": "x" * wishes.get("size", 0),
            "encoding": context.request_headers.get("content-encoding"),
            "timeout": context.timeout_ms,
        }
        return json.dumps(reply).encode()


def echo(context: RequestContext) -> None:
    """Send metadata back: as headers, and as trailers."""
    for name in ("x-echo", "x-echo-bin"):
        for value in context.request_headers.getall(name):
            context.response_headers.add(name, value)
            context.response_trailers.add(name.replace("echo", "end"), value)


async def fail(wishes: dict[str, Any]) -> None:
    """Sleep and fail, if that is wished."""
    await asyncio.sleep(wishes.get("sleep", 0))
    if "fail" in wishes:
        details = [Duration(seconds=5)] if wishes.get("details") else []
        raise ConnectError(Code[wishes["fail"].upper()], wishes.get("why", "as you wished"), details)


def method(name: str, kind: StreamType) -> MethodInfo[bytes, bytes]:
    return MethodInfo(
        name=name,
        service_name=NAME,
        input=bytes,
        output=bytes,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=kind,
    )


def endpoints(service: Talk) -> dict[str, Any]:
    return {
        f"/{NAME}/Say": Endpoint.unary(method("Say", StreamType.UNARY), service.say),
        f"/{NAME}/Seen": Endpoint.unary(method("Seen", StreamType.UNARY), service.counters),
        f"/{NAME}/Collect": Endpoint.client_stream(method("Collect", StreamType.CLIENT_STREAM), service.collect),
        f"/{NAME}/Count": Endpoint.server_stream(method("Count", StreamType.SERVER_STREAM), service.count),
        f"/{NAME}/Talk": Endpoint.bidi_stream(method("Talk", StreamType.BIDI_STREAM), service.talk),
    }


class Application(ConnectASGIApplication[Talk]):
    """The service as an ASGI application."""

    @property
    def path(self) -> str:
        return f"/{NAME}"


async def main(plain: str, tls: str, certificate: str, key: str) -> None:
    application = Application(service=Talk(), endpoints=endpoints, codecs=[Octets()], read_max_bytes=LIMIT)
    config = Config()
    config.insecure_bind = [f"fd://{plain}"]
    config.bind = [f"fd://{tls}"]
    config.certfile, config.keyfile = certificate, key
    config.graceful_timeout = 0.2
    config.shutdown_timeout = 1
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await serve(application, config, shutdown_trigger=over.wait)  # type: ignore[arg-type]


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
