"""What must type-check of the parts of messages: values, URIs, extensions, hooks, covariant bodies, settings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import assert_type

from stablehttp import (
    URI,
    AnyRequest,
    AnyResponse,
    AsyncBody,
    Body,
    BytesBody,
    EditorFunction,
    Extensions,
    FieldEntry,
    Fields,
    FieldValue,
    HttpSettings,
    Interceptor,
    Request,
    RequestEditor,
    RequestParts,
    RequestSnapshot,
    Response,
    SyncBody,
    Timeouts,
    TLSSettings,
    restore_request,
    secret,
    snapshot_request,
)


@dataclass(frozen=True)
class Note:
    text: str


class Hooks(Interceptor):
    def modify_before_signing(self, request: AnyRequest) -> AnyRequest | None:
        request.headers["X-A"] = "1"
        request.uri = request.uri.with_endpoint("https://b/")
        assert_type(request.body, Body)
        return None

    def modify_response(self, response: AnyResponse) -> AnyResponse | None:
        assert_type(response.body, Body)
        return response


def values_are_text_or_octets(fields: Fields) -> None:
    assert_type(secret("s"), FieldValue)
    assert_type(FieldValue(b"\xff").octets, bytes)
    assert_type(FieldValue("a").secret, bool)
    fields["A"] = secret(b"x")
    fields.extend({"A": FieldValue("b")})
    fields.extend({"B": b"c"})
    fields.update([("A", FieldValue("b")), ("B", "c")])
    assert_type(fields.entry("A"), FieldEntry)
    assert_type(fields.entry("A").or_set_with(lambda: b"x"), str)
    assert_type(fields.entry("A").set("b"), tuple[str, ...])
    assert_type(fields.remove("A"), tuple[str, ...])
    assert_type(fields.as_dict(), dict[str, list[str]])
    assert_type(fields.size, int)
    fields.check_size(1000)
    with fields.edit() as draft:
        assert_type(draft, Fields)


def uris_give_text(uri: URI) -> None:
    assert_type(URI.build("https", "a", port=1, segments=["b"], query=[("c", None), ("d", "e")]), URI)
    assert_type(URI.verbatim("https://a", "*").target, str)
    assert_type(uri.resolve("../b").query, str | None)
    assert_type(uri.port, int | None)
    assert_type(uri.effective_port, int)
    assert_type({uri: 1}, dict[URI, int])


def extensions_are_found_by_their_type(extensions: Extensions) -> None:
    extensions.set(Note("a"))
    assert_type(extensions[Note], Note)
    assert_type(extensions.get(Note), Note | None)
    assert_type(extensions.get(Timeouts, None), Timeouts | None)
    assert_type(extensions.get(Note, 3), Note | int)
    extensions.remove(Note)
    Request("GET", "https://a/", extensions=Extensions([Note("a"), Timeouts(read=1)]))


def bodies_are_covariant(both: Request[BytesBody], answered: Response[BytesBody]) -> None:
    asynchronous: Request[AsyncBody] = both
    synchronous: Request[SyncBody] = both
    anything: AnyRequest = asynchronous
    response: Response[SyncBody] = answered
    whatever: AnyResponse = response
    assert_type(both.copy(), Request[BytesBody])
    assert_type(both.retarget("https://b/"), Request[BytesBody])
    assert_type(both.parts(), RequestParts[BytesBody])
    assert_type(Request.from_parts(both.parts()), Request[BytesBody])
    assert_type(synchronous.with_body(b""), Request[BytesBody])
    assert anything
    assert whatever


def colours_come_from_what_is_given(lines: Iterator[bytes], stream: AsyncIterator[bytes]) -> None:
    request = Request("PUT", "https://a/")
    assert_type(request.with_body(lines), Request[SyncBody])
    assert_type(request.with_body(stream), Request[AsyncBody])
    assert_type(Response(200, body=lines), Response[SyncBody])
    assert_type(Response(200, body=stream), Response[AsyncBody])
    assert_type(Response(200, body=b"x").read(), bytes)


def an_editor_is_a_function() -> EditorFunction:
    def edit(editor: RequestEditor) -> None:
        editor.set("X-A", b"1")
        assert_type(editor.values("X-A"), tuple[str, ...])
        assert_type(editor.origin, str)

    return edit


def settings_are_named(request: Request[BytesBody]) -> None:
    Timeouts(read=1, write=2.5, pool=None, total=10)
    HttpSettings(proxy="http://p", tls=TLSSettings(verify=False), max_connections=3)
    assert_type(snapshot_request(request, secrets="keep"), RequestSnapshot)
    assert_type(restore_request(snapshot_request(request)), Request[BytesBody])
