"""Sending through httpx2: asynchronous and synchronous, HTTP/1.1 and HTTP/2.

    connector = AsyncHttpx2Connector()                            # with a transport of its own
    connector = AsyncHttpx2Connector(httpx2.AsyncHTTPTransport())  # with one that is lent to it

httpx2 is looked for when the first name that needs it is taken from here, so `_maker` can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_httpx2._maker import make_connector as make_connector
from stablehttp_httpx2._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_httpx2._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_httpx2._connector import AsyncHttpx2Connector as AsyncHttpx2Connector
    from stablehttp_httpx2._connector import SyncHttpx2Connector as SyncHttpx2Connector
    from stablehttp_httpx2._convert import from_httpx2 as from_httpx2
    from stablehttp_httpx2._convert import to_httpx2 as to_httpx2

_HOME_OF: Final = {
    "CAPABILITIES": "_connector",
    "AsyncHttpx2Connector": "_connector",
    "SyncHttpx2Connector": "_connector",
    "from_httpx2": "_convert",
    "to_httpx2": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AsyncHttpx2Connector",
    "SyncHttpx2Connector",
    "from_httpx2",
    "make_connector",
    "make_sync_connector",
    "to_httpx2",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
