"""Sending through aiohttp: asynchronous, HTTP/1.1.

connector = AsyncAiohttpConnector()                       # with a pool of its own
connector = AsyncAiohttpConnector(aiohttp.TCPConnector()) # with a pool that is lent to it

aiohttp is looked for when the first name that needs it is taken from here, so `_maker` can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_aiohttp._maker import make_connector as make_connector
from stablehttp_aiohttp._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_aiohttp._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_aiohttp._connector import AsyncAiohttpConnector as AsyncAiohttpConnector
    from stablehttp_aiohttp._convert import AiohttpRequest as AiohttpRequest
    from stablehttp_aiohttp._convert import from_aiohttp as from_aiohttp
    from stablehttp_aiohttp._convert import to_aiohttp as to_aiohttp

_HOME_OF: Final = {
    "AsyncAiohttpConnector": "_connector",
    "CAPABILITIES": "_connector",
    "AiohttpRequest": "_convert",
    "from_aiohttp": "_convert",
    "to_aiohttp": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AiohttpRequest",
    "AsyncAiohttpConnector",
    "from_aiohttp",
    "make_connector",
    "make_sync_connector",
    "to_aiohttp",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
