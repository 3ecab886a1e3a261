"""Connect calls in both colours, from tests that await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from stablehttp import (
    AsyncConnector,
    AsyncPipeline,
    Fields,
    HttpSettings,
    StableHTTPError,
    SyncConnector,
    SyncPipeline,
    TLSSettings,
)
from stablehttp.connect import AsyncConnectClient, ConnectMethod, ConnectReply, SyncConnectClient
from stablehttp.testing.contract import Subject

Method = ConnectMethod[bytes, bytes]


@dataclass
class Heard:
    """What a stream gave: its messages, and how it ended."""

    headers: Fields
    messages: list[bytes] = field(default_factory=list)
    trailers: Fields | None = None
    error: StableHTTPError | None = None


class AsyncCaller:
    """Calls by awaiting."""

    def __init__(self, connector: AsyncConnector, url: str, options: dict[str, Any]) -> None:
        self.pipeline = AsyncPipeline(connector, interceptors=options.pop("interceptors", ()))
        self.client = AsyncConnectClient(self.pipeline, url, **options)

    async def unary(self, method: Method, message: bytes, **options: Any) -> ConnectReply[bytes]:
        return await self.client.unary(method, message, **options)

    async def client_stream(self, method: Method, messages: Sequence[bytes], **options: Any) -> ConnectReply[bytes]:
        async def given() -> AsyncIterator[bytes]:
            for message in messages:
                yield message

        return await self.client.client_stream(method, given(), **options)

    async def server_stream(self, method: Method, message: bytes, *, most: int | None = None, **options: Any) -> Heard:
        async with await self.client.server_stream(method, message, **options) as stream:
            heard = Heard(stream.headers)
            try:
                async for each in stream:
                    heard.messages.append(each)
                    if len(heard.messages) == most:
                        return heard
                heard.trailers = stream.trailers
            except StableHTTPError as error:
                heard.error = error
        return heard


class SyncCaller:
    """Calls by blocking, in a thread."""

    def __init__(self, connector: SyncConnector, url: str, options: dict[str, Any]) -> None:
        self.pipeline = SyncPipeline(connector, interceptors=options.pop("interceptors", ()))
        self.client = SyncConnectClient(self.pipeline, url, **options)

    async def unary(self, method: Method, message: bytes, **options: Any) -> ConnectReply[bytes]:
        return await asyncio.to_thread(self.client.unary, method, message, **options)

    async def client_stream(self, method: Method, messages: Sequence[bytes], **options: Any) -> ConnectReply[bytes]:
        return await asyncio.to_thread(self.client.client_stream, method, iter(messages), **options)

    async def server_stream(self, method: Method, message: bytes, *, most: int | None = None, **options: Any) -> Heard:
        return await asyncio.to_thread(self._read, method, message, most, options)

    def _read(self, method: Method, message: bytes, most: int | None, options: dict[str, Any]) -> Heard:
        with self.client.server_stream(method, message, **options) as stream:
            heard = Heard(stream.headers)
            try:
                for each in stream:
                    heard.messages.append(each)
                    if len(heard.messages) == most:
                        return heard
                heard.trailers = stream.trailers
            except StableHTTPError as error:
                heard.error = error
        return heard


Caller = AsyncCaller | SyncCaller


@asynccontextmanager
async def calling(subject: Subject, url: str, ca_file: str | None = None, **options: Any) -> AsyncIterator[Caller]:
    """A caller through the connector of `subject`, to `url`."""
    settings = HttpSettings(tls=TLSSettings(ca_file=ca_file)) if subject.tls else HttpSettings()
    connector = subject.make(settings, (subject.version,))
    if isinstance(connector, AsyncConnector):
        async with connector:
            yield AsyncCaller(connector, url, options)
    else:
        try:
            yield SyncCaller(connector, url, options)
        finally:
            await asyncio.to_thread(connector.close)
