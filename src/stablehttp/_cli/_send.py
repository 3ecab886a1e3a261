"""`stablehttp send`: like curl, through any connector.

Content is streamed in both directions, secrets are redacted, and each failure is one clear line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal, cast, final

from stablehttp import (
    URI,
    AnyRequest,
    AnyResponse,
    AsyncConnector,
    AsyncPipeline,
    BytesBody,
    CallOptions,
    ConnectorRequirements,
    DualBody,
    FileBody,
    HttpSettings,
    HttpVersion,
    Interceptor,
    InvalidBodyError,
    MisuseError,
    NoConnectorError,
    Request,
    SinkBody,
    SinkError,
    SyncConnector,
    SyncPipeline,
    Timeouts,
    TLSSettings,
)
from stablehttp._cli._bar import Bar
from stablehttp._cli._cast import Role, installed_roles
from stablehttp._field_value import is_secret
from stablehttp._redaction import is_secret_field, redact_query, redact_uri, show_value
from stablehttp.signers import Credentials, Signer, SigningChanges, SigV4Signer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument("url", metavar="URL")
    parser.add_argument("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'", help="add a field line")
    parser.add_argument("-d", "--data", metavar="DATA|@FILE|@-", help="the content: text, a file, or standard input")
    parser.add_argument("--via", metavar="CONNECTOR", default="h11", help="which connector sends (h11)")
    parser.add_argument("--http", choices=("1.1", "2"), default="1.1", help="the protocol version (1.1)")
    parser.add_argument("--target", help="the request target, exactly as it is to stand on the request line")
    parser.add_argument(
        "--sign", nargs=3, metavar=("sigv4", "REGION", "SERVICE"),
        help="sign with the credentials in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="write the content there instead of standard output")
    parser.add_argument("--show", choices=("request", "canonical", "wire"), help="show what is sent, on standard error")
    parser.add_argument("--ca-file", metavar="FILE", help="a PEM file of authorities to trust instead of the default")
    parser.add_argument("--plain", action="store_true", help="no bar that shows how far files have come")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="how long the peer may be silent")


def run(chosen: argparse.Namespace) -> int:
    """Send, and write the content; 0 for a status below 400, 22 for others, as curl --fail has it."""
    role = _role(chosen)
    signer = _signer(chosen)
    show = _Show(chosen.show)
    request = _request(chosen)
    bar = _bar(chosen)
    options = CallOptions(sink=None if chosen.output is None else Path(chosen.output), progress=bar)
    try:
        if role.colour == "async":
            import asyncio

            return asyncio.run(_send_async(chosen, role, request, show, signer, options))
        return _send_sync(chosen, role, request, show, signer, options)
    except SinkError as error:
        why = error.__cause__
        raise MisuseError(f"cannot write {chosen.output!r}: {getattr(why, 'strerror', None) or error}") from error
    finally:
        if bar is not None:
            bar.finish()


def _send_sync(
    chosen: argparse.Namespace,
    role: Role,
    request: Request[DualBody],
    show: _Show,
    signer: Signer | None,
    options: CallOptions,
) -> int:
    with cast(SyncConnector, role.make(_requirements(chosen))) as connector:
        pipeline = SyncPipeline(connector, interceptors=[show], signer=signer, timeouts=_timeouts(chosen))
        with pipeline.send(request, options=options) as response:
            if not _went_to_sink(response):
                for chunk in response.body:
                    sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            return _status(response)


async def _send_async(
    chosen: argparse.Namespace,
    role: Role,
    request: Request[DualBody],
    show: _Show,
    signer: Signer | None,
    options: CallOptions,
) -> int:
    async with cast(AsyncConnector, role.make(_requirements(chosen))) as connector:
        pipeline = AsyncPipeline(connector, interceptors=[show], signer=signer, timeouts=_timeouts(chosen))
        async with await pipeline.send(request, options=options) as response:
            if not _went_to_sink(response):
                async for chunk in response.body:
                    sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            return _status(response)


def _went_to_sink(response: AnyResponse) -> bool:
    """Whether the content is in the file; that of an error is not, and is printed."""
    return isinstance(response.body, SinkBody) and response.body.sink is not None


def _bar(chosen: argparse.Namespace) -> Bar | None:
    """A bar for the files that are sent and received, if somebody looks."""
    directions: list[Literal["sent", "received"]] = []
    if chosen.data is not None and chosen.data.startswith("@"):
        directions.append("sent")
    if chosen.output is not None:
        directions.append("received")
    if not directions or chosen.plain or not sys.stderr.isatty():
        return None
    return Bar(sys.stderr, *directions)


def _role(chosen: argparse.Namespace) -> Role:
    version = HttpVersion.parse(f"HTTP/{chosen.http}")
    known: dict[str, str] = {}
    found: list[Role] = []
    for role, reason in installed_roles(HttpSettings(), (version,)):
        known[role.name] = reason
        if role.name == chosen.via and not reason:
            found.append(role)
    for role in sorted(found, key=lambda role: role.colour, reverse=True):
        return role
    why = known.get(chosen.via) or f"it does not speak {version}, or there is no connector of that name"
    raise NoConnectorError(f"connector {chosen.via!r} cannot be used: {why}; try one of {', '.join(known)}")


def _requirements(chosen: argparse.Namespace) -> ConnectorRequirements:
    settings = HttpSettings(tls=TLSSettings(ca_file=chosen.ca_file))
    return ConnectorRequirements(settings=settings, versions=(HttpVersion.parse(f"HTTP/{chosen.http}"),))


def _timeouts(chosen: argparse.Namespace) -> Timeouts | None:
    return None if chosen.timeout is None else Timeouts(read=chosen.timeout)


def _request(chosen: argparse.Namespace) -> Request[DualBody]:
    lines = [_line(text) for text in chosen.header]
    uri = URI(chosen.url) if chosen.target is None else URI(chosen.url).with_target(chosen.target)
    return Request(chosen.method, uri, headers=lines, body=_body(chosen.data))


def _body(data: str | None) -> DualBody:
    if data is None or not data.startswith("@"):
        return BytesBody((data or "").encode())
    if data == "@-":
        return FileBody(sys.stdin.buffer)
    try:
        return FileBody.from_path(data[1:])
    except InvalidBodyError as error:
        raise MisuseError(f"cannot read {data[1:]!r}: {getattr(error.__cause__, 'strerror', None) or error}") from error


def _line(text: str) -> tuple[str, bytes]:
    name, colon, value = text.partition(":")
    if not colon:
        raise MisuseError("a header is given as 'NAME: VALUE', and one of them has no colon")
    return name, value.strip(" \t").encode()


def _signer(chosen: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> Signer | None:
    if chosen.sign is None:
        return None
    kind, region, service = chosen.sign
    if kind != "sigv4":
        raise MisuseError("the only signer of this command is 'sigv4'")
    try:
        credentials = Credentials(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
    except KeyError as missing:
        raise MisuseError(f"to sign, set {missing.args[0]} in the environment") from None
    made = (
        SigV4Signer.for_s3(credentials, region=region)
        if service == "s3"
        else SigV4Signer(credentials, region=region, service=service)
    )
    return _ShowingSigner(made) if chosen.show == "canonical" else made


@final
class _Show(Interceptor):
    """Prints the request as it goes to the connector, with its secrets hidden, and the status of the response."""

    def __init__(self, what: str | None) -> None:
        self._what = what

    def read_before_transmit(self, request: AnyRequest) -> None:
        if self._what not in ("request", "wire"):
            return
        target = str(request.uri) if self._what == "request" else request.target
        end = "\n" if self._what == "request" else "\\r\\n\n"
        lines = [f"{request.method} {redact_uri(target)} HTTP/1.1"]
        for name, value in request.headers:
            hidden = is_secret(value) or is_secret_field(name)
            lines.append(f"{name}: {show_value(name, value, secret=True) if hidden else value}")
        sys.stderr.write("".join(line + end for line in [*lines, ""]))

    def read_after_transmit(self, response: AnyResponse) -> None:
        sys.stderr.write(f"{response.http_version} {response.status} {response.reason}".rstrip() + "\n")


@final
class _ShowingSigner:
    """Prints what is signed, with its secrets hidden, and lets the signer sign it."""

    def __init__(self, signer: SigV4Signer) -> None:
        self._signer = signer

    @property
    def name(self) -> str:
        return self._signer.name

    @property
    def content_digest(self) -> str | None:
        return self._signer.content_digest

    def sign(
        self,
        method: str,
        origin: str,
        target: str,
        fields: Iterable[tuple[str, str]],
        *,
        content_digest: str | None = None,
        now: datetime,
    ) -> SigningChanges:
        lines = list(fields)
        trace = self._signer.trace(method, origin, target, lines, content_digest=content_digest, now=now)
        for line in trace.canonical_request.split("\n"):
            name, colon, value = line.partition(":")
            hidden = colon and is_secret_field(name)
            sys.stderr.write((f"{name}:{show_value(name, value)}" if hidden else redact_query(line)) + "\n")
        return self._signer.sign(method, origin, target, lines, content_digest=content_digest, now=now)


def _status(response: AnyResponse) -> int:
    return 0 if response.status < 400 else 22
