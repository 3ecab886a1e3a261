"""The connector: a session of ours on top of a pool, ours or lent."""

from __future__ import annotations

import asyncio
import os
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Mapping
from inspect import signature
from math import inf
from types import MappingProxyType
from typing import ClassVar, Final, final
from weakref import WeakKeyDictionary

from aiohttp import (
    BaseConnector,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)

from stablehttp import (
    AsyncBody,
    Capability,
    ClosedError,
    ForeignLoopError,
    HttpSettings,
    HttpVersion,
    MisuseError,
    Request,
    Response,
    StableHTTPError,
    Timeouts,
    TotalTimeoutError,
    UnsupportedTransportError,
)
from stablehttp.adapting import AsyncConnector, AsyncReceivedBody, Capabilities, refuse
from stablehttp_aiohttp._convert import (
    response_fields,
    response_length,
    response_reason,
    response_version,
    to_aiohttp,
)
from stablehttp_aiohttp._errors import translate
from stablehttp_aiohttp._exchange import Exchange, Home, WatchedRequest
from stablehttp_aiohttp._source import AiohttpSource
from stablehttp_aiohttp._tls import tls_context

_CAN: Final = frozenset(
    {
        Capability.STREAMED_REQUEST,
        Capability.STREAMED_RESPONSE,
        Capability.EXPECT_CONTINUE,
        Capability.REASON_PHRASE,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
        Capability.TOTAL_TIMEOUT,
        Capability.CLEARTEXT,
    }
)
CAPABILITIES: Final[Capabilities] = MappingProxyType({HttpVersion.HTTP_1_1: _CAN})
"""What this connector can do with a pool of its own; how long others hold a lent pool is not seen here."""

_LENT: Final[Capabilities] = MappingProxyType({HttpVersion.HTTP_1_1: _CAN - {Capability.POOL_TIMEOUT}})
_LONGEST_LINE: Final = 128 * 1024
_MOST_LINES: Final = 1024
_NOT_SENT_TWICE: Final = "POST"
"""aiohttp sends some methods again when a kept connection breaks; this is not one of them.

The request itself gets its true method from the exchange.
"""
