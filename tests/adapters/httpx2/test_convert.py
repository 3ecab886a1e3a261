"""What becomes of a request on its way to httpx2, and of one on its way from it: each difference of the client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from stablehttp import (
    URI,
    AnyRequest,
    AsyncPipeline,
    BodyTakenError,
    Capability,
    HttpSettings,
    HttpVersion,
    InvalidFieldError,
    InvalidResponseError,
    MisuseError,
    Request,
    UnsupportedTransportError,
    with_checksum,
)
from stablehttp._completion import complete
from stablehttp.testing import Answer, Origin
from stablehttp_httpx2 import AsyncHttpx2Connector, SyncHttpx2Connector, from_httpx2, to_httpx2
from stablehttp_httpx2._convert import read_head

LINES = [("X-D", "1"), ("X-E", "e"), ("x-d", "2"), ("X-D", "3"), ("X-Empty", "")]


def completed(request: AnyRequest) -> AnyRequest:
    complete(request)
    return request


async def pieces() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


# --- out -----------------------------------------------------------------------------------------


def test_a_request_gets_no_line_but_its_own() -> None:
    """U-B2: httpx2 would add Accept, Accept-Encoding, Connection and User-Agent."""
    request = completed(Request("POST", "https://a.test/p", headers=LINES, body=b"content"))

    converted = to_httpx2(request)

    assert converted.headers.raw == [
        (b"Host", b"a.test"),
        *((name.encode(), value.encode()) for name, value in LINES),
        (b"Content-Length", b"7"),
    ]


@pytest.mark.parametrize("method", ["get", "Post", "M-SEARCH"])
def test_the_method_keeps_its_case(method: str) -> None:
    assert to_httpx2(completed(Request(method, "https://a.test/"))).method == method


def test_octets_above_0x7f_stay_octets() -> None:
    """U-K5."""
    request = completed(Request("GET", "https://a.test/", headers=[("X-Octets", b"caf\xc3\xa9\xff")]))

    assert to_httpx2(request).headers.raw[-1] == (b"X-Octets", b"caf\xc3\xa9\xff")


def test_each_conversion_gives_a_new_object_that_shares_nothing() -> None:
    """W2: changing what was handed out changes nothing of ours."""
    request = completed(Request("GET", "https://a.test/p", headers=LINES))
    before = request.headers.items()

    first, second = to_httpx2(request), to_httpx2(request)
    first.headers["X-D"] = "changed"
    first.method = "DELETE"

    assert first is not second
    assert second.headers.raw[1] == (b"X-D", b"1")
    assert (request.method, request.headers.items()) == ("GET", before)


TARGETS = {"an asterisk": "*", "a quote": '/a"b', "the absolute form": "http://b.test/x", "a backslash": "/a\\b<c>"}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
def test_a_target_that_httpx2_would_change_is_refused(target: str) -> None:
    """U-B1: mocks and proxies get the whole URL, and that is parsed."""
    request = completed(Request("OPTIONS", URI.verbatim("https://a.test", target)))

    with pytest.raises(UnsupportedTransportError) as caught:
        to_httpx2(request)

    error = caught.value
    assert (error.transport, error.sent, error.capability) == ("httpx2", "no", "this target, as it stands")


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
async def test_a_transport_of_our_own_sends_any_target(
    target: str, origin: Origin, connector: AsyncHttpx2Connector
) -> None:
    """U-B1: the target travels beside the URL."""
    request = Request("OPTIONS", URI.verbatim(origin.url, target))

    await (await AsyncPipeline(connector).send(request)).aread()

    assert (await origin.atake()).target == target.encode()


def test_a_request_that_nobody_completed_is_refused() -> None:
    with pytest.raises(MisuseError, match="not completed"):
        to_httpx2(Request("GET", "https://a.test/", headers=[("X-A", "1"), ("Host", "a.test")]))


async def test_streamed_content_is_given_once() -> None:
    """U-E4: a transport that repeats requests would send an empty second one."""
    converted = to_httpx2(completed(Request("PUT", "https://a.test/", body=pieces())))
    assert isinstance(converted.stream, httpx2.AsyncByteStream)

    assert [piece async for piece in converted.stream] == [b"one", b"two"]
    with pytest.raises(BodyTakenError, match="lend one that does not repeat"):
        aiter(converted.stream)


async def test_chunks_are_sent_as_they_are_and_large_ones_in_pieces() -> None:
    chunk = b"x" * 65_536

    async def chunks() -> AsyncIterator[bytes]:
        yield chunk
        yield b"y" * 150_000
        yield bytearray(b"changes")  # type: ignore[misc]

    stream = to_httpx2(completed(Request("PUT", "https://a.test/", body=chunks()))).stream
    assert isinstance(stream, httpx2.AsyncByteStream)
    given = [piece async for piece in stream]

    assert given[0] is chunk
    assert [len(piece) for piece in given] == [65_536, 65_536, 65_536, 18_928, 7]
    assert type(given[-1]) is bytes


@pytest.mark.parametrize("colour", ["async", "sync"])
async def test_trailers_and_connect_are_refused_by_name(colour: str, origin: Origin) -> None:
    """Nothing is dropped silently, also without a pipeline."""
    trailing = completed(Request("PUT", origin.url, body=b"x", trailers=[("X-Sum", "1")]))
    computing = completed(Request("PUT", origin.url, body=with_checksum(b"x", "X-Sum")))
    tunnel = completed(Request("CONNECT", URI.verbatim(origin.url, "a.test:443")))

    needs = ((trailing, Capability.REQUEST_TRAILERS), (computing, Capability.REQUEST_TRAILERS))
    for request, missing in (*needs, (tunnel, Capability.CONNECT_METHOD)):
        with pytest.raises(UnsupportedTransportError, match=missing.value):
            to_httpx2(request)
        with pytest.raises(UnsupportedTransportError) as caught:
            if colour == "async":
                await AsyncHttpx2Connector().send(request)  # type: ignore[arg-type]
            else:
                SyncHttpx2Connector().send(request)  # type: ignore[arg-type]
        assert (caught.value.transport, caught.value.capability) == ("httpx2", missing.value)
    assert origin.connections == ()


async def test_http2_takes_names_in_lower_case_and_host_as_authority() -> None:
    """U-K1: and our `Transfer-Encoding` is dropped."""
    async with Origin(http2=True) as origin, AsyncHttpx2Connector(versions=(HttpVersion.HTTP_2,)) as connector:
        lines = [*LINES, ("Host", "override.test:1")]
        request = Request("PUT", origin.url + "/p", headers=lines, body=pieces())
        await (await AsyncPipeline(connector).send(request)).aread()
        received = await origin.atake()

    assert (received.http_version, received.authority, received.content) == ("HTTP/2", b"override.test:1", b"onetwo")
    assert received.fields == tuple((name.lower().encode(), value.encode()) for name, value in LINES)


async def test_a_proxy_gets_the_absolute_form() -> None:
    async with Origin(Answer(200, b"from the proxy")) as proxy:
        async with AsyncHttpx2Connector(settings=HttpSettings(proxy=proxy.url)) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", "http://a.test/p%2f?q='"))
            content = await response.aread()
        received = await proxy.atake()

    assert content == b"from the proxy"
    assert (received.target, received.values("host")) == (b"http://a.test/p%2f?q='", (b"a.test",))


# --- in ------------------------------------------------------------------------------------------


def test_a_request_of_httpx2_is_read_and_checked_at_once() -> None:
    theirs = httpx2.Request(
        "POST", "https://a.test:8443/p%2f?q=1&q", headers=[("X-A", "1"), ("x-a", "2")], content=b"c"
    )

    ours = from_httpx2(theirs)
    theirs.headers["X-A"] = "changed"

    assert (ours.method, str(ours.uri), ours.target) == ("POST", "https://a.test:8443/p%2f?q=1&q", "/p%2f?q=1&q")
    assert ours.headers.values("X-A") == ("1", "2")
    assert ours.headers["Content-Length"] == "1"
    assert ours.body.length == 1


def test_a_target_beside_the_url_is_taken_over() -> None:
    theirs = httpx2.Request("OPTIONS", "https://a.test/", extensions={"target": b"*"})

    assert from_httpx2(theirs).target == "*"


async def test_a_stream_stays_a_stream() -> None:
    theirs = httpx2.Request("PUT", "https://a.test/", content=pieces())

    ours = from_httpx2(theirs)

    assert ours.body.length is None
    assert [chunk async for chunk in ours.body] == [b"one", b"two"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param((b"X-A", b"a\x00b"), id="NUL in a value"),
        pytest.param((b"X-A\r\nX-B", b"1"), id="CRLF in a name"),
        pytest.param((b"X A", b"1"), id="a space in a name"),
    ],
)
def test_a_line_that_httpx2_let_through_is_refused(line: tuple[bytes, bytes]) -> None:
    theirs = httpx2.Request("GET", "https://a.test/", headers=[line])

    with pytest.raises(InvalidFieldError):
        from_httpx2(theirs)


async def test_fields_that_an_http2_server_may_not_send_are_an_invalid_response() -> None:
    """httpx2 hands them out without a look."""
    for line in (("x-a", "a\r\nx-b: 1"), ("x-a", "a\0b"), ("x a", "1"), ("X-Ä".encode(), b"1")):
        async with Origin(Answer(200, fields=[line]), http2=True) as origin:
            async with AsyncHttpx2Connector(versions=(HttpVersion.HTTP_2,)) as connector:
                with pytest.raises(InvalidResponseError):
                    await AsyncPipeline(connector).send(Request("GET", origin.url))


@pytest.mark.parametrize("status", [101, 99, 1000])
def test_a_status_that_is_not_final_is_an_invalid_response(status: int) -> None:
    with pytest.raises(InvalidResponseError):
        read_head(httpx2.Response(status), "GET")


def test_lines_of_a_response_are_kept_as_they_came() -> None:
    """U-K2."""
    lines = [(b"X-A", b"1"), (b"Set-Cookie", b"a=1"), (b"x-a", b" 2 "), (b"Set-Cookie", b"b=\xe9")]

    head = read_head(httpx2.Response(200, headers=lines, extensions={"reason_phrase": b"\xe9"}), "GET")

    assert head.headers.values("X-A") == ("1", "2")
    assert head.headers.values("set-cookie") == ("a=1", "b=é")
    assert [name for name, _ in head.headers.items()] == ["X-A", "Set-Cookie", "x-a", "Set-Cookie"]
    assert head.reason == "é"


async def test_octets_behind_a_response_are_not_the_next_one() -> None:
    """RFC 9112 §9.2: httpx2 would take them for it."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
    async with Origin() as origin, AsyncHttpx2Connector() as connector:
        origin.script([Answer(raw=head + b"ok" + head + b"no", connection="keep"), Answer(200, b"next")])
        pipeline = AsyncPipeline(connector)

        assert await (await pipeline.send(Request("GET", origin.url))).aread() == b"ok"
        assert await (await pipeline.send(Request("GET", origin.url))).aread() == b"next"
        assert len(origin.connections) == 2


@pytest.mark.parametrize("colour", ["async", "sync"])
async def test_a_connection_without_leftovers_is_used_again(colour: str, origin: Origin) -> None:
    """And the look behind the response costs nothing but time."""
    origin.answer(Answer(200, [b"in ", b"chunks"]))
    for number in range(3):
        if colour == "async":
            if number == 0:
                connector = AsyncHttpx2Connector()
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            content = await response.aread()
        else:
            if number == 0:
                blocking = SyncHttpx2Connector()
            response = blocking.send(completed(Request("GET", origin.url)))  # type: ignore[arg-type, assignment]
            content = response.read()  # type: ignore[misc]
        assert content == b"in chunks"
        assert response.connection.reused is (number > 0)
    assert len(origin.connections) == 1
    if colour == "async":
        await connector.aclose()
    else:
        blocking.close()
