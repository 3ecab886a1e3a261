"""Which protocol versions a client offers to its operations.

Floor 3: stands on operations and requirements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import final

from stablehttp._http_version import HttpVersion, checked_versions
from stablehttp._operation import Operation
from stablehttp._requirements import EVENT_STREAM_VERSIONS, ORDINARY_VERSIONS


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolVersions:
    """The protocol versions that will do, best first: for ordinary operations, and for streams of messages.

    Without a word it is HTTP/1.1, and HTTP/2 then HTTP/1.1.
    """

    http: tuple[HttpVersion, ...] = ORDINARY_VERSIONS
    event_stream_http: tuple[HttpVersion, ...] = EVENT_STREAM_VERSIONS

    def __post_init__(self) -> None:
        """Take any iterable; none at all means the default.

        Raises:
            InvalidMessageError: no request is sent with one of them.
        """
        object.__setattr__(self, "http", checked_versions(self.http, "a client") or ORDINARY_VERSIONS)
        streams = checked_versions(self.event_stream_http, "a client") or EVENT_STREAM_VERSIONS
        object.__setattr__(self, "event_stream_http", streams)

    def of(self, operation: Operation | None) -> tuple[HttpVersion, ...]:
        """What will do for `operation`: what it says itself, else what the client says for its kind."""
        if operation is None:
            return self.http
        return operation.versions or (self.event_stream_http if operation.streams_messages else self.http)


def minimum_versions(
    operations: Iterable[Operation], versions: ProtocolVersions = ProtocolVersions()
) -> tuple[HttpVersion, ...]:
    """The smallest set of protocol versions with which every operation can be sent, newest first.

    Where several sets are as small, it is the one that the operations like best.
    """
    lists = [versions.of(operation) for operation in operations]
    known = sorted({version for wanted in lists for version in wanted}, reverse=True)
    for size in range(len(known) + 1):
        enough = [chosen for chosen in combinations(known, size) if all(set(chosen) & set(wanted) for wanted in lists)]
        if enough:
            return min(enough, key=lambda chosen: sum(_place(wanted, chosen) for wanted in lists))
    raise AssertionError("all versions together are enough")


def _place(wanted: tuple[HttpVersion, ...], chosen: tuple[HttpVersion, ...]) -> int:
    return min(place for place, version in enumerate(wanted) if version in chosen)
