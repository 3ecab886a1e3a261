"""What a caller asks for in one call.

Floor 8: stands on interceptors.

Every option is honoured or refused; one that could be dropped silently does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from stablehttp._editor import EditorFunction
from stablehttp._http_version import HttpVersion, checked_versions
from stablehttp._interception import Interceptor
from stablehttp._pouring import check_sink
from stablehttp._settings import HttpSettings, Timeouts
from stablehttp._sinks import AsyncSinkInput
from stablehttp._taps import ProgressHook


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """Options of one call, above what the client and the operation say.

    `timeouts` take the place of the client's as a whole.  `interceptors` run after the client's
    own.  `versions` are the protocol versions that will do for this call, best first.  `settings` take
    the place of the client's, which is to say that the call goes over a connector of its own; that
    needs a client whose connectors come from a cache.  `editor` is called with a `RequestEditor` after
    all interceptors have changed the request.

    `sink` is what the content of a success is written to while it arrives: an object with `write`, a
    callback, or a `Path`.  The call returns when all of it is there; `response.body` is a `SinkBody`
    then.  The content of any other response is kept, up to 1 MiB.  `progress` is told how far content
    has come, in both directions.
    """

    timeouts: Timeouts | None = None
    interceptors: tuple[Interceptor, ...] = ()
    versions: tuple[HttpVersion, ...] = ()
    settings: HttpSettings | None = None
    editor: EditorFunction | None = None
    sink: AsyncSinkInput | None = None
    progress: ProgressHook | None = None

    def __post_init__(self) -> None:
        """Take any iterable where a tuple is wanted.

        Raises:
            InvalidMessageError: no request is sent with one of the versions.
            InvalidBodyError: `sink` cannot be one.
        """
        if self.sink is not None:
            check_sink(self.sink, asynchronous=True)
        object.__setattr__(self, "interceptors", tuple(self.interceptors))
        object.__setattr__(self, "versions", checked_versions(self.versions, "a call"))
