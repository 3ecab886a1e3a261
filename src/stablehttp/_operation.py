"""What an operation of a service is to the transport that carries it.

Floor 2: stands on capabilities and protocol versions.

A code generator writes one `Operation` for each operation of a model; it is a value, made once and
given with every call.  It also travels in `request.extensions` under its own type, so that hooks and
transports can tell which operation a request belongs to.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Final, Literal, TypeAlias, final

from stablehttp._capability import Capability
from stablehttp._errors import InvalidMessageError
from stablehttp._http_version import HttpVersion, checked_versions

OperationKind: TypeAlias = Literal["unary", "client_stream", "server_stream", "duplex"]
"""How messages flow: one each way, many towards the server, many from it, or both at the same time."""

_KINDS: Final = ("unary", "client_stream", "server_stream", "duplex")


@final
@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of a service, and what it needs of a transport.

    `id` names it in errors, such as `com.example#GetThing`.  An upload or a download is "unary"
    however long its content is; the other kinds are for streams of messages.  Only "duplex" needs
    a transport that declares duplex streaming.  `versions` are the protocol versions that will do,
    best first; empty leaves it to the client.  `needs` are further capabilities.
    """

    id: str
    kind: OperationKind = "unary"
    _: KW_ONLY
    versions: tuple[HttpVersion, ...] = ()
    needs: frozenset[Capability] = frozenset()

    def __post_init__(self) -> None:
        """Make sure that the operation can be named and checked.

        Raises:
            InvalidMessageError: there is no id, the kind is unknown, or no request is sent with a version.
        """
        if not isinstance(self.id, str) or not self.id:
            raise InvalidMessageError("an operation needs an id that errors can name it by, such as 'com.example#Get'")
        if self.kind not in _KINDS:
            raise InvalidMessageError(f"kind of operation {self.id!r} must be one of {', '.join(map(repr, _KINDS))}")
        needs = {Capability.DUPLEX, *self.needs} if self.kind == "duplex" else self.needs
        object.__setattr__(self, "needs", frozenset(needs))
        object.__setattr__(self, "versions", checked_versions(self.versions, f"operation {self.id!r}"))

    @property
    def streams_messages(self) -> bool:
        """Whether messages are streamed in at least one direction: what models call an event stream."""
        return self.kind != "unary"
