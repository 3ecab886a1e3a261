"""Pools that are lent: used as they are, and never closed."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from stablehttp import (
    AsyncPipeline,
    Capability,
    ClosedError,
    ForeignLoopError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    Request,
    Timeouts,
    TLSSettings,
    UnsupportedTransportError,
)
from stablehttp.testing import TLS, Answer, Gate, Origin
from stablehttp_aiohttp import CAPABILITIES, AsyncAiohttpConnector


async def test_a_lent_connector_is_used_and_stays_usable(origin: Origin) -> None:
    """U-D5."""
    async with aiohttp.TCPConnector() as lent:
        for _ in range(2):
            async with AsyncAiohttpConnector(lent) as connector:
                await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()

        assert not lent.closed
        async with aiohttp.ClientSession(connector=lent, connector_owner=False) as session:
            async with session.get(origin.url) as response:
                assert response.status == 200

    assert len(origin.connections) == 1


async def test_of_a_lent_session_only_the_connector_is_used(origin: Origin) -> None:
    """U-B9, U-D5: its defaults do not reach the wire."""
    origin.answer(Answer(200, fields=[("Set-Cookie", "b=2")]))
    async with aiohttp.ClientSession(
        headers={"X-Default": "1"}, cookies={"a": "1"}, auth=None, raise_for_status=True, proxy="http://127.0.0.1:9"
    ) as session:
        async with AsyncAiohttpConnector(session) as connector:
            await (await AsyncPipeline(connector).send(Request("GET", origin.url))).aread()

        assert not session.closed
        assert [cookie.key for cookie in session.cookie_jar] == ["a"]

    assert [name for name, _ in (await origin.atake()).fields] == [b"Host"]


async def test_the_tls_settings_of_a_lent_connector_hold() -> None:
    import ssl

    with Origin(tls=TLS()) as origin:
        context = ssl.create_default_context(cafile=str(origin.ca_file))
        async with aiohttp.TCPConnector(ssl=context) as lent, AsyncAiohttpConnector(lent) as connector:
            response = await AsyncPipeline(connector).send(Request("GET", origin.url))
            await response.aread()

    assert response.status == 200


async def test_a_lent_pool_may_be_full_and_waiting_is_not_connecting(origin: Origin) -> None:
    """U-D1: what others do with the pool is not seen, so a pool timeout is refused and a full pool is waited for."""
    gate = Gate()
    origin.answer(Answer(200, [b"one", gate]))
    async with aiohttp.TCPConnector(limit=1) as lent:
        connector = AsyncAiohttpConnector(lent, settings=HttpSettings(connect_timeout=0.1))
        first = await AsyncPipeline(connector).send(Request("GET", origin.url))
        second = asyncio.create_task(AsyncPipeline(connector).send(Request("GET", origin.url)))
        await asyncio.sleep(0.3)
        assert not second.done()
        gate.open()
        await first.aread()
        await (await second).aread()

        with pytest.raises(UnsupportedTransportError, match="free connection"):
            await AsyncPipeline(connector, timeouts=Timeouts(pool=1)).send(Request("GET", origin.url))
        with pytest.raises(UnsupportedTransportError, match="free connection"):
            request = Request("GET", origin.url, headers=[("Host", "a.test")])
            request.extensions.set(Timeouts(pool=1))
            await connector.send(request)
        await connector.aclose()

    assert connector.capabilities[HttpVersion.HTTP_1_1] == CAPABILITIES[HttpVersion.HTTP_1_1] - {
        Capability.POOL_TIMEOUT
    }


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (object(), "builtins.object"),
        (aiohttp.ClientTimeout(), "aiohttp.client.ClientTimeout"),
        (aiohttp.TCPConnector, "builtins.type"),
        ("http://a.test", "builtins.str"),
    ],
    ids=["an object", "another thing of aiohttp", "a class", "a str"],
)
def test_anything_else_is_refused_at_wrap_time_by_name(client: object, name: str) -> None:
    """U-A4."""
    with pytest.raises(MisuseError) as caught:
        AsyncAiohttpConnector(client)  # type: ignore[arg-type]

    assert name in str(caught.value)
    assert "aiohttp.BaseConnector" in str(caught.value)


async def test_a_closed_pool_is_refused_at_wrap_time() -> None:
    session = aiohttp.ClientSession()
    await session.close()
    connector = aiohttp.TCPConnector()
    await connector.close()

    for client in (session, connector):
        with pytest.raises(ClosedError, match="closed"):
            AsyncAiohttpConnector(client)


async def test_a_pool_that_is_closed_later_is_told(origin: Origin) -> None:
    lent = aiohttp.TCPConnector()
    early, late = AsyncAiohttpConnector(lent), AsyncAiohttpConnector(lent)
    await (await AsyncPipeline(early).send(Request("GET", origin.url))).aread()
    await lent.close()

    for connector in (early, late):
        with pytest.raises(ClosedError, match="closed") as caught:
            await AsyncPipeline(connector).send(Request("GET", origin.url))
        assert caught.value.sent == "no"
        await connector.aclose()


async def test_a_pool_that_would_add_a_field_is_refused_at_wrap_time() -> None:
    """U-B2, U-B9."""
    async with aiohttp.TCPConnector(force_close=True) as lent:
        with pytest.raises(UnsupportedTransportError, match="force_close"):
            AsyncAiohttpConnector(lent)


@pytest.mark.parametrize(
    "settings",
    [HttpSettings(tls=TLSSettings(verify=False)), HttpSettings(max_connections=1), HttpSettings(keepalive=1)],
    ids=["TLS", "connections", "keep-alive"],
)
async def test_settings_that_belong_to_the_lender_are_refused(settings: HttpSettings) -> None:
    async with aiohttp.TCPConnector() as lent:
        with pytest.raises(MisuseError, match="a pool was lent"):
            AsyncAiohttpConnector(lent, settings=settings)


def test_a_pool_of_another_loop_is_refused_before_anything_is_sent(origin: Origin) -> None:
    """U-F2."""

    async def lend() -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector()

    async def send(connector: AsyncAiohttpConnector) -> None:
        with pytest.raises(ForeignLoopError, match="another event loop"):
            await AsyncPipeline(connector).send(Request("GET", origin.url))

    loop = asyncio.new_event_loop()
    try:
        lent = loop.run_until_complete(lend())
        asyncio.run(send(AsyncAiohttpConnector(lent)))
        loop.run_until_complete(lent.close())
    finally:
        loop.close()

    assert origin.connections == ()
