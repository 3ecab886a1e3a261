"""Requests and heads of responses: converted once, as they stand, or refused."""

from __future__ import annotations

import pytest
from awscrt.http import HttpHeaders, HttpRequest

from stablehttp import (
    URI,
    AnyRequest,
    BytesBody,
    Capability,
    HttpVersion,
    InvalidBodyError,
    InvalidMessageError,
    InvalidResponseError,
    Request,
    UnsupportedTransportError,
    with_checksum,
)
from stablehttp._completion import complete
from stablehttp_crt import CAPABILITIES, AsyncCrtConnector, from_crt, to_crt
from stablehttp_crt._body import MemoryReader
from stablehttp_crt._convert import Head

HTTP_1, HTTP_2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


def completed(request: Request[BytesBody]) -> Request[BytesBody]:
    complete(request)
    return request


def lines_of(made: HttpRequest) -> list[tuple[str, str]]:
    return list(made.headers)


# --- to the CRT ---------------------------------------------------------------------------------


def test_a_request_for_http_1_has_the_same_method_target_and_lines() -> None:
    """U-B1, U-B2, U-K1."""
    lines = [("X-D", "1"), ("X-E", "e"), ("x-d", "2"), ("X-D", "1"), ("X-Empty", "")]
    request = completed(Request("get", "https://a.test:99/a//b/./..?x='y'&&%2f", headers=lines))

    made = to_crt(request)

    assert (made.method, made.path) == ("get", "/a//b/./..?x='y'&&%2f")
    assert lines_of(made) == [("Host", "a.test:99"), *lines]


def test_a_request_for_http_2_has_names_in_lower_case_and_no_chunked() -> None:
    """U-K1: the CRT makes `:authority` of `host`."""
    lines = [("X-D", "1"), ("TE", "trailers"), ("x-d", "2"), ("Transfer-Encoding", "chunked")]
    request = completed(Request("POST", "https://a.test/", headers=lines, body=b"x"))

    made = to_crt(request, version=HTTP_2)

    assert lines_of(made) == [("host", "a.test"), ("x-d", "1"), ("te", "trailers"), ("x-d", "2")]


def test_each_conversion_gives_a_new_object() -> None:
    """W2: what is done to one does not reach the request, nor another one."""
    request = completed(Request("GET", "https://a.test/", headers=[("X-A", "1")]))

    first, second = to_crt(request), to_crt(request)
    first.method = "PUT"

    assert (request.method, second.method) == ("GET", "GET")
    assert request.headers.items() == [("Host", "a.test"), ("X-A", "1")]


def test_content_in_memory_is_read_from_where_it_is() -> None:
    """U-G3."""
    reader = MemoryReader(b"0123456789")
    buffer = bytearray(4)

    counts = [reader.readinto1(memoryview(buffer)) for _ in range(2)]
    rest = reader.read()

    assert (counts, bytes(buffer), rest, reader.read()) == ([4, 4], b"4567", b"89", b"")


@pytest.mark.parametrize("name", ["X-Long", ":path", ":authority", ":method"])
@pytest.mark.parametrize("size", [4096, 4097])
def test_a_line_of_http_2_may_have_4096_octets_with_its_32(name: str, size: int) -> None:
    value = "a" * (size - 32 - len(name))
    match name:
        case ":path":
            request = Request("GET", "https://a.test/" + value[1:])
        case ":authority":
            request = Request("GET", "https://a.test/", headers=[("Host", value)])
        case ":method":
            request = Request(value, "https://a.test/")
        case _:
            request = Request("GET", "https://a.test/", headers=[(name, value)])
    complete(request)

    if size <= 4096:
        to_crt(request, version=HTTP_2)
    else:
        shown = "'host'" if name == ":authority" else f"{name.lower()!r}"
        with pytest.raises(
            UnsupportedTransportError, match=f"{shown if name != ':authority' else name}.* over HTTP/2"
        ) as caught:
            to_crt(request, version=HTTP_2)
        assert caught.value.sent == "no"
    to_crt(request, version=HTTP_1)


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        (Request("GET", "https://a.test/", headers=[("X-A", b"caf\xe9")]), Capability.OPAQUE_VALUES),
        (Request("POST", "https://a.test/", body=b"x", trailers=[("X-T", "1")]), Capability.REQUEST_TRAILERS),
        (Request("POST", "https://a.test/", body=with_checksum(b"x", "X-T")), Capability.REQUEST_TRAILERS),
        (
            Request("PUT", "https://a.test/", headers=[("Expect", "100-continue")], body=b"x"),
            Capability.EXPECT_CONTINUE,
        ),
    ],
    ids=["a value that is not ASCII", "trailers", "computed trailers", "Expect"],
)
def test_what_would_be_changed_or_dropped_is_refused(request_: AnyRequest, missing: Capability) -> None:
    complete(request_)

    for version in (HTTP_1, HTTP_2):
        with pytest.raises(UnsupportedTransportError) as caught:
            to_crt(request_, version=version)
        assert caught.value.capability == missing.value
        assert missing not in CAPABILITIES[version]


