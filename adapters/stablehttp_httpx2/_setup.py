"""What connectors of both colours have in common: what they declare, and how a request becomes httpx2's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import MappingProxyType
from typing import Final, final

import httpx2

from stablehttp import (
    AnyRequest,
    Capability,
    HttpSettings,
    HttpVersion,
    InvalidMessageError,
    MissingExtraError,
    MisuseError,
    Timeouts,
)
from stablehttp.adapting import Capabilities
from stablehttp_httpx2._content import AsyncContent, Octets, SyncContent
from stablehttp_httpx2._convert import Origins, convert, whole_url
from stablehttp_httpx2._limits import NO_TIMEOUTS, Limits, limits_of
from stablehttp_httpx2._maker import CAPABILITIES as CAPABILITIES
from stablehttp_httpx2._progress import Route
from stablehttp_httpx2._transport import check_settings

_BY_A_NETWORK: Final = frozenset(
    {
        Capability.STREAMED_RESPONSE,
        Capability.REASON_PHRASE,
        Capability.READ_TIMEOUT,
        Capability.WRITE_TIMEOUT,
        Capability.POOL_TIMEOUT,
    }
)
"""What a transport that answers by itself, for a test or an application in this process, need not do."""


@final
class Setup:
    """One connector's versions, settings and way of building requests."""

    __slots__ = ("_origins", "_server_name", "_whole", "capabilities", "route", "settings")

    def __init__(
        self, versions: Sequence[HttpVersion], settings: HttpSettings, *, lent: bool, network: bool, queues: bool
    ) -> None:
        """Set up; `lent` says that the transport is the caller's, `network` that it heeds limits of time.

        `queues` says that exchanges wait for their turn in the transport.

        Raises:
            InvalidMessageError: there is no version, or one that is not sent.
            MissingExtraError: HTTP/2 needs h2, which is not installed.
            MisuseError: the settings say how to make connections, and the transport is the caller's.
            UnsupportedTransportError: httpx2 cannot do what the settings say.
        """
        _check_versions(versions)
        if lent and replace(settings, connect_timeout=None) != HttpSettings(connect_timeout=None):
            raise MisuseError(
                "settings say how the connector makes connections, and it is to use a client that makes its own; "
                "configure that one, or leave client out"
            )
        check_settings(settings)
        proxied = settings.proxy is not None
        self.route = Route(versions=tuple(versions), own=not lent, queues=queues, proxied=proxied)
        self.settings = settings
        self.capabilities = _capabilities(versions, lent=lent, network=network)
        self._origins = Origins()
        self._whole = lent or proxied
        self._server_name = settings.tls.server_name

    def limits(self, request: AnyRequest) -> Limits:
        """The limits of time for one exchange."""
        return limits_of(request.extensions.get(Timeouts, NO_TIMEOUTS), self.settings.connect_timeout)

    def build(
        self,
        request: AnyRequest,
        content: Octets | AsyncContent | SyncContent,
        timeouts: dict[str, float | None],
        trace: Callable[..., object],
    ) -> httpx2.Request:
        """The request as httpx2 takes it.

        Raises:
            UnsupportedTransportError: httpx2 would send something else.
            MisuseError: the request was not completed.
        """
        extensions: dict[str, object] = {"timeout": timeouts, "trace": trace}
        if self._server_name is not None:
            extensions["sni_hostname"] = self._server_name
        if self._whole:
            return convert(request, whole_url(request.uri), content, extensions)
        extensions["target"] = request.target.encode("ascii")
        return convert(request, self._origins.url(request.uri), content, extensions)


def _check_versions(versions: Sequence[HttpVersion]) -> None:
    if not versions or not set(versions) <= set(CAPABILITIES):
        raise InvalidMessageError("versions must name HTTP/1.1, HTTP/2 or both, as members of HttpVersion")
    if HttpVersion.HTTP_2 in versions and find_spec("h2") is None:
        raise MissingExtraError(
            "httpx2 speaks HTTP/2 through h2, which is not installed; run: pip install 'stablehttp[httpx2]'",
            extra="httpx2",
        )


def _capabilities(versions: Sequence[HttpVersion], *, lent: bool, network: bool) -> Capabilities:
    less: frozenset[Capability] = frozenset() if network else _BY_A_NETWORK
    if lent:
        less |= {Capability.PROXY}
    return MappingProxyType({version: CAPABILITIES[version] - less for version in versions})
