"""What users may write about connectors: makers, caches, transports of their own."""

from __future__ import annotations

from typing import Literal

from stablehttp import (
    AsyncBody,
    AsyncConnector,
    AsyncConnectorCache,
    AsyncPipeline,
    CallOptions,
    Choice,
    ConnectorRequirements,
    DuplexClientTransport,
    HttpSettings,
    HttpVersion,
    Operation,
    ProtocolVersions,
    Request,
    RequestEditor,
    Response,
    SyncBody,
    SyncConnectorCache,
    SyncPipeline,
    explain_choice,
    minimum_versions,
)


class Talks:
    SUPPORTS_DUPLEX_STREAMING: Literal[True] = True

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return Response(200)


class Blocks:
    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        return Response(200)


def needs_duplex(transport: DuplexClientTransport) -> bool:
    return transport.SUPPORTS_DUPLEX_STREAMING


def make(requirements: ConnectorRequirements) -> Talks | None:
    return Talks() if requirements.duplex else None


async def make_later(requirements: ConnectorRequirements) -> AsyncConnector | None:
    return None


def make_blocking(requirements: ConnectorRequirements) -> Blocks:
    return Blocks()


def edit(editor: RequestEditor) -> None:
    editor.add("X-A", "1")


async def use() -> Choice:
    needs_duplex(Talks())
    chat = Operation("com.example#Chat", "duplex", versions=(HttpVersion.HTTP_2,))
    options = CallOptions(settings=HttpSettings(connect_timeout=1), editor=edit)
    async with AsyncConnectorCache([make, make_later], max_connectors=3) as cache:
        pipeline = AsyncPipeline(cache, versions=ProtocolVersions(http=minimum_versions([chat])))
        await pipeline.send(Request("GET", "https://a.test/"), operation=chat, options=options)
    with SyncConnectorCache([make_blocking]) as twin:
        SyncPipeline(twin, settings=HttpSettings()).send(Request("GET", "https://a.test/"))
    return explain_choice(ConnectorRequirements(duplex=True), makers=[make, make_blocking])
