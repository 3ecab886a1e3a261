"""What a caller asks for in one call.

Floor 8: stands on interceptors.

Every option is honoured or refused; one that could be dropped silently does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from stablehttp._http_version import HttpVersion, checked_versions
from stablehttp._interception import Interceptor
from stablehttp._settings import Timeouts


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Options of one call, above what the client and the operation say.

    `timeouts` take the place of the client's as a whole.  `interceptors` run after the client's
    own.  `versions` are the protocol versions that will do for this call, best first.
    """

    timeouts: Timeouts | None = None
    interceptors: tuple[Interceptor, ...] = ()
    versions: tuple[HttpVersion, ...] = ()

    def __post_init__(self) -> None:
        """Take any iterable where a tuple is wanted.

        Raises:
            InvalidMessageError: no request is sent with one of the versions.
        """
        object.__setattr__(self, "interceptors", tuple(self.interceptors))
        object.__setattr__(self, "versions", checked_versions(self.versions, "a call"))
