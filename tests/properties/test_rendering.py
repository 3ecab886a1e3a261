"""The big one: whatever sequence of public calls made a request, its octets parse into that request and no other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import h11
from hpack import Decoder, Encoder
from hypothesis import given, settings
from hypothesis import strategies as st

from stablehttp import URI, BytesBody, InvalidMessageError, Request
from stablehttp._completion import complete
from stablehttp._connectors import check_http2

NASTY = st.sampled_from(
    [
        "",
        " ",
        "\r\n",
        "\r\nX-Evil: 1",
        "\n",
        "\0",
        "\t",
        "a",
        "é",
        "\u010d\u010a",
        ":",
        " HTTP/1.1\r\n",
        "chunked",
        "3",
        "#",
    ]
)
TEXT = st.one_of(NASTY, st.text(max_size=6), st.builds("{}{}{}".format, st.just("x"), NASTY, st.just("y")))
NAME = st.one_of(
    TEXT, st.sampled_from(["Host", "Content-Length", "Transfer-Encoding", "X-A", "x-a", "Connection", "TE", "Trailer"])
)
VALUE = st.one_of(TEXT, st.binary(max_size=4))
METHOD = st.one_of(st.sampled_from(["GET", "POST", "get", "X!"]), TEXT)
TARGET = st.one_of(st.sampled_from(["/", "/a?b", "//", "*", "/%zz"]), st.builds("/{}".format, TEXT))
Change = Callable[[Request[BytesBody]], object]


def changes() -> st.SearchStrategy[Change]:
    line = st.tuples(NAME, VALUE)
    return st.one_of(
        st.builds(lambda found: lambda request: request.headers.add(*found), line),
        st.builds(lambda found: lambda request: request.headers.set(*found), line),
        st.builds(lambda found: lambda request: request.headers.__setitem__(*found), line),
        st.builds(lambda found: lambda request: request.headers.setdefault(*found), line),
        st.builds(lambda found: lambda request: request.headers.extend(found), st.lists(line, max_size=3)),
        st.builds(lambda found: lambda request: request.headers.update(found), st.lists(line, max_size=3)),
        st.builds(lambda name: lambda request: request.headers.remove(name), NAME),
        st.builds(lambda method: lambda request: setattr(request, "method", method), METHOD),
        st.builds(lambda target: lambda request: setattr(request, "uri", f"http://a.test{target}"), TARGET),
        st.builds(
            lambda target: lambda request: setattr(request, "uri", URI.verbatim("http://a.test", target)), TARGET
        ),
    )


def request_after(steps: list[Change], content: bytes) -> Request[BytesBody] | None:
    """A completed request, or None if it was refused on the way to the wire."""
    request = Request("POST", "http://a.test/", body=content)
    for step in steps:
        before = (request.method, request.uri, list(request.headers))
        try:
            step(request)
        except (InvalidMessageError, TypeError):
            assert (request.method, request.uri, list(request.headers)) == before
    try:
        complete(request)
    except InvalidMessageError:
        return None
    return request


@settings(max_examples=400, deadline=None)
@given(st.lists(changes(), max_size=6), st.binary(max_size=20))
def test_octets_for_http_1_1_parse_into_the_request_and_nothing_else(steps: list[Change], content: bytes) -> None:
    """U-I1."""
    request = request_after(steps, content)
    if request is None:
        return
    lines = [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers]
    head = b"".join([name + b": " + value + b"\r\n" for name, value in lines])
    body = content
    if "transfer-encoding" in request.headers:
        body = (f"{len(content):x}\r\n".encode() + content + b"\r\n" if content else b"") + b"0\r\n\r\n"
    octets = f"{request.method} {request.target} HTTP/1.1\r\n".encode("ascii") + head + b"\r\n" + body

    parser = h11.Connection(h11.SERVER)
    parser.receive_data(octets)
    event = parser.next_event()

    assert isinstance(event, h11.Request)
    assert event.method == request.method.encode()
    assert event.target == request.target.encode()
    assert [(name.lower(), value) for name, value in lines] == list(event.headers)
    received = b""
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        received += bytes(event.data)
    assert received == (
        content if {"content-length", "transfer-encoding"} & {n.lower() for n, _ in request.headers} else b""
    )
    assert parser.trailing_data[0] == b""


@settings(max_examples=200, deadline=None)
@given(st.lists(changes(), max_size=6))
def test_fields_for_http_2_hold_nothing_that_a_field_may_not_hold(steps: list[Change]) -> None:
    """U-I1: RFC 9113 §8.2.1."""
    request = request_after(steps, b"")
    if request is None:
        return
    with contextlib.suppress(InvalidMessageError):
        check_http2(request.headers)
        lines = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in request.headers]
        lines = [(b":path", request.target.encode("ascii")), (b":method", request.method.encode("ascii")), *lines]

        decoded = Decoder().decode(Encoder().encode(lines), raw=True)

        assert [(bytes(name), bytes(value)) for name, value in decoded] == lines
        for name, value in lines:
            assert name
            assert not set(name.lstrip(b":")) & set(b"\0\r\n: \x7f")
            assert not set(value) & set(b"\0\r\n")
            assert value == value.strip(b" \t")
            assert name not in (b"connection", b"keep-alive", b"upgrade", b"proxy-connection")
