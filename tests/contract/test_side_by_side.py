"""One SDK, two families of the same client in one process, and the wrong family named when it is handed over."""

from __future__ import annotations

import httpx
import httpx2
import pytest

from stablehttp import AsyncConnector, AsyncPipeline, ConnectRefusedError, MisuseError, Request
from stablehttp.testing import Answer, Origin
from stablehttp_httpx import AsyncHttpxConnector
from stablehttp_httpx2 import AsyncHttpx2Connector


async def call(connector: AsyncConnector, url: str) -> tuple[int, bytes]:
    """What an SDK does: build, send, read; it knows no client."""
    async with connector, AsyncPipeline(connector) as pipeline:
        try:
            response = await pipeline.send(Request("PUT", url, headers=[("X-D", "1"), ("x-d", "2")], body=b"abc"))
        except ConnectRefusedError as error:
            return 0, error.processed.encode()
        return response.status, await response.aread()


async def test_one_unchanged_function_works_with_both_families_in_one_process() -> None:
    """U-A3, W6."""
    with Origin(Answer(200, b"kept")) as origin:
        for connector in (AsyncHttpxConnector(), AsyncHttpx2Connector()):
            assert await call(connector, origin.url + "/a%2Fb") == (200, b"kept")
            arrived = await origin.atake()
            assert (arrived.target, arrived.content) == (b"/a%2Fb", b"abc")
            assert arrived.fields[1:3] == ((b"X-D", b"1"), (b"x-d", b"2"))


async def test_the_same_except_clause_catches_the_errors_of_both() -> None:
    """U-A3, U-A7."""
    for connector in (AsyncHttpxConnector(), AsyncHttpx2Connector()):
        assert await call(connector, "http://127.0.0.1:1/") == (0, b"no")


def test_an_object_of_the_wrong_family_is_refused_by_name_when_it_is_handed_over() -> None:
    """U-A4."""
    with pytest.raises(MisuseError, match=r"of package 'httpx', and AsyncHttpx2Connector takes .* of package 'httpx2'"):
        AsyncHttpx2Connector(httpx.AsyncHTTPTransport())  # type: ignore[arg-type]
    with pytest.raises(MisuseError, match=r"of package 'httpx2', and AsyncHttpxConnector takes .* of package 'httpx'"):
        AsyncHttpxConnector(httpx2.AsyncHTTPTransport())  # type: ignore[arg-type]
