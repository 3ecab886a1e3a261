"""Calling services that speak the Connect protocol, through any pipeline.

Floor 14: a door; it only re-exports.

Messages are octets unless a method says how to encode and decode them.  The protocol itself, without
I/O, is in `stablehttp.framing`.  A name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablehttp.connect._async_client import AsyncConnectClient as AsyncConnectClient
    from stablehttp.connect._compression import GZIP as GZIP
    from stablehttp.connect._compression import ConnectCompression as ConnectCompression
    from stablehttp.connect._errors import ConnectDeadlineError as ConnectDeadlineError
    from stablehttp.connect._exchange import AsyncConnectExchange as AsyncConnectExchange
    from stablehttp.connect._method import ConnectMethod as ConnectMethod
    from stablehttp.connect._reply import ConnectReply as ConnectReply
    from stablehttp.connect._streams import AsyncConnectStream as AsyncConnectStream
    from stablehttp.connect._streams import SyncConnectStream as SyncConnectStream
    from stablehttp.connect._sync_client import SyncConnectClient as SyncConnectClient
    from stablehttp.framing import ConnectCallError as ConnectCallError
    from stablehttp.framing import ConnectCode as ConnectCode
    from stablehttp.framing import ConnectDetail as ConnectDetail
    from stablehttp.framing import decode_binary_metadata as decode_binary_metadata
    from stablehttp.framing import encode_binary_metadata as encode_binary_metadata

_HOMES = {
    "_async_client": "AsyncConnectClient",
    "_compression": "GZIP ConnectCompression",
    "_errors": "ConnectDeadlineError",
    "_exchange": "AsyncConnectExchange",
    "_method": "ConnectMethod",
    "_reply": "ConnectReply",
    "_streams": "AsyncConnectStream SyncConnectStream",
    "_sync_client": "SyncConnectClient",
}
_OF_FRAMING = "ConnectCallError ConnectCode ConnectDetail decode_binary_metadata encode_binary_metadata"
_HOME_OF = {
    **{name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names.split()},
    **dict.fromkeys(_OF_FRAMING.split(), "stablehttp.framing"),
}

__all__ = [
    "GZIP",
    "AsyncConnectClient",
    "AsyncConnectExchange",
    "AsyncConnectStream",
    "ConnectCallError",
    "ConnectCode",
    "ConnectCompression",
    "ConnectDeadlineError",
    "ConnectDetail",
    "ConnectMethod",
    "ConnectReply",
    "SyncConnectClient",
    "SyncConnectStream",
    "decode_binary_metadata",
    "encode_binary_metadata",
]


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
