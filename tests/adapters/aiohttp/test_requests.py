"""What arrives is what was completed: each thing that aiohttp would do to a request by itself is undone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stablehttp import (
    URI,
    AsyncPipeline,
    BodyColourError,
    BytesBody,
    DisconnectedError,
    MisuseError,
    Request,
    StableHTTPError,
    UnsupportedTransportError,
    secret,
)
from stablehttp.testing import Answer, Close, Origin
from stablehttp_aiohttp import AsyncAiohttpConnector


async def two_chunks() -> AsyncIterator[bytes]:
    yield b"first"
    yield b"second"


@pytest.mark.parametrize("method", ["get", "Head", "head", "M-SEARCH", "pUt"])
async def test_a_method_arrives_in_the_case_it_was_given(
    origin: Origin, connector: AsyncAiohttpConnector, method: str
) -> None:
    """U-B1.  Only `HEAD` itself has a response without content."""
    origin.answer(Answer(200, b"content"))

    response = await AsyncPipeline(connector).send(Request(method, origin.url + "/"))

    assert await response.aread() == b"content"
    assert (await origin.atake()).method == method.encode()


@pytest.mark.parametrize(
    "target",
    ["*", "/?", "//a", "/a/../b", "/%2f%2F%zz", "/|[]{}^`\\", "/?a=b?c=d", "http://else.test/x", "/'?q='&&"],
    ids=str,
)
async def test_a_target_arrives_octet_for_octet(origin: Origin, connector: AsyncAiohttpConnector, target: str) -> None:
    """U-B1."""
    response = await AsyncPipeline(connector).send(Request("OPTIONS", URI.verbatim(origin.url, target)))
    await response.aread()

    assert (await origin.atake()).target == target.encode()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS"])
async def test_no_line_is_added_moved_or_dropped(origin: Origin, connector: AsyncAiohttpConnector, method: str) -> None:
    """U-B2, U-K1."""
    lines = [("X-D", "1"), ("Y", "2"), ("x-d", "3"), ("Cookie", "a=1"), ("cookie", "b=2"), ("Authorization", "x")]
    request = Request(method, origin.url + "/", headers=lines)

    response = await AsyncPipeline(connector).send(request)
    await response.aread()

    received = await origin.atake()
    framing = [(b"Content-Length", b"0")] if method in ("POST", "PUT", "PATCH") else []
    expected = [(b"Host", origin.authority.encode()), *((a.encode(), b.encode()) for a, b in lines), *framing]
    assert list(received.fields) == expected


async def test_transfer_encoding_stays_where_it_was_put(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-H1."""
    lines = [("A", "1"), ("Transfer-Encoding", "chunked"), ("B", "2")]

    response = await AsyncPipeline(connector).send(Request("POST", origin.url, headers=lines, body=two_chunks()))
    await response.aread()

    received = await origin.atake()
    assert [name for name, _ in received.fields] == [b"Host", b"A", b"Transfer-Encoding", b"B"]
    assert (received.content, received.chunks) == (b"firstsecond", (5, 6))


