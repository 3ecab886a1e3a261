"""Two S3 servers, each started once for all tests that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.integration import servers


@pytest.fixture(scope="session", params=["SeaweedFS", "rclone"])
def s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    """A server that works out signatures from what arrives."""
    start = {"SeaweedFS": servers.seaweedfs, "rclone": servers.rclone}[request.param]
    with start(tmp_path_factory.mktemp("s3")) as server:
        yield server
