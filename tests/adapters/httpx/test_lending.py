"""Transports and clients of the caller's own: what may be lent, and that it stays as it was (U-A4, U-B9, U-D5)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from importlib import import_module

import httpx
import pytest

from stablehttp import (
    AsyncPipeline,
    Capability,
    ClosedError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    Request,
    SyncPipeline,
    Timeouts,
    TotalTimeoutError,
    TransportError,
    UnsupportedTransportError,
)
from stablehttp.testing import Answer, Origin
from stablehttp_httpx import AsyncHttpxConnector, SyncHttpxConnector


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def other_package() -> str:
    name = httpx.__name__
    return name.removesuffix("2") if name.endswith("2") else f"{name}2"


# --- what may be lent ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "MockTransport"])
def test_an_object_of_the_other_package_is_refused_by_name(kind: str) -> None:
    """U-A4."""
    other = pytest.importorskip(other_package())
    made = getattr(other, kind)(lambda request: None) if kind == "MockTransport" else getattr(other, kind)()

    for connector in (AsyncHttpxConnector, SyncHttpxConnector):
        with pytest.raises(MisuseError) as caught:
            connector(made)
        text = str(caught.value)
        assert f"of package {other.__name__!r}" in text
        assert f"of package {httpx.__name__!r}" in text
        assert f"stablehttp_{other.__name__}" in text


@pytest.mark.parametrize(
    ("connector", "lent", "says"),
    [
        pytest.param(AsyncHttpxConnector, httpx.Client, "give it to SyncHttpxConnector", id="a client of blocking"),
        pytest.param(AsyncHttpxConnector, httpx.HTTPTransport, "SyncHttpxConnector", id="a transport of blocking"),
        pytest.param(SyncHttpxConnector, httpx.AsyncClient, "AsyncHttpxConnector", id="a client of awaiting"),
        pytest.param(SyncHttpxConnector, httpx.AsyncHTTPTransport, "AsyncHttpxConnector", id="a transport of awaiting"),
        pytest.param(AsyncHttpxConnector, lambda: "https://a.test", "builtins.str", id="a string"),
        pytest.param(AsyncHttpxConnector, lambda: httpx.AsyncClient, "give an instance", id="a class"),
    ],
)
def test_what_is_no_client_of_this_colour_is_refused_by_name(
    connector: Callable[[object], object], lent: Callable[[], object], says: str
) -> None:
    with pytest.raises(MisuseError, match=says):
        connector(lent())


def test_settings_that_a_lent_client_would_not_heed_are_refused() -> None:
    with pytest.raises(MisuseError, match="configure that one"):
        AsyncHttpxConnector(httpx.AsyncClient(), settings=HttpSettings(max_connections=5))

    AsyncHttpxConnector(httpx.AsyncClient(), settings=HttpSettings(connect_timeout=1))


async def _hook(message: object) -> None: ...


@pytest.mark.parametrize("event", ["request", "response"])
def test_a_client_with_event_hooks_is_refused(event: str) -> None:
    with pytest.raises(MisuseError, match="event_hooks"):
        AsyncHttpxConnector(httpx.AsyncClient(event_hooks={event: [_hook]}))


async def test_event_hooks_that_come_later_are_refused_before_sending(origin: Origin) -> None:
    async with httpx.AsyncClient() as client:
        connector = AsyncHttpxConnector(client)
        client.event_hooks = {"request": [_hook]}

        with pytest.raises(MisuseError, match="event_hooks"):
            await AsyncPipeline(connector).send(Request("GET", origin.url))
    assert origin.connections == ()


def test_a_client_that_takes_proxies_from_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """U-D4."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")

    with pytest.raises(MisuseError, match="trust_env"):
        AsyncHttpxConnector(httpx.AsyncClient())

    AsyncHttpxConnector(httpx.AsyncClient(trust_env=False))
    AsyncHttpxConnector(httpx.AsyncHTTPTransport())


async def test_a_closed_client_is_refused() -> None:
    client = httpx.AsyncClient()
    connector = AsyncHttpxConnector(client)
    await client.aclose()

    with pytest.raises(ClosedError):
        AsyncHttpxConnector(client)
    with pytest.raises(ClosedError):
        await AsyncPipeline(connector).send(Request("GET", "http://a.test/"))


# --- what reaches the wire -----------------------------------------------------------------------

DEFAULTS = {
    "params": {"lent": "1"},
    "headers": {"X-Lent": "1"},
    "cookies": {"lent": "1"},
    "auth": ("lent", "lent"),
    "base_url": "http://lent.test/lent",
    "follow_redirects": True,
}


async def test_no_default_of_a_lent_client_reaches_the_wire(origin: Origin) -> None:
    """U-B9: `params` would replace the query."""
    origin.answer(Answer(302, fields=[("Location", "/elsewhere")]))
    async with httpx.AsyncClient(**DEFAULTS) as client:  # type: ignore[arg-type]
        response = await AsyncPipeline(AsyncHttpxConnector(client)).send(Request("get", origin.url + "/p?q=1"))
        await response.aclose()
    received = await origin.atake()

    assert response.status == 302
    assert (received.method, received.target, origin.count) == (b"get", b"/p?q=1", 1)
    assert [name for name, _ in received.fields] == [b"Host"]


