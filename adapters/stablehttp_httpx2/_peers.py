"""What is known of the connections below responses, asked once for each connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast, final
from weakref import WeakKeyDictionary

from stablehttp import ConnectionInfo
from stablehttp_httpx2._progress import NetworkStream, alpn_of

_NOTHING: Final = ConnectionInfo()


@final
class Peers:
    """The connections seen so far, as far as they live."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[object, ConnectionInfo] = WeakKeyDictionary()

    def info(self, stream: NetworkStream | None, *, fresh: bool | None) -> ConnectionInfo:
        """What is known of the connection; `fresh` says whether the exchange made it, if that can be told."""
        if stream is None:
            return _NOTHING
        known = self._known.get(stream)
        if known is not None and not fresh:
            return known
        secured = stream.get_extra_info("ssl_object")
        version: Callable[[], str | None] | None = getattr(secured, "version", None)
        first, later = (
            ConnectionInfo(
                reused=reused,
                peer=_peer_of(stream),
                tls_version=None if version is None else version(),
                alpn=alpn_of(stream),
            )
            for reused in (None if fresh is None else not fresh, True)
        )
        self._known[stream] = later
        return first


def _peer_of(stream: NetworkStream) -> str | None:
    try:
        address = stream.get_extra_info("server_addr")
    except OSError:  # the system is asked, and the connection may have ended with the response
        return None
    if not isinstance(address, tuple):
        return None
    host, port, *_ = (str(part) for part in cast("tuple[object, ...]", (*address, "", "")))
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