@pytest.mark.parametrize("name", ["Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE"])
def test_a_field_that_http_2_has_no_place_for_is_refused(name: str) -> None:
    """The CRT would drop it without a word."""
    request = completed(Request("GET", "https://a.test/", headers=[(name, "x")]))

    with pytest.raises(InvalidMessageError, match=f"{name.lower()!r} is about one connection"):
        to_crt(request, version=HTTP_2)

    assert (name, "x") in lines_of(to_crt(request))


def test_the_absolute_form_is_refused_for_http_2_and_the_asterisk_is_not() -> None:
    """The CRT would cut it down to its path."""
    absolute = completed(Request("GET", URI.verbatim("https://a.test", "http://b.test/x")))
    asterisk = completed(Request("OPTIONS", URI.verbatim("https://a.test", "*")))

    with pytest.raises(UnsupportedTransportError, match="does not begin with '/'"):
        to_crt(absolute, version=HTTP_2)

    assert to_crt(asterisk, version=HTTP_2).path == "*"
    assert to_crt(absolute).path == "http://b.test/x"


# --- from the CRT -------------------------------------------------------------------------------


def test_a_request_of_the_crt_is_read_and_checked_at_once() -> None:
    """W2: later changes of either do not reach the other."""
    theirs = HttpRequest("get", "/a//b?x=%2f", HttpHeaders([("Host", "a.test:99"), ("X-A", "1"), ("x-a", "2")]))

    ours = from_crt(theirs)
    theirs.method = "PUT"

    assert (ours.method, str(ours.uri), ours.target) == ("get", "https://a.test:99/a//b?x=%2f", "/a//b?x=%2f")
    assert ours.headers.items() == [("Host", "a.test:99"), ("X-A", "1"), ("x-a", "2")]


def test_there_and_back_a_request_is_the_same() -> None:
    """U-K3."""
    request = completed(Request("POST", "https://a.test/?", headers=[("X-A", "1"), ("X-A", "")], body=b"content"))

    back = from_crt(to_crt(request), body=b"content")

    assert back == request


def test_the_origin_and_the_content_are_asked_for_where_the_crt_does_not_tell() -> None:
    bare = HttpRequest("GET", "/", HttpHeaders([("X-A", "1")]))
    filled = HttpRequest("PUT", "/", HttpHeaders([("Host", "a.test")]), MemoryReader(b"x"))

    with pytest.raises(InvalidMessageError, match="give origin="):
        from_crt(bare)
    with pytest.raises(InvalidBodyError, match="give it as body="):
        from_crt(filled)

    assert from_crt(bare, origin="http://b.test").uri.origin == "http://b.test"
    assert from_crt(filled, body=b"x").body.content == b"x"


