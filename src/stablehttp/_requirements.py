"""What a connector is asked for.

Floor 2: stands on settings, capabilities and protocol versions.

Apart from the choosing, which looks through what is installed: a pipeline with a connector of its own never
gets that far.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stablehttp._capability import Capability
from stablehttp._http_version import HttpVersion, checked_versions
from stablehttp._settings import HttpSettings

ORDINARY_VERSIONS: Final = (HttpVersion.HTTP_1_1,)
"""What is asked for where nobody says anything."""

EVENT_STREAM_VERSIONS: Final = (HttpVersion.HTTP_2, HttpVersion.HTTP_1_1)
"""What is asked for where nobody says anything, and messages are streamed."""

_NAMED: Final = {
    "duplex": Capability.DUPLEX,
    "trailers": Capability.REQUEST_TRAILERS,
    "streaming_upload": Capability.STREAMED_REQUEST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRequirements:
    """What a connector has to be made from, and what an operation needs of it.

    `versions` are the protocol versions that will do, best first; a connector speaks no other.  Where
    they are not given it is HTTP/1.1, or HTTP/2 and then HTTP/1.1 for `duplex`.  `needs` are
    capabilities, and hold those that the three booleans and a proxy stand for.  Fields may be added
    in later versions of the library, so read them by name.
    """

    settings: HttpSettings = field(default_factory=HttpSettings)
    versions: tuple[HttpVersion, ...] = ()
    duplex: bool = False
    trailers: bool = False
    streaming_upload: bool = False
    needs: frozenset[Capability] = frozenset()

    def __post_init__(self) -> None:
        """Bring both ways of saying what is needed together.

        Raises:
            InvalidMessageError: no request is sent with one of the versions.
        """
        needs = {*self.needs, *[capability for name, capability in _NAMED.items() if getattr(self, name)]}
        if self.settings.proxy is not None:
            needs.add(Capability.PROXY)
        for name, capability in _NAMED.items():
            object.__setattr__(self, name, capability in needs)
        usual = EVENT_STREAM_VERSIONS if self.duplex else ORDINARY_VERSIONS
        object.__setattr__(self, "needs", frozenset(needs))
        object.__setattr__(self, "versions", checked_versions(self.versions, "a connector") or usual)
