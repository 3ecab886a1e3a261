"""`stablehttp demo`: one awkward, signed request through every installed connector.

The origin keeps the octets that arrived and works out the signature again from them alone.  Beside
ours, the same request is sent as bare httpx and bare aiohttp send it in obvious use.  A connector that would change
something refuses, which is shown and no failure.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from time import perf_counter
from typing import Any, Final, cast, final

from stablehttp import (
    AnyRequest,
    AsyncBody,
    AsyncConnector,
    AsyncPipeline,
    BytesBody,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    Interceptor,
    Request,
    Response,
    StableHTTPError,
    SyncConnector,
    SyncPipeline,
    TLSSettings,
    UnsupportedTransportError,
)
from stablehttp._cli._cast import Role, installed_roles
from stablehttp._cli._table import paint, table
from stablehttp.signers import Credentials, SigV4Signer
from stablehttp.testing import Answer, Origin, Received

_TARGET: Final = "/bucket/./a%2Fb%2f%7e~//it's%20(1)/%2e%2e/x?flag&tag=b&tag=a&empty=&q=%27~'%2B&"
_CONTENT: Final = b"what was signed is what is sent\n"
_SIGNER: Final = SigV4Signer.for_s3(Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), region="eu")
_HEADS: Final = ("sent by", "version", "target", "fields", "content", "signature", "time")


class _AddTrace(Interceptor):
    def modify_before_signing(self, request: AnyRequest) -> None:
        request.headers.add("X-Trace", "demo-1")


class _AddTags(Interceptor):
    def modify_before_signing(self, request: AnyRequest) -> None:
        request.headers.extend([("X-Tag", "one"), ("x-tag", "two"), ("X-Other", ""), ("X-Tag", "three")])


@final
class _Remember(Interceptor):
    """Looks at what goes to the connector: this is what must arrive."""

    def __init__(self) -> None:
        self.request: AnyRequest | None = None

    def read_before_transmit(self, request: AnyRequest) -> None:
        self.request = request


@final
@dataclass(frozen=True, slots=True)
class _Verdict:
    """What came of one way of sending; each part is empty if it arrived as it was sent."""

    target: str = ""
    fields: str = ""
    content: str = ""
    signature: str = ""
    failure: str = ""
    refused: str = ""

    @property
    def whole(self) -> bool:
        return not (self.target or self.fields or self.content or self.signature or self.failure)


def run(*, colours: bool) -> int:
    """Send, compare, print; the exit status is 1 if one of our connectors changed anything."""
    print(f"\none request, signed once, sent to a server that keeps every octet\n\n  PUT {_TARGET}\n")
    rows: list[list[tuple[str, str]]] = []
    bare: list[list[tuple[str, str]]] = []
    ours_whole, refused = True, False
    for tls in (False, True):
        with Origin(Answer(200, b"ok"), tls=tls, http2=True) as origin:
            versions = (HttpVersion.HTTP_2,) if tls else (HttpVersion.HTTP_1_1,)
            for role, reason in installed_roles(_settings(origin, tls=tls), versions):
                if reason:
                    rows.append(_skipped(role, reason))
                    continue
                verdict, seconds = _send_ours(role, origin, tls=tls)
                ours_whole = ours_whole and verdict.whole
                refused = refused or bool(verdict.refused)
                rows.append(_row(f"{role.name} ({role.colour})", str(role.version), verdict, seconds))
            if not tls:
                bare = _bare_rows(origin)
    rows.extend(bare)
    print(table(_HEADS, rows, colours=colours))
    text = "all of ours arrived as signed" if ours_whole else "something of ours did not arrive as signed"
    if ours_whole and refused:
        text += ", or was refused before an octet left"
    print("\n" + paint(text, "good" if ours_whole else "bad", colours=colours) + "\n")
    return 0 if ours_whole else 1


def _settings(origin: Origin, *, tls: bool) -> HttpSettings:
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file))) if tls else HttpSettings()


def _request(origin: Origin) -> Request[BytesBody]:
    fields = [("Content-Type", "text/plain"), ("x-amz-meta-Key", "a  b"), ("User-Agent", "demo"), ("Accept", "*/*")]
    return Request("PUT", origin.url + _TARGET, headers=fields, body=_CONTENT)


def _send_ours(role: Role, origin: Origin, *, tls: bool) -> tuple[_Verdict, float]:
    made = role.make(ConnectorRequirements(settings=_settings(origin, tls=tls), versions=(role.version,)))
    memory = _Remember()
    interceptors = (_AddTrace(), _AddTags(), memory)
    request = _request(origin)
    try:
        if role.colour == "async":
            seconds = asyncio.run(_send_async(cast(AsyncConnector, made), request, interceptors))
        else:
            seconds = _send_sync(cast(SyncConnector, made), request, interceptors)
    except UnsupportedTransportError as error:
        return _Verdict(refused=f"refused unsent: it does not offer {error.capability}"), 0.0
    except StableHTTPError as error:
        return _Verdict(failure=f"{type(error).__name__}: {error}"), 0.0
    assert memory.request is not None
    return _compare(memory.request, origin.take()), seconds


async def _send_async(
    connector: AsyncConnector, request: Request[BytesBody], interceptors: tuple[Interceptor, ...]
) -> float:
    async with connector:
        pipeline = AsyncPipeline(connector, interceptors=interceptors, signer=_SIGNER)
        since = perf_counter()
        response = await pipeline.send(request)
        await response.aread()
        return perf_counter() - since


def _send_sync(connector: SyncConnector, request: Request[BytesBody], interceptors: tuple[Interceptor, ...]) -> float:
    with connector:
        pipeline = SyncPipeline(connector, interceptors=interceptors, signer=_SIGNER)
        since = perf_counter()
        pipeline.send(request).read()
        return perf_counter() - since


def _compare(sent: AnyRequest, arrived: Received) -> _Verdict:
    expected = [(name.encode(), value.encode("latin-1")) for name, value in sent.headers]
    if arrived.http_version == "HTTP/2":
        expected = [(name.lower(), value) for name, value in expected if name.lower() != b"host"]
    fields = "" if list(arrived.fields) == expected else _difference(expected, list(arrived.fields))
    return _Verdict(
        target="" if arrived.target == sent.target.encode() else "changed",
        fields=fields,
        content="" if arrived.content == _CONTENT else "changed",
        signature="" if _verifies(arrived) else "broken",
    )


def _difference(expected: list[tuple[bytes, bytes]], arrived: list[tuple[bytes, bytes]]) -> str:
    added = sum(1 for line in arrived if line not in expected)
    lost = sum(1 for line in expected if line not in arrived)
    return ", ".join(part for part in (added and f"{added} added", lost and f"{lost} lost") if part) or "moved"


def _verifies(arrived: Received) -> bool:
    """Whether the signature is the one that belongs to the octets that arrived."""
    fields = [(name.decode(), value.decode("latin-1")) for name, value in arrived.fields]
    if arrived.authority is not None:
        fields.insert(0, ("host", arrived.authority.decode()))
    given = {name.lower(): value for name, value in fields}
    names = given.get("authorization", "").partition("SignedHeaders=")[2].partition(",")[0].split(";")
    try:
        now = datetime.strptime(given["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return False
    changes = _SIGNER.sign(
        arrived.method.decode(),
        "http://" + given.get("host", ""),
        arrived.target.decode("latin-1"),
        [(name, value) for name, value in fields if name.lower() in names],
        content_digest=hashlib.sha256(arrived.content).hexdigest(),
        now=now,
    )
    return dict(changes.set).get("Authorization") == given.get("authorization")


# --- the others, as people use them -------------------------------------------------------------


def _bare_rows(origin: Origin) -> list[list[tuple[str, str]]]:
    rows: list[list[tuple[str, str]]] = []
    for name, send in (("bare httpx", _bare_httpx), ("bare httpx2", _bare_httpx2), ("bare aiohttp", _bare_aiohttp)):
        if find_spec(name.split()[1]) is None:
            continue
        sent = asyncio.run(_signed(origin))
        since = perf_counter()
        asyncio.run(send(sent))
        seconds = perf_counter() - since
        rows.append(_row(name, "HTTP/1.1", _compare(sent, origin.take()), seconds))
    return rows


async def _signed(origin: Origin) -> AnyRequest:
    memory = _Remember()
    async with AsyncPipeline(_Nowhere(), interceptors=(_AddTrace(), _AddTags(), memory), signer=_SIGNER) as pipeline:
        await pipeline.send(_request(origin))
    assert memory.request is not None
    return memory.request


@final
class _Nowhere(AsyncConnector):
    """Sends nothing: the bare clients are to send what was signed."""

    name = "nowhere"

    async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
        return Response(204)


async def _bare_httpx(sent: AnyRequest, package: str = "httpx") -> None:
    from importlib import import_module

    httpx: Any = import_module(package)
    async with httpx.AsyncClient() as client:
        await client.request(sent.method, str(sent.uri), headers=sent.headers.items(), content=_CONTENT)


async def _bare_httpx2(sent: AnyRequest) -> None:
    await _bare_httpx(sent, "httpx2")


async def _bare_aiohttp(sent: AnyRequest) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        lines = [line for line in sent.headers.items() if line[0] != "Host"]
        async with session.request(sent.method, str(sent.uri), headers=lines, data=_CONTENT) as response:
            await response.read()


# --- rows ----------------------------------------------------------------------------------------


def _row(name: str, version: str, verdict: _Verdict, seconds: float) -> list[tuple[str, str]]:
    if verdict.refused:
        return [(name, ""), (version, ""), (verdict.refused, "dim"), *[("", "")] * 4]
    if verdict.failure:
        return [(name, ""), (version, ""), (verdict.failure, "bad"), *[("", "")] * 4]
    parts = (verdict.target, verdict.fields, verdict.content, verdict.signature)
    words = ("as signed", "as signed", "as signed", "verifies")
    cells = [(part or word, "bad" if part else "good") for part, word in zip(parts, words, strict=True)]
    return [(name, ""), (version, ""), *cells, (f"{seconds * 1000:.1f} ms", "dim")]


def _skipped(role: Role, reason: str) -> list[tuple[str, str]]:
    return [(role.name, "dim"), (str(role.version), "dim"), (reason, "dim"), *[("", "")] * 4]
