"""Sending through the AWS Common Runtime: asynchronous and synchronous, HTTP/1.1 and HTTP/2.

connector = AsyncCrtConnector(versions=[HttpVersion.HTTP_2, HttpVersion.HTTP_1_1])   # what TLS agrees on
connector = SyncCrtConnector(bootstrap)                                              # on threads that are lent

awscrt is looked for when the first name that needs it is taken from here, so `_maker` can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_crt._maker import make_connector as make_connector
from stablehttp_crt._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_crt._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_crt._connector import AsyncCrtConnector as AsyncCrtConnector
    from stablehttp_crt._connector import SyncCrtConnector as SyncCrtConnector
    from stablehttp_crt._convert import from_crt as from_crt
    from stablehttp_crt._convert import to_crt as to_crt

_HOME_OF: Final = {
    "AsyncCrtConnector": "_connector",
    "CAPABILITIES": "_connector",
    "SyncCrtConnector": "_connector",
    "from_crt": "_convert",
    "to_crt": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AsyncCrtConnector",
    "SyncCrtConnector",
    "from_crt",
    "make_connector",
    "make_sync_connector",
    "to_crt",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