async def test_a_declared_length_is_sent_for_a_stream_and_nothing_is_chunked(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-H1."""
    request = Request("PUT", origin.url, headers=[("Content-Length", "11")], body=two_chunks())

    response = await AsyncPipeline(connector).send(request)
    await response.aread()

    received = await origin.atake()
    assert received.raw_content == b"firstsecond"
    assert received.values("transfer-encoding") == ()


async def test_chunked_content_that_is_empty_has_its_last_chunk(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    request = Request("POST", origin.url, headers=[("Transfer-Encoding", "chunked")], body=b"")

    response = await AsyncPipeline(connector).send(request)
    await response.aread()

    assert (await origin.atake()).raw_content == b"0\r\n\r\n"


async def test_large_content_arrives_whole_in_both_framings(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-B6."""
    content = bytes(range(256)) * 8192
    pipeline = AsyncPipeline(connector)

    for headers in ([], [("Transfer-Encoding", "chunked")]):
        await (await pipeline.send(Request("PUT", origin.url, headers=headers, body=content))).aread()
        assert (await origin.atake()).content == content


async def test_a_secret_value_is_sent_as_it_is(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    response = await AsyncPipeline(connector).send(
        Request("GET", origin.url, headers=[("Authorization", secret("token"))])
    )
    await response.aread()

    assert (await origin.atake()).values("authorization") == (b"token",)


async def test_userinfo_becomes_no_credentials(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-B2, U-D4."""
    response = await AsyncPipeline(connector).send(Request("GET", f"http://user:pass@{origin.authority}/"))
    await response.aread()

    assert (await origin.atake()).values("authorization") == ()


async def test_an_ipv6_host_keeps_its_brackets() -> None:
    """U-B10."""
    with Origin(host="::1") as origin:
        async with AsyncAiohttpConnector() as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url + "/"))
            await response.aread()

        assert origin.take().values("host") == (origin.authority.encode(),)
        assert response.connection.peer == origin.authority


@pytest.mark.parametrize(
    ("request_", "capability"),
    [
        pytest.param(Request("CONNECT", "http://a.test/"), "the CONNECT method", id="CONNECT"),
        pytest.param(
            Request("POST", "http://a.test/", headers=[("Host", "a.test")], trailers=[("X-T", "1")], body=b"x"),
            "request trailers",
            id="trailers",
        ),
        pytest.param(
            Request("GET", "http://a.test/", headers=[("Host", "a.test"), ("X", "é".encode())]),
            "octets above 0x7F in request field values",
            id="octets above 0x7F",
        ),
    ],
)
async def test_what_aiohttp_would_change_is_refused_before_connecting(
    connector: AsyncAiohttpConnector, request_: Request[BytesBody], capability: str
) -> None:
    with pytest.raises(UnsupportedTransportError, match="connector 'aiohttp' does not offer") as caught:
        await connector.send(request_)

    assert (caught.value.capability, caught.value.sent, caught.value.processed) == (capability, "no", "no")
    assert caught.value.alternatives == ("h11",)


@pytest.mark.parametrize("body", [None, b"content"])
async def test_a_request_that_was_not_completed_is_refused(
    connector: AsyncAiohttpConnector, body: bytes | None
) -> None:
    with pytest.raises(MisuseError, match="not completed"):
        await connector.send(Request("GET", "http://a.test/", body=body))


async def test_content_of_the_other_colour_is_refused(connector: AsyncAiohttpConnector) -> None:
    """U-H5."""
    request = Request("PUT", "http://a.test/", headers=[("Host", "a.test")], body=[b"x"])

    with pytest.raises(BodyColourError):
        await connector.send(request)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_a_request_is_sent_once_when_a_kept_connection_breaks(
    origin: Origin, connector: AsyncAiohttpConnector, method: str
) -> None:
    """U-E4: aiohttp would send these again by itself."""
    origin.script([Answer(200, b"first"), Answer.failing(Close(), "request")])
    pipeline = AsyncPipeline(connector)
    await (await pipeline.send(Request("GET", origin.url + "/first"))).aread()

    with pytest.raises(DisconnectedError) as caught:
        await pipeline.send(Request(method, origin.url + "/second"))

    assert (caught.value.sent, caught.value.processed) == ("maybe", "maybe")
    assert [request.target for request in origin.requests] == [b"/first", b"/second"]


async def test_a_second_attempt_of_aiohttp_is_stopped_should_it_make_one(
    origin: Origin, connector: AsyncAiohttpConnector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """U-E4: the session is told of a method that it does not send twice; were it to, the middleware stops it."""
    monkeypatch.setattr("stablehttp_aiohttp._connector._NOT_SENT_TWICE", "GET")
    origin.script([Answer(200, b"first"), Answer.failing(Close(), "request")])
    pipeline = AsyncPipeline(connector)
    await (await pipeline.send(Request("GET", origin.url))).aread()

    with pytest.raises(DisconnectedError) as caught:
        await pipeline.send(Request("PUT", origin.url, body=b"content"))

    assert (caught.value.sent, origin.count) == ("maybe", 2)


async def test_connection_close_ends_the_connection(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    pipeline = AsyncPipeline(connector)
    origin.answer(Answer(200, b"content", connection="keep"))

    for headers in ([("Connection", "x, Close")], []):
        response = await pipeline.send(Request("GET", origin.url, headers=headers))
        await response.aread()
        assert response.connection.reused is False

    await origin.awatch(lambda: [each.ended for each in origin.connections] == ["client closed", "open"])


async def test_sending_leaves_the_request_as_it_was(origin: Origin, connector: AsyncAiohttpConnector) -> None:
    """U-B3."""
    request = Request("PUT", origin.url, headers=[("X-A", "1")], body=b"content")
    before = request.copy()

    await (await AsyncPipeline(connector).send(request)).aread()

    assert request == before


async def test_an_empty_stream_that_gives_octets_after_all_is_stopped(
    origin: Origin, connector: AsyncAiohttpConnector
) -> None:
    """U-H2."""
    request = Request("PUT", origin.url, headers=[("Content-Length", "0")], body=two_chunks())

    with pytest.raises(StableHTTPError, match="more octets"):
        await AsyncPipeline(connector).send(request)

    assert all(b"first" not in received.raw_content for received in origin.requests)
