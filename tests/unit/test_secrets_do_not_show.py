"""A secret shows nowhere (U-I5, U-I3): every public callable is fed with a marker, and nothing that comes out shows it.

What may show it is what was asked for: a value that is read, `str` of a URI, a snapshot that keeps secrets.
"""

from __future__ import annotations

import asyncio
import copy
import importlib
import inspect
import io
import json
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from time import process_time
from typing import Any, Final
from urllib.parse import quote

import pytest

import stablehttp
from stablehttp import (
    URI,
    BytesBody,
    ConnectorRequirements,
    Extensions,
    Fields,
    FieldValue,
    HttpSettings,
    InvalidFieldsError,
    InvalidURIError,
    Part,
    PushedBody,
    Request,
    RequestEditor,
    Response,
    SyncPipeline,
    secret,
    snapshot_request,
    snapshot_response,
)
from stablehttp._redaction import SECRET_FIELDS, SECRET_PARAMETERS, redact_uri, show_uri
from stablehttp.framing import read_response
from stablehttp.signers import (
    Credentials,
    MessageKey,
    MessageSigner,
    SigningKeyCache,
    SigningTrace,
    SigV4QuerySigner,
    SigV4Signer,
    explain_mismatch,
)
from stablehttp.testing import SyncMemoryConnector

MARKER: Final = "".join(["mar", "ker", "41c7"])  # not in one piece, so that no source line in a traceback holds it
DOORS: Final = ("stablehttp", "stablehttp.adapting", "stablehttp.connect", "stablehttp.framing", "stablehttp.signers")

BAD_TEXTS: Final = [
    MARKER,
    f"{MARKER}\r\n",
    f"\0{MARKER}",
    f"é{MARKER}",
    f"\ud800{MARKER}",
    f" {MARKER}",
    f'"{MARKER}',
    f"{MARKER}=",
    f"a/{MARKER};=",
    f'a/b;c="{MARKER}',
]
BAD_OCTETS: Final = [f"{MARKER}\n".encode(), b"\xff" + MARKER.encode(), bytearray(MARKER.encode())]
BAD_LINES: Final[list[object]] = [
    [("Authorization", MARKER)],
    [("Authorization", f"{MARKER}\n")],
    [("Proxy-Authorization", f"Basic {MARKER}"), ("X-Api-Key", MARKER), ("X-Amz-Security-Token", MARKER)],
    {"Cookie": f"a={MARKER}\n"},
    {"Set-Cookie": MARKER},
    [("X", f"{MARKER}\0"), ("Y", f"{MARKER}\n")],
    [(MARKER,)],
    [MARKER],
    [(1, MARKER)],
    [("X", [MARKER])],
    [("X", secret(MARKER))],
    MARKER,
]
BAD_URIS: Final = [
    *(f"https://{userinfo}@a.test/x" for userinfo in (f"u:{MARKER}", MARKER, f"u:x@{MARKER}")),
    *(f"https://u:{MARKER}{character}x@a.test/" for character in "/?# \\%[é\n"),
    *(f"https://u:{MARKER}@{rest}" for rest in ("", "/", "a.test:99999/", "a.test:x/", "[::g]/", "1.2.3/", "a b/")),
    *(f"{beginning}u:{MARKER}@a.test/" for beginning in ("ftp://", "//", "", "https:", "https:\\\\", "https:/")),
    *(f"https://a.test/?{name}={MARKER}" for name in ("X-Amz-Signature", "sig", "SIG", "%73ig", "+sig", "a[sig]")),
    *(f"https://a.test/?{query}{MARKER}" for query in ("a=b&token=", "a?sig=", "a;sig=", "a=1&amp;sig=", "sig==&sig=")),
    *(
        f"https://a.test/?sig={value}"
        for value in (f"x;{MARKER}", f"{MARKER}|", f"{MARKER} ", f"{MARKER}é", f"%{MARKER}")
    ),
    *(f"https://a.test/{rest}={MARKER}" for rest in ("#access_token", "?a#token", "x;jsessionid", "?a=1#b&sig")),
    f"https://a.test/?u=https%3A%2F%2Fb.test%2F%3Fsig%3D{MARKER}",
    f"https://a.test?sig={MARKER}",
    f"https://a.test/ ?sig={MARKER}",
    f"https:///?sig={MARKER}",
    f"?sig={MARKER} ",
    f"*?sig={MARKER}",
    f"http://a.test:{MARKER}/?a@b",
]
NAMES_THINGS: Final = frozenset(
    [
        "algorithm",
        "access_key_id",
        "ca_file",
        "client_cert",
        "client_key",
        "codec",
        "content_type",
        "email",
        "error_type",
        "extra",
        "event_type",
        "filename",
        "host",
        "http_version",
        "key_id",
        "kind",
        "label",
        "last_event_id",
        "method",
        "name",
        "names",
        "part",
        "path",
        "reader",
        "region",
        "region_set",
        "scheme",
        "cause",
        "id",
        "summary",
        "scope",
        "segments",
        "server_name",
        "service",
        "subtype",
        "tag",
        "token_field",
        "type",
        "where",
        "alpn",
        "peer",
        "tls_version",
        "when",
        "charset",
        "code",
    ]
)
"""Parameters for what a message may show: a name is no secret."""
PLAIN: Final = frozenset(
    [
        "ServerSentEvent.data",
        "Difference.ours",
        "Difference.theirs",
        "Attempt.origin",
        "HttpVersion.parse.text",
        "Component.parse.text",
        "chunked_length.content",
        "make_reader.status",
        "read_response.status",
        "check_async.body",
        "check_sync.body",
        "warn_dropped.request",
        "read_signature_input.value",
    ]
)
"""Parameters of plain records, which the library fills in itself; of names again; and what adapters call."""
URI_NAMES: Final = frozenset({"uri", "text", "origin", "endpoint", "target", "reference", "proxy"})

