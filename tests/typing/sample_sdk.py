"""A small SDK as its authors would write it: nothing here names an HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from stablehttp import (
    URI,
    AnyRequest,
    AnyResponse,
    AsyncBody,
    AsyncPipeline,
    AsyncTransport,
    Attempt,
    Fields,
    Interceptor,
    Request,
    Response,
    StableHTTPError,
    SyncPipeline,
    SyncTransport,
)
from stablehttp.signers import Credentials, Signer, SigningChanges, SigV4Signer


class UserAgent(Interceptor):
    """Adds a field, and counts attempts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.attempts: list[Attempt] = []

    def modify_before_signing(self, request: AnyRequest) -> None:
        request.headers.set("User-Agent", self.name)

    def read_after_transmit(self, response: AnyResponse) -> None:
        assert response.status >= 100

    def read_after_attempt(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)


class TokenSigner:
    """A signer of one's own: strings in, changes out."""

    @property
    def name(self) -> str:
        return "Token"

    @property
    def content_digest(self) -> str | None:
        return None

    def sign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: object,
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningChanges:
        return SigningChanges(set=(("Authorization", f"Token {now:%s}"),), covered=frozenset({"authorization"}))


class NotFoundError(Exception):
    """The SDK's own error."""


class Store:
    """The asynchronous client of the SDK."""

    def __init__(self, endpoint: str, transport: AsyncTransport | None = None, signer: Signer | None = None) -> None:
        self._endpoint = URI(endpoint)
        self._pipeline = AsyncPipeline(transport, interceptors=[UserAgent("sample/1")], signer=signer)

    async def put(self, key: str, content: bytes | AsyncIterator[bytes]) -> str:
        uri = URI.build(self._endpoint.scheme, self._endpoint.host, port=self._endpoint.port, segments=[key])
        if isinstance(content, bytes):
            response = await self._send(Request("PUT", uri, body=content))
        else:
            response = await self._send(Request("PUT", uri, body=content))
        return response.headers.get("ETag", "")

    async def get(self, key: str) -> bytes:
        uri = URI.build(self._endpoint.scheme, self._endpoint.host, port=self._endpoint.port, segments=[key])
        return await (await self._send(Request("GET", uri))).aread()

    async def _send(self, request: Request[AsyncBody]) -> Response[AsyncBody]:
        try:
            response = await self._pipeline.send(request)
        except StableHTTPError as error:
            raise ConnectionError(f"sent: {error.sent}, processed: {error.processed}") from error
        if response.status == 404:
            await response.aclose()
            raise NotFoundError(request.target)
        return response

    async def aclose(self) -> None:
        await self._pipeline.aclose()


def fetch(url: str, transport: SyncTransport | None = None) -> tuple[int, Fields, bytes]:
    """The synchronous face of the SDK."""
    with SyncPipeline(transport) as pipeline:
        response = pipeline.send(Request("GET", url))
        return response.status, response.headers, response.read()


def presigner(now: datetime | None = None) -> SigV4Signer:
    """A signer for those who want one."""
    assert (now or datetime.now(UTC)).tzinfo is not None
    return SigV4Signer.for_s3(Credentials("id", "secret"), region="eu")
