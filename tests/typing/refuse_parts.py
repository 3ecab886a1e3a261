"""What must not type-check of the parts of messages: each line ending in `# refused` is an error, and no other is."""

from __future__ import annotations

from stablehttp import (
    URI,
    AnyRequest,
    AsyncBody,
    Body,
    BytesBody,
    EditorFunction,
    Extensions,
    Fields,
    FieldValue,
    HttpSettings,
    Interceptor,
    Request,
    RequestEditor,
    Response,
    SyncBody,
    Timeouts,
    secret,
    snapshot_request,
)


def values(fields: Fields) -> None:
    FieldValue(3)  # refused
    secret(None)  # refused
    secret("s").secret = False  # refused
    fields.extend(["A: b"])  # refused
    fields.update([("A", 1)])  # refused
    fields.update(A="1")  # refused
    fields[b"A"] = "1"  # refused
    fields.get("A", 3)  # refused
    fields.entry("A").add(1)  # refused
    wrong: str = fields.values("A")  # refused
    assert wrong


def uris(uri: URI) -> None:
    URI(b"https://a/")  # refused
    uri.host = "b"  # refused
    URI.build("https", "a", port="80")  # refused
    URI.build("https", "a", query={"a": "b"})  # refused
    URI.verbatim("https://a", b"*")  # refused
    port: int = uri.port  # refused
    assert port


def extensions(found: Extensions, timeouts: Timeouts) -> None:
    wrong: int = found[Timeouts]  # refused
    found["timeouts"]  # refused
    Request("GET", "https://a/", extensions={"timeouts": timeouts})  # refused
    assert wrong


def covariance_goes_one_way(anything: AnyRequest, one: Request[SyncBody], response: Response[Body]) -> None:
    both: Request[BytesBody] = one  # refused
    other: Request[AsyncBody] = one  # refused
    narrow: Response[SyncBody] = response  # refused
    anything.body.chunks()  # refused
    assert both
    assert other
    assert narrow


def frozen_things(request: Request[BytesBody], response: Response[BytesBody], timeouts: Timeouts) -> None:
    request.headers = Fields()  # refused
    response.headers = Fields()  # refused
    response.status = "200"  # refused
    response.http_version = "HTTP/2"  # refused
    timeouts.read = 3  # refused
    Timeouts(1, 2)  # refused
    HttpSettings("http://p")  # refused
    snapshot_request(request, secrets="all")  # refused


class Hooks(Interceptor):
    async def modify_before_signing(self, request: AnyRequest) -> None:  # refused
        request.headers["X-A"] = "1"

    def read_before_signing(self, request: str) -> None:  # refused
        assert request


def editors(editor: RequestEditor) -> EditorFunction:
    editor.uri = URI("https://b/")  # refused
    editor.method = "PUT"  # refused
    editor.headers["X-A"] = "1"  # refused
    editor.add("X-A", 1)  # refused
    return lambda: None  # refused
