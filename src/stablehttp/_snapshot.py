"""Messages as JSON, for recordings and bug reports.

Floor 7: stands on messages and redaction.

A snapshot has a version of its own and keeps lines, octets and content without loss.  Secrets are
left out unless asked for: the same fields, values and query parameters that `repr` hides.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypedDict, cast

from stablehttp._body import Body, BytesBody
from stablehttp._errors import InvalidMessageError
from stablehttp._field_value import FieldValue, is_secret
from stablehttp._fields import Fields
from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest, Request
from stablehttp._redaction import is_secret_field, redact_uri, redact_value
from stablehttp._response import AnyResponse, Response
from stablehttp._uri import URI

SNAPSHOT_VERSION: Final = 1
"""The version that snapshots made here carry; readers refuse versions that they do not know."""

Secrets: TypeAlias = Literal["drop", "keep"]
LineSnapshot: TypeAlias = dict[str, str | bool]


class RequestSnapshot(TypedDict):
    """A request as plain data that JSON can hold."""

    version: int
    kind: Literal["request"]
    method: str
    origin: str
    target: str
    uri: str
    headers: list[LineSnapshot]
    trailers: list[LineSnapshot]
    content: str


class ResponseSnapshot(TypedDict):
    """A response as plain data that JSON can hold."""

    version: int
    kind: Literal["response"]
    status: int
    reason: str
    http_version: str
    headers: list[LineSnapshot]
    trailers: list[LineSnapshot]
    content: str


def snapshot_request(request: AnyRequest, *, secrets: Secrets = "drop") -> RequestSnapshot:
    """A request whose content is in memory, as plain data; `content` is base64.

    With `secrets="drop"`, a secret line keeps its name only, and userinfo and secret parameters of
    the URI, and of those that fields hold, are replaced by `***`.

    Raises:
        InvalidMessageError: the content is a stream; read it first.
    """
    uri = request.uri
    show = str if secrets == "keep" else redact_uri
    return RequestSnapshot(
        version=SNAPSHOT_VERSION,
        kind="request",
        method=request.method,
        origin=uri.origin,
        target=show(uri.target) if uri.is_verbatim else "",
        uri="" if uri.is_verbatim else show(str(uri)),
        headers=_lines(request.headers, secrets),
        trailers=_lines(request.trailers, secrets),
        content=_content(request.body),
    )


def snapshot_response(response: AnyResponse, *, secrets: Secrets = "drop") -> ResponseSnapshot:
    """A response whose content is in memory, as plain data; `content` is base64.

    Raises:
        InvalidMessageError: the content is a stream; read it first, and give it to a new response.
    """
    return ResponseSnapshot(
        version=SNAPSHOT_VERSION,
        kind="response",
        status=response.status,
        reason=response.reason,
        http_version=response.http_version.value,
        headers=_lines(response.headers, secrets),
        trailers=_lines(response.trailers, secrets),
        content=_content(response.body),
    )


def restore_request(data: Mapping[str, object]) -> Request[BytesBody]:
    """The request that a snapshot holds; lines whose secret was dropped are left out.

    Raises:
        InvalidMessageError: it is no snapshot of a request, or of a version that is not known here.
    """
    _check(data, "request")
    found = cast(RequestSnapshot, data)
    uri = URI(found["uri"]) if found["uri"] else URI.verbatim(found["origin"], found["target"])
    return Request(
        found["method"],
        uri,
        headers=_restored(found["headers"]),
        body=b64decode(found["content"]),
        trailers=_restored(found["trailers"]),
    )


def restore_response(data: Mapping[str, object]) -> Response[BytesBody]:
    """The response that a snapshot holds; lines whose secret was dropped are left out.

    Raises:
        InvalidMessageError: it is no snapshot of a response, or of a version that is not known here.
    """
    _check(data, "response")
    found = cast(ResponseSnapshot, data)
    return Response(
        found["status"],
        headers=_restored(found["headers"]),
        body=b64decode(found["content"]),
        reason=found["reason"],
        trailers=_restored(found["trailers"]),
        http_version=HttpVersion(found["http_version"]),
    )


def _lines(fields: Fields, secrets: Secrets) -> list[LineSnapshot]:
    return [_line(name, value, secrets) for name, value in fields.items()]


def _line(name: str, value: str, secrets: Secrets) -> LineSnapshot:
    marked = is_secret(value)
    if secrets == "drop" and (marked or is_secret_field(name)):
        return {"name": name, "dropped": True}
    line: LineSnapshot = {"name": name}
    if secrets == "drop":
        value = redact_value(name, value)
    if value.isascii():
        line["value"] = str.__str__(value)
    else:
        line["octets"] = b64encode(value.encode("latin-1")).decode("ascii")
    return line | {"secret": True} if marked else line


def _restored(lines: list[LineSnapshot]) -> list[tuple[str, str | bytes]]:
    restored: list[tuple[str, str | bytes]] = []
    for line in lines:
        if line.get("dropped"):
            continue
        value = b64decode(str(line["octets"])) if "octets" in line else str(line["value"])
        restored.append((str(line["name"]), FieldValue(value, secret=True) if line.get("secret") else value))
    return restored


def _content(body: Body) -> str:
    if not isinstance(body, BytesBody):
        raise InvalidMessageError(f"a snapshot holds content that is in memory, and this is {body!r}; read it first")
    return b64encode(body.content).decode("ascii")


def _check(data: Mapping[str, object], kind: str) -> None:
    if data.get("kind") != kind or data.get("version") != SNAPSHOT_VERSION:
        raise InvalidMessageError(f"this is no snapshot of a {kind} in version {SNAPSHOT_VERSION}")