def test_no_default_of_a_lent_blocking_client_reaches_the_wire(origin: Origin) -> None:
    with httpx.Client(**DEFAULTS) as client:  # type: ignore[arg-type]
        response = SyncPipeline(SyncHttpxConnector(client)).send(Request("get", origin.url + "/p?q=1", body=b"x"))
        response.close()
    received = origin.take()

    assert (received.method, received.target, received.content) == (b"get", b"/p?q=1", b"x")
    assert [name for name, _ in received.fields] == [b"Host", b"Content-Length"]


async def test_a_lent_client_keeps_its_cookies_and_gets_none(origin: Origin) -> None:
    """U-D3, U-D5: neither a new one, nor another value, nor a deletion."""
    fields = [("Set-Cookie", "new=1"), ("Set-Cookie", "kept=other"), ("Set-Cookie", "gone=; Max-Age=0")]
    async with httpx.AsyncClient() as client:
        origin.answer(Answer(200, fields=[("Set-Cookie", "kept=mine"), ("Set-Cookie", "gone=not")]))
        await client.get(origin.url)
        before = {(cookie.name, cookie.value) for cookie in client.cookies.jar}
        origin.answer(Answer(200, fields=fields))

        await AsyncPipeline(AsyncHttpxConnector(client)).send(Request("GET", origin.url))

        assert before == {("kept", "mine"), ("gone", "not")}
        assert {(cookie.name, cookie.value) for cookie in client.cookies.jar} == before


def test_a_lent_blocking_client_keeps_its_cookies_and_gets_none(origin: Origin) -> None:
    origin.answer(Answer(200, fields=[("Set-Cookie", "new=1")]))
    with httpx.Client() as client:
        SyncPipeline(SyncHttpxConnector(client)).send(Request("GET", origin.url))

        assert list(client.cookies.jar) == []


async def test_userinfo_is_no_credential_for_a_lent_client(origin: Origin) -> None:
    uri = origin.url.replace("://", "://user:secret@")
    async with httpx.AsyncClient() as client:
        await AsyncPipeline(AsyncHttpxConnector(client)).send(Request("GET", uri))

    assert (await origin.atake()).values("authorization") == ()


async def test_what_was_lent_can_be_used_on(origin: Origin) -> None:
    """U-D5: closing the connector closes nothing that was lent."""
    transport = httpx.AsyncHTTPTransport()
    async with httpx.AsyncClient(transport=transport) as client:
        for lent in (transport, client):
            async with AsyncHttpxConnector(lent) as connector:
                await AsyncPipeline(connector).send(Request("GET", origin.url))
        response = await client.get(origin.url)

    assert response.status_code == 200
    assert len(origin.connections) == 1


# --- transports without a network ----------------------------------------------------------------


async def test_a_mock_sees_the_whole_url() -> None:
    """The target beside the URL would be lost on it."""
    seen: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        await request.aread()
        return httpx.Response(200, content=b"mocked")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"content"

    connector = AsyncHttpxConnector(httpx.MockTransport(answer))
    response = await AsyncPipeline(connector).send(Request("put", "https://a.test/p%2f?q='", body=chunks()))

    assert await response.aread() == b"mocked"
    assert (seen[0].method, seen[0].url.raw_path, seen[0].content) == ("put", b"/p%2f?q='", b"content")
    assert response.connection.reused is None


def test_a_blocking_mock_is_sent_through() -> None:
    connector = SyncHttpxConnector(httpx.MockTransport(lambda request: httpx.Response(201, content=b"mocked")))

    response = SyncPipeline(connector).send(Request("GET", "https://a.test/"))

    assert (response.status, response.read()) == (201, b"mocked")


async def test_an_application_in_this_process_is_sent_to() -> None:
    async def application(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"1")]})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"asgi"})  # type: ignore[misc]

    connector = AsyncHttpxConnector(httpx.ASGITransport(application))  # type: ignore[arg-type]
    response = await AsyncPipeline(connector).send(Request("GET", "http://a.test/"))

    assert (response.headers["X-A"], await response.aread()) == ("1", b"asgi")


async def test_what_a_mock_raises_comes_out_in_our_words() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise KeyError("not ours")

    with pytest.raises(TransportError) as caught:
        await AsyncPipeline(AsyncHttpxConnector(httpx.MockTransport(fail))).send(Request("GET", "http://a.test/"))

    assert isinstance(caught.value.__cause__, KeyError)
    assert caught.value.processed == "maybe"


async def test_limits_that_a_mock_does_not_keep_are_refused_and_the_total_is_kept() -> None:
    """U-D1."""

    async def never(request: httpx.Request) -> httpx.Response:
        await import_module("asyncio").Event().wait()
        raise AssertionError

    connector = AsyncHttpxConnector(httpx.MockTransport(never))
    assert Capability.READ_TIMEOUT not in connector.capabilities[HttpVersion.HTTP_1_1]
    with pytest.raises(UnsupportedTransportError):
        AsyncPipeline(connector, timeouts=Timeouts(read=5))
    with pytest.raises(TotalTimeoutError):
        await AsyncPipeline(connector, timeouts=Timeouts(total=0.05)).send(Request("GET", "http://a.test/"))
