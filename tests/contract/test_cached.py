"""Every adapter behind a cache: one program, whatever the client, in one loop after the other."""

from __future__ import annotations

import asyncio
from importlib import import_module

import pytest

from stablehttp import (
    AsyncConnector,
    AsyncConnectorCache,
    AsyncPipeline,
    CallOptions,
    Capability,
    ConnectorRequirements,
    HttpSettings,
    HttpVersion,
    Maker,
    NegotiationError,
    Operation,
    Request,
    SyncConnector,
    SyncConnectorCache,
    SyncPipeline,
    TLSSettings,
    installed_makers,
)
from stablehttp.testing import TLS, Answer, Origin

H1, H2 = HttpVersion.HTTP_1_1, HttpVersion.HTTP_2


def makers(function: str, *versions: HttpVersion) -> list[object]:
    """The makers of all adapters that are there and speak these versions."""
    found: list[object] = []
    for name, module in installed_makers().items():
        maker: Maker[object] = getattr(import_module(module), function)
        spoken = set(versions) <= set(maker.capabilities)
        lacks = [problem for package in maker.packages if (problem := package.problem()) is not None]
        one_colour = function == "make_sync_connector" and name == "aiohttp"
        if spoken and not one_colour:
            mark = [pytest.mark.skip(reason=lacks[0])] if lacks else []
            found.append(pytest.param(maker, id=name, marks=mark))
    return found


def trusting(origin: Origin) -> HttpSettings:
    return HttpSettings(tls=TLSSettings(ca_file=str(origin.ca_file)))


@pytest.mark.parametrize("maker", makers("make_connector"))
async def test_a_program_moves_to_another_client_by_another_maker_alone(maker: Maker[object]) -> None:
    """W16, U-A7, C14: nothing else in here names a client."""
    cache = AsyncConnectorCache([maker])  # type: ignore[list-item]

    with Origin(Answer(200, b"hello")) as origin:
        async with cache:
            pipeline = AsyncPipeline(cache)
            for _ in range(2):
                response = await pipeline.send(Request("PUT", origin.url + "/x", body=b"abc"))
                assert await response.aread() == b"hello"
        received = await origin.atake()

    assert (received.target, received.content, len(origin.connections)) == (b"/x", b"abc", 1)


@pytest.mark.parametrize("maker", makers("make_sync_connector"))
def test_a_blocking_program_moves_likewise(maker: Maker[object]) -> None:
    """W16, U-A7, C14."""
    with Origin(Answer(200, b"hello")) as origin:
        with SyncConnectorCache([maker]) as cache:  # type: ignore[list-item]
            response = SyncPipeline(cache).send(Request("PUT", origin.url + "/x", body=b"abc"))
            assert response.read() == b"hello"
        assert origin.requests[-1].content == b"abc"


@pytest.mark.parametrize("maker", makers("make_connector"))
def test_one_client_works_in_three_event_loops_in_a_row(maker: Maker[object]) -> None:
    """U-F2: each loop gets connectors of its own, and closes them when it ends."""
    with Origin(Answer(200, b"hello")) as origin:
        pipeline = AsyncPipeline(AsyncConnectorCache([maker]))  # type: ignore[list-item]

        async def use() -> bytes:
            response = await pipeline.send(Request("GET", origin.url))
            return await response.aread()

        for _ in range(3):
            assert asyncio.run(use()) == b"hello"


@pytest.mark.parametrize("maker", makers("make_connector", H1, H2))
async def test_http_2_is_spoken_where_the_peer_has_it_and_http_1_1_where_it_has_not(maker: Maker[object]) -> None:
    """C8: the order of versions, with what TLS agrees on."""
    stream = Operation("com.example#Watch", "server_stream")

    for offered, spoken in ((["h2", "http/1.1"], H2), (["http/1.1"], H1)):
        with Origin(Answer(200), tls=TLS(alpn=offered), http2="h2" in offered) as origin:
            async with AsyncConnectorCache([maker]) as cache:  # type: ignore[list-item]
                pipeline = AsyncPipeline(cache, settings=trusting(origin))
                response = await pipeline.send(Request("GET", origin.url), operation=stream)
                await response.aread()
                assert response.http_version is spoken


@pytest.mark.parametrize("maker", makers("make_connector", H2))
async def test_required_http_2_against_a_peer_without_it_is_told_before_the_body_is_touched(
    maker: Maker[object],
) -> None:
    """U-J4: the error names both versions."""
    begun: list[bool] = []

    async def content() -> object:
        begun.append(True)
        yield b"abc"

    with Origin(Answer(200), tls=TLS(alpn=["http/1.1"]), http2=False) as origin:
        async with AsyncConnectorCache([maker]) as cache:  # type: ignore[list-item]
            pipeline = AsyncPipeline(cache, settings=trusting(origin))
            with pytest.raises(NegotiationError) as caught:
                await pipeline.send(
                    Request("PUT", origin.url, body=content()),  # type: ignore[call-overload]
                    options=CallOptions(versions=(H2,)),
                )

    assert (list(caught.value.wanted), begun) == (["HTTP/2"], [])
    assert caught.value.negotiated in ("HTTP/1.1", None)
    assert "HTTP/2" in str(caught.value)


@pytest.mark.parametrize("maker", makers("make_connector"))
async def test_a_connector_that_has_to_go_lets_its_last_response_come_to_its_end(maker: Maker[object]) -> None:
    """C10: what is evicted drains."""
    with Origin(Answer(200, b"x" * 300_000)) as origin:
        async with AsyncConnectorCache([maker], max_connectors=1) as cache:  # type: ignore[list-item]
            pipeline = AsyncPipeline(cache)
            slow = await pipeline.send(Request("GET", origin.url))
            other = CallOptions(settings=HttpSettings(connect_timeout=3))
            assert len(await (await pipeline.send(Request("GET", origin.url), options=other)).aread()) == 300_000
            assert len(await slow.aread()) == 300_000


@pytest.mark.parametrize("function", ["make_connector", "make_sync_connector"])
def test_every_connector_says_by_attribute_what_it_declares_by_capability(function: str) -> None:
    """D1, D7, D8, D12: explicitly, on its class, and truly on each instance."""
    assert AsyncConnector.SUPPORTS_DUPLEX_STREAMING is SyncConnector.SUPPORTS_DUPLEX_STREAMING is False
    for param in makers(function):
        (maker,) = param.values  # type: ignore[attr-defined]
        for version in maker.capabilities:
            connector = maker(ConnectorRequirements(versions=(version,)))
            if connector is None:
                continue
            assert "SUPPORTS_DUPLEX_STREAMING" in vars(type(connector)), f"{maker.name} leaves it to the default"
            declared = Capability.DUPLEX in connector.capabilities[version]
            assert connector.SUPPORTS_DUPLEX_STREAMING is declared, f"{maker.name} over {version}"
            assert connector.capabilities[version] <= maker.capabilities[version]