@pytest.mark.parametrize(
    "lines", [[("Host", "a.test"), ("X A", "1")], [("Host", "a.test"), ("X-A", "1\r\nX-B: 2")]], ids=["name", "value"]
)
def test_an_invalid_request_of_the_crt_is_refused(lines: list[tuple[str, str]]) -> None:
    """U-I1: the CRT checks these only when it sends."""
    with pytest.raises((InvalidMessageError, InvalidResponseError)):
        from_crt(HttpRequest("GET", "/", HttpHeaders(lines)))


# --- heads of responses -------------------------------------------------------------------------


def test_the_lines_of_a_response_keep_order_spelling_and_octets() -> None:
    """U-K2: values that were UTF-8 come out as the octets they were."""
    head = Head("GET", 200, [("X-A", "1"), ("set-cookie", "a"), ("x-a", "é"), ("Set-Cookie", "b")])

    headers = head.headers

    assert headers.values("X-A") == ("1", "é".encode().decode("latin-1"))
    assert [name for name, _ in headers.items()] == ["X-A", "set-cookie", "x-a", "Set-Cookie"]
    assert headers.values("set-cookie") == ("a", "b")


def test_the_status_among_the_lines_of_http_2_is_left_out() -> None:
    head = Head("GET", 200, [(":status", "200"), ("x-a", "1")])

    assert head.headers.items() == [("x-a", "1")]


@pytest.mark.parametrize(
    ("status", "lines"),
    [(99, []), (200, [("X A", "1")]), (200, [("", "1")]), (200, [("X-A", "1\n2")]), (200, [("Content-Length", "1x")])],
    ids=["status", "name", "empty name", "value", "length"],
)
def test_a_head_that_http_does_not_allow_is_an_error(status: int, lines: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidResponseError):
        Head("GET", status, lines)


@pytest.mark.parametrize(
    ("method", "status", "lines", "declared", "framed"),
    [
        ("GET", 200, [("Content-Length", "5")], 5, True),
        ("GET", 200, [("transfer-encoding", "chunked")], None, True),
        ("GET", 200, [], None, False),
        ("HEAD", 200, [("Content-Length", "5")], 0, True),
        ("GET", 204, [], 0, True),
        ("GET", 304, [("Content-Length", "5")], 0, True),
        ("CONNECT", 200, [], 0, True),
        ("CONNECT", 404, [("Content-Length", "5")], 5, True),
    ],
)
def test_how_content_ends_follows_from_method_status_and_fields(
    method: str, status: int, lines: list[tuple[str, str]], declared: int | None, *, framed: bool
) -> None:
    head = Head(method, status, lines)

    assert (head.declared, head.framed) == (declared, framed)


# --- what is declared ---------------------------------------------------------------------------


def test_a_connector_declares_its_versions_and_the_limit_of_http_2() -> None:
    connector = AsyncCrtConnector(versions=[HTTP_1, HTTP_2])

    assert connector.versions == (HTTP_2, HTTP_1)
    assert connector.limits[HTTP_2].field_line == 4096
    assert Capability.DUPLEX in connector.capabilities[HTTP_2]
    assert Capability.DUPLEX not in connector.capabilities[HTTP_1]


@pytest.mark.parametrize(
    ("versions", "duplex"),
    [((HTTP_1,), False), ((HTTP_2,), True), ((HTTP_2, HTTP_1), True)],
    ids=["HTTP/1.1", "HTTP/2", "both"],
)
def test_duplex_is_a_matter_of_the_instance(versions: tuple[HttpVersion, ...], *, duplex: bool) -> None:
    """D7, D12: the class says True, and a connector pinned to HTTP/1.1 says False."""
    connector = AsyncCrtConnector(versions=versions)

    assert AsyncCrtConnector.SUPPORTS_DUPLEX_STREAMING is True
    assert connector.SUPPORTS_DUPLEX_STREAMING is duplex


@pytest.mark.parametrize("versions", [(), (HttpVersion.HTTP_1_0,)], ids=["none", "HTTP/1.0"])
def test_another_version_is_refused(versions: tuple[HttpVersion, ...]) -> None:
    with pytest.raises(UnsupportedTransportError, match="speaks HTTP/1.1 and HTTP/2"):
        AsyncCrtConnector(versions=versions)
