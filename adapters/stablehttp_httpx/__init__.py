"""Sending through httpx: asynchronous and synchronous, HTTP/1.1 and HTTP/2.

    connector = AsyncHttpxConnector()                            # with a transport of its own
    connector = AsyncHttpxConnector(httpx.AsyncHTTPTransport())  # with one that is lent to it

httpx is looked for when the first name that needs it is taken from here, so `_maker` can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_httpx._maker import make_connector as make_connector
from stablehttp_httpx._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_httpx._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_httpx._connector import AsyncHttpxConnector as AsyncHttpxConnector
    from stablehttp_httpx._connector import SyncHttpxConnector as SyncHttpxConnector
    from stablehttp_httpx._convert import from_httpx as from_httpx
    from stablehttp_httpx._convert import to_httpx as to_httpx

_HOME_OF: Final = {
    "CAPABILITIES": "_connector",
    "AsyncHttpxConnector": "_connector",
    "SyncHttpxConnector": "_connector",
    "from_httpx": "_convert",
    "to_httpx": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AsyncHttpxConnector",
    "SyncHttpxConnector",
    "from_httpx",
    "make_connector",
    "make_sync_connector",
    "to_httpx",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