CREDENTIALS: Final = Credentials("AKID", "secret")
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def good() -> dict[str, object]:
    """A good argument for each name of a parameter."""
    return {
        "text": "https://a.test/", "origin": "https://a.test", "target": "/x", "scheme": "https", "host": "a.test",
        "reference": "/y", "endpoint": "https://b.test", "uri": URI("https://a.test/"), "method": "GET", "name": "X",
        "value": "v", "lines": [("X", "v")], "status": 200, "parts": [Part("a", b"x")], "content": b"x", "type": "a",
        "subtype": "b", "octets": b"x", "size": 3, "body": BytesBody(b"x"), "source": [b"x"],
        "factory": lambda: [b"x"], "callback": print, "fields": Fields([("X", "v")]),
        "request": Request("GET", "https://a.test/"), "response": Response(200), "members": ["a"], "moment": NOW,
        "data": snapshot_request(Request("GET", "https://a.test/")), "names": ["X-T"], "start": print, "hook": print,
        "file": io.BytesIO(b"x"), "path": "/nowhere", "direction": "sent", "total": None, "kind": str,
        "sink": io.BytesIO(), "error": ValueError("x"), "headers": [("X", "v")], "trailers": Fields(),
        "extensions": Extensions(), "message": b"x", "codec": "proto", "seconds": 1.0, "limit": 100,
        "event_type": "x", "handler": print, "payload": b"x", "credentials": CREDENTIALS, "region": "eu",
        "service": "s3", "expires": 60, "region_set": "*", "now": NOW, "algorithm": "sha-256", "when": "x",
        "scope": "s", "sign": lambda _: "aa", "previous": "aa", "chunk": b"x", "signer": None, "key": b"k" * 32,
        "secret": b"k", "covered": ["@method"], "parameters": {}, "canonical_request": "GET", "string_to_sign": "x",
        "ours": SigningTrace("a", "b"), "theirs": "x", "email": "a@b", "private_key": b"x", "access_key_id": "A",
        "secret_access_key": "s", "prefix": "x", "digest": "aa" * 32, "length": 3, "chunk_size": 65536 * 2,
        "part": "x", "cause": "c", "summary": "s", "date": NOW, "signature": b"s", "most": 2, "max_connections": 1,
        "keepalive": 1.0, "is_usable": bool, "close": print, "lender": object(), "read": list, "find": list,
        "lengths": ["1"], "make": lambda: "v", "http_version": "HTTP/1.1", "content_digest": "ab" * 32,
        "connection": object(), "reused": True, "messages": (), "pem": b"x", "code": "x",
    }  # fmt: skip


