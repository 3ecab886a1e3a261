"""Sending through the AWS Common Runtime: asynchronous and synchronous, HTTP/1.1 and HTTP/2.

connector = AsyncCrtConnector(versions=[HttpVersion.HTTP_2, HttpVersion.HTTP_1_1])   # what TLS agrees on
connector = SyncCrtConnector(bootstrap)                                              # on threads that are lent
"""

from __future__ import annotations

from stablehttp_crt._maker import check_client
from stablehttp_crt._maker import make_connector as make_connector
from stablehttp_crt._maker import make_sync_connector as make_sync_connector

check_client()

from stablehttp_crt._connector import CAPABILITIES as CAPABILITIES  # noqa: E402 (not before the check)
from stablehttp_crt._connector import AsyncCrtConnector as AsyncCrtConnector  # noqa: E402
from stablehttp_crt._connector import SyncCrtConnector as SyncCrtConnector  # noqa: E402
from stablehttp_crt._convert import from_crt as from_crt  # noqa: E402
from stablehttp_crt._convert import to_crt as to_crt  # noqa: E402
