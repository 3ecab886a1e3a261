"""Sending to an S3 server through any connector, of either colour."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import cast

import pytest
from _pytest.mark import ParameterSet
from tests.integration.servers import S3Server

from stablehttp import (
    AnyRequest,
    AsyncConnector,
    AsyncPipeline,
    BytesBody,
    Capability,
    ConnectorRequirements,
    DualBody,
    HttpSettings,
    HttpVersion,
    Request,
    Response,
    SyncBody,
    SyncConnector,
    SyncPipeline,
    TLSSettings,
)
from stablehttp._cli._cast import Role, installed_roles
from stablehttp._pipeline import _utc_now
from stablehttp.signers import Signer


@dataclass(frozen=True)
class Way:
    """A connector in one version and colour, with or without TLS."""

    role: Role
    tls: bool

    def __str__(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{self.role.name}-{self.role.colour}-{scheme}-{self.role.version.alpn.replace('/', '-')}"


def _ways() -> list[ParameterSet]:
    versions = (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)
    plain = [role for role, reason in installed_roles(HttpSettings(), versions[:1]) if not reason]
    secure = [role for role, reason in installed_roles(HttpSettings(), versions) if not reason]
    ways = [*[Way(role, tls=False) for role in plain], *[Way(role, tls=True) for role in secure]]
    return [pytest.param(way, id=str(way), marks=_marks(way)) for way in ways]


def _marks(way: Way) -> list[pytest.MarkDecorator]:
    """HTTP/1.1 says the same with TLS and without, so that with TLS is tried when there is time."""
    return [pytest.mark.slow] if way.tls and way.role.version is HttpVersion.HTTP_1_1 else []


WAYS = _ways()


class _Catcher(SyncConnector):
    """Keeps the signed request instead of sending it; no connector adds a line to it."""

    name = "catcher"
    unavoidable_lines = (("Accept", "*/*"),)
    capabilities = MappingProxyType(dict.fromkeys([HttpVersion.HTTP_1_1], frozenset(Capability)))

    def send(self, request: Request[SyncBody], /) -> Response[SyncBody]:
        self.caught: AnyRequest = request
        self.content = b"".join(request.body)
        return Response(200)


class Caller:
    """Sends through one connector and reads the whole response."""

    def __init__(self, way: Way, server: S3Server) -> None:
        if way.role.version is HttpVersion.HTTP_2 and not server.http2:
            pytest.skip(f"{server.name} does not speak HTTP/2")
        self.base = server.tls_url if way.tls else server.url
        settings = HttpSettings(tls=TLSSettings(ca_file=server.ca_file)) if way.tls else HttpSettings()
        connector = way.role.make(ConnectorRequirements(settings=settings, versions=(way.role.version,)))
        assert connector is not None
        self.connector = connector
        self.server = server

    async def send(
        self,
        method: str,
        target: str,
        content: bytes | DualBody = b"",
        *,
        lines: list[tuple[str, str]] | None = None,
        signer: Signer | None = None,
    ) -> tuple[int, bytes]:
        """Send through a pipeline, signed."""
        signer = signer or self.server.signer
        request: Request[DualBody] = Request(method, self.base + target, headers=lines or [], body=content)  # type: ignore[assignment,arg-type]
        if isinstance(self.connector, AsyncConnector):
            response = await AsyncPipeline(self.connector, signer=signer).send(request)
            return response.status, await response.aread()
        pipeline = SyncPipeline(self.connector, signer=signer)
        return await asyncio.to_thread(lambda: _read(pipeline.send(request)))

    def signed(
        self,
        method: str,
        target: str,
        content: bytes | DualBody = b"",
        *,
        lines: list[tuple[str, str]] | None = None,
        signer: Signer | None = None,
        late: timedelta = timedelta(0),
    ) -> tuple[AnyRequest, bytes]:
        """The request as it would be sent, and its content, signed so much later than now."""
        catcher = _Catcher()
        clock: Callable[[], datetime] = lambda: _utc_now() + late  # noqa: E731
        pipeline = SyncPipeline(catcher, signer=signer or self.server.signer, clock=clock)
        request: Request[DualBody] = Request(method, self.base + target, headers=lines or [], body=content)  # type: ignore[assignment,arg-type]
        pipeline.send(request)
        return catcher.caught, catcher.content

    async def send_as_it_is(self, request: Request[BytesBody]) -> tuple[int, bytes]:
        """Hand a request to the connector that nobody completes or signs any more."""
        if isinstance(self.connector, AsyncConnector):
            response = await self.connector.send(request)
            return response.status, await response.aread()
        connector = self.connector
        return await asyncio.to_thread(lambda: _read(connector.send(request)))

    async def aclose(self) -> None:
        if isinstance(self.connector, AsyncConnector):
            await self.connector.aclose()
        else:
            cast(SyncConnector, self.connector).close()


def _read(response: Response[SyncBody]) -> tuple[int, bytes]:
    with response:
        return response.status, response.read()


@contextlib.asynccontextmanager
async def caller(way: Way, server: S3Server) -> AsyncIterator[Caller]:
    made = Caller(way, server)
    try:
        yield made
    finally:
        await made.aclose()
