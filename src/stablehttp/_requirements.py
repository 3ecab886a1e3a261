"""What a connector is asked for.

Floor 2: stands on settings and protocol versions.

Apart from the choosing, which looks through what is installed: a pipeline with a connector of its own never
gets that far.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stablehttp._http_version import HttpVersion
from stablehttp._settings import HttpSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorRequirements:
    """What a connector has to be made from, and what an operation needs of it.

    `versions` are the protocol versions that will do, best first; a connector speaks no other.
    Fields may be added in later versions of the library, so read them by name.
    """

    settings: HttpSettings = field(default_factory=HttpSettings)
    versions: tuple[HttpVersion, ...] = (HttpVersion.HTTP_1_1,)
    duplex: bool = False
    trailers: bool = False
    streaming_upload: bool = False
