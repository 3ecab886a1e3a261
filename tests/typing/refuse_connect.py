"""Calls that must not type check; each line that is marked has to be an error."""

from __future__ import annotations

from stablehttp import AsyncPipeline, SyncPipeline
from stablehttp.connect import AsyncConnectClient, ConnectMethod, SyncConnectClient

OCTETS = ConnectMethod("a.B/C", codec="proto")


async def call(client: AsyncConnectClient, pipeline: AsyncPipeline) -> None:
    await client.unary(OCTETS, "text")  # refused
    await client.client_stream(OCTETS, ["text"])  # refused
    ConnectMethod("a.B/C", codec="proto", encode=bytes)  # refused
    SyncConnectClient(pipeline, "https://a.test")  # refused


def call_blocking(pipeline: SyncPipeline) -> None:
    AsyncConnectClient(pipeline, "https://a.test")  # refused
