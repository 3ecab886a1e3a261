"""What a type checker refuses about connectors; the lines are marked."""

from __future__ import annotations

from stablehttp import (
    AsyncBody,
    AsyncPipeline,
    ConnectorRequirements,
    DuplexClientTransport,
    HttpSettings,
    Operation,
    Request,
    Response,
    SyncConnectorCache,
)


class Silent:
    SUPPORTS_DUPLEX_STREAMING = False

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return Response(200)


def needs_duplex(transport: DuplexClientTransport) -> None: ...


def use(cache: SyncConnectorCache) -> None:
    needs_duplex(Silent())  # refused
    Operation("a#B", "bidirectional")  # refused
    ConnectorRequirements(HttpSettings())  # refused
    AsyncPipeline(cache)  # refused
