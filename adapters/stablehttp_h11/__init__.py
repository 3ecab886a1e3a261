"""The embedded connector: HTTP/1.1 on plain sockets, asynchronous and synchronous; it needs no HTTP client.

connector = AsyncH11Connector(settings=HttpSettings(max_connections=20))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablehttp_h11._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_h11._connector import AsyncH11Connector as AsyncH11Connector
    from stablehttp_h11._connector import SyncH11Connector as SyncH11Connector
    from stablehttp_h11._convert import from_h11 as from_h11
    from stablehttp_h11._convert import to_h11 as to_h11
    from stablehttp_h11._maker import make_connector as make_connector
    from stablehttp_h11._maker import make_sync_connector as make_sync_connector

_HOME_OF = {
    "CAPABILITIES": "_connector",
    "AsyncH11Connector": "_connector",
    "SyncH11Connector": "_connector",
    "from_h11": "_convert",
    "to_h11": "_convert",
    "make_connector": "_maker",
    "make_sync_connector": "_maker",
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


def __getattr__(name: str) -> object:
    """Load a name at its first use, so that the maker can be asked without loading h11.

    Raises:
        MissingExtraError: h11 is not installed, or not in a supported version.
    """
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    from stablehttp_h11._maker import check_client

    if home != "_maker":
        check_client()
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
