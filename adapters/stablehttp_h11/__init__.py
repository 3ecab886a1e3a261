"""The embedded connector: HTTP/1.1 on plain sockets, asynchronous and synchronous; it needs no HTTP client.

connector = AsyncH11Connector(settings=HttpSettings(max_connections=20))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_h11._maker import make_connector as make_connector
from stablehttp_h11._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_h11._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_h11._connector import AsyncH11Connector as AsyncH11Connector
    from stablehttp_h11._connector import SyncH11Connector as SyncH11Connector
    from stablehttp_h11._convert import from_h11 as from_h11
    from stablehttp_h11._convert import to_h11 as to_h11

_HOME_OF: Final = {
    "CAPABILITIES": "_connector",
    "AsyncH11Connector": "_connector",
    "SyncH11Connector": "_connector",
    "from_h11": "_convert",
    "to_h11": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AsyncH11Connector",
    "SyncH11Connector",
    "from_h11",
    "make_connector",
    "make_sync_connector",
    "to_h11",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
