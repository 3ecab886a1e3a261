"""Sending through pyqwest: asynchronous and synchronous, HTTP/1.1 and HTTP/2.

    connector = AsyncPyqwestConnector(versions=[HttpVersion.HTTP_2])

pyqwest is looked for when the first name that needs it is taken from here, so `_maker` can be asked without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stablehttp import lazy_names
from stablehttp_pyqwest._maker import make_connector as make_connector
from stablehttp_pyqwest._maker import make_sync_connector as make_sync_connector

if TYPE_CHECKING:
    from stablehttp_pyqwest._connector import CAPABILITIES as CAPABILITIES
    from stablehttp_pyqwest._connector import AsyncPyqwestConnector as AsyncPyqwestConnector
    from stablehttp_pyqwest._connector import SyncPyqwestConnector as SyncPyqwestConnector
    from stablehttp_pyqwest._convert import from_pyqwest as from_pyqwest
    from stablehttp_pyqwest._convert import to_pyqwest as to_pyqwest

_HOME_OF: Final = {
    "CAPABILITIES": "_connector",
    "AsyncPyqwestConnector": "_connector",
    "SyncPyqwestConnector": "_connector",
    "from_pyqwest": "_convert",
    "to_pyqwest": "_convert",
}

__all__ = [
    "CAPABILITIES",
    "AsyncPyqwestConnector",
    "SyncPyqwestConnector",
    "from_pyqwest",
    "make_connector",
    "make_sync_connector",
    "to_pyqwest",
]

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF, make_connector.check)
