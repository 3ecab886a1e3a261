"""Requests to octets and back, with h11 itself as the judge, and what the package offers."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import h11
import pytest

import stablehttp_h11
from stablehttp import (
    URI,
    AnyRequest,
    AsyncPipeline,
    BytesBody,
    Capability,
    ConnectorRequirements,
    ContentLengthError,
    HttpVersion,
    MissingExtraError,
    MisuseError,
    Request,
    Response,
    make_connector,
    make_sync_connector,
)
from stablehttp.adapting import AsyncBody, declared_length
from stablehttp.testing import Origin
from stablehttp_h11 import AsyncH11Connector, SyncH11Connector, from_h11, to_h11
from stablehttp_h11._convert import render_head
from stablehttp_h11._route import Route

PLAIN = Route(key="", host="a.test", port=80)


async def completed(request: Request[BytesBody]) -> AnyRequest:
    """The request as a pipeline hands it to a connector."""
    given: list[AnyRequest] = []

    class Transport:
        async def send(self, request: Request[AsyncBody], /) -> Response[AsyncBody]:
            given.append(request)
            return Response(204)

    await AsyncPipeline(Transport()).send(request)
    return given[0]


AWKWARD = [
    pytest.param(Request("GET", "http://a.test/%2f/../b//c?x&y=%41&"), id="target"),
    pytest.param(Request("get", URI.verbatim("http://a.test", "/a|b{c}^`%zz")), id="verbatim target and method"),
    pytest.param(Request("OPTIONS", URI.verbatim("http://a.test", "*")), id="asterisk"),
    pytest.param(Request("CONNECT", URI.verbatim("http://a.test", "b.test:443")), id="authority form"),
    pytest.param(
        Request(
            "POST",
            "http://a.test/",
            headers=[("X-D", "1"), ("Y", ""), ("x-d", "2\t3"), ("X-D", b"\xe9\xff")],
            body=b"x",
        ),
        id="lines in two spellings, with octets above 0x7F",
    ),
    pytest.param(Request("M-SEARCH", "http://a.test:8080/", headers=[("hOsT", "other.test")]), id="a Host of its own"),
    pytest.param(Request("PUT", "http://a.test/", body=b"x", trailers=[("X-T", "1")]), id="trailers"),
]


@pytest.mark.parametrize("request_", AWKWARD)
async def test_h11_reads_from_the_octets_what_the_request_says(request_: Request[BytesBody]) -> None:
    ready = await completed(request_)
    server = h11.Connection(h11.SERVER)
    server.receive_data(render_head(ready, PLAIN))

    event = server.next_event()

    assert isinstance(event, h11.Request)
    assert event.method.decode() == ready.method
    assert event.target.decode() == ready.target
    read = [(name.decode(), value.decode("latin-1")) for name, value in event.headers.raw_items()]
    assert read == ready.headers.items()


@pytest.mark.parametrize("request_", AWKWARD)
async def test_a_request_goes_to_h11_and_back_unharmed(request_: Request[BytesBody]) -> None:
    """U-K3: and each conversion makes a new object."""
    ready = await completed(request_)

    foreign = to_h11(ready)
    back = from_h11(foreign, content=request_.body.content)

    assert to_h11(ready) is not foreign
    assert back.method == ready.method
    assert back.target == ready.target
    assert back.headers.items() == ready.headers.items()
    assert back.body == request_.body


@pytest.mark.parametrize("request_", AWKWARD)
async def test_h11_would_write_the_same_octets(request_: Request[BytesBody]) -> None:
    """Measured: h11's own way takes ten times as long."""
    ready = await completed(request_)

    assert h11.Connection(h11.CLIENT).send(to_h11(ready)) == render_head(ready, PLAIN)


async def test_a_request_that_nobody_completed_is_refused_before_anything_is_sent() -> None:
    with Origin() as origin:
        async with AsyncH11Connector() as connector:
            for request in (
                Request("GET", origin.url + "/"),
                Request("PUT", origin.url + "/", headers=[("Host", "a.test")], body=b"x"),
            ):
                with pytest.raises(MisuseError, match="not completed"):
                    await connector.send(request)
        with SyncH11Connector() as twin, pytest.raises(MisuseError, match="not completed"):
            twin.send(Request("GET", origin.url + "/"))

        assert origin.connections == ()


async def test_content_in_memory_that_is_not_what_was_declared_is_refused_before_anything_is_sent() -> None:
    """U-H2."""
    with Origin() as origin:
        request = Request("PUT", origin.url + "/", headers=[("Host", "a.test")], body=b"four")
        request.headers.set("Content-Length", "3")
        assert declared_length(request) == 3
        async with AsyncH11Connector() as connector:
            with pytest.raises(ContentLengthError, match="has 4 octets, and 3 were declared"):
                await connector.send(request)

        assert origin.connections == ()


# --- what is offered ------------------------------------------------------------------------------


def test_the_maker_offers_http_1_1_and_declines_what_needs_more() -> None:
    can = ConnectorRequirements(
        versions=(HttpVersion.HTTP_2, HttpVersion.HTTP_1_1), trailers=True, streaming_upload=True
    )

    assert isinstance(stablehttp_h11.make_connector(can), AsyncH11Connector)
    assert isinstance(stablehttp_h11.make_sync_connector(can), SyncH11Connector)
    for cannot in (
        ConnectorRequirements(versions=(HttpVersion.HTTP_2,)),
        ConnectorRequirements(versions=(HttpVersion.HTTP_2,), duplex=True),
    ):
        assert stablehttp_h11.make_connector(cannot) is None
        assert stablehttp_h11.make_sync_connector(cannot) is None
    talking = ConnectorRequirements(duplex=True)
    assert isinstance(stablehttp_h11.make_connector(talking), AsyncH11Connector)
    assert stablehttp_h11.make_sync_connector(talking) is None


def test_it_is_what_a_pipeline_uses_when_nothing_else_is_said() -> None:
    assert isinstance(make_connector(), AsyncH11Connector)
    assert isinstance(make_sync_connector(), SyncH11Connector)


def test_it_declares_everything_and_duplex_where_it_is_asynchronous() -> None:
    connector, sync = AsyncH11Connector(), SyncH11Connector()

    assert connector.capabilities[HttpVersion.HTTP_1_1] == frozenset(Capability)
    assert sync.capabilities[HttpVersion.HTTP_1_1] == frozenset(Capability) - {Capability.DUPLEX}
    assert (connector.SUPPORTS_DUPLEX_STREAMING, sync.SUPPORTS_DUPLEX_STREAMING) == (True, False)


@pytest.mark.parametrize("installed", ["0.15.0", "0.17.0", "1.0"])
def test_another_version_of_h11_is_refused_by_name(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """U-A5."""
    monkeypatch.setattr(importlib.metadata, "version", lambda _: installed)

    with pytest.raises(MissingExtraError, match=f"h11 {installed} is installed"):
        stablehttp_h11.make_connector.check()
    assert stablehttp_h11.make_connector(ConnectorRequirements()) is None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = stablehttp_h11.Nothing  # type: ignore[attr-defined]

    assert all(getattr(stablehttp_h11, name) is not None for name in stablehttp_h11.__all__)


def test_asking_the_maker_loads_neither_h11_nor_an_event_loop() -> None:
    """U-A1."""
    code = "import sys, stablehttp_h11._maker; print(*sorted({'h11', 'asyncio', 'ssl'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == []
