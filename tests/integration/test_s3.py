"""Signed requests against a real S3 server, through every connector.

The server works out the signature from what arrives, so whatever a client changes on the way is a 403.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import cast

import pytest
from tests.integration.conftest import S3Server

from stablehttp import (
    AnyRequest,
    AsyncConnector,
    AsyncPipeline,
    BytesBody,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    Interceptor,
    Request,
    SyncConnector,
    SyncPipeline,
    TLSSettings,
)
from stablehttp._cli._cast import Role, installed_roles

pytestmark = pytest.mark.xdist_group("s3")  # one server for all of them
BUCKET = "things"
KEYS = {
    "a slash and a space, encoded": "a%2Fb%20c.txt",
    "quotes, tilde, parentheses": "it%27s~%281%29",
    "a plus and a euro": "%2B%E2%82%AC",
    "two slashes": "a//b",
    "an encoded percent sign": "100%25",
    "reserved characters": "k%3A%40%26%3D%24%2C%3B%21%2A",
}
ROLES = [role for role, reason in installed_roles(HttpSettings(), (HttpVersion.HTTP_1_1,)) if not reason]
TLS_ROLES = [
    role for role, reason in installed_roles(HttpSettings(), (HttpVersion.HTTP_1_1, HttpVersion.HTTP_2)) if not reason
]


class Caller:
    """Sends through one connector, of either colour, and reads the whole response."""

    def __init__(self, role: Role, server: S3Server, *, tls: bool) -> None:
        self.base = server.tls_url if tls else server.url
        settings = HttpSettings(tls=TLSSettings(ca_file=server.ca_file)) if tls else HttpSettings()
        self.connector = role.make(ConnectorRequirements(settings=settings, versions=(role.version,)))
        self.server = server

    async def send(
        self, method: str, target: str, content: bytes = b"", *, interceptors: tuple[Interceptor, ...] = ()
    ) -> tuple[int, bytes]:
        request: Request[BytesBody] = Request(method, self.base + target, body=content)
        if isinstance(self.connector, AsyncConnector):
            pipeline = AsyncPipeline(self.connector, signer=self.server.signer, interceptors=interceptors)
            response = await pipeline.send(request)
            return response.status, await response.aread()
        twin = SyncPipeline(cast(SyncConnector, self.connector), signer=self.server.signer, interceptors=interceptors)
        return await asyncio.to_thread(_send_and_read, twin, request)

    async def aclose(self) -> None:
        if isinstance(self.connector, AsyncConnector):
            await self.connector.aclose()
        else:
            cast(SyncConnector, self.connector).close()


def _send_and_read(pipeline: SyncPipeline, request: Request[BytesBody]) -> tuple[int, bytes]:
    with pipeline.send(request) as response:
        return response.status, response.read()


@contextlib.asynccontextmanager
async def caller(role: Role, server: S3Server, *, tls: bool) -> AsyncIterator[Caller]:
    made = Caller(role, server, tls=tls)
    try:
        yield made
    finally:
        await made.aclose()


async def keep_and_list(call: Caller, folder: str) -> None:
    """Make a bucket, put, get, list with a query and delete, with awkward keys."""
    assert (await call.send("PUT", f"/{BUCKET}"))[0] in (200, 409)
    for number, key in enumerate(KEYS.values()):
        content = f"content {number}".encode() * 100
        assert await call.send("PUT", f"/{BUCKET}/{folder}/{key}", content) == (200, b"")
        assert await call.send("GET", f"/{BUCKET}/{folder}/{key}") == (200, content)
    query = f"list-type=2&prefix={folder}%2Fit%27s&delimiter=%2F&flag&max-keys=7"
    status, listing = await call.send("GET", f"/{BUCKET}?{query}")
    assert status == 200
    assert b"it&#39;s~(1)" in listing
    for key in KEYS.values():
        assert (await call.send("DELETE", f"/{BUCKET}/{folder}/{key}"))[0] == 204
    assert (await call.send("GET", f"/{BUCKET}/{folder}/{KEYS['two slashes']}"))[0] == 404


@pytest.mark.parametrize("role", ROLES, ids=lambda role: f"{role.name}-{role.colour}")
async def test_objects_with_awkward_keys_are_put_got_listed_and_deleted(s3: S3Server, role: Role) -> None:
    """U-B1, U-B4: the signature holds over what arrived."""
    async with caller(role, s3, tls=False) as call:
        await keep_and_list(call, f"plain-{role.name}-{role.colour}")


@pytest.mark.parametrize("role", TLS_ROLES, ids=lambda role: f"{role.name}-{role.colour}-{role.version}")
async def test_objects_are_kept_over_tls_in_both_versions(s3: S3Server, role: Role) -> None:
    async with caller(role, s3, tls=True) as call:
        await keep_and_list(call, f"tls-{role.name}-{role.colour}-{role.version.alpn.replace('/', '-')}")


class Tamper(Interceptor):
    """Adds a line that S3 demands to be signed, after signing."""

    def modify_before_transmit(self, request: AnyRequest) -> None:
        request.headers.add("x-amz-meta-late", "1")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: f"{role.name}-{role.colour}")
async def test_a_request_that_was_tampered_with_is_refused_by_the_server(s3: S3Server, role: Role) -> None:
    async with caller(role, s3, tls=False) as call:
        await call.send("PUT", f"/{BUCKET}")
        status, why = await call.send("PUT", f"/{BUCKET}/x", b"x", interceptors=(Tamper(),))

    assert status in (400, 403), why
