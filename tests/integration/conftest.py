"""Servers of somebody else's making, each started once for all tests that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration import servers
from tests.integration.connect_server import ConnectServer, serve_connect


@pytest.fixture(scope="session", params=["SeaweedFS", "rclone"])
def s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    """A server that works out signatures from what arrives."""
    start = {"SeaweedFS": servers.seaweedfs, "rclone": servers.rclone}[request.param]
    with start(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def connect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectServer]:
    """A service written with connectrpc, once for all tests that call it."""
    yield from serve_connect(tmp_path_factory.mktemp("connect"))
