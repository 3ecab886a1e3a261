"""What a call demands of its connector: the client's word, the operation's, and that of the call itself.

Floor 9: stands on operations, options and requirements.

Equal demands are one object, so that a call finds its connector without building anything.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, final

from stablehttp._call_options import CallOptions
from stablehttp._capability import Capability
from stablehttp._connectors import timeout_needs
from stablehttp._exchange import Duplex
from stablehttp._http_version import HttpVersion
from stablehttp._message import AnyRequest
from stablehttp._operation import Operation
from stablehttp._protocol_versions import ProtocolVersions
from stablehttp._requirements import ConnectorRequirements
from stablehttp._settings import HttpSettings, Timeouts

_CLEARTEXT: Final = frozenset({Capability.CLEARTEXT})
_DUPLEX: Final = frozenset({Capability.DUPLEX})


@final
class Demands:
    """Turns requests into requirements, for one client."""

    __slots__ = ("_settings", "_timeouts", "_usual", "_versions")

    def __init__(
        self, settings: HttpSettings | None, versions: ProtocolVersions | None, timeouts: Timeouts | None
    ) -> None:
        self._settings = settings or HttpSettings()
        self._versions = versions or ProtocolVersions()
        self._timeouts = timeout_needs(timeouts)
        self._usual = {
            "https": _requirements(self._settings, self._versions.http, self._timeouts),
            "http": _requirements(self._settings, self._versions.http, self._timeouts | _CLEARTEXT),
        }

    def of(
        self, request: AnyRequest, operation: Operation | None, options: CallOptions | None
    ) -> ConnectorRequirements:
        """What the connector for this call has to be made from, and able to do."""
        operation = operation or request.extensions.get(Operation)
        duplex = Duplex in request.extensions
        scheme = request.uri.scheme
        if operation is None and options is None and not duplex:
            return self._usual[scheme]
        settings, versions, needs = self._settings, self._versions.of(operation), self._timeouts
        if operation is not None:
            needs = needs | operation.needs
        elif duplex:
            versions = self._versions.event_stream_http
        if duplex:
            needs = needs | _DUPLEX
        if scheme == "http":
            needs = needs | _CLEARTEXT
        if options is not None:
            settings = options.settings or settings
            versions = options.versions or versions
            if options.timeouts is not None:
                needs = (needs - self._timeouts) | timeout_needs(options.timeouts)
        return _requirements(settings, versions, needs)


@lru_cache(maxsize=512)
def _requirements(
    settings: HttpSettings, versions: tuple[HttpVersion, ...], needs: frozenset[Capability]
) -> ConnectorRequirements:
    return ConnectorRequirements(settings=settings, versions=versions, needs=needs)
