"""Sending through aiohttp: asynchronous, HTTP/1.1.

connector = AsyncAiohttpConnector()                       # with a pool of its own
connector = AsyncAiohttpConnector(aiohttp.TCPConnector()) # with a pool that is lent to it
"""

from __future__ import annotations

from stablehttp_aiohttp._maker import check_client
from stablehttp_aiohttp._maker import make_connector as make_connector
from stablehttp_aiohttp._maker import make_sync_connector as make_sync_connector

check_client()

from stablehttp_aiohttp._connector import CAPABILITIES as CAPABILITIES  # noqa: E402 (not before the check)
from stablehttp_aiohttp._connector import AsyncAiohttpConnector as AsyncAiohttpConnector  # noqa: E402
from stablehttp_aiohttp._convert import AiohttpRequest as AiohttpRequest  # noqa: E402
from stablehttp_aiohttp._convert import from_aiohttp as from_aiohttp  # noqa: E402
from stablehttp_aiohttp._convert import to_aiohttp as to_aiohttp  # noqa: E402