INSTANCES: Final[Mapping[str, Callable[[], object]]] = {
    "URI": lambda: URI("https://a.test/x"),
    "Fields": lambda: Fields([("X", "v")]),
    "FieldEntry": lambda: Fields().entry("X"),
    "Request": lambda: Request("GET", "https://a.test/"),
    "RequestEditor": lambda: RequestEditor(Request("GET", "https://a.test/")),
    "Response": lambda: Response(200, body=b"x"),
    "Extensions": Extensions,
    "PushedBody": PushedBody,
    "SigningKeyCache": SigningKeyCache,
    "SigV4Signer": lambda: SigV4Signer(CREDENTIALS, region="eu", service="s3"),
    "SigV4QuerySigner": lambda: SigV4QuerySigner(CREDENTIALS, region="eu", service="s3", expires=60),
    "MessageSigner": lambda: MessageSigner(MessageKey.hmac_sha256(b"x"), covered=["authorization"]),
}
ITEMS: Final = ("__getitem__", "__setitem__", "__delitem__", "__contains__")


# --- looking -------------------------------------------------------------------------------------


def texts_of(error: BaseException) -> Iterator[str]:
    """All that is written about an error by whoever logs it, what led to it included."""
    yield "".join(traceback.format_exception(error))
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        found = queue.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        yield f"{found} {found!r} {found.args!r} {getattr(found, '__notes__', '')}"
        queue += [found.__cause__, None if found.__suppress_context__ else found.__context__]
        queue += found.errors if isinstance(found, InvalidFieldsError) else ()


def texts_of_result(result: object, depth: int = 0) -> Iterator[str]:
    """How what was made shows itself; plain text and octets are an answer that was asked for."""
    if isinstance(result, list | tuple):
        for part in result:
            yield from texts_of_result(part, depth + 1)
    elif type(result).__module__.startswith("stablehttp") and not isinstance(result, FieldValue):
        yield repr(result)
        yield "" if isinstance(result, URI) or (not depth and "__str__" in vars(type(result))) else f"{result}"


def outcome(call: Callable[[], object], *, looks: bool) -> list[str]:
    """All texts that come of a call, warnings and log records included."""
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = call()
                if inspect.iscoroutine(result):
                    result = asyncio.run(result)
                texts = list(texts_of_result(result)) if looks else []
            except Exception as error:  # of any kind: what it says is looked at
                texts = list(texts_of(error))
    finally:
        logging.getLogger().removeHandler(handler)
    return [*texts, *(str(each.message) for each in caught), *(record.getMessage() for record in records)]


# --- walking -------------------------------------------------------------------------------------


def callables() -> Iterator[tuple[str, Callable[..., object], list[inspect.Parameter]]]:
    """Every public callable and every method of what can be made, with the parameters it is called with."""
    seen: set[int] = set()
    for door in DOORS:
        module = importlib.import_module(door)
        for name in getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]:
            value = getattr(module, name)
            if not callable(value) or id(value) in seen or (inspect.isclass(value) and issubclass(value, Exception)):
                continue
            seen.add(id(value))
            if inspect.isclass(value):
                yield from methods_of(name, value)
                if issubclass(value, Enum):  # looked up by name, and how is a matter of the standard library
                    continue
            yield from described(name, value)


