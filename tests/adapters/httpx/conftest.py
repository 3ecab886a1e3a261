"""An origin and a connector for each test, both ended when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from stablehttp.testing import Origin
from stablehttp_httpx import AsyncHttpxConnector


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as started:
        yield started


@pytest.fixture
async def connector() -> AsyncIterator[AsyncHttpxConnector]:
    async with AsyncHttpxConnector() as made:
        yield made