def methods_of(name: str, kind: type) -> Iterator[tuple[str, Callable[..., object], list[inspect.Parameter]]]:
    for attribute in dir(kind):
        if attribute.startswith("_") and attribute not in ITEMS:
            continue
        member = inspect.getattr_static(kind, attribute)
        if isinstance(member, classmethod):
            yield from described(f"{name}.{attribute}", getattr(kind, attribute))
        elif inspect.isfunction(member) and name in INSTANCES:
            parameters = list(inspect.signature(member).parameters.values())[1:]
            yield f"{name}.{attribute}", partial(call_method, name, attribute), parameters


def call_method(name: str, attribute: str, *arguments: object, **named: object) -> object:
    method: Callable[..., object] = getattr(INSTANCES[name](), attribute)
    return method(*arguments, **named)


def described(
    name: str, value: Callable[..., object]
) -> Iterator[tuple[str, Callable[..., object], list[inspect.Parameter]]]:
    try:
        yield name, value, list(inspect.signature(value).parameters.values())
    except ValueError:  # what is made by typing has none
        return


def arguments_for(
    parameters: list[inspect.Parameter], given: dict[str, object]
) -> tuple[list[object], dict[str, object]]:
    positional: list[object] = []
    named: dict[str, object] = {}
    fallback = good()
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if parameter.name not in given and parameter.default is not parameter.empty:
            continue
        value = given.get(parameter.name, fallback.get(parameter.name))
        if parameter.kind is parameter.KEYWORD_ONLY or named or len(positional) < parameters.index(parameter):
            named[parameter.name] = value
        else:
            positional.append(value)
    return positional, named


def bad_for(parameter: inspect.Parameter) -> Iterator[tuple[object, bool]]:
    """Bad arguments, and whether they are of the parameter's own type, so that a repr may not show them."""
    kinds = str(parameter.annotation).split(" | ")
    if parameter.name in URI_NAMES:
        yield from ((text, True) for text in BAD_URIS)
        return
    yield from ((text, "str" in kinds) for text in [*BAD_TEXTS, *BAD_URIS[::7]])
    yield from ((octets, "bytes" in kinds) for octets in BAD_OCTETS)
    yield from ((lines, "LinesInput" in kinds or "FieldPairs" in kinds) for lines in BAD_LINES)


ALL: Final = {name: (value, parameters) for name, value, parameters in callables()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_public_callable_shows_a_secret_that_it_was_given(name: str) -> None:
    """U-I5, U-I3."""
    value, parameters = ALL[name]

    for parameter in parameters:
        if parameter.name in NAMES_THINGS or f"{name}.{parameter.name}" in PLAIN:
            continue
        for bad, looks in bad_for(parameter):
            positional, named = arguments_for(parameters, {parameter.name: bad})
            texts = outcome(partial(value, *positional, **named), looks=looks)
            shown = [text for text in texts if MARKER in text]
            assert shown == [], f"{name}({parameter.name}={type(bad).__name__}) shows it: {shown[0][-300:]}"


def test_the_walk_reaches_most_of_what_is_public() -> None:
    """The walk above proves something only where a call with good arguments succeeds."""
    reached = 0
    for value, parameters in ALL.values():
        positional, named = arguments_for(parameters, {})
        try:
            result = value(*positional, **named)
        except Exception:  # it was not reached; how many were is counted
            continue
        if inspect.iscoroutine(result):
            result.close()
        reached += 1

    assert len(ALL) > 250
    assert reached / len(ALL) > 0.7


@pytest.mark.parametrize("uri", BAD_URIS)
def test_no_assignment_shows_a_secret(uri: str) -> None:
    """U-I5."""
    request = Request("GET", "https://a.test/")

    texts = outcome(partial(setattr, request, "uri", uri), looks=True)

    assert MARKER not in f"{texts} {request!r} {request.uri!r}"


# --- whole messages ------------------------------------------------------------------------------

SECRET_LINES: Final = [
    *((name, MARKER) for name in ("Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key")),
    ("X-Amz-Security-Token", MARKER),
    ("x-own", secret(MARKER)),
    ("x-octets", secret(MARKER.encode() + b"\xff")),
    ("Location", f"https://u:{MARKER}@a.test/?X-Amz-Signature={MARKER}"),
    ("Link", f"<https://u:{MARKER}@a.test/>; rel=a, <https://v:{MARKER}@b.test/>; rel=b"),
]
SECRET_URI: Final = (
    f"https://u:{MARKER}@a.test/x?X-Amz-Signature={MARKER}&sig={MARKER}&token={MARKER}#id_token={MARKER}"
)


def secret_request() -> Request[BytesBody]:
    return Request("PUT", SECRET_URI, headers=SECRET_LINES, trailers=SECRET_LINES[6:8], body=MARKER.encode())


def secret_response() -> Response[BytesBody]:
    return Response(200, headers=SECRET_LINES, trailers=SECRET_LINES, body=MARKER.encode())


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_no_container_of_a_message_shows_a_secret_and_no_copy_forgets_it(again: Callable[[Any], Any]) -> None:
    """U-I5."""
    request, response = secret_request(), secret_response()
    parts = [request, request.headers, request.trailers, request.uri, request.parts(), request.body, response.headers]
    derived = [request.copy(), request.with_body(b""), request.retarget("https://a.test/"), request.headers.copy()]
    shown = [again(part) for part in (request, request.headers, request.uri, *derived)]

    for found in (*parts, *derived, *shown, response, response.trailers, RequestEditor(request)):
        assert MARKER not in repr(found)
        assert MARKER not in repr({"a": [found], "b": (found,)})
        assert MARKER not in (f"{found}" if not isinstance(found, URI) else "")
    assert MARKER not in repr(list(again(request.headers))[6:8])


def test_a_snapshot_shows_secrets_only_if_asked() -> None:
    """U-I5, U-C6."""
    request = Request("PUT", SECRET_URI, headers=SECRET_LINES, trailers=SECRET_LINES[6:8])
    response = Response(200, headers=SECRET_LINES, trailers=SECRET_LINES)

    assert MARKER not in json.dumps([snapshot_request(request), snapshot_response(response)])
    assert json.dumps(snapshot_request(request, secrets="keep")).count(MARKER) >= 8


def test_settings_show_no_credentials_of_a_proxy() -> None:
    """U-I5: settings are keys of caches and stand in logs."""
    settings = HttpSettings(proxy=f"http://user:{MARKER}@proxy.test:3128")

    for shown in (settings, ConnectorRequirements(settings=settings)):
        assert MARKER not in f"{shown} {shown!r}"
        assert "http://***@proxy.test:3128" in repr(shown)
    assert "proxy=None" in repr(HttpSettings())


def test_signing_and_its_explanations_show_no_secret() -> None:
    """U-I5: credentials, traces, changes and the explanation of a mismatch."""
    credentials = Credentials("AKID", MARKER, session_token=MARKER)
    signer = SigV4Signer(credentials, region="eu", service="s3")
    given = ("PUT", "https://a.test", f"/x?sig={MARKER}", [("Cookie", MARKER), ("X-Api-Key", MARKER)])
    trace = signer.trace(*given, content_digest="ab" * 32, now=NOW)
    changes = signer.sign(*given, content_digest="ab" * 32, now=NOW)

    theirs = trace.canonical_request.replace(MARKER, MARKER + "x").replace("PUT", "GET")

    for shown in (credentials, signer, trace, changes, explain_mismatch(trace, theirs)):
        assert MARKER not in f"{shown} {shown!r}"


def test_the_outcome_of_a_connect_call_shows_no_field_value() -> None:
    """U-I5."""
    headers = [("Set-Cookie", MARKER), ("Content-Type", "application/proto"), ("trailer-x", MARKER)]

    shown = [read_response(status, headers, MARKER.encode(), codec="proto", kind="unary") for status in (200, 404, 500)]

    assert MARKER not in repr(shown)


class _Fails:
    """A signer that fails in a way of its own."""

    name = "failing"
    content_digest = None

    def sign(self, *_: object, **__: object) -> object:
        raise stablehttp.SigningError("no")


def test_a_pipeline_shows_no_secret_when_something_fails() -> None:
    """U-I5: no rule for the request, a signer that fails, a connector that cannot."""
    pipelines = [SyncPipeline(SyncMemoryConnector([])), SyncPipeline(SyncMemoryConnector([]), signer=_Fails())]  # type: ignore[arg-type]

    for pipeline in pipelines:
        texts = outcome(partial(pipeline.send, secret_request()), looks=True)
        assert texts
        assert MARKER not in "".join(texts)


# --- the rules themselves ------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(SECRET_FIELDS))
def test_a_secret_field_is_hidden_in_any_case(name: str) -> None:
    """U-I5."""
    for spelled in (name, name.upper(), name.title()):
        assert MARKER not in repr(Fields([(spelled, MARKER)]))


@pytest.mark.parametrize("name", sorted(SECRET_PARAMETERS))
def test_a_secret_parameter_is_hidden_in_any_case_and_encoding(name: str) -> None:
    """U-I5."""
    for spelled in (name, name.upper(), "".join(f"%{ord(character):02x}" for character in name), f"a[{name}]"):
        for text in (f"https://a.test/?x=1&{spelled}={MARKER}&y=2", f"https://a.test/x#{spelled}={MARKER}&y=2"):
            shown = redact_uri(text)
            assert MARKER not in shown
            assert shown.endswith("&y=2")


@pytest.mark.parametrize(
    "text",
    [
        "https://a.test/?" + "a=%20;" * 5_000,
        "https://a.test/?" + "?a=%3Da" * 4_000,
        "https://a.test/?" + ";a=1" * 10_000,
        "https://a.test/?u=%" + "25" * 10_000 + "3D",
        "https://a.test/?u=" + "%25" * 10_000,
        "//" * 20_000 + "@",
        "//a:" * 10_000 + "@",
        "https://a.test/" + ";x" * 20_000 + "=1",
    ],
    ids=lambda text: text[:24],
)
def test_redaction_costs_no_more_than_the_text_is_long(text: str) -> None:
    """A peer chooses what stands in `Location`, so its length must not be squared."""
    began = process_time()

    redact_uri(text)
    show_uri(text)

    assert process_time() - began < 2


@pytest.mark.parametrize("times", range(6))
def test_a_secret_is_hidden_however_often_it_is_encoded(times: int) -> None:
    """U-I5: also where nobody decodes that often."""
    inner = f"https://b.test/?sig={MARKER}"
    for _ in range(times):
        inner = quote(inner, safe="")

    assert MARKER not in redact_uri(f"https://a.test/?u={inner}&page=2")
    assert redact_uri(f"https://a.test/?u={inner}&page=2").endswith("&page=2")


@pytest.mark.parametrize(
    "text",
    [
        "https://a.test/x?y=1&z",
        "https://a.test:8443//b@c/?d=e@f",
        "https://[::1]:80/@",
        "/x;v=1/y?a=%3D&b=a%20b",
        "https://a.test/?sig=",
        "https://a.test/?q=what%3Fa%3Db",
    ],
)
def test_what_is_no_secret_is_shown(text: str) -> None:
    assert redact_uri(text) == text.replace("//b@", "//***@")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p/w@a.test/x y", "'https://***@a.test/x y'"),
        ("u:p@a.test", "'***@a.test'"),
        ("https://a.test:port/", "'https://a.test:***/'"),
        ("/a?sig=x", "'/a'"),
        ("https://a b/#c", "'https://a b/'"),
    ],
)
def test_an_error_about_a_uri_shows_where_it_leads_and_no_more(text: str, shown: str) -> None:
    """U-I3."""
    with pytest.raises(InvalidURIError) as caught:
        URI(text)

    assert shown in str(caught.value) or "holds ' '" in str(caught.value)
